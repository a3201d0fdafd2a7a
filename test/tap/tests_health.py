"""icecat.health(): each check says when it is not well; and /ready, which tells in two seconds that the database is lost."""
# SPDX-License-Identifier: PostgreSQL
import json
import time

from expectations import expect, expect_equal, wait_until

CHECKS = ["extension", "writes", "worker", "metadata-files", "stores", "file-storage", "events", "subscriptions", "wraparound"]


def prepare(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))


def health(c):
    return {row["name"]: row for row in json.loads(c.sql("SELECT json_agg(h) FROM icecat.health() AS h"))}


def ill(c):
    return sorted(name for name, row in health(c).items() if not row["ok"])


def test_all_is_well(c):
    wait_until(lambda: ill(c) == [], "nothing is wrong", 20)
    rows = health(c)
    expect_equal(list(rows), CHECKS)
    expect(all(row["detail"] for row in rows.values()), str(rows))
    c.sql("CREATE ROLE watcher LOGIN; SELECT icecat.grant_gateway('watcher'); CREATE ROLE user_only; SELECT icecat.grant_user('user_only')")
    expect_equal(c.sql("SET ROLE watcher; SELECT count(*) FROM icecat.health()"), str(len(CHECKS)), "a gateway may ask")
    expect("permission denied" in c.sql("SET ROLE user_only; SELECT icecat.health()", check=False), "it looks at all warehouses, so a user may not")


def test_old_files_and_events(c):
    found = c.sql("BEGIN; %s; UPDATE icecat_data.metadata_task SET created_at = created_at - interval '1 minute'; "
                  "UPDATE icecat_data.event_pending SET occurred_at = occurred_at - interval '1 minute'; "
                  "SELECT 'found ' || string_agg(name, ' ') FROM icecat.health() WHERE NOT ok; ROLLBACK" % c.property_commit_sql("t", "k", "v"))
    expect("found metadata-files events" in found, found)


def test_stores_that_fail(c):
    found = c.sql("BEGIN; %s; UPDATE icecat_data.metadata_task SET attempts = 3, last_error = 'the disk is full'; "
                  "SELECT 'found ' || name || ': ' || detail FROM icecat.health() WHERE NOT ok; ROLLBACK" % c.property_commit_sql("t", "k", "v"))
    expect("found stores: tasks fail: files (1 tasks: the disk is full)" in found, found)


def test_subscriptions_that_lost_events(c):
    found = c.sql("SELECT count(*) FROM icecat.read_events('w'); SELECT icecat.create_subscription('w', 'late', p_after => 0); "
                  "BEGIN; DELETE FROM icecat_data.event WHERE number < 3; SELECT 'found ' || name || ': ' || detail FROM icecat.health() WHERE NOT ok; ROLLBACK")
    expect("found subscriptions: the events that come next were trimmed: w.late" in found, found)
    expect_equal(ill(c), [], "one that is behind has lost nothing")
    found = c.sql("BEGIN; DELETE FROM icecat_data.event; SELECT 'found ' || name FROM icecat.health() WHERE NOT ok; ROLLBACK")
    expect("found subscriptions" in found, "where no event is left: " + found)


def test_problems_of_the_roots(c):
    found = c.sql("SET icecat.file_roots = '%s'; SELECT 'found ' || name || ': ' || detail FROM icecat.health() WHERE NOT ok" % c.data)
    expect("found file-storage: " in found and "is not used" in found, found)
    found = c.sql("BEGIN; %s; UPDATE icecat_data.metadata_task SET database_id = 1; SELECT 'found ' || detail FROM icecat.health() WHERE NOT ok; ROLLBACK"
                  % c.property_commit_sql("t", "k", "v"))
    expect("adopt_storage" in found, found)


def test_sql_objects_of_another_version(c):
    found = c.sql("BEGIN; UPDATE pg_extension SET extversion = '0.1.0' WHERE extname = 'icecat'; SELECT 'found ' || detail FROM icecat.health() WHERE NOT ok; ROLLBACK")
    expect("ALTER EXTENSION icecat UPDATE" in found, found)


def test_ready_tells_in_two_seconds_that_the_database_is_lost(c, gateway):
    for how in ("fast", "immediate"):
        wait_until(lambda: gateway.get("/ready").status == 200, "ready", 30)
        c.stop(how)
        began = time.monotonic()
        wait_until(lambda: gateway.get("/ready").status == 503, "not ready", 10)
        took = time.monotonic() - began
        expect(took < 2, "%s: after %.1f s" % (how, took))
        answer = gateway.get("/ready")
        expect(answer.json()["reason"] and answer.json()["reads"] is False, "it says why: %s" % answer.body)
        expect_equal(answer.headers["retry-after"], "1")
        expect_equal(gateway.get("/health").status, 200, "the gateway itself is well")
        c.start()
    wait_until(lambda: gateway.get("/ready").status == 200, "ready again", 30)
