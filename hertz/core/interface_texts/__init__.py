"""The texts of the console and the reports: a Fluent file for each language, and a loader."""
