"""The template voice: reports composed from phrases, without a language model."""
