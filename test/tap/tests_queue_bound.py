"""What commits faster than files can be written is slowed: the queue of metadata files is bounded for SQL callers, too.

icecat.metadata_queue_max files may be queued; above that a commit waits, before it takes any lock, at most
icecat.metadata_queue_wait_ms.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import signal
import time

from expectations import expect, expect_equal

MAX = 40
WAIT_MS = 400
SETTINGS = ["icecat.metadata_queue_max = %d" % MAX, "icecat.metadata_queue_wait_ms = %d" % WAIT_MS]
LOAD = 1500

COMMITS = """DO $$ BEGIN FOR i IN 1 .. %d LOOP
	PERFORM icecat.commit_table('w', '{ns}', '%s', '[]', ('[{"action":"set-properties","updates":{"v":"' || i || '"}}]')::json);
	COMMIT;
END LOOP; END $$;
"""


def seconds(c, script):
    start = time.monotonic()
    c.sql(script)
    return time.monotonic() - start


def queued(c):
    return int(c.sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'"))


def prepare(c):
    c.make_warehouse()


def test_what_is_taken_back_does_not_count(c):
    c.sql(c.create_table_sql("back"))
    commit = c.property_commit_sql("back", "k", "v")
    pid = c.wait_worker()
    c.freeze(pid)
    try:
        c.sql("BEGIN; " + ("SAVEPOINT one; SAVEPOINT two; " + commit + "RELEASE two; " + commit + "ROLLBACK TO one; ") * MAX + "SAVEPOINT three; " + commit + "RELEASE three; COMMIT;")
        expect_equal(queued(c), 1, "what was not taken back is queued")
        expect(seconds(c, "SET icecat.metadata_queue_wait_ms = 60000; " + commit) < 40, "the next commit does not wait")
        c.sql("BEGIN; " + ("SAVEPOINT one; " + commit + "RELEASE one; ") * MAX + "COMMIT;")
        expect(seconds(c, commit) >= WAIT_MS / 1000, "what comes of parts of a transaction counts")
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(c.queue_is_empty(), "all is written")


def test_waits(c):
    """The worker is stopped: nothing is written."""
    c.sql(c.create_table_sql("a") + c.create_table_sql("b"))
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql(COMMITS % (MAX + 1, "a"))
    expect_equal(queued(c), MAX + 1, "%d files may be queued" % MAX)
    commit = c.property_commit_sql("b", "k", "v")
    expect(seconds(c, commit) >= WAIT_MS / 1000, "then a commit waits, whatever its table")
    expect_equal(queued(c), MAX + 2, "and is made")
    expect(seconds(c, "SET icecat.metadata_queue_wait_ms = 60000; SET icecat.metadata_queue_max = 0;" + commit) < 40, "0 is no limit")
    expect(seconds(c, "SET icecat.metadata_queue_wait_ms = 60000; SELECT icecat.load_table('w', '{ns}', 'a') IS NOT NULL") < 40, "a load does not wait")
    took = seconds(c, "SET icecat.metadata_queue_wait_ms = 60000; BEGIN; CREATE TEMP TABLE x (); " + commit + commit + "COMMIT;")
    expect(took < 40, "nor does a commit in a transaction that has changed something, and may hold locks", took)
    waiting = c.spawn("SET icecat.metadata_queue_wait_ms = 60000;" + commit)
    time.sleep(0.5)
    expect_equal(c.sql("SELECT count(*) FROM pg_locks l JOIN pg_class r ON r.oid = l.relation WHERE r.relname = 'table_head' AND l.pid <> pg_backend_pid()"),
                 "0", "who waits holds no lock on a table's head")
    os.kill(pid, signal.SIGCONT)
    start = time.monotonic()
    waiting.wait()
    expect(waiting.returncode == 0 and time.monotonic() - start < 40, "it goes on as soon as the queue is short again")
    expect(c.queue_is_empty(), "all files are written")


def test_sustained(c):
    """Two sessions commit as fast as they can: the queue stays short."""
    writers = [c.spawn("SET icecat.metadata_queue_wait_ms = 10000;" + COMMITS % (LOAD // 2, table)) for table in ("a", "b")]
    longest = 0
    while any(writer.poll() is None for writer in writers):
        longest = max(longest, queued(c))
        time.sleep(0.02)
    expect_equal([writer.returncode for writer in writers], [0, 0], "%d commits of two sessions" % LOAD)
    expect(longest <= MAX + len(writers) + 5, "never many more than %d files are queued" % MAX, longest)
    expect(c.queue_is_empty(), "and all are written")
