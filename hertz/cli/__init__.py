"""The `hertz` command."""
