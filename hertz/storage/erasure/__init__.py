"""Erases users from kept snapshots, and searches a home for what is left of them."""
