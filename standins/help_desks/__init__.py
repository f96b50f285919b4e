"""Zendesk, Intercom, Help Scout and Freshdesk as far as tickets are read from them, as their references say."""
