"""Finds and removes the rows of a report's page that name a user.

In: the page. Out: the number of rows that name a user, or the page without them. Nothing else in a
page names a user, so it need not be drawn again.
"""

from __future__ import annotations

import re
from collections.abc import Collection


def rows_of(page: str, user: int) -> int:
    """Returns the number of rows of a page that name a user."""
    return page.count(f'<tr data-user="{user}">')


def without_rows_of(page: str, users: Collection[int]) -> str:
    """Returns a page without the rows that name some users."""
    for user in users:
        page = re.sub(rf'<tr data-user="{user}">.*?</tr>', "", page, flags=re.DOTALL)
    return page
