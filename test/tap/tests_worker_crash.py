"""Every queued metadata file is written after a crash of the worker, of the server, and of everything."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import signal
import time

from expectations import expect, expect_equal


def all_written(c, what):
    expect(c.queue_is_empty(), "%s: the queue becomes empty" % what,
           c.sql("SELECT * FROM icecat.worker_status()"))
    paths = c.metadata_paths()
    missing = [path for path in paths if not os.path.exists(path)]
    expect_equal(missing, [], "%s: all %d files are there" % (what, len(paths)))
    broken = []
    for path in paths:
        try:
            with open(path) as file:
                json.load(file)
        except (OSError, ValueError) as error:
            broken.append((path, str(error)))
    expect_equal(broken, [], "%s: and whole" % what)
    left = [name for _, _, names in os.walk(c.files) for name in names if name.endswith(".tmp")]
    return left


def test_worker_crash(c):
    c.make_warehouse()
    pid = c.wait_worker()
    expect(pid, "a worker runs without shared_preload_libraries")

    c.freeze(pid)
    c.sql("".join(c.changed_table_sql("a%d" % i) for i in range(40)))
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'"), "40",
                 "40 files wait for a stopped worker")
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    expect(c.wait_sql("SELECT 1", "1"), "the server has restarted after the worker was killed")
    expect(c.wait_worker() != pid, "a new worker runs")
    all_written(c, "worker killed")

    pid = c.wait_worker()
    c.freeze(pid)
    c.sql("".join(c.changed_table_sql("b%d" % i) for i in range(40)))
    c.kill_postmaster()
    c.sql("SELECT icecat.table_exists('w', '{ns}', 'a0')")
    all_written(c, "everything killed, and a session only reads")

    writers = [c.spawn("".join(c.changed_table_sql("c%d_%d" % (w, i)) for i in range(60)))
               for w in range(3)]
    time.sleep(0.4)
    c.kill_postmaster()
    for writer in writers:
        writer.communicate()
    c.sql("SELECT icecat.table_exists('w', '{ns}', 'a0')")
    all_written(c, "killed amid commits")
    numbers = c.sql("SELECT count(*) = max(number), count(DISTINCT event_id) = count(*), "
                    "count(*) FILTER (WHERE event_type = 'create-table') "
                    "= (SELECT count(*) FROM icecat.tables) FROM icecat.read_events('w', 0, 100000)")
    expect_equal(numbers, "t|t|t", "each table that exists has one event, numbered without a gap")

    pid = c.wait_worker()
    os.kill(pid, signal.SIGTERM)
    expect(c.wait_sql("SELECT coalesce(pid, 0) <> %d FROM icecat.worker_status()" % pid, "t"),
           "a worker ends when it is asked to")
    c.sql(c.changed_table_sql("d"))
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'd', 10000)"), "t",
                 "and the next change starts another")
