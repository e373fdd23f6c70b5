"""Prefect flows and deployments: orchestration only, the one place that imports prefect."""
