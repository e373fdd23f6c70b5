"""Shared by the flows: parameters, artifacts, waiting for the home, running stages."""
