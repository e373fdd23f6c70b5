"""Searches a large eligibility block on a GPU."""
