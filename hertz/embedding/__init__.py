"""Texts of profiles, and the model that turns them into vectors. No Prefect, HTTP or disk."""
