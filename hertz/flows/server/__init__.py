"""Prefect's server, work pool, worker, deployments and automations."""
