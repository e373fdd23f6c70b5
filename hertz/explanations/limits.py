"""The form of a report: its closing line, and the lengths that prompts and checks share."""

CLOSING = "Stay Tuned!"
TITLE_LENGTH = (4, 100)  # least and most characters
SENTENCE_LENGTH = 200  # most characters
CONTENT_LENGTH = (100, 2400)  # least and most characters
EMOJI_A_PARAGRAPH = 2  # most
