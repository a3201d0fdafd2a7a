"""Tasks that wait for another one of their table are done soon after it, whatever it waited for.

Each case is what the queue of one table looks like when the worker comes to it, made in one transaction: commits that each write a file and delete an older one.
"""
# SPDX-License-Identifier: PostgreSQL
import pytest

from expectations import expect

COMMITS = 40
DONE_S = 20
TRIMMED = """, p_properties => '{"write.metadata.delete-after-commit.enabled":"true","write.metadata.previous-versions-max":"1"}'"""

LATER = "next_attempt_at = now() + interval '%s'"
TASK = "UPDATE icecat_data.metadata_task SET %s WHERE kind = '%s' AND version %s;"
WRITTEN = "DELETE FROM icecat_data.metadata_task WHERE kind = 'write' AND version %s;"
FAILED = "attempts = 1, last_error = 'x', "

# By name: the change of the queue. Versions 2 to 41 have writes, 3 to 41 deletions; a batch of deletions has 16 at most.
CASES = {
    "the first deletion, and the write behind it, are not due yet":
        WRITTEN % "<> 4" + TASK % (LATER % "1 s", "delete", "= 3") + TASK % (LATER % "2 s", "write", "= 4"),
    "the first write is not due yet": WRITTEN % "> 2" + TASK % (LATER % "2 s", "write", "= 2"),
    "deletions wait for a write that had failed, the write behind it does not":
        WRITTEN % "> 3" + TASK % (FAILED + LATER % "1 s", "write", "= 2") + TASK % (LATER % "1 h", "delete", "> 2"),
    "deletions wait for one that had failed": WRITTEN % "> 0" + TASK % (LATER % "1 h", "delete", "> 3") + TASK % (FAILED + LATER % "1 s", "delete", "= 3"),
    "all wait for a write that had failed": TASK % (LATER % "1 h", "write", "> 2") + TASK % (LATER % "1 h", "delete", "> 2") + TASK % (FAILED + LATER % "1 s", "write", "= 2"),
    "deletions wait for one that had failed, and one of another database is between them":
        WRITTEN % "> 0" + TASK % (LATER % "1 h", "delete", "> 3") + TASK % (FAILED + LATER % "1 s", "delete", "= 3") + TASK % ("database_id = 0", "delete", "= 4"),
}


def prepare(c):
    c.make_warehouse()


@pytest.mark.parametrize("name", CASES)
def test_order(c, name):
    table = "t%d" % list(CASES).index(name)
    c.sql(c.create_table_sql(table, extra=TRIMMED))
    expect(c.queue_is_empty(), "nothing is queued yet")
    c.sql("BEGIN;" + "".join(c.property_commit_sql(table, "k", i) for i in range(COMMITS)) + CASES[name] + "COMMIT;")
    try:
        expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE database_id <> 0", "0", seconds=DONE_S), "all tasks are done",
               c.sql("SELECT version, kind, attempts, next_attempt_at - now(), last_error FROM icecat_data.metadata_task ORDER BY version, position"))
    finally:
        c.sql("DELETE FROM icecat_data.metadata_task")


def test_adopted_tasks_are_due(c):
    """Tasks that were set aside, while others of their table were put off."""
    c.sql(c.create_table_sql("adopted", extra=TRIMMED))
    expect(c.queue_is_empty(), "nothing is queued yet")
    c.sql("BEGIN;" + "".join(c.property_commit_sql("adopted", "k", i) for i in range(COMMITS)) + WRITTEN % "> 0" + TASK % ("database_id = 0, " + LATER % "1 h", "delete", "> 2") + "COMMIT;")
    c.sql("SELECT icecat.adopt_storage()")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=DONE_S), "all tasks are done",
           c.sql("SELECT version, kind, attempts, next_attempt_at - now(), last_error FROM icecat_data.metadata_task ORDER BY version, position LIMIT 5"))
