"""Texts of profiles, and the model that turns them into vectors; no Prefect and no HTTP."""
