"""The rows of a report's page that name a user: to look for one, and to take one out.

In: the page. Out: how many rows name a user, or the page without them. Nothing else in a page names
anybody; there is no need to draw it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection


def rows_of(page: str, user: int) -> int:
    """How many rows of a page tell of a user."""
    return page.count(f'<tr data-user="{user}">')


def without_rows_of(page: str, users: Collection[int]) -> str:
    """A page without the rows that tell of some users; nothing else in it names anybody."""
    for user in users:
        page = re.sub(rf'<tr data-user="{user}">.*?</tr>', "", page, flags=re.DOTALL)
    return page
