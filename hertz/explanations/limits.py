"""The form of a report: its closing line, and the lengths that prompts and checks share."""

CLOSING = "Stay Tuned!"
TITLE_LENGTH = (4, 100)  # fewest and most characters
SENTENCE_LENGTH = 200  # most characters
CONTENT_LENGTH = (100, 2400)  # fewest and most characters
EMOJI_PER_PARAGRAPH = 2  # most
