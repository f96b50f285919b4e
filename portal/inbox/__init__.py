"""The support inbox: tickets as exports give them, tagged by reason, ranked, reported."""
