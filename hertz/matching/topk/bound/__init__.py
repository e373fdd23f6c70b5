"""The certified upper bound of every pair's score."""
