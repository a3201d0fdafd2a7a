"""A restart with a full queue: every file gets written, with the right content, and nothing else is left."""
# SPDX-License-Identifier: PostgreSQL
import json
import os

from expectations import expect, expect_equal

SETTINGS = ["max_worker_processes = 1"]

TABLES = 30
COMMITS = 12


def documents(c):
    """Location and document of each table."""
    rows = c.sql("SELECT replace(x ->> 'metadata-location', 'file://', ''), x -> 'metadata' "
                 "FROM icecat.tables t, icecat.load_table(t.warehouse, t.namespace, t.table_name) x")
    return [row.split("|", 1) for row in rows.splitlines()]


def test_restart_queue(c):
    c.make_warehouse()
    c.sql("".join(c.create_table_sql("t%d" % i) for i in range(TABLES)))
    for n in range(COMMITS):
        c.sql("".join(c.property_commit_sql("t%d" % i, "k", n) for i in range(TABLES)))
    c.sql("BEGIN; SELECT icecat.drop_table('w', '{ns}', 't0', true); COMMIT")
    queued = int(c.sql("SELECT count(*) FROM icecat_data.metadata_task"))
    expect(queued >= TABLES * COMMITS, "the queue is full", queued)
    c.sql("ALTER SYSTEM SET max_worker_processes = 8; ALTER SYSTEM SET shared_preload_libraries = 'icecat'; "
          "LOAD 'icecat'; ALTER SYSTEM SET icecat.worker_databases = 'postgres'")
    c.stop()
    c.start()
    expect(c.queue_is_empty(), "after a restart the permanent worker does all of it",
           c.sql("SELECT * FROM icecat.worker_status()"))
    paths = c.metadata_paths()
    expect_equal(len(paths), (TABLES - 1) * (COMMITS + 1), "every commit of every table has its file")
    missing = [path for path in paths if not os.path.isfile(path)]
    expect_equal(missing, [], "which is there")
    wrong = []
    for path, document in documents(c):
        with open(path) as file:
            if json.load(file) != json.loads(document):
                wrong.append(path)
    expect_equal(wrong, [], "the newest file of each is what load_table returns")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.table_head"), str(TABLES - 1), "the purge is done, too")
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity() finds nothing")
    expect_equal(c.sql("SELECT unnumbered_events FROM icecat.worker_status()"), "0", "all events are numbered")

    # Again by a worker that starts on demand, and a crash in place of the stop.
    c.sql("ALTER SYSTEM RESET shared_preload_libraries; ALTER SYSTEM SET max_worker_processes = 1")
    c.stop()
    c.start()
    for n in range(3):
        c.sql("".join(c.property_commit_sql("t%d" % i, "again", n) for i in range(1, TABLES)))
    expect_equal(c.sql("SELECT pending_writes FROM icecat.worker_status()"), str(3 * (TABLES - 1)), "it is full again")
    c.sql("ALTER SYSTEM SET max_worker_processes = 8")
    c.kill_postmaster()
    expect_equal(c.sql("SELECT icecat.start_worker()"), "t", "after a crash start_worker() starts one")
    expect(c.queue_is_empty(), "which does all of it", c.sql("SELECT * FROM icecat.worker_status()"))
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity() finds nothing again")
