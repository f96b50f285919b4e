"""A webhook catcher: takes every POST under /hooks/, passes none on, and shows them on a page."""
