"""The routes that read: match lists, the record of a match, and similar profiles."""
