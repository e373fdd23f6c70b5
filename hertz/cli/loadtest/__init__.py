"""`hertz loadtest`: measures a running server under load."""
