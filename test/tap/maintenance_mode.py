#!/usr/bin/env python3
"""Maintenance mode: of a warehouse and of a gateway. Changes are refused, reads go on, nothing waits and nothing is lost."""
# SPDX-License-Identifier: PostgreSQL
import os
import signal
import sys

import cluster

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "test", "lib"), os.path.join(ROOT, "test", "gateway")]

import harness  # noqa: E402  # pylint: disable=wrong-import-position
from postgres import HOLD  # noqa: E402  # pylint: disable=wrong-import-position

PROGRAM = os.path.join(ROOT, "contrib-gateway", "build", "icecat-gateway")
SCHEMA_SQL = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')
SET = '[{"action":"set-properties","updates":{"k":"v"}}]'
CHANGES = [
    "icecat.create_namespace('w', '{n}')", "icecat.update_namespace_properties('w', '{a}', '{\"k\":\"v\"}')",
    "icecat.drop_namespace('w', '{a}')", "icecat.create_table('w', '{a}', 'n', '%s')" % SCHEMA_SQL,
    "icecat.create_table('w', '{a}', 'n', '%s', p_stage_create => true)" % SCHEMA_SQL,
    "icecat.register_table('w', '{a}', 'n', 'file:///nowhere')", "icecat.commit_table('w', '{a}', 't', '[]', '%s')" % SET,
    "icecat.commit_transaction('w', '[{\"identifier\":{\"namespace\":[\"a\"],\"name\":\"t\"},\"updates\":%s}]')" % SET,
    "icecat.rename_table('w', '{a}', 't', '{a}', 'n')", "icecat.unregister_table('w', '{a}', 't')",
    "icecat.drop_table('w', '{a}', 't')", "icecat.drop_table('w', '{a}', 't', true)",
    "icecat.create_view('w', '{a}', 'n', '%s', '%s')" % (SCHEMA_SQL, VERSION),
    "icecat.replace_view('w', '{a}', 'v', '[]', '%s')" % SET, "icecat.rename_view('w', '{a}', 'v', '{a}', 'n')",
    "icecat.drop_view('w', '{a}', 'v')", "icecat.alter_warehouse('w', p_updates => '{\"k\":\"v\"}')", "icecat.drop_warehouse('w')",
    "icecat.commit_metadata_file('w', '{a}', 't', 'file:///nowhere', NULL)",
]
VIEW_CHANGES = [
    "UPDATE icecat.iceberg_tables SET metadata_location = 'file:///x' WHERE table_name = 't'",
    "DELETE FROM icecat.iceberg_tables WHERE table_name = 't'",
    "INSERT INTO icecat.iceberg_namespace_properties VALUES ('w', 'a', 'k', 'v')",
]
READS = ["icecat.load_table('w', '{a}', 't')", "icecat.list_tables('w', '{a}')", "icecat.load_view('w', '{a}', 'v')",
         "icecat.get_config('w')", "icecat.load_namespace('w', '{a}')",
         "icecat.report_metrics('w', '{a}', 't', '{\"report-type\":\"x\",\"metrics\":{}}')"]
KEY = "017F22E2-79B0-7CC3-98C4-DC0C0C0739%02d"


def refused(c, statement):
    return c.sql("\\set VERBOSITY verbose\n" + statement, check=False)


def test_warehouse(c, t):
    c.sql("SELECT icecat.create_namespace('w', '{a}'), icecat.create_table('w', '{a}', 't', '%s'), "
          "icecat.create_view('w', '{a}', 'v', '%s', '%s'), icecat.set_maintenance('w', true, 'moving to new disks')"
          % (SCHEMA_SQL, SCHEMA_SQL, VERSION))
    for change in ["SELECT " + call for call in CHANGES] + VIEW_CHANGES:
        said = refused(c, change)
        t.ok("IC505: Warehouse w is in maintenance mode: moving to new disks" in said, "refused: " + change[:70], said)
    for read in READS:
        t.ok(c.sql("SELECT %s IS NULL" % read) in ("t", "f"), "goes on: " + read[:50])
    t.equal(c.sql("SELECT properties ->> 'icecat.maintenance' FROM icecat.warehouses WHERE warehouse = 'w'"), "moving to new disks",
            "who may see the warehouse sees why")
    c.sql("SELECT icecat.create_warehouse('other', NULL), icecat.create_namespace('other', '{a}')")
    t.ok(True, "another warehouse is not concerned")
    c.sql("CREATE ROLE writer; SELECT icecat.grant_writer('writer')")
    t.ok("IC505" in refused(c, "SET ROLE writer; SELECT " + CHANGES[0]), "a writer is refused so")
    t.ok("42501" in refused(c, "SET ROLE writer; SELECT icecat.set_maintenance('w', false)"), "and may not end it")
    t.ok("IC305" in refused(c, "SELECT icecat.set_maintenance('w', true, repeat('x', 1001))"), "a reason is bounded")
    c.sql("SELECT icecat.set_maintenance('w', false), icecat.set_maintenance('w', false)")
    c.sql("SELECT " + CHANGES[6])
    t.ok(True, "afterwards changes are made")


