"""Naming rules: which patterns there are, which names they let pass, by every operation that gives one, over SQL and REST, and at once."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import time

from expectations import expect, expect_equal

SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}
VERSION = {"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": [],
           "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "x"}]}
TABLE = "SELECT icecat.create_table('w', '{%s}', '%s', '" + json.dumps(SCHEMA) + "') IS NOT NULL"
VIEW = "SELECT icecat.create_view('w', '{%s}', '%s', '" + json.dumps(SCHEMA) + "', '" + json.dumps(VERSION) + "') IS NOT NULL"
# pattern, names that it lets pass, names that it does not
MATCHES = [
    ("a", "a", "b aa A"),
    ("a|bc", "a bc", "abc b ac"),
    ("[a-z][a-z0-9_]{0,3}", "a a_1 abcd", "1 _a abcde aB ä"),
    ("[^a-c]+", "d xyz", "a xaz"),
    ("a?b*c", "c ac bbbc abc", "a aab abcc"),
    ("a{2}", "aa", "a aaa"),
    ("a{2,}", "aa aaaaa", "a"),
    ("a{0,2}b", "b ab aab", "aaab"),
    (".", "a ä 漢", "ab"),
    ("[ä-ü]+", "äöü", "a"),
    ("\\.x\\|", ".x|", "ax|"),
    ("[\\]\\-]+", "]- -", "a"),
    ("[a-]+", "a- -", "b"),
    ("(raw|mart)_.*".replace("(raw|mart)_", "raw_.*|mart_"), "raw_ raw_x mart_y", "rawx x_raw_"),
    ("x" * 1000, "x" * 1000, "x" * 999),
]
NO_PATTERNS = ["", "a|", "|", "(a)", "^a$", "a)", "*", "a{", "a{2", "a{,3}", "a{3,2}", "a{1001}", "[", "[]", "[a", "[b-a]", "\\d", "\\", "a**", "[a\\", "x" * 1001, "a{999}b{2}", "]"]


def try_call(c, statement, role="postgres"):
    return c.sql("\\set VERBOSITY verbose\nSET ROLE %s;%s" % (role, statement), check=False)


def refused(c, statement, words, role="postgres"):
    said = try_call(c, statement, role)
    expect("IC309: " in said and words in said, f"{statement[:90]}: {said[:300]}")


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def prepare(c):
    c.make_warehouse()
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"3600\"}'), icecat.create_namespace('w', '{ns,deep}'), "
          "icecat.create_namespace('w', '{beside}')")


def test_patterns_match_whole_names(c):
    for pattern, passes, fails in MATCHES:
        for names, expected in ((passes, "t"), (fails, "f")):
            for name in names.split():
                expect_equal(c.sql("SELECT icecat.name_matches(%s, %s)" % (literal(pattern), literal(name))), expected, f"{pattern[:40]} of {name[:20]}")


def test_what_is_no_pattern_is_refused(c):
    for pattern in NO_PATTERNS:
        expect("IC301: Not a pattern" in try_call(c, "SELECT icecat.name_matches(%s, 'x')" % literal(pattern)), pattern[:30])
        expect("IC301: Not a pattern" in try_call(c, "SELECT icecat.set_naming_rule('w', 'table', %s)" % literal(pattern)), pattern[:30])
    expect_equal(c.sql("SELECT count(*) FROM icecat.naming_rules"), "0")


def test_the_work_is_bounded(c):
    started = time.monotonic()
    expect_equal(c.sql("SELECT icecat.name_matches('[a-z]?' || repeat('[a-z]*', 165), repeat('a', 100000) || '1')"), "f")
    expect(time.monotonic() - started < 20, f"{time.monotonic() - started} s")


def test_every_operation_that_names_something_asks(c):
    c.sql("SELECT icecat.set_naming_rule('w', 'table', 't_[a-z]+', '{ns}'), icecat.set_naming_rule('w', 'view', 'v_[a-z]+', '{ns}'), "
          "icecat.set_naming_rule('w', 'namespace', 'n_[a-z]+', '{ns}')")
    c.sql(TABLE % ("beside", "src"))
    c.sql(VIEW % ("beside", "vsrc"))
    file = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'src'")
    rule = "the naming rule of namespace ns is "
    for statement, words in (
            (TABLE % ("ns", "bad"), "A table cannot be called bad: " + rule + "t_[a-z]+"),
            (TABLE % ("ns,deep", "bad"), rule),
            (TABLE.replace("') IS NOT", "', p_stage_create => true) IS NOT") % ("ns", "bad"), rule),
            ("SELECT icecat.commit_table('w', '{ns}', 'bad', '[{\"type\":\"assert-create\"}]', '[{\"action\":\"assign-uuid\",\"uuid\":\"01a22a91-6ae1-7ee1-b0fd-957732465bf3\"},"
             "{\"action\":\"add-schema\",\"schema\":%s},{\"action\":\"set-current-schema\",\"schema-id\":-1},"
             "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[]}},{\"action\":\"set-default-spec\",\"spec-id\":-1},"
             "{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}},{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1},"
             "{\"action\":\"set-location\",\"location\":\"file://%s/w/ns/bad\"}]')" % (json.dumps(dict(SCHEMA, **{"schema-id": 0})), c.files), rule),
            ("SELECT icecat.register_table('w', '{ns}', 'bad', '%s')" % file, rule),
            ("SELECT icecat.rename_table('w', '{beside}', 'src', '{ns}', 'bad')", rule),
            (VIEW % ("ns", "bad"), "A view cannot be called bad: " + rule + "v_[a-z]+"),
            ("SELECT icecat.rename_view('w', '{beside}', 'vsrc', '{ns}', 't_ok')", rule + "v_"),
            ("SELECT icecat.create_namespace('w', '{ns,bad}')", "A namespace cannot be called bad: " + rule + "n_[a-z]+"),
            ("SELECT icecat.create_namespace('w', '{ns,deep,bad}')", rule),
            ("INSERT INTO icecat.iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) VALUES ('w', 'ns', 'bad', '%s', 'TABLE')" % file, rule)):
        refused(c, statement, words)
    for statement in (TABLE % ("ns", "t_ok"), TABLE % ("ns,deep", "t_ok"), VIEW % ("ns", "v_ok"), "SELECT icecat.create_namespace('w', '{ns,n_ok}')",
                      "SELECT icecat.rename_table('w', '{ns}', 't_ok', '{ns}', 't_other')", TABLE % ("beside", "anything")):
        c.sql(statement)
    c.sql("SELECT icecat.drop_table('w', '{ns}', 't_other'), icecat.drop_view('w', '{ns}', 'v_ok'), icecat.set_naming_rule('w', 'table', 'u_.*', '{ns}'), "
          "icecat.set_naming_rule('w', 'view', 'u_.*', '{ns}')")
    refused(c, "SELECT icecat.undrop_table('w', '{ns}', 't_other')", rule + "u_")
    refused(c, "SELECT icecat.undrop_view('w', '{ns}', 'v_ok')", rule + "u_")
    c.sql("SELECT icecat.undrop_table('w', '{ns}', 't_other', p_new_name => 'u_back')")
    c.sql("SELECT icecat.commit_table('w', '{ns,deep}', 't_ok', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]')")
    c.sql("SELECT icecat.set_naming_rule('w', k, NULL, '{ns}') FROM unnest('{table,view,namespace}'::text[]) AS k")
    expect_equal(c.sql("SELECT count(*) FROM icecat.naming_rules"), "0")
    c.sql(TABLE % ("ns", "bad"))


def test_rules_add_up_from_the_namespace_to_the_tenant(c):
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE acme IN ROLE users; CREATE ROLE other IN ROLE users;"
          "SELECT icecat.create_tenant('acme', 's3://acme/root'), icecat.create_tenant('other', 's3://other/root'), icecat.assign_role('acme', 'acme'), "
          "icecat.assign_role('other', 'other'), icecat.grant_tenant('acme', 'manage', 'acme'), icecat.grant_tenant('other', 'manage', 'other');"
          "SET ROLE acme; SELECT icecat.create_warehouse('lake', NULL, '{\"icecat.metadata-write-mode\":\"none\"}'); RESET ROLE;"
          "SELECT icecat.set_tenant_naming_rule('acme', 'namespace', '[a-z]+')")
    expect("42501" in try_call(c, "SELECT icecat.set_tenant_naming_rule('acme', 'namespace', NULL)", "acme"), "the tenant's rule is the catalog's to set")
    c.sql("SET ROLE acme; SELECT icecat.set_naming_rule('lake', 'namespace', 'a.*'), icecat.create_namespace('lake', '{ab}'), "
          "icecat.set_naming_rule('lake', 'namespace', '.*z', '{ab}')")
    refused(c, "SELECT icecat.create_namespace('lake', '{a1}')", "the naming rule of the tenant is [a-z]+", "acme")
    refused(c, "SELECT icecat.create_namespace('lake', '{b}')", "the naming rule of the warehouse is a.*", "acme")
    refused(c, "SELECT icecat.create_namespace('lake', '{ab,ac}')", "the naming rule of namespace ab is .*z", "acme")
    c.sql("SET ROLE acme; SELECT icecat.create_namespace('lake', '{ab,az}')")
    expect_equal(c.sql("SET ROLE acme; SELECT string_agg(object_kind || ' ' || pattern, ', ' ORDER BY object_kind) FROM icecat.naming_rules"),
                 "namespace .*z, tenant [a-z]+, warehouse a.*")
    expect_equal(c.sql("SET ROLE other; SELECT count(*) FROM icecat.naming_rules"), "0", "another tenant sees none")
    expect("IC101" in try_call(c, "SELECT icecat.set_naming_rule('acme/lake', 'table', 'x')", "other"), "nor sets one")
    expect_equal(c.sql("SELECT action, name, details #>> '{before,pattern}', details #>> '{after,pattern}', details ->> 'names-of' FROM icecat.audit_log "
                       "WHERE action LIKE '%naming%' AND object_kind = 'tenant'"), "set-tenant-naming-rule|acme||[a-z]+|namespace")
    c.sql("SET ROLE acme; SELECT icecat.drop_namespace('lake', '{ab,az}'), icecat.drop_namespace('lake', '{ab}'), icecat.drop_warehouse('lake'); RESET ROLE;"
          "SELECT icecat.drop_tenant('acme')")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.naming_rule"), "0", "rules go with what they are of")


def test_who_does_not_manage_sets_none(c):
    c.sql("CREATE ROLE maker IN ROLE users; SELECT icecat.grant('maker', 'create', 'w', '{ns}'), icecat.grant('maker', 'select', 'w')")
    expect("IC401" in try_call(c, "SELECT icecat.set_naming_rule('w', 'table', 'x', '{ns}')", "maker"), "not of a namespace")
    expect("IC401" in try_call(c, "SELECT icecat.set_naming_rule('w', 'table', 'x')", "maker"), "nor of the warehouse")
    expect("IC301" in try_call(c, "SELECT icecat.set_naming_rule('w', 'column', 'x')"), "names of what there are no rules for")


def test_a_rule_holds_for_what_is_committed_after_it(c):
    """Who names something and who sets a rule wait for each other."""
    maker = c.spawn("BEGIN; %s; SELECT pg_sleep(2); COMMIT;" % (TABLE % ("ns", "early")))
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND pid <> pg_backend_pid()", "1"), "it has its name")
    started = time.monotonic()
    c.sql("SELECT icecat.set_naming_rule('w', 'table', 't_.*', '{ns}')")
    expect(time.monotonic() - started > 0.5, "the rule has waited for it")
    maker.communicate()
    setter = c.spawn("BEGIN; SELECT icecat.set_naming_rule('w', 'table', 'u_.*', '{ns}'); SELECT pg_sleep(2); COMMIT;")
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND pid <> pg_backend_pid()", "1"), "a rule is set")
    refused(c, TABLE % ("ns", "t_late"), "is u_.*")
    setter.communicate()
    c.sql("SELECT icecat.set_naming_rule('w', 'table', NULL, '{ns}')")


def test_over_rest_it_is_400_with_the_rule(c, gateway):
    c.sql("SELECT icecat.set_naming_rule('w', k, 'ok.*', '{ns}') FROM unnest('{table,view,namespace}'::text[]) AS k")
    base = "/v1/w/namespaces"
    for path, body in ((base, {"namespace": ["ns", "bad"]}), (base + "/ns/tables", {"name": "worse", "schema": SCHEMA}),
                       (base + "/ns/tables", {"name": "worse", "schema": SCHEMA, "stage-create": True}),
                       (base + "/ns/views", {"name": "worse", "schema": SCHEMA, "view-version": VERSION, "properties": {}}),
                       ("/v1/w/tables/rename", {"source": {"namespace": ["beside"], "name": "src"}, "destination": {"namespace": ["ns"], "name": "worse"}})):
        answer = gateway.request("POST", path, body)
        expect_equal((answer.status, answer.json()["error"]["type"]), (400, "BadRequestException"), path)
        expect("the naming rule of namespace ns is ok.*" in answer.json()["error"]["message"], answer.json()["error"]["message"])
    expect_equal(gateway.request("POST", base, {"namespace": ["ns", "okay"]}).status, 200)


def test_a_dump_has_them(c):
    path = os.path.join(c.dir, "dump")
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-Fc", "-f", path, "postgres")
    c.sql("CREATE DATABASE copy TEMPLATE template0")
    c.run("pg_restore", "--exit-on-error", "-h", c.dir, "-p", "5432", "-U", "postgres", "-d", "copy", path)
    expect_equal(c.sql("SELECT count(*) FROM icecat.naming_rules", "copy"), "3")
