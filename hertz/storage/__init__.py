"""The one place that touches disk."""
