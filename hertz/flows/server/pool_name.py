"""The name of the work pool, for programs that must not import Prefect yet."""

POOL = "hertz"
