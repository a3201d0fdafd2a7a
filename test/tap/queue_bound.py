#!/usr/bin/env python3
"""What commits faster than files can be written is slowed: the queue of metadata files is bounded for SQL callers, too.

icecat.metadata_queue_max files may be queued; above that a commit waits, before it takes any lock, at most
icecat.metadata_queue_wait_ms.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import signal
import time

import cluster

MAX = 40
WAIT_MS = 400
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


def test_waits(c, t):
    """The worker is stopped: nothing is written."""
    c.sql(c.create_table_sql("a") + c.create_table_sql("b"))
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql(COMMITS % (MAX + 1, "a"))
    t.equal(queued(c), MAX + 1, "%d files may be queued" % MAX)
    commit = c.property_commit_sql("b", "k", "v")
    t.ok(seconds(c, commit) >= WAIT_MS / 1000, "then a commit waits, whatever its table")
    t.equal(queued(c), MAX + 2, "and is made")
    t.ok(seconds(c, "SET icecat.metadata_queue_max = 0;" + commit) < WAIT_MS / 1000, "0 is no limit")
    t.ok(seconds(c, "SELECT icecat.load_table('w', '{ns}', 'a') IS NOT NULL") < WAIT_MS / 1000, "a load does not wait")
    took = seconds(c, "SET icecat.metadata_queue_wait_ms = 3000; BEGIN; CREATE TEMP TABLE x (); " + commit + commit + "COMMIT;")
    t.ok(took < 2.5, "nor does a commit in a transaction that has changed something, and may hold locks", took)
    waiting = c.spawn("SET icecat.metadata_queue_wait_ms = 20000;" + commit)
    time.sleep(0.5)
    t.equal(c.sql("SELECT count(*) FROM pg_locks l JOIN pg_class r ON r.oid = l.relation WHERE r.relname = 'table_head' AND l.pid <> pg_backend_pid()"),
            "0", "who waits holds no lock on a table's head")
    os.kill(pid, signal.SIGCONT)
    start = time.monotonic()
    waiting.wait()
    t.ok(waiting.returncode == 0 and time.monotonic() - start < 10, "it goes on as soon as the queue is short again")
    t.ok(c.queue_is_empty(), "all files are written")


def test_sustained(c, t):
    """Two sessions commit as fast as they can: the queue stays short."""
    writers = [c.spawn("SET icecat.metadata_queue_wait_ms = 10000;" + COMMITS % (LOAD // 2, table)) for table in ("a", "b")]
    longest = 0
    while any(writer.poll() is None for writer in writers):
        longest = max(longest, queued(c))
        time.sleep(0.02)
    t.equal([writer.returncode for writer in writers], [0, 0], "%d commits of two sessions" % LOAD)
    t.ok(longest <= MAX + len(writers) + 5, "never many more than %d files are queued" % MAX, longest)
    t.ok(c.queue_is_empty(), "and all are written")


def test(c, t):
    c.make_warehouse()
    test_waits(c, t)
    test_sustained(c, t)


if __name__ == "__main__":
    cluster.main(test, ["icecat.metadata_queue_max = %d" % MAX, "icecat.metadata_queue_wait_ms = %d" % WAIT_MS])
