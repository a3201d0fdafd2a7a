"""A session that is idle in a transaction after run_worker_once() or read_events() stops nobody; run_worker_once() works under
any isolation level."""
# SPDX-License-Identifier: PostgreSQL
import time

from expectations import expect, expect_equal

IDLE_S = 60


def idle_session(c, calls):
    """A session that makes these calls in a transaction and then does nothing for a while."""
    session = c.spawn("BEGIN; %s SELECT pg_sleep(%d); COMMIT;" % (calls, IDLE_S))
    c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND wait_event = 'PgSleep'", "1")
    return session


def end(c, session):
    c.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'")
    session.wait()


def check_idle(c, name, calls):
    c.sql(c.property_commit_sql("t", "k", name + " before"))
    session = idle_session(c, calls)
    c.sql(c.property_commit_sql("t", "k", name))
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 't', 8000)"), "t", "%s: another's file is written" % name)
    expect_equal(c.sql("SELECT icecat.run_worker_once() >= 0"), "t", "%s: run_worker_once() ends" % name)
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.event_pending", "0", seconds=5), "%s: events get their numbers" % name)
    expect_equal(c.sql("SELECT version FROM icecat.read_events('w') ORDER BY number DESC LIMIT 1"),
                 c.sql("SELECT max(version) FROM icecat_data.table_head"), "%s: and are read" % name)
    expect_equal(session.poll(), None, "%s: the session was idle all the while" % name)
    end(c, session)


def check_isolation(c):
    """Where no worker runs, so that the session does the work."""
    c.sql("ALTER SYSTEM SET max_worker_processes = 1")
    c.stop()
    c.start()
    for level in ("read committed", "repeatable read", "serializable"):
        c.sql(c.property_commit_sql("t", "k", level) + c.property_commit_sql("t", "k", level + " again"))
        expect_equal(c.sql("SET default_transaction_isolation = '%s'; SELECT icecat.run_worker_once()" % level), "2",
                     "%s: run_worker_once() does what is due" % level)
        expect_equal(c.sql("SELECT count(*) FROM icecat_data.metadata_task"), "0", "%s: the queue is empty" % level)
        expect_equal(c.sql("SELECT count(*) FROM icecat_data.event_pending"), "0", "%s: and events have numbers" % level)
    c.sql(c.property_commit_sql("t", "k", "idle"))
    session = idle_session(c, "SELECT count(*) FROM icecat.read_events('w');")
    start = time.monotonic()
    expect_equal(c.sql("SELECT version FROM icecat.read_events('w') ORDER BY number DESC LIMIT 1"),
                 c.sql("SELECT max(version) FROM icecat_data.table_head"), "an idle reader without a worker: another one numbers the events")
    expect(time.monotonic() - start < 5, "and does not wait")
    expect_equal(c.sql("SELECT icecat.run_worker_once() >= 0"), "t", "nor does run_worker_once()")
    end(c, session)
    answer = c.sql("BEGIN; SELECT icecat.run_worker_once(); COMMIT", check=False)
    expect("cannot run in a transaction block where no worker can start" in answer, "in a transaction block it is refused there", answer)


def test_worker_idle(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))
    c.wait_worker()
    expect_equal(c.sql("SELECT application_name FROM pg_stat_activity WHERE backend_type = 'icecat worker'"), "icecat worker",
                 "pg_stat_activity names the worker")
    expect_equal(c.sql("SELECT state, waiting_s IS NULL, worker_error IS NULL, queued FROM icecat.worker_status()"), "running|t|t|0",
                 "worker_status() knows its state")
    check_idle(c, "run_worker_once", "SELECT icecat.run_worker_once();")
    check_idle(c, "read_events", "SELECT count(*) FROM icecat.read_events('w');")
    check_idle(c, "wait_for_metadata", "SELECT icecat.wait_for_metadata('w', '{ns}', 't');")
    check_isolation(c)
