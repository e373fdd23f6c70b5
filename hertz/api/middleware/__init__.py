"""What every request passes: keys, rate and size limits, metrics, the access log."""
