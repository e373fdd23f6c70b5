"""Made-up profiles for trying Hertz out."""
