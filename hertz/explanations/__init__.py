"""Explanations of why two people match: facts, voices, prompts, generation, checks. Pure."""
