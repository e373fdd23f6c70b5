"""The policy, and profiles validated against it. Pure: no Prefect, HTTP or disk."""
