"""The demo's support inbox: made-up tickets of the demo's people and of other customers."""
