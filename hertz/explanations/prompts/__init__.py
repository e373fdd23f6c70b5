"""The prompts for the language model, and the reading of its answers."""
