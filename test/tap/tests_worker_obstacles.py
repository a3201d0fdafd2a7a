"""What one warehouse or table lacks holds up no other one, and leaves the worker in peace."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import signal
import time

from expectations import expect, expect_equal
from tests_storage_profiles import KEYS, SECRETS, create, write_keys

MAX = 20
SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "icecat.metadata_queue_max = %d" % MAX, "icecat.metadata_queue_wait_ms = 3000"]
FAILING_SQL = ("INSERT INTO icecat_data.metadata_task (warehouse_id, table_id, version, position, kind, location, head, created_at, attempts, next_attempt_at, "
               "last_error, database_id) SELECT w.warehouse_id, gen_random_uuid(), 1, 1048577, 'delete', 'nowhere://x/y', '{\"table-uuid\":\"x\"}', now(), 9, "
               "now() + interval '1 hour', 'no such storage', d.oid FROM icecat_data.warehouse w, pg_database d WHERE w.name = 'w' AND d.datname = current_database()")


def append_sql(warehouse, table, n):
    snapshot = {"snapshot-id": n, "sequence-number": n, "timestamp-ms": int(time.time() * 1000), "manifest-list": "s3://lake/s/%d.avro" % n,
                "summary": {"operation": "append"}, "schema-id": 0}
    updates = [{"action": "add-snapshot", "snapshot": snapshot}, {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": n}]
    return "SELECT icecat.commit_table('%s', '{ns}', '%s', '[]', '%s') IS NOT NULL" % (warehouse, table, json.dumps(updates))


def prepare(c):
    write_keys(c, KEYS[0])
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))


def test_a_secret_that_cannot_be_opened(c):
    c.sql(create("lake", "s3://lake", {"region": "x", "endpoint": "http://127.0.0.1:9"}, SECRETS))
    c.sql("SELECT icecat.create_warehouse('s', 's3://lake/s', '{\"icecat.outside-files\":\"report\",\"icecat.metadata-write-mode\":\"none\"}', p_storage_profile => 'lake');"
          "SELECT icecat.create_namespace('s', '{ns}') IS NOT NULL; SELECT icecat.create_table('s', '{ns}', 't', '{\"type\":\"struct\",\"fields\":[]}') IS NOT NULL")
    os.remove(os.path.join(c.data, "secret.keys"))
    c.sql("SELECT pg_reload_conf()")
    c.sql(append_sql("s", "t", 1))
    expect(c.wait_sql("SELECT last_error IS NOT NULL FROM icecat_data.inspection", "t"), "the snapshot cannot be looked at", c.sql("SELECT * FROM icecat_data.inspection"))
    expect_equal(c.sql("SELECT attempts || ' ' || awaited FROM icecat_data.inspection"), "0 true", "that is not its fault, and it is still awaited")
    for i in range(5):
        c.sql(c.property_commit_sql("t", "k", i))
        expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 't', 2000)"), "t", "files of others are written at once")
    expect_equal(c.sql("SELECT worker_error IS NULL FROM icecat.worker_status()"), "t", c.sql("SELECT worker_error FROM icecat.worker_status()"))
    c.sql("SELECT icecat.drop_table('s', '{ns}', 't'); DELETE FROM icecat_data.inspection")


def test_notes_that_the_worker_does_not_take(c):
    """Another database setting of a role has its refused calls noted where the worker writes no audit log."""
    c.sql("CREATE ROLE noting; SELECT icecat.grant_user('noting'); ALTER ROLE noting SET icecat.audit = on; ALTER SYSTEM SET icecat.audit = off; SELECT pg_reload_conf()")
    c.sql("SET icecat.audit = on; SET ROLE noting; SELECT icecat.create_warehouse('x', 's3://lake/x')", check=False)
    time.sleep(3)
    rounds = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    before = int(c.sql(rounds))
    time.sleep(5)
    spent = int(c.sql(rounds)) - before
    expect(spent < 200, "the worker rests", spent)
    c.sql("ALTER SYSTEM RESET icecat.audit; SELECT pg_reload_conf()")


def test_files_that_a_purge_makes_void_do_not_count(c):
    c.sql(c.create_table_sql("purged"))
    expect(c.queue_is_empty(), "all is written")
    c.sql(FAILING_SQL)
    pid = c.wait_worker()
    c.freeze(pid)
    c.sql("".join(c.property_commit_sql("purged", "k", i) for i in range(MAX + 1)) + "SELECT icecat.drop_table('w', '{ns}', 'purged', true)")
    os.kill(pid, signal.SIGCONT)
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "1"), "only what fails is left")
    time.sleep(1)
    start = time.monotonic()
    c.sql("SET icecat.metadata_queue_wait_ms = 60000; " + c.property_commit_sql("t", "k", "v"))
    expect(time.monotonic() - start < 30, "a commit does not wait for files that nobody will write")
    c.sql("DELETE FROM icecat_data.metadata_task")
