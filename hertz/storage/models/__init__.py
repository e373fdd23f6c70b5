"""Finds the embedding model and the language model, and checks their files."""
