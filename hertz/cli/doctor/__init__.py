"""`hertz doctor`: checks that everything a night needs is there."""
