"""The demo: the portal's own processes, as the Procfile names them, beside the stand-ins."""
