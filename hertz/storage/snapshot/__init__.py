"""Published snapshots and what is in them: manifest, serving file, Chroma, history."""
