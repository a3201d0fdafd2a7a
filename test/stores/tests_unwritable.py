"""Failures of single files, and failures of their store: which answers speak of which, and who is held up by them.

SPDX-License-Identifier: PostgreSQL
"""
import json
import subprocess
import time

import pytest
from expectations import expect, expect_equal, wait_until
from memory_store import MemoryStore

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
LATE_S = 1.0         # a file of a store that works
QUICK_S = 1.5        # a commit
CANCEL_S = 1.0       # after pg_cancel_backend()
QUICK = {"connect-timeout-ms": "500", "request-timeout-ms": "1500", "retries-max": "1"}


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)
    c.make_warehouse("disk")


@pytest.fixture
def memory():
    with MemoryStore() as running:
        yield running


def make_warehouse(c, memory, name, tables=(), mode="async", **options):
    said = {"endpoint": memory.url, "region": "us-east-1", "allow-private-endpoints": "true", **QUICK, **options}
    c.sql("SELECT icecat.create_storage_profile('%s', 's3://lake/%s', '%s', '{\"access-key-id\":\"a\",\"secret-access-key\":\"b\"}');"
          "SELECT icecat.create_warehouse('%s', 's3://lake/%s/w', '{\"icecat.metadata-write-mode\": \"%s\"}', '%s'); SELECT icecat.create_namespace('%s', '{ns}')"
          % (name, name, json.dumps(said), name, name, mode, name, name))
    c.sql("".join(c.create_table_sql(table, name) for table in tables))
    expect(drained(c, name), "the first files arrive")


def queued(c, warehouse, table=None):
    more = "" if table is None else " AND table_id = (SELECT table_id FROM icecat.tables WHERE warehouse = '%s' AND table_name = '%s')" % (warehouse, table)
    return ("SELECT count(*) FROM icecat_data.metadata_task WHERE warehouse_id = (SELECT warehouse_id FROM icecat.warehouses WHERE warehouse = '%s')" % warehouse) + more


def drained(c, warehouse, table=None, seconds=60):
    return c.wait_sql(queued(c, warehouse, table), "0", seconds=seconds)


def keys_of(c, warehouse, tables):
    """Where the files of some tables begin, as keys of the store."""
    return tuple(c.sql("SELECT substr(location, 6) || '/' FROM icecat.tables WHERE warehouse = '%s' AND table_name = ANY('{%s}')"
                       % (warehouse, ",".join(tables))).splitlines())


def check_files(c, memory, warehouse, table):
    row = c.sql("SELECT t #>> '{metadata-location}', t -> 'metadata' FROM icecat.load_table('%s', '{ns}', '%s') AS t" % (warehouse, table))
    location, document = row.split("|", 1)
    names = [location] + [entry["metadata-file"] for entry in json.loads(document).get("metadata-log", ())]
    expect_equal([n for n in names if n[5:] not in memory.objects], [], "missing files of " + table)
    expect_equal(json.loads(memory.objects[location[5:]]), json.loads(document), "the document of " + table)


def written(memory):
    """How often each metadata file was written."""
    puts = [r.key for r in memory.of_kind("PUT") if r.key.endswith(".metadata.json") and r.status == 200]
    return {key: puts.count(key) for key in puts}


def worst_lag(c, warehouse, table, seconds):
    """How long the file of a commit took at most, of commits one after the other for so long."""
    worst, end, n = 0, time.monotonic() + seconds, 0
    while time.monotonic() < end:
        begin, n = time.monotonic(), n + 1
        c.sql(c.property_commit_sql(table, "k", "v%d" % n, warehouse))
        expect(drained(c, warehouse, table, 30), "the file is written")
        worst = max(worst, time.monotonic() - begin)
        time.sleep(0.1)
    return worst


def log_since(c, place):
    return c.log_text()[place:]


# -- one file, not its store -----------------------------------------------------------------------------------

@pytest.mark.parametrize("status, code, count", [(403, "AccessDenied", 1), (400, "KMS.DisabledException", 1), (400, "EntityTooLarge", 2), (404, "NoSuchUpload", 1),
                                                 (409, "InvalidBucketState", 1), (501, "NotImplemented", 3), (500, "InternalError", 1), (403, "AccessDenied", 12)])
