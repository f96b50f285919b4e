"""Tickets from the exports of help desks, from mailboxes and from any CSV."""

from portal.inbox.readers.options import FileRead, Problem, ReadOptions, ReadReport
from portal.inbox.readers.reading import read_tickets, tickets_from_objects

__all__ = ["FileRead", "Problem", "ReadOptions", "ReadReport", "read_tickets", "tickets_from_objects"]
