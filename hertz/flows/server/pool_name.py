"""The name of the work pool, for the programs that start before Prefect can be imported."""

POOL = "hertz"
