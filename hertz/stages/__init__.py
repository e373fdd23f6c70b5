"""The stages of a night as plain functions, called by the command line and by the flows."""