def test_files_that_cannot_be_written_hold_up_no_other_of_their_store(c, memory, status, code, count):
    name = "bad%d%s%d" % (status, code.lower().replace(".", ""), count)
    bad = ["bad%d" % i for i in range(count)]
    make_warehouse(c, memory, name, [*bad, "good"])
    beginnings = keys_of(c, name, bad)
    expect_equal(len(beginnings), count)
    memory.refuses = lambda method, key: (status, code) if method == "PUT" and key.startswith(beginnings) else None
    place = len(c.log_text())
    c.sql("".join(c.property_commit_sql(table, "k", "v", name) for table in bad))
    wait_until(lambda: c.sql("SELECT count(*) FROM icecat_data.metadata_task WHERE last_error LIKE '%%%s%%'" % code) == str(count), "the errors are kept", 20)
    worst = worst_lag(c, name, "good", 5)
    said = log_since(c, place)
    memory.refuses = lambda method, key: None
    expect(worst < LATE_S, "a file of the same store was %.1f s late" % worst)
    expect("object store of storage profile" not in said, "the store does not fail: " + said)
    expect(drained(c, name), "the files arrive")
    for table in [*bad, "good"]:
        check_files(c, memory, name, table)


# -- the store ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, code", [(403, "ExpiredToken"), (400, "ExpiredToken"), (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"),
                                          (403, "RequestTimeTooSkewed"), (401, "Unauthorized"), (404, "NoSuchBucket"), (503, "SlowDown"), (500, "InternalError"),
                                          (429, "TooManyRequests"), (307, "TemporaryRedirect"), (403, "AccessDenied")])
def test_a_store_that_serves_nobody_is_left_alone_until_it_does(c, memory, status, code):
    """A refusal of all keys is the store's, too; and where what is not there is 403, it is found well again all the same."""
    name = "down%d%s" % (status, code.lower())
    tables = ["t%d" % i for i in range(4)]
    make_warehouse(c, memory, name, tables)
    place = len(c.log_text())
    memory.refuses = lambda method, key: (status, code)
    c.sql("".join(c.property_commit_sql(table, "k", "v", name) for table in tables))
    wait_until(lambda: "object store of storage profile \"%s\" fails" % name in log_since(c, place), "it is found to fail", 20)
    before = len(memory.requests)
    time.sleep(4)
    asked = len(memory.requests) - before
    memory.refuses = lambda method, key: (403, "AccessDenied") if method in ("GET", "HEAD") and key not in memory.objects else None
    expect(asked <= 24, "it is left alone: %d requests" % asked)
    expect(drained(c, name, seconds=40), "the files arrive: " + c.sql("SELECT last_error FROM icecat_data.metadata_task LIMIT 1"))
    expect("object store of storage profile \"%s\" is back" % name in log_since(c, place), "it is back")
    for table in tables:
        check_files(c, memory, name, table)
    expect_equal({key: n for key, n in written(memory).items() if n > 1}, {}, "none is written twice")


def test_a_store_that_does_not_tell_what_is_missing_is_marked_and_purged(c, memory):
    """AWS without s3:ListBucket says 403 of a key that is not there."""
    memory.refuses = lambda method, key: (403, "AccessDenied") if method in ("GET", "HEAD") and key not in memory.objects else None
    make_warehouse(c, memory, "mute", ["gone", "stays"])
    expect_equal(len([key for key in memory.objects if "/.icecat/" in key and not key.endswith("/probe")]), 1, "it has this database's mark")
    kept = set(key for key in memory.objects if key.startswith(keys_of(c, "mute", ["stays"])))
    c.sql("SELECT icecat.drop_table('mute', '{ns}', 'gone', true)")
    expect(drained(c, "mute"), "purged: " + c.sql("SELECT last_error FROM icecat_data.metadata_task"))
    expect_equal(set(key for key in memory.objects if key.endswith(".metadata.json")), kept, "what is left")


# -- a body that is taken a byte a second -----------------------------------------------------------------------

def drip(memory):
    memory.drip_over.clear()
    memory.drips = lambda method, key: method == "PUT"


def heal(memory):
    memory.drips = lambda method, key: False
    memory.drip_over.set()


