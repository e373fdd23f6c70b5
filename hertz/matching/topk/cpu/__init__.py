"""Searches a large eligibility block on a CPU."""
