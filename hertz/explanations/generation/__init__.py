"""Texts from a language model: vLLM in a child process, or several copies through Ray."""
