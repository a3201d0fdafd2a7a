"""Commit policies over REST: what a client is told, of each kind of thing, and what a policy that does not end leaves of the gateway."""
# SPDX-License-Identifier: PostgreSQL
import json

from expectations import expect, expect_equal

N = "/v1/w/namespaces"
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}


def policy(c, body):
    c.sql("SET ROLE steward; CREATE OR REPLACE FUNCTION contracts.rule(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER "
          "SET search_path = pg_catalog, pg_temp AS $f$ %s $f$" % body)


def prepare(c):
    c.make_warehouse()
    c.sql("CREATE ROLE steward; CREATE SCHEMA contracts AUTHORIZATION steward; SELECT icecat.create_table('w', '{ns}', 't', '%s')" % json.dumps(SCHEMA))
    policy(c, "BEGIN RETURN 'not this: ' || (p_change ->> 'operation'); END")
    c.sql("SELECT icecat.create_commit_policy('w', 'rule', 'contracts.rule(json)', '{ns}')")


def test_a_refusal_is_403_with_its_reason(c, gateway):
    for method, path, body, operation in (
            ("POST", N, {"namespace": ["ns", "kid"]}, "create-namespace"),
            ("POST", N + "/ns/properties", {"updates": {"k": "v"}}, "update-namespace-properties"),
            ("DELETE", N + "/ns/tables/t", None, "drop-table"),
            ("POST", N + "/ns/tables", {"name": "u", "schema": SCHEMA}, "create-table"),
            ("POST", N + "/ns/tables/t", {"requirements": [], "updates": [{"action": "set-properties", "updates": {"k": "v"}}]}, "commit-table"),
            ("POST", "/v1/w/tables/rename", {"source": {"namespace": ["ns"], "name": "t"}, "destination": {"namespace": ["ns"], "name": "u"}}, "rename-table")):
        answer = gateway.request(method, path, body)
        expect_equal(answer.status, 403, operation)
        expect_equal(answer.json()["error"]["type"], "ForbiddenException")
        expect("Refused by commit policy rule: not this: " + operation in answer.json()["error"]["message"], answer.json()["error"]["message"])
    expect_equal(gateway.request("POST", N, {"namespace": ["beside"]}).status, 200)


def test_one_that_does_not_end_costs_its_call_and_no_more(c, gateway):
    policy(c, "BEGIN FOR i IN 1 .. 400 LOOP BEGIN PERFORM pg_sleep(0.1); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; RETURN NULL; END")
    answer = gateway.request("POST", N + "/ns/properties", {"updates": {"k": "v"}})
    expect(answer.status in (500, 502, 503, 504), f"an outcome that the gateway does not know: {answer.status}")
    expect_equal(c.sql("SELECT icecat.load_namespace('w', '{ns}') -> 'properties' ->> 'k'"), "", "nothing was changed")
    policy(c, "BEGIN RETURN NULL; END")
    expect_equal(gateway.request("POST", N + "/ns/properties", {"updates": {"k": "v"}}).status, 200, "the gateway goes on")
