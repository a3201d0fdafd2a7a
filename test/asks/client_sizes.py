"""Sizes of what clients send, and how much of it there is in a test.

SPDX-License-Identifier: PostgreSQL
"""

from asklib import ref, snapshot

REMOVED = 80_000
BODY_MAX = 33_554_432
AT_ONCE = 10_000


def add_snapshots(space, table, count):
    """Snapshots 1 to count on main."""
    for first in range(1, count + 1, AT_ONCE):
        last = min(count, first + AT_ONCE - 1)
        answer = space.commit(table, [*(snapshot(n) for n in range(first, last + 1)), ref(last)])
        assert answer.status_code == 200, answer.text[:500]
