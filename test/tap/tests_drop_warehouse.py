"""A warehouse is dropped while its first events are numbered: neither a counter nor an event is left behind."""
# SPDX-License-Identifier: PostgreSQL
import time

from expectations import expect, expect_equal

SETTINGS = ["max_worker_processes = 1"]

LEFT = ("SELECT (SELECT count(*) FROM icecat_data.event_counter) + (SELECT count(*) FROM icecat_data.event) "
        "+ (SELECT count(*) FROM icecat_data.event_pending)")


def test_drop_warehouse(c):
    c.sql("SELECT icecat.create_warehouse('w', 's3://b/w')")
    # In one statement: in a transaction block a reader numbers nothing.
    numbering = c.spawn("SELECT (SELECT count(*) FROM icecat.read_events('w')), pg_sleep(2);")
    time.sleep(1)
    started = time.monotonic()
    c.sql("SELECT icecat.drop_warehouse('w')")
    expect(time.monotonic() - started > 0.5, "the drop waits for the session that numbers")
    out, error = numbering.communicate(timeout=30)
    expect_equal((out.strip(), error), ("1|", ""), "which numbers the one event")
    expect_equal(c.sql(LEFT), "0", "nothing is left behind")
    c.sql("SELECT icecat.create_warehouse('v', 's3://b/v')")
    dropping = c.spawn("BEGIN; SELECT icecat.drop_warehouse('v'); SELECT pg_sleep(2); COMMIT;")
    time.sleep(1)
    expect_equal(c.sql("SELECT count(*) FROM icecat.read_events('v')"), "0", "nor does a session wait that finds it being dropped")
    dropping.communicate(timeout=30)
    expect_equal(c.sql(LEFT), "0", "and nothing is left behind")
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity() finds nothing")
