"""The intake: a durable queue of what is sent to the API between two runs."""
