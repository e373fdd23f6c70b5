"""Profiles, policy, scores and exact mutual top-k. Pure: no Prefect, HTTP or disk."""
