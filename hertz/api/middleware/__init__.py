"""Middleware around every request: keys, rate and size limits, metrics and the access log."""
