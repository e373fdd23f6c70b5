"""Errors, logs, devices, threads and Korean particles, which every other package may use."""
