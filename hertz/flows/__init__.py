"""Prefect flows and deployments. Only this folder imports Prefect."""
