"""`hertz doctor`: checks everything that a night needs."""
