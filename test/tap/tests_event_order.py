"""Events of many writers: every commit once, numbered without a gap, in order per table, never late for a reader."""
# SPDX-License-Identifier: PostgreSQL
import os
import signal
import time

from expectations import expect, expect_equal
from postgres import HOLD

WRITERS = 4
COMMITS = 40


def follow(c, seen, versions, problems):
    """Reads on from the last number, as a consumer does, and notes what must not be."""
    rows = c.sql("SELECT number, object_id, version, event_id FROM icecat.read_events('w', %d, 100)"
                 % (seen[-1][0] if seen else 0))
    for row in rows.splitlines():
        number, table, version, event = row.split("|")
        number, version = int(number), int(version)
        if number != (seen[-1][0] if seen else 0) + 1:
            problems.append("gap before %d" % number)
        if version < versions.get(table, 0):
            problems.append("%d: version %d after %d" % (number, version, versions[table]))
        versions[table] = version
        seen.append((number, event))
    return len(rows.splitlines())


def test_event_order(c):
    c.make_warehouse()
    c.sql("".join(c.create_table_sql("t%d" % i) for i in range(3)))
    lagging = c.spawn("BEGIN;" + c.create_table_sql("slow") + "SELECT pg_sleep(4); COMMIT;")
    time.sleep(0.3)
    writers = [c.spawn("\\set ON_ERROR_STOP off\n" + "".join(
        c.property_commit_sql("t%d" % (i % 3), "k%d" % w, i) for i in range(COMMITS)))
        for w in range(WRITERS)]
    seen, versions, problems = [], {}, []
    early = 0
    while any(w.poll() is None for w in writers):
        early += follow(c, seen, versions, problems)
        time.sleep(0.05)
    for writer in writers:
        writer.communicate()
    expect(early > 10, "events are read while they are made")
    early = len(seen) + follow(c, seen, versions, problems)
    expect(lagging.poll() is None, "a transaction is open all the while",
           "it ended before the writers did")
    expect(early > WRITERS * COMMITS, "and holds up nobody", early)
    lagging.communicate()
    while follow(c, seen, versions, problems):
        pass
    expect_equal(problems, [], "no gap, no version out of order, nothing late")
    expect_equal(len({event for _, event in seen}), len(seen), "no event comes twice")
    expect_equal(c.sql("SELECT count(*) FROM icecat.read_events('w', 0, 100000) "
                       "WHERE event_type = 'create-table' AND name = 'slow'"), "1",
                 "the late one is there as well")
    expect_equal(c.sql("SELECT bool_and(e.count = h.version) FROM icecat_data.table_head h, LATERAL "
                       "(SELECT count(*) FROM icecat.events WHERE object_id = h.table_id) e"), "t",
                 "every version of every table has its event")

    expect_equal(c.sql("BEGIN ISOLATION LEVEL REPEATABLE READ; %s SELECT count(*), count(number) "
                       "FROM icecat.read_events('w', 0, 100000); COMMIT" % c.create_table_sql("rr")
                       ).splitlines()[-1], "%d|%d" % (len(seen), len(seen)),
                 "a REPEATABLE READ transaction reads what is numbered")
    expect_equal(c.sql("SELECT count(*) FROM icecat.read_events('w', %d)" % len(seen)), "1",
                 "its event follows when it has committed")
    with c.held():
        holder = c.spawn("BEGIN; SELECT count(*) FROM icecat.read_events('w', 0, 1); %s "
                         "SELECT count(*) FROM icecat.read_events('w', 0, 1); %s; COMMIT;" % (c.create_table_sql("held"), HOLD))
        c.wait_held(1)
        c.sql(c.create_table_sql("beside"))
        c.sql("SELECT count(*) FROM icecat.read_events('w')")
        expect_equal(c.locks(False), 1, "a reader whose transaction stays open holds up nobody for long")
    holder.communicate()
    expect(c.wait_sql("SELECT count(*) = max(number) AND count(*) = count(number) FROM icecat.events", "t"),
           "afterwards all is numbered")

    c.sql("INSERT INTO icecat_data.event_pending SELECT warehouse_id, gen_random_uuid(), "
          "'2020-01-31 23:59:59.9+00'::timestamptz + n * interval '1 month', 1, 'test', 'table', "
          "gen_random_uuid(), '{ns}', 'x', n, 'me', NULL, NULL FROM icecat_data.warehouse, "
          "generate_series(1, 3) n")
    c.sql("SELECT count(*) FROM icecat.read_events('w')")
    expect_equal(c.sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'icecat_data.event'::regclass"),
                 "4", "each month gets its partition")
    expect_equal(c.sql("SELECT icecat.trim_events('1 year')"), "3", "trim_events() drops old months")
    expect_equal(c.sql("SELECT icecat.trim_events('1 year')"), "0", "and can run twice")
    expect_equal(c.sql("SELECT count(*) FROM icecat.read_events('w', 0, 100000)"),
                 c.sql("SELECT max(number) FROM icecat.events"), "the others stay")

    worker = c.wait_worker()
    c.freeze(worker)
    c.sql(c.property_commit_sql("t0", "last", "before the dump"))
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-f", c.dir + "/dump.sql", "postgres")
    with open(c.dir + "/dump.sql") as file:
        dump = file.read()
    os.kill(worker, signal.SIGCONT)
    expect(c.queue_is_empty(), "the original does what it had queued")
    c.sql("CREATE DATABASE restored")
    expect_equal(c.sql(dump, "restored", check=False).count("ERROR"), 0, "a dump can be restored")
    c.sql("SELECT count(*) FROM icecat.read_events('w')", "restored")
    same = "SELECT count(*), max(number), min(number), max(occurred_at) FROM icecat.events"
    expect_equal(c.sql(same, "restored"), c.sql(same), "with all events")
    c.sql(c.create_table_sql("more") + c.property_commit_sql("more", "k", "v"), "restored")
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'more', 10000)", "restored"), "t",
                 "the copy does its own tasks")
    expect_equal(c.sql("SELECT pending_writes, not_adopted FROM icecat.worker_status()", "restored"), "1|1",
                 "but not those of the original")
    c.sql("SELECT icecat.adopt_tasks()", "restored")
    expect(c.queue_is_empty("restored"), "until it adopts them")
    expect_equal(c.sql("SELECT count(*) FROM icecat.read_events('w', %s)" % c.sql(
        "SELECT max(number) FROM icecat.events"), "restored"), "2", "and numbering goes on")
