"""Why two people match, in words: facts, voices, prompts, generation and checks. Pure."""
