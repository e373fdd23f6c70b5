"""Where the embedding model and the language model are, and whether they are whole."""
