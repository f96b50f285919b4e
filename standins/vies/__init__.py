"""A register of VAT numbers that answers as the European Commission's REST API does."""
