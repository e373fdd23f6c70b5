"""The explain stage: explains every match by the language model or the template voice."""
