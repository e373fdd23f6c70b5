"""The read routes: match lists, reasons for a match, similar profiles."""
