"""More databases than background processes: every database's files are written, the workers take turns, and the log says so once."""
# SPDX-License-Identifier: PostgreSQL
import re
import time

from expectations import expect, expect_equal

SETTINGS = ["icecat.worker_turn_s = 1", "max_connections = 40"]
DATABASES = ["d%d" % i for i in range(8)]
PENDING_SQL = "SELECT count(*) FROM icecat_data.metadata_task"
WAITS = "waits for a background process"


def pending(c, databases):
    return [name for name in databases if c.sql(PENDING_SQL, name) != "0"]


def wait_done(c, databases, seconds=60):
    """Seconds until no database has a queued file; None: too long. Looking wakes nobody: no function is called."""
    start = time.monotonic()
    while time.monotonic() < start + seconds:
        if not pending(c, databases):
            return time.monotonic() - start
        time.sleep(0.5)
    return None


def restart(c, processes):
    c.sql("ALTER SYSTEM SET max_worker_processes = %d" % processes)
    c.stop()
    c.start()


def prepare(c):
    for name in DATABASES:
        c.make_warehouse(database=name)
        c.sql(c.create_table_sql("t"), name)


def test_one_process(c):
    """One process for all; each database commits once, and then nobody comes back."""
    restart(c, 2)    # the logical replication launcher has the other
    for name in DATABASES:
        c.sql(c.property_commit_sql("t", "one", 1), name)
    took = wait_done(c, DATABASES)
    expect(took is not None, "one process, 8 databases that committed once: all files are written (%s s)" % took, pending(c, DATABASES))


def test_active(c):
    """Two processes; all databases go on committing."""
    restart(c, 3)
    start = len(c.log_text())
    oldest = {}
    end = time.monotonic() + 25
    while time.monotonic() < end:
        for name in DATABASES:
            c.sql(c.property_commit_sql("t", "many", time.monotonic()), name)
        for name in DATABASES:
            age = c.sql("SELECT coalesce(max(extract(epoch FROM clock_timestamp() - created_at)), 0) FROM icecat_data.metadata_task",
                        name)
            oldest[name] = max(oldest.get(name, 0), float(age))
    expect(max(oldest.values()) < 25, "two processes, 8 databases that go on committing: no file waits %.0f s" % max(oldest.values()))
    states = {c.sql("SELECT state FROM icecat.worker_status()", name) for name in DATABASES}
    expect("waiting" in states and "running" in states, "worker_status() says who runs and who waits", states)
    took = wait_done(c, DATABASES)
    expect(took is not None, "then all files are written (%s s)" % took, pending(c, DATABASES))
    said = re.findall(r"worker of database (\d+) " + WAITS, c.log_text()[start:])
    expect_equal(len(said), 1, "the log says that databases wait, once")
