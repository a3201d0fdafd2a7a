"""What is protected is not dropped without force: tables, views, namespaces, warehouses; in SQL, over REST, and through the views of a SQL catalog.
"""
# SPDX-License-Identifier: PostgreSQL
import json

import harness
from expectations import expect, expect_equal

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]})
VERSION = json.dumps({"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": [],
                      "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "x"}]})


def prepare(c):
    c.make_warehouse()


def make(c, name, warehouse="w"):
    c.sql("SELECT icecat.create_table('%s', '{ns}', '%s', '%s')" % (warehouse, name, SCHEMA))


def refused(c, text, code):
    said = c.sql("\\set VERBOSITY verbose\n" + text, check=False)
    expect(code in said, said)
    return said


def test_a_table_is_not_dropped_without_force(c):
    make(c, "t")
    c.sql("SELECT icecat.set_protection('w', '{ns}', 't')")
    said = refused(c, "SELECT icecat.drop_table('w', '{ns}', 't')", "IC209")
    expect("The table ns.t is protected" in said and "p_force" in said, said)
    refused(c, "SELECT icecat.drop_table('w', '{ns}', 't', true)", "IC209")
    refused(c, "SELECT icecat.unregister_table('w', '{ns}', 't')", "IC209")
    refused(c, "DELETE FROM icecat.iceberg_tables WHERE table_name = 't'", "IC209")
    c.sql(c.property_commit_sql("t", "k", "v") + "; SELECT icecat.rename_table('w', '{ns}', 't', '{ns}', 'u')")
    refused(c, "SELECT icecat.drop_table('w', '{ns}', 'u')", "IC209")
    expect_equal(c.sql("SELECT warehouse, namespace, name, object_kind, set_by = current_user, set_at <= now() FROM icecat.protections"), "w|{ns}|u|table|t|t")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'u', p_force => true)")
    expect_equal(c.sql("SELECT details ->> 'forced' FROM icecat.audit_log WHERE action = 'drop-table'"), "true")
    expect_equal(c.sql("SELECT count(*) FROM icecat.protections"), "0")
    make(c, "u")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'u')")
    expect_equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'drop-table' AND details::jsonb ? 'forced'"), "1", "a plain drop does not say so")


def test_what_is_ended_is_ended(c):
    make(c, "e")
    c.sql("SELECT icecat.set_protection('w', '{ns}', 'e'), icecat.set_protection('w', '{ns}', 'e')")
    c.sql("SELECT icecat.set_protection('w', '{ns}', 'e', false)")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'e')")


def test_a_view(c):
    c.sql("SELECT icecat.create_view('w', '{ns}', 'v', '%s', '%s'); SELECT icecat.set_protection('w', '{ns}', 'v')" % (SCHEMA, VERSION))
    said = refused(c, "SELECT icecat.drop_view('w', '{ns}', 'v')", "IC209")
    expect("The view ns.v is protected" in said, said)
    refused(c, "SELECT icecat.set_protection('w', '{ns}', 'v', false, 'table')", "IC103")
    make(c, "not_a_view")
    refused(c, "SELECT icecat.set_protection('w', '{ns}', 'not_a_view', true, 'view')", "IC105")
    c.sql("SELECT icecat.drop_view('w', '{ns}', 'v', true)")


def test_a_namespace_and_what_is_in_it(c):
    c.sql("SELECT icecat.create_namespace('w', '{p}'), icecat.create_namespace('w', '{p,q}'); SELECT icecat.set_protection('w', '{p,q}')")
    said = refused(c, "SELECT icecat.drop_namespace('w', '{p,q}')", "IC209")
    expect("The namespace p.q is protected" in said, said)
    refused(c, "DELETE FROM icecat.iceberg_namespace_properties WHERE namespace = 'p.q' AND property_key = 'exists'", "IC209")
    refused(c, "SELECT icecat.drop_namespace('w', '{p}', true)", "IC202")
    c.sql("SELECT icecat.create_table('w', '{p,q}', 't', '%s'); SELECT icecat.drop_table('w', '{p,q}', 't')" % SCHEMA)
    c.sql("SELECT icecat.drop_namespace('w', '{p,q}', p_force => true)")
    expect_equal(c.sql("SELECT details ->> 'forced' FROM icecat.audit_log WHERE action = 'drop-namespace'"), "true")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.protection WHERE object_kind = 'namespace'"), "0", "no row is left of what is gone")


def test_a_warehouse(c):
    c.sql("SELECT icecat.create_warehouse('x', NULL); SELECT icecat.set_protection('x')")
    said = refused(c, "SELECT icecat.drop_warehouse('x')", "IC209")
    expect("The warehouse x is protected" in said, said)
    expect_equal(c.sql("SELECT warehouse, namespace IS NULL, name IS NULL, object_kind FROM icecat.protections WHERE warehouse = 'x'"), "x|t|t|warehouse")
    c.sql("SELECT icecat.drop_warehouse('x', true)")
    expect_equal(c.sql("SELECT details ->> 'forced' FROM icecat.audit_log WHERE action = 'drop-warehouse'"), "true")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.protection WHERE object_kind = 'warehouse'"), "0")


