"""A gateway and an extension one release apart work together, whichever is updated first.

New gateway, old extension: over HTTP, to the update under way and beyond. Old gateway, new extension: the old gateway's
statements (routes_old.def), each of them.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import re

import harness
from expectations import expect, expect_equal

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
OLD = "0.1.0"
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}
SET = {"action": "set-properties", "updates": {"k": "v"}}
N = "/v1/w/namespaces"
T = N + "/n/tables"
REPORT = {"report-type": "scan-report", "table-name": "t", "snapshot-id": 1, "filter": {"type": "true"}, "schema-id": 0,
          "projected-field-ids": [1], "projected-field-names": ["x"], "metrics": {}}
NO_SUCH = {"requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 7}], "updates": [SET]}
CALLS = (
    ("GET", "/v1/config?warehouse=w", None, 200), ("POST", N, {"namespace": ["n"], "properties": {"a": "b"}}, 200),
    ("GET", N, None, 200), ("GET", N + "?pageSize=5&pageToken=", None, 200), ("GET", N + "/n", None, 200),
    ("HEAD", N + "/n", None, 204), ("POST", N + "/n/properties", {"updates": {"c": "d"}}, 200),
    ("POST", T, {"name": "t", "schema": SCHEMA}, 200), ("POST", T, {"name": "t", "schema": SCHEMA}, 409),
    ("GET", T, None, 200), ("GET", T + "/t", None, 200), ("GET", T + "/t?snapshots=refs", None, 200),
    ("HEAD", T + "/t", None, 204), ("HEAD", T + "/missing", None, 404), ("GET", T + "/missing", None, 404),
    ("POST", T + "/t", {"requirements": [], "updates": [SET]}, 200), ("POST", T + "/t", NO_SUCH, 409),
    ("POST", T + "/t", b"{", 400), ("POST", T + "/t/metrics", REPORT, 204),
    ("POST", "/v1/w/transactions/commit", {"table-changes": [
        {"identifier": {"namespace": ["n"], "name": "t"}, "requirements": [], "updates": [SET]}]}, 204),
    ("POST", "/v1/w/tables/rename", {"source": {"namespace": ["n"], "name": "t"},
                                     "destination": {"namespace": ["n"], "name": "u"}}, 204),
    ("POST", T + "/u/unregister", None, 200), ("POST", T, {"name": "v", "schema": SCHEMA}, 200),
    ("DELETE", T + "/v?purgeRequested=true", None, 204), ("DELETE", N + "/n", None, 204), ("DELETE", N + "/n", None, 404),
)
VIEW_CALLS = (("GET", N + "/n/views", None), ("HEAD", N + "/n/views/v", None), ("DELETE", N + "/n/views/v", None))


def check_calls(gateway, version):
    for method, path, body, status in CALLS:
        answer = gateway.request(method, path, body)
        expect_equal(answer.status, status, "extension %s: %s %s is %d%s" % (
            version, method, path, status, "" if answer.status == status else " %r" % answer.body))


def test_new_gateway(c, program):
    c.sql("CREATE DATABASE old")
    c.sql("CREATE EXTENSION icecat VERSION '%s'; SELECT icecat.create_warehouse('w', 'file://%s/old')" % (OLD, c.files), "old")
    dsn = "host=%s port=5432 dbname=old user=postgres" % c.dir
    with harness.Gateway(program, dsn, c.dir, probe_interval_ms=200) as gateway:
        ready = gateway.get("/ready")
        expect_equal((ready.status, ready.json()["writes"], ready.json()["extension"]), (200, True, OLD), "it is ready, and says which")
        check_calls(gateway, OLD)
        for method, path, body in VIEW_CALLS:
            answer = gateway.request(method, path, body)
            said = method == "HEAD" or "run ALTER EXTENSION icecat UPDATE" in answer.error()["message"]
            expect_equal((answer.status, said), (503, True), "%s %s: what to do is said" % (method, path))
        gateway.request("POST", N, {"namespace": ["live"]})
        gateway.request("POST", N + "/live/tables", {"name": "t", "schema": SCHEMA})
        update = c.spawn("ALTER EXTENSION icecat UPDATE", "old")
        statuses = []
        while update.poll() is None or not statuses:
            statuses.append(gateway.request("POST", N + "/live/tables/t", {"requirements": [], "updates": [SET]}).status)
            statuses.append(gateway.get(N + "/live/tables/t").status)
        expect_equal((update.returncode, set(statuses) - {200, 409, 503}), (0, set()),
                     "%d requests during the update succeed, or are told to come again" % len(statuses))
        new = c.sql("SELECT extversion FROM pg_extension WHERE extname = 'icecat'", "old")
        harness.wait_until(lambda: gateway.get("/ready").json()["extension"] == new, "the new version is noticed")
        expect(True, "the new version is noticed")
        expect_equal(gateway.get(N + "/live/views").status, 200, "what it brought works")
        check_calls(gateway, new)


def statements():
    """operationId: SQL of the old gateway."""
    with open(os.path.join(ROOT, "contrib-gateway", "src", "catalog", "routes_old.def")) as file:
        text = file.read()
    found = {}
    for operation, strings in re.findall(r"^GW_OLD_ROUTE\((\w+),\s*((?:\"(?:[^\"\\]|\\.)*\"\s*)+)\)", text, re.M):
        found[operation] = re.sub(r" FROM \(SELECT .*", "", "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings)))
    return found


def test_old_gateway(c):
    c.sql("SELECT icecat.create_warehouse('w', 'file://%s/new')" % c.files)
    old = statements()
    left = set(old)
    rename = {"source": {"namespace": ["n"], "name": "t"}, "destination": {"namespace": ["n"], "name": "u"}}
    change = {"identifier": {"namespace": ["n"], "name": "t"}, "requirements": [], "updates": [SET]}
    calls = [
        ("getConfig", "w"), ("createNamespace", "w", {"namespace": ["n"]}), ("listNamespaces", "w", None),
        ("loadNamespaceMetadata", "w", "{n}"), ("namespaceExists", "w", "{n}"),
        ("updateProperties", "w", "{n}", {"updates": {"a": "b"}}), ("createTable", "w", "{n}", {"name": "t", "schema": SCHEMA}),
        ("listTables", "w", "{n}"), ("loadTable", "w", "{n}", "t"), ("tableExists", "w", "{n}", "t"),
        ("updateTable", "w", "{n}", "t", {"requirements": [], "updates": [SET]}), ("reportMetrics", "w", "{n}", "t", REPORT),
        ("commitTransaction", "w", {"table-changes": [change]}), ("renameTable", "w", rename),
        ("unregisterTable", "w", "{n}", "u"), ("registerTable", "w", "{n}", None),
        ("dropTable", "w", "{n}", "r", "false"), ("dropNamespace", "w", "{n}")]
    location = ""
    for operation, *values in calls:
        if operation == "registerTable":
            values[-1] = {"name": "r", "metadata-location": location}
        literals = ["NULL" if v is None else "'%s'" % (v if isinstance(v, str) else json.dumps(v)).replace("'", "''")
                    for v in values]
        sql = re.sub(r"\$(\d)", lambda m: literals[int(m.group(1)) - 1], old[operation])  # pylint: disable=cell-var-from-loop
        found = c.sql("\\set VERBOSITY terse\n" + sql, check=False)
        expect("ERROR" not in found, "old statement of %s" % operation, found)
        left.discard(operation)
        if operation == "unregisterTable":
            location = json.loads(found)["metadata-location"]
    expect_equal(left, set(), "every old statement was sent")
