"""The search of a large eligibility block on a GPU."""
