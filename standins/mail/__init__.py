"""A mail catcher: takes every mail over SMTP, delivers none, and shows them on a page."""
