"""`hertz compare-models`: measures language models on this machine."""
