"""The console: pages for people over what the API serves. It only reads."""
