"""Scores of pairs, and the exact mutual top-k. Pure: no Prefect, HTTP or disk."""
