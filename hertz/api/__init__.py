"""The HTTP API: serves the published snapshot, takes the intake in and shows the console."""
