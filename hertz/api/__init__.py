"""The read API: serves the published snapshot over HTTP."""