def test_switching(c, t):
    """The switch waits for no change under way, which finishes; none that begins after it gets through."""
    with c.held():
        under_way = c.spawn("BEGIN; SELECT icecat.create_namespace('w', '{long}') IS NOT NULL, "
                            "icecat.commit_table('w', '{a}', 't', '[]', '%s') IS NOT NULL; %s; COMMIT;" % (SET, HOLD))
        c.wait_held(1)
        c.sql("SELECT icecat.set_maintenance('w', true)")
        t.ok("IC505" in refused(c, "SELECT " + CHANGES[0]), "it holds at once")
        t.equal(c.locks(False), 1, "the switch does not wait")
    under_way.communicate()
    t.equal((under_way.returncode, c.sql("SELECT count(*) FROM icecat.namespaces WHERE namespace = '{long}'")), (0, "1"), "what was under way is there")
    c.sql("SELECT icecat.set_maintenance('w', false)")


def test_keys(c, t):
    """A repeat of a change that was made is answered; a new key is not used up."""
    keyed = "SET icecat.idempotency_key = '%s'; SELECT icecat.create_namespace('w', '{keyed}') ->> 'namespace'"
    first = c.sql(keyed % (KEY % 1))
    c.sql("SELECT icecat.set_maintenance('w', true)")
    t.equal(c.sql(keyed % (KEY % 1)), first, "a repeat is answered in maintenance mode")
    other = (keyed % (KEY % 2)).replace("{keyed}", "{later}")
    t.ok("IC505" in refused(c, other), "a new change with a key is refused")
    c.sql("SELECT icecat.set_maintenance('w', false)")
    t.ok("later" in c.sql(other), "and made with the same key afterwards")


def test_gateway(c, t):
    dsn = "host=%s port=5432 dbname=postgres user=postgres" % c.dir
    with harness.Gateway(PROGRAM, dsn, c.dir, config="") as gateway:
        def post(path, body, *headers):
            return gateway.request("POST", "/v1/w" + path, body, headers)

        c.sql("SELECT icecat.set_maintenance('w', true, 'a while')")
        answer = post("/namespaces", {"namespace": ["g"]})
        t.equal((answer.status, answer.error()["type"], answer.headers.get("retry-after")), (503, "ServiceUnavailableException", "1"), "503 with Retry-After")
        t.ok("a while" in answer.error()["message"], "which says why")
        t.equal(post("/namespaces/a/tables/t", {"updates": [{"action": "set-properties", "updates": {"g": "1"}}]}).status, 503, "a commit, too")
        t.equal(gateway.get("/v1/w/namespaces/a/tables/t").status, 200, "loads go on")
        c.sql("SELECT icecat.set_maintenance('w', false)")
        key = "Idempotency-Key: " + KEY % 3
        t.equal(post("/namespaces", {"namespace": ["g"]}, key).status, 200, "afterwards it is made")
        gateway.write_config("maintenance = on\n")
        gateway.signal(signal.SIGHUP)
        harness.wait_until(lambda: gateway.metric("icecat_maintenance") == 1, "the settings are read")
        answer = post("/namespaces", {"namespace": ["h"]})
        t.equal((answer.status, answer.headers.get("retry-after")), (503, "1"), "a gateway in maintenance mode: 503 with Retry-After")
        t.equal(post("/namespaces", {"namespace": ["g"]}, key).status, 200, "a repeat with its key is answered")
        t.equal(post("/namespaces", {"namespace": ["h"]}, "Idempotency-Key: " + KEY % 4).status, 503, "a new one with a key is not made")
        t.equal(c.sql("SELECT count(*) FROM icecat.namespaces WHERE namespace = '{h}'"), "0", "nothing was made")
        t.equal([gateway.get(path).status for path in ("/v1/config?warehouse=w", "/v1/w/namespaces/a/tables/t", "/ready", "/health")], [200] * 4, "reads and /ready go on")
        t.equal(post("/namespaces/a/tables/t/metrics", {"report-type": "x", "table-name": "t", "metrics": {}}).status, 204, "reports of reads are taken")
        t.ok(gateway.metric('icecat_refused_total{reason="maintenance"}') > 0, "refusals are counted")
        gateway.write_config("")
        gateway.signal(signal.SIGHUP)
        harness.wait_until(lambda: gateway.metric("icecat_maintenance") == 0, "the settings are read again")
        t.equal(post("/namespaces", {"namespace": ["h"]}, "Idempotency-Key: " + KEY % 4).status, 200, "afterwards the same key makes it")


def test(c, t):
    c.make_warehouse()
    for part in (test_warehouse, test_switching, test_keys):
        part(c, t)
    if os.access(PROGRAM, os.X_OK):
        test_gateway(c, t)


if __name__ == "__main__":
    cluster.main(test)
