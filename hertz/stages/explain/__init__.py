"""The explain stage: every match explained by the language model or the template voice."""
