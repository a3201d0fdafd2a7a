#!/usr/bin/env python3
"""Nothing that a REST client changes, or is refused, goes unseen; nothing secret is in the audit log, and nobody fills it.

The extension, a gateway and an issuer of tokens.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os

import cluster
import harness
from issuer import Issuer

SETUP = """
CREATE ROLE readers; CREATE ROLE writers; CREATE ROLE gate LOGIN NOINHERIT;
SELECT icecat.grant_user('readers'), icecat.grant('readers', 'select', 'w'), icecat.grant_writer('writers'), icecat.grant_gateway('gate');
GRANT readers, writers TO gate;
SELECT icecat.map_principal('corp', 'sub', 'ann', 'writers'), icecat.map_principal('corp', 'sub', 'zoe', 'readers');
"""
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}
SET = {"updates": [{"action": "set-properties", "updates": {"k": "v"}}]}
NS = "/w/namespaces"
# A call of ann's, with the row that it must leave: action, namespace, name.
CHANGES = [
    ("POST", NS, {"namespace": ["a"]}, "create-namespace|{a}|"),
    ("POST", NS + "/a/properties", {"updates": {"k": "v"}}, "update-namespace-properties|{a}|"),
    ("POST", NS + "/a/tables", {"name": "t", "schema": SCHEMA}, "create-table|{a}|t"),
    ("POST", NS + "/a/tables/t", SET, "commit-table|{a}|t"),
    ("POST", "/w/transactions/commit", {"table-changes": [dict(SET, identifier={"namespace": ["a"], "name": "t"})]},
     "commit-table|{a}|t"),
    ("POST", "/w/tables/rename", {"source": {"namespace": ["a"], "name": "t"},
                                  "destination": {"namespace": ["a"], "name": "u"}}, "rename-table|{a}|u"),
    ("DELETE", NS + "/a/tables/u", None, "drop-table|{a}|u"),
    ("DELETE", NS + "/a", None, "drop-namespace|{a}|"),
]
# A call of zoe's, who may only select: action, status, SQLSTATE, warehouse, namespace, name.
REFUSALS = [
    ("POST", NS, {"namespace": ["b"]}, "create-namespace|403|IC401|w||"),
    ("POST", NS + "/kept/tables", {"name": "t", "schema": SCHEMA}, "create-table|403|IC401|w|{kept}|"),
    ("POST", NS + "/kept/tables/t", SET, "commit-table|403|IC401|w|{kept}|t"),
    ("DELETE", NS + "/kept/tables/t", None, "drop-table|403|IC401|w|{kept}|t"),
    ("DELETE", NS + "/kept", None, "drop-namespace|403|IC401|w|{kept}|"),
]
WHO = "role_name, login, source, principal, client_address LIKE '127.0.0.1:%'"


class World:
    def __init__(self, c, t, issuer, gateway):
        self.c, self.t, self.issuer, self.gateway = c, t, issuer, gateway
        self.tokens = {name: issuer.token(name) for name in ("ann", "zoe", "max")}
        self.secrets = list(self.tokens.values())

    def call(self, who, method, path, body=None, *headers):
        return self.gateway.request(method, "/v1" + path, body,
                                    [f"Authorization: Bearer {self.tokens[who]}", *headers])

    def rows(self, columns, request_id):
        return self.c.sql("SELECT %s FROM icecat.audit_log WHERE request_id = '%s'" % (columns, request_id))

    def wait_rows(self, columns, request_id, expected, name):
        harness.wait_until(lambda: self.rows("1", request_id) != "", name, 5)
        self.t.equal(self.rows(columns, request_id), expected, name)


def test_changes(w):
    for number, (method, path, body, row) in enumerate(CHANGES):
        answer = w.call("ann", method, path, body, "X-Request-Id: change-%d" % number)
        w.t.ok(answer.status < 300, "%s: %d" % (row, answer.status))
        w.t.equal(w.rows("action, namespace, name", "change-%d" % number), row, "one row, when it is answered")
        w.t.equal(w.rows(WHO, "change-%d" % number), "writers|gate|gateway|corp~ann|t", "which says who")
    w.t.equal(w.c.sql("SELECT DISTINCT principal FROM icecat.events WHERE namespace = '{a}'"), "corp~ann",
              "events name the principal")
    harness.wait_until(lambda: any(line.get("principal") == "corp~ann" for line in w.gateway.log_lines()), "the access log")
    w.t.ok(True, "so does the access log")


def test_refusals(w):
    w.c.sql("SELECT icecat.create_namespace('w', '{kept}'); SELECT icecat.create_table('w', '{kept}', 't', '%s')" % json.dumps(SCHEMA))
    for number, (method, path, body, row) in enumerate(REFUSALS):
        answer = w.call("zoe", method, path, body, "X-Request-Id: refused-%d" % number)
        w.t.equal(answer.status, 403, row)
        w.wait_rows("action, status, outcome, warehouse, namespace, name", "refused-%d" % number, row, "one row")
        w.t.equal(w.rows(WHO, "refused-%d" % number), "readers|gate|gateway|corp~zoe|t", "which says who")
    w.t.equal(w.call("max", "GET", NS, None, "X-Request-Id: no-role").status, 403, "a principal without a role")
    w.wait_rows("action, status, role_name, principal", "no-role", "list-namespaces|403||corp~max", "is in the log by its name")
    w.t.equal(w.gateway.request("GET", "/v1" + NS, None, ["X-Request-Id: nobody"]).status, 401, "nobody")
    w.wait_rows("action, status, role_name, principal", "nobody", "list-namespaces|401||", "is in the log, too")
    w.t.equal(w.gateway.request("GET", "/v1" + NS, None, ["X-Request-Id: forged", "Authorization: Bearer " + w.tokens["ann"][:-6] + "AAAAAA"]).status,
              401, "a forged token")
    w.wait_rows("action, status, role_name, principal", "forged", "list-namespaces|401||", "names no principal")
    w.t.equal(w.call("zoe", "GET", NS, None, "X-Request-Id: fine").status, 200, "what is allowed and changes nothing")
    w.t.equal(w.rows("1", "fine"), "", "leaves no row")


def test_odd_names(w):
    """What cannot be stored as it came does not keep others out of the log."""
    for number, name in enumerate(("%00", "%FF%FE", "x" * 20000, "a%1Fb" * 200, "%22%5C%7B%7D", "'; DROP TABLE x; --")):
        w.call("zoe", "DELETE", NS + "/" + name.replace(" ", "%20").replace("'", "%27"), None, "X-Request-Id: odd-%d" % number)
    w.t.equal(w.call("zoe", "DELETE", NS + "/kept", None, "X-Request-Id: after-odd").status, 403, "a call after odd ones")
    w.wait_rows("namespace", "after-odd", "{kept}", "is in the log")


def test_flood(w):
    """A thousand refusals of one kind are one row, and another one that counts the rest."""
    count = "SELECT count(*), coalesce(sum((details ->> 'repeated')::bigint), 0) FROM icecat.audit_log WHERE status = 401"
    harness.wait_until(lambda: w.gateway.metric("icecat_audit_waiting") == 0, "what was before is written", 5)
    before = [int(n) for n in w.c.sql(count).split("|")]
    with w.gateway.connect() as client:
        for _ in range(1000):
            client.send(harness.request_bytes("GET", "/v1" + NS))
            client.answer()
    harness.wait_until(lambda: w.gateway.metric("icecat_audit_waiting") == 0, "all is written or counted", 10)
    rows, repeated = (int(n) - was for n, was in zip(w.c.sql(count).split("|"), before))
    w.t.ok(rows <= 20, "few rows: %d" % rows)
    w.t.equal(rows - int(w.c.sql("SELECT count(*) FROM icecat.audit_log WHERE status = 401 AND details ->> 'repeated' IS NOT NULL")) + repeated, 1000,
              "each is a row, or counted in one")
    w.t.equal(w.gateway.metric("icecat_audit_dropped_total"), 0, "none is dropped")


def test_reasons(w):
    """Why a token was refused; each reason is of its own kind."""
    for token, reason in (("x", "form"), (w.tokens["ann"][:-6] + "AAAAAA", "signature"), (w.issuer.token("ann", exp=1), "expired")):
        name = "why-" + reason
        w.gateway.request("GET", "/v1" + NS, None, ["X-Request-Id: " + name, "Authorization: Bearer " + token])
        w.wait_rows("details ->> 'reason'", name, reason, "the reason is in the log")


def test_secrets(w):
    """No token, nor a part of one, is in the log."""
    w.call("ann", "POST", NS, {"namespace": ["s"]}, "Idempotency-Key: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    w.gateway.request("GET", "/v1" + NS + "?token=" + w.tokens["ann"])
    text = w.c.sql("SELECT a::text FROM icecat.audit_log AS a") + w.c.sql("SELECT e::text FROM icecat.events AS e")
    for who, token in w.tokens.items():
        for part in [token] + token.split(".")[1:]:
            w.t.ok(part not in text, "no part of %s's token" % who)
    w.t.ok("Bearer" not in text, "and no field of the head")


def test(c, t):
    c.make_warehouse()
    c.sql(SETUP)
    dsn = f"host={c.dir} port=5432 user=gate dbname=postgres"
    with Issuer() as issuer, harness.Gateway(os.environ["ICECAT_GATEWAY"], dsn, c.dir, auth_issuers=f"corp={issuer.url}",
                                             auth_audiences="icecat", audit_repeats_window_s=1) as gateway:
        world = World(c, t, issuer, gateway)
        for part in (test_changes, test_refusals, test_odd_names, test_reasons, test_flood, test_secrets):
            part(world)


if __name__ == "__main__":
    cluster.main(test)
