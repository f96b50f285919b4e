"""What the worker processes share: slots of the timetable, how each job goes, and who works."""
