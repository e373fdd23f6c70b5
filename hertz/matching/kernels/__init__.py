"""Compiled inner loops of the scores and of the search on a CPU."""