def test_it_comes_back_with_what_is_undropped_and_goes_with_what_expires(c):
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"3600\"}')")
    make(c, "back")
    c.sql("SELECT icecat.set_protection('w', '{ns}', 'back'), icecat.drop_table('w', '{ns}', 'back', p_force => true); SELECT icecat.undrop_table('w', '{ns}', 'back')")
    refused(c, "SELECT icecat.drop_table('w', '{ns}', 'back')", "IC209")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'back', true, true); SELECT icecat.expire_dropped('w')")
    c.sql("SELECT icecat.alter_warehouse('w', p_removals => '{icecat.undrop-retention-s}'); SELECT icecat.adopt_storage()")

    def rows_are_gone():
        c.sql("SET icecat.dropped_retention_s = 0; SELECT icecat.run_worker_once()")
        return c.sql("SELECT count(*) FROM icecat_data.protection") == "0"
    harness.wait_until(rows_are_gone, "the row goes with those of the table", 30)
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "")


def test_who_may_and_bad_arguments(c):
    make(c, "mine")
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE dropper IN ROLE users; CREATE ROLE steward IN ROLE users;"
          "SELECT icecat.grant('dropper', 'drop', 'w', '{ns}', 'mine'), icecat.grant('steward', 'manage', 'w', '{ns}', 'mine')")
    for what in ("'w'", "'w', '{ns}'", "'w', '{ns}', 'mine'"):
        refused(c, "SET ROLE dropper; SELECT icecat.set_protection(%s)" % what, "IC401")
    refused(c, "SET ROLE steward; SELECT icecat.set_protection('w', '{ns}')", "IC401")
    c.sql("SET ROLE steward; SELECT icecat.set_protection('w', '{ns}', 'mine')")
    expect_equal(c.sql("SET ROLE dropper; SELECT string_agg(name, ',') FROM icecat.protections"), "mine")
    refused(c, "SET ROLE dropper; SELECT icecat.drop_table('w', '{ns}', 'mine')", "IC209")
    refused(c, "SET ROLE dropper; SELECT icecat.set_protection('w', '{ns}', 'mine', false)", "IC401")
    refused(c, "SELECT icecat.set_protection('w', NULL, 't')", "IC301")
    refused(c, "SELECT icecat.set_protection('w', '{ns}', 't', NULL)", "IC301")
    refused(c, "SELECT icecat.set_protection('w', '{ns}', 't', true, 'index')", "IC301")
    refused(c, "SELECT icecat.set_protection('w', '{ns}', NULL, true, 'table')", "IC301")
    refused(c, "SELECT icecat.set_protection('w', '{ns}', 'none')", "IC103")
    refused(c, "SELECT icecat.set_protection('w', '{none}')", "IC102")
    c.sql("SELECT icecat.set_maintenance('w', true)")
    refused(c, "SELECT icecat.set_protection('w')", "IC505")
    c.sql("SELECT icecat.set_maintenance('w', false)")


def test_over_rest(c, gateway):
    make(c, "r")
    c.sql("SELECT icecat.create_view('w', '{ns}', 'rv', '%s', '%s'); SELECT icecat.create_namespace('w', '{rn}')" % (SCHEMA, VERSION))
    base = "/v1/w/namespaces/"
    for path in (base + "ns/tables/r", base + "ns/views/rv", base + "rn"):
        expect_equal(gateway.request("POST", path + "/protection").status, 204, path)
        answer = gateway.request("DELETE", path)
        expect_equal((answer.status, answer.error()["type"]), (409, "ConflictException"), path)
        expect("is protected" in answer.error()["message"], answer.error())
        for said in ("protected=false", "protected=true"):
            expect_equal(gateway.request("POST", path + "/protection?" + said).status, 204, path)
        expect_equal(gateway.request("DELETE", path + "?force=false").status, 409, path)
        expect_equal(gateway.request("DELETE", path + "?force=true").status, 204, path)
    expect_equal([gateway.request("POST", base + "ns/%s/none/protection" % kind).status for kind in ("tables", "views")], [404, 404])
    expect_equal(gateway.request("POST", base + "ns/tables/r/protection?protected=maybe").status, 400)


def test_calls_with_a_key_run_once(c, gateway):
    at = "/v1/w/namespaces/ns/tables/once"
    key = lambda n: ["Idempotency-Key: 0193f2c0-0000-7000-8000-%012d" % n]
    make(c, "once")
    expect_equal([gateway.request("POST", at + "/protection", headers=key(1)).status for _ in range(2)], [204, 204])
    c.sql("SELECT icecat.set_protection('w', '{ns}', 'once', false)")
    expect_equal(gateway.request("POST", at + "/protection", headers=key(1)).status, 204)
    expect_equal(c.sql("SELECT count(*) FROM icecat.protections WHERE name = 'once'"), "0", "it is not set again")
    expect_equal(gateway.request("POST", at + "/protection?protected=false", headers=key(1)).status, 422)
