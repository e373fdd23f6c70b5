"""The snapshot that is served, and what the intake has taken since."""
