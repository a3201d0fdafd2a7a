"""A look for work costs what is due, not what is queued: 3,000 failing tasks beside one table that works."""
# SPDX-License-Identifier: PostgreSQL
import os
import signal
import subprocess
import time

from expectations import expect, expect_equal

FAILING = 3000
COMMITS = 60
NOWHERE = "nowhere://x/"
DELETIONS = 320
DELETED_AT_ONCE = 16
TRIMMED = """, p_properties => '{"write.metadata.delete-after-commit.enabled":"true","write.metadata.previous-versions-max":"1"}'"""


def queue_failing_sql(failing):
    """As many tables' tasks of a scheme that nobody can write, which have failed and are due again in an hour."""
    return ("INSERT INTO icecat_data.metadata_task (warehouse_id, table_id, version, position, kind, location, head, created_at, "
            "attempts, next_attempt_at, last_error, database_id) "
            "SELECT w.warehouse_id, gen_random_uuid(), 1, 1, 'delete', '%s' || n, '{\"table-uuid\":\"x\"}', now(), 9, "
            "now() + interval '1 hour', 'no such storage', d.oid "
            "FROM icecat_data.warehouse w, generate_series(1, %d) n, pg_database d WHERE d.datname = current_database();"
            "ANALYZE icecat_data.metadata_task" % (NOWHERE, failing))


def rows_read(c):
    """Rows of the queue that index scans and table scans have given to all sessions so far."""
    return int(c.sql("SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = 'metadata_task'"))


def run_commits(c, count, name):
    """Commits one by one, waiting for each file; the rows of the queue that were read for each."""
    c.sql("SELECT pg_sleep(2)")  # statistics come late
    before = rows_read(c)
    for i in range(count):
        c.sql(c.property_commit_sql("t", name, i) + "SELECT icecat.wait_for_metadata('w', '{ns}', 't', 10000)")
    c.sql("SELECT pg_sleep(2)")
    return (rows_read(c) - before) / count


def prepare(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))


def test_cost(c):
    few = run_commits(c, COMMITS, "few")
    c.sql(queue_failing_sql(FAILING))
    many = run_commits(c, COMMITS, "many")
    expect(many < few + 10, "a commit's file costs %.0f rows of the queue beside %d failing tasks, %.0f without" % (many, FAILING, few))
    expect_equal(c.sql("SELECT failing FROM icecat.worker_status()"), str(FAILING), "and these are still to be done")
    c.sql("DELETE FROM icecat_data.metadata_task WHERE location ~ '^nowhere'")


SOON_SQL = "SELECT count(*) FROM icecat_data.metadata_task WHERE next_attempt_at < now() + interval '10 minutes'"


def chmod(c, mode, path):
    subprocess.run(["chmod", mode, path], user=c.user, check=True)


def test_held(c):
    """Tasks that come behind one that fails are not looked at again and again, and are done when it is."""
    c.sql(c.create_table_sql("held"))
    c.queue_is_empty()
    location = c.sql("SELECT location FROM icecat.tables WHERE table_name = 'held'")[len("file://"):]
    chmod(c, "0500", location + "/metadata")
    c.sql("".join(c.property_commit_sql("held", "k", i) for i in range(100)))
    expect(c.wait_sql("SELECT max(attempts) > 1 FROM icecat_data.metadata_task", "t"), "the first of a table's 100 tasks fails")
    expect(c.wait_sql(SOON_SQL, "1"), "the 99 behind it are put off", c.sql(SOON_SQL))
    c.sql(c.property_commit_sql("held", "k", "later"))
    expect(c.wait_sql(SOON_SQL, "1"), "and one that comes later, too", c.sql(SOON_SQL))
    c.sql(c.property_commit_sql("t", "k", "beside"))
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 't', 5000)"), "t", "another table is not held up")
    chmod(c, "0755", location + "/metadata")
    start = time.monotonic()
    expect(c.queue_is_empty(), "when the first can be done, all are (%.1f s)" % (time.monotonic() - start))


def test_deletions_before_a_write(c):
    """A write that fails, on a full disk say, is not tried after each batch of the deletions before it."""
    c.sql(c.create_table_sql("full", extra=TRIMMED))
    expect(c.queue_is_empty(), "nothing is queued yet")
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql("".join(c.property_commit_sql("full", "k", i) for i in range(DELETIONS)))
    last = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'full'")[len("file://"):]
    os.mkdir(last)  # cannot be written as a file
    c.sql("UPDATE icecat_data.metadata_task SET attempts = 1 WHERE kind = 'delete'")
    os.kill(pid, signal.SIGCONT)
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'delete'", "1"), "all deletions before it are done")
    attempts = int(c.sql("SELECT attempts FROM icecat_data.metadata_task WHERE kind = 'write'"))
    expect(0 < attempts < DELETIONS / DELETED_AT_ONCE / 2, "it was tried a few times", attempts)
    os.rmdir(last)
    expect(c.queue_is_empty(), "and is written when it can be")


def test_deletion_fails(c):
    """A deletion that fails does not delay the later files of its table, and is done when it can be."""
    c.sql(c.create_table_sql("old", extra=TRIMMED))
    first = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'old'")[len("file://"):]
    os.remove(first)
    os.mkdir(first)  # cannot be deleted as a file
    for i in range(3):
        c.sql(c.property_commit_sql("old", "k", i))
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'delete' AND attempts > 0", "1"),
           "the deletion of an old file fails")
    c.sql(c.property_commit_sql("old", "k", "later"))
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'old', 3000)"), "t", "later files of its table are written")
    os.rmdir(first)
    with open(first, "w"):
        pass
    expect(c.queue_is_empty(), "and the deletions are done when they can be")
    expect(not os.path.exists(first), "in the end")