def test_a_store_that_takes_a_byte_a_second(c, memory):
    with MemoryStore() as other:
        make_warehouse(c, other, "near", ["t"])
        make_warehouse(c, memory, "drips", ["small", "large"])
        drip(memory)
        for n, (table, value) in enumerate((("small", "v"), ("large", "v" * 3000000), ("small", "w"))):
            begin = time.monotonic()
            c.sql(c.property_commit_sql(table, "k%d" % n, value, "drips"))
            expect(time.monotonic() - begin < QUICK_S, "a commit took %.1f s" % (time.monotonic() - begin))
        wait_until(lambda: c.sql("SELECT bool_or(last_error IS NOT NULL) FROM icecat_data.metadata_task") == "t", "the error is kept", 20)
        worst = worst_lag(c, "near", "t", 10)
        expect(worst < 3, "a file of another store was %.1f s late" % worst)
        before = len(memory.requests)
        heal(memory)
        expect(drained(c, "drips"), "the files arrive: " + c.sql("SELECT last_error FROM icecat_data.metadata_task LIMIT 1"))
        expect(len(memory.requests) > before, "they were written")
        for table in ("small", "large"):
            check_files(c, memory, "drips", table)
        expect_equal({key: n for key, n in written(memory).items() if n > 1}, {}, "none arrived twice")
        check_files(c, other, "near", "t")


@pytest.fixture
def turn(c):
    """turn(ms) sets icecat.store_turn_ms for the test."""
    def change(text):
        c.sql("LOAD 'icecat';\n" + text)
        c.sql("SELECT pg_reload_conf()")
    yield lambda ms: change("ALTER SYSTEM SET icecat.store_turn_ms = %d" % ms)
    change("ALTER SYSTEM RESET icecat.store_turn_ms")


def test_a_store_that_hangs_takes_no_more_than_its_turn(c, memory, turn):
    """However long its requests may take: icecat.store_turn_ms."""
    patient = {"request-timeout-ms": "30000", "connect-timeout-ms": "3000", "retries-max": "3"}
    with MemoryStore() as other:
        make_warehouse(c, other, "beside", ["t"])
        make_warehouse(c, memory, "patient", ["a", "b", "c"], **patient)
        turn(1000)
        drip(memory)
        before = len(memory.requests)
        c.sql("".join(c.property_commit_sql(table, "k", "v" * 100000, "patient") for table in "abc"))
        worst = worst_lag(c, "beside", "t", 10)
        expect(worst < 3.5, "a file of another store was %.1f s late" % worst)
        heal(memory)
        expect(drained(c, "patient"), "the files arrive: " + c.sql("SELECT last_error FROM icecat_data.metadata_task LIMIT 1"))
        expect(len(memory.requests) > before, "they were written")
        for table in "abc":
            check_files(c, memory, "patient", table)
        expect_equal({key: n for key, n in written(memory).items() if n > 1}, {}, "none arrived twice")


def test_a_file_that_needs_longer_than_a_turn_gets_it(c, memory, turn):
    make_warehouse(c, memory, "long", ["t"], **{"request-timeout-ms": "30000"})
    turn(500)
    memory.pause_s = lambda method, key: 2.5 if method == "PUT" and key.endswith(".metadata.json") else 0
    c.sql(c.property_commit_sql("t", "k", "v", "long"))
    expect(drained(c, "long"), "the file arrives: " + c.sql("SELECT last_error FROM icecat_data.metadata_task LIMIT 1"))
    memory.pause_s = lambda method, key: 0
    check_files(c, memory, "long", "t")
    expect_equal({key: n for key, n in written(memory).items() if n > 1}, {}, "it arrived once")


def test_who_waits_for_a_store_that_takes_a_byte_a_second_is_cancelled_at_once(c, memory):
    make_warehouse(c, memory, "sync", ["t"], "sync", **{"request-timeout-ms": "60000"})
    before = c.sql("SELECT metadata_location FROM icecat.tables WHERE warehouse = 'sync'")
    drip(memory)
    session = c.spawn("SET application_name = 'waits'; " + c.property_commit_sql("t", "k", "v" * 1000000, "sync"))
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waits' AND wait_event_type = 'Extension'", "1"), "it waits")
    time.sleep(1.5)
    c.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'")
    begin = time.monotonic()
    _, said = session.communicate(timeout=20)
    took = time.monotonic() - begin
    expect("canceling statement" in said, said)
    expect(took < CANCEL_S, "it took %.1f s" % took)
    heal(memory)
    expect_equal(c.sql("SELECT metadata_location FROM icecat.tables WHERE warehouse = 'sync'"), before, "nothing has changed")
    c.sql(c.property_commit_sql("t", "k", "v", "sync"))
    check_files(c, memory, "sync", "t")
