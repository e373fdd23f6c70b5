"""Checks that decide whether a text about two people may be published."""
