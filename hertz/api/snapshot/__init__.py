"""The state that reads see: the served snapshot, and what the intake has taken since."""
