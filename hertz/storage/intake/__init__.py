"""The intake: what is sent between two nights, durable before it is answered."""
