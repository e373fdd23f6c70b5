"""The policy, and the checks of profiles against it. Pure: no Prefect, HTTP or disk."""
