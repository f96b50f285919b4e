"""Nudges: people who wrote about something that a screen does by now are told so, once; a control group is not."""
