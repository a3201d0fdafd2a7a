#!/usr/bin/env python3
"""Privileges as rows: who may do what, by one table of operations and one of privileges.

Each role has one privilege on one object. What it may do with each operation follows from three tables: what a privilege
implies, what an operation needs, and what an object is in. Every operation is tried by every role, once by itself and once by a
member of it.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import subprocess
import time

import cluster

IMPLIES = {
    "usage": {"usage"},
    "create": {"create", "usage"},
    "select": {"select", "usage"},
    "write": {"write", "select", "usage"},
    "drop": {"drop", "usage"},
    "manage": {"usage", "create", "select", "write", "drop", "manage"},
}
# An object, what it is in, and how icecat.grant() names it.
PLACES = {
    "catalog": (None, ""),
    "warehouse": ("catalog", ", 'w'"),
    "a": ("warehouse", ", 'w', '{a}'"),
    "a.b": ("a", ", 'w', '{a,b}'"),
    "table": ("a.b", ", 'w', '{a,b}', 't'"),
    "view": ("a.b", ", 'w', '{a,b}', 'v'"),
    "elsewhere": ("warehouse", ", 'w', '{c}'"),
}
MISSING = {"table": "IC103", "view": "IC105", "a.b": "IC102", "warehouse": "IC101"}
SCHEMA = '{"type":"struct","fields":[]}'
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')
SET = '[{"action":"set-properties","updates":{"k":"v"}}]'
REPORT = '{"report-type":"x","metrics":{}}'
IDENTIFIER = '{"namespace":["a","b"],"name":"t"}'
# An operation: what it needs on which objects, in the order in which it asks. "see": nothing but that it is seen.
OPERATIONS = [
    ("get_config", "icecat.get_config('w')", [("warehouse", "see")]),
    ("load_warehouse", "icecat.load_warehouse('w')", [("warehouse", "usage")]),
    ("alter_warehouse", "icecat.alter_warehouse('w', p_updates => '{\"k\":\"v\"}')", [("warehouse", "manage")]),
    ("read_events", "icecat.read_events('w')", [("warehouse", "see")]),
    ("rest_query_events", "icecat.rest_query_events('w', '{}')", [("warehouse", "see")]),
    ("list_namespaces at the top", "icecat.list_namespaces('w')", [("warehouse", "see")]),
    ("create_namespace at the top", "icecat.create_namespace('w', '{z}')", [("warehouse", "create")]),
    ("list_namespaces", "icecat.list_namespaces('w', '{a,b}')", [("a.b", "see")]),
    ("load_namespace", "icecat.load_namespace('w', '{a,b}')", [("a.b", "see")]),
    ("create_namespace", "icecat.create_namespace('w', '{a,b,z}')", [("a.b", "create")]),
    ("update_namespace_properties", "icecat.update_namespace_properties('w', '{a,b}', '{\"k\":\"v\"}')", [("a.b", "write")]),
    ("list_tables", "icecat.list_tables('w', '{a,b}')", [("a.b", "see")]),
    ("list_views", "icecat.list_views('w', '{a,b}')", [("a.b", "see")]),
    ("create_table", "icecat.create_table('w', '{a,b}', 'n', '%s')" % SCHEMA, [("a.b", "create")]),
    ("create_table, staged", "icecat.create_table('w', '{a,b}', 'n', '%s', p_stage_create => true)" % SCHEMA, [("a.b", "create")]),
    ("register_table", "icecat.register_table('w', '{a,b}', 'n', '%(file)s')", [("a.b", "create")]),
    ("register_table over it", "icecat.register_table('w', '{a,b}', 't', '%(file)s', true)", [("a.b", "create"), ("table", "write")]),
    ("load_table", "icecat.load_table('w', '{a,b}', 't')", [("table", "select")]),
    ("rest_load_table", "icecat.rest_load_table('w', '{a,b}', 't')", [("table", "select")]),
    ("load_credentials", "icecat.load_credentials('w', '{a,b}', 't')", [("table", "select")]),
    ("rest_load_table_pieces", "icecat.rest_load_table_pieces('w', '{a,b}', 't')", [("table", "select")]),
    ("report_metrics", "icecat.report_metrics('w', '{a,b}', 't', '%s')" % REPORT, [("table", "select")]),
    ("wait_for_metadata", "icecat.wait_for_metadata('w', '{a,b}', 't', 10000)", [("table", "select")]),
    ("commit_table", "icecat.commit_table('w', '{a,b}', 't', '[]', '%s')" % SET, [("table", "write")]),
    ("commit_transaction", "icecat.commit_transaction('w', '[{\"identifier\":%s,\"updates\":%s}]')" % (IDENTIFIER, SET), [("table", "write")]),
    ("a commit that creates", "icecat.commit_table('w', '{a,b}', 'n', '[{\"type\":\"assert-create\"}]', "
     "'[{\"action\":\"upgrade-format-version\",\"format-version\":2},{\"action\":\"add-schema\",\"schema\":%s,\"last-column-id\":0},"
     "{\"action\":\"set-current-schema\",\"schema-id\":-1},{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[]}},"
     "{\"action\":\"set-default-spec\",\"spec-id\":-1},{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}},"
     "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1}]')" % SCHEMA, [("a.b", "create")]),
    ("rename_table", "icecat.rename_table('w', '{a,b}', 't', '{a,b}', 'n')", [("table", "drop"), ("a.b", "create")]),
    ("drop_table", "icecat.drop_table('w', '{a,b}', 't')", [("table", "drop")]),
    ("drop_table, with its files", "icecat.drop_table('w', '{a,b}', 't', true)", [("table", "drop")]),
    ("unregister_table", "icecat.unregister_table('w', '{a,b}', 't')", [("table", "drop select")]),
    ("set_protection", "icecat.set_protection('w', '{a,b}', 't')", [("table", "manage")]),
    ("set_protection of a namespace", "icecat.set_protection('w', '{a,b}')", [("a.b", "manage")]),
    ("set_protection of a view", "icecat.set_protection('w', '{a,b}', 'v', true, 'view')", [("view", "manage")]),
    ("grant", "icecat.grant('bystander', 'usage', 'w', '{a,b}', 't')", [("table", "manage")]),
    ("revoke", "icecat.revoke('bystander', 'usage', 'w', '{a,b}')", [("a.b", "manage")]),
    ("create_view", "icecat.create_view('w', '{a,b}', 'n', '%s', '%s')" % (SCHEMA, VERSION), [("a.b", "create")]),
    ("load_view", "icecat.load_view('w', '{a,b}', 'v')", [("view", "select")]),
    ("replace_view", "icecat.replace_view('w', '{a,b}', 'v', '[]', '%s')" % SET, [("view", "write")]),
    ("rename_view", "icecat.rename_view('w', '{a,b}', 'v', '{a,b}', 'n')", [("view", "drop"), ("a.b", "create")]),
    ("drop_view", "icecat.drop_view('w', '{a,b}', 'v')", [("view", "drop")]),
]
# What is asked without an error: the answer.
QUESTIONS = [
    ("table_exists", "icecat.table_exists('w', '{a,b}', 't')", ("table", "see")),
    ("view_exists", "icecat.view_exists('w', '{a,b}', 'v')", ("view", "see")),
    ("namespace_exists", "icecat.namespace_exists('w', '{a,b}')", ("a.b", "see")),
    ("list_warehouses()", "EXISTS (SELECT FROM icecat.list_warehouses() AS l WHERE l = 'w')", ("warehouse", "see")),
    ("list_namespaces()", "icecat.list_namespaces('w', '{a}')::text LIKE '%%\"b\"%%'", ("a.b", "see")),
    ("list_tables()", "icecat.list_tables('w', '{a,b}')::text LIKE '%%\"t\"%%'", ("table", "see")),
    ("list_views()", "icecat.list_views('w', '{a,b}')::text LIKE '%%\"v\"%%'", ("view", "see")),
    ("the properties of load_namespace()", "icecat.load_namespace('w', '{a,b}') -> 'properties' ->> 'p' = 'q'", ("a.b", "usage")),
    ("view warehouses", "EXISTS (SELECT FROM icecat.warehouses WHERE warehouse = 'w')", ("warehouse", "see")),
    ("its location", "EXISTS (SELECT FROM icecat.warehouses WHERE warehouse = 'w' AND location IS NOT NULL)", ("warehouse", "usage")),
    ("view namespaces", "EXISTS (SELECT FROM icecat.namespaces WHERE namespace = '{a,b}')", ("a.b", "see")),
    ("its properties", "EXISTS (SELECT FROM icecat.namespaces WHERE namespace = '{a,b}' AND properties ->> 'p' = 'q')", ("a.b", "usage")),
    ("view iceberg_namespace_properties", "EXISTS (SELECT FROM icecat.iceberg_namespace_properties WHERE namespace = 'a.b')", ("a.b", "usage")),
    ("view iceberg_tables, a table", "EXISTS (SELECT FROM icecat.iceberg_tables WHERE table_name = 't')", ("table", "select")),
    ("view iceberg_tables, a view", "EXISTS (SELECT FROM icecat.iceberg_tables WHERE table_name = 'v')", ("view", "select")),
    ("view scan_reports", "EXISTS (SELECT FROM icecat.scan_reports WHERE table_name = 't')", ("table", "select")),
] + [
    ("events of " + place, "EXISTS (SELECT FROM icecat.events WHERE warehouse = 'w' AND event_type = '%s' AND namespace IS %s)" % (event, where), (place, "select"))
    for place, event, where in (
        ("warehouse", "create-warehouse", "NULL"), ("a.b", "create-namespace", "NOT DISTINCT FROM '{a,b}'"),
        ("table", "commit-table", "NOT DISTINCT FROM '{a,b}'"), ("view", "create-view", "NOT DISTINCT FROM '{a,b}'"))
] + [
    ("read_events, of " + place, "EXISTS (SELECT FROM icecat.read_events('w') WHERE event_type = '%s' AND namespace = '{a,b}')" % event, (place, "select"))
    for place, event in (("a.b", "create-namespace"), ("table", "commit-table"), ("view", "create-view"))
] + [
    ("view " + name, "EXISTS (SELECT FROM icecat.%s WHERE table_name = 't')" % name, ("table", "select"))
    for name in ("tables", "columns", "schemas", "snapshots", "refs", "history", "partition_specs", "sort_orders", "table_properties", "metadata_files")
] + [
    ("view " + name, "EXISTS (SELECT FROM icecat.%s WHERE view_name = 'v')" % name, ("view", "select"))
    for name in ("views", "view_versions", "view_representations", "view_history")
]

TRY_SQL = """
CREATE FUNCTION public.try(p_role name, p_call text, p_question boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	v_answer text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', p_role);
	IF p_question THEN
		EXECUTE 'SELECT ' || p_call INTO v_answer;
	ELSE
		EXECUTE 'SELECT ' || p_call;
		v_answer := 'done';
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(v_answer, 'false');
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZ000' THEN SQLERRM ELSE SQLSTATE END;
END $$;
"""


def above(place):
    """A place and what it is in."""
    while place:
        yield place
        place = PLACES[place][0]


def sees(place, granted_at):
    """Something was granted there, above or below."""
    return granted_at in above(place) or (place in above(granted_at) and place != "catalog")


def expected(needs, privilege, granted_at):
    """What comes of an operation."""
    for place, wanted in needs:
        if not sees(place, granted_at):
            unseen = [p for p in above(place) if p in MISSING and not sees(p, granted_at)]
            return {MISSING[place], MISSING[unseen[-1]]}
        holds = IMPLIES[privilege] if granted_at in above(place) else set()
        if wanted != "see" and not set(wanted.split()) <= holds:
            return {"IC401"}
    return {"done"}


def answer(need, privilege, granted_at):
    place, wanted = need
    holds = IMPLIES[privilege] if granted_at in above(place) else set()
    if wanted == "see":
        return {"true"} if sees(place, granted_at) else {"false", MISSING["warehouse"], MISSING["a.b"]}
    return {"true"} if wanted in holds else {"false", MISSING["warehouse"], MISSING["a.b"]}


def make_world(c):
    c.sql("CREATE ROLE users; CREATE ROLE bystander; SELECT icecat.grant_user('users');"
          "SELECT icecat.create_warehouse('w', 'file://%s/w'); SELECT icecat.create_namespace('w', '{a}'), icecat.create_namespace('w', '{c}'),"
          "icecat.create_namespace('w', '{a,b}', '{\"p\":\"q\"}')" % c.files)
    c.sql("SELECT icecat.create_table('w', '{a,b}', 't', '{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"x\",\"type\":\"long\",\"required\":false}]}',"
          "'{\"spec-id\":0,\"fields\":[{\"source-id\":1,\"field-id\":1000,\"name\":\"x\",\"transform\":\"identity\"}]}',"
          "'{\"order-id\":1,\"fields\":[{\"source-id\":1,\"transform\":\"identity\",\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}',"
          "NULL, '{\"k\":\"w\"}')")
    c.sql("SELECT icecat.create_table('w', '{c}', 'source', '%s')" % SCHEMA)
    c.sql("SELECT icecat.commit_table('w', '{a,b}', 't', '[]', '[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":1,\"sequence-number\":1,"
          "\"timestamp-ms\":%d,\"manifest-list\":\"file:///nowhere/1\",\"summary\":{\"operation\":\"append\"},\"schema-id\":0}},"
          "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":1}]')" % (time.time() * 1000))
    c.sql("SELECT icecat.create_view('w', '{a,b}', 'v', '%s', '%s')" % (SCHEMA, VERSION))
    c.sql("SELECT icecat.report_metrics('w', '{a,b}', 't', '{\"report-type\":\"scan-report\",\"snapshot-id\":1,\"metrics\":{},"
          "\"table-name\":\"t\",\"filter\":true,\"schema-id\":0,\"projected-field-ids\":[],\"projected-field-names\":[]}')")
    c.sql(TRY_SQL + "GRANT EXECUTE ON FUNCTION public.try TO PUBLIC")


def roles():
    for place in PLACES:
        for privilege in IMPLIES:
            yield "%s on %s" % (privilege, place), privilege, place


def test_matrix(c, t):
    c.sql("".join("CREATE ROLE \"%s\" IN ROLE users; CREATE ROLE \"member of %s\" IN ROLE \"%s\"; SELECT icecat.grant('\"%s\"', '%s'%s);\n"
                  % (name, name, name, name, privilege, PLACES[place][1]) for name, privilege, place in roles()))
    words = {"file": "file://%s/loose/00000-a.metadata.json" % c.files}      # held by no table
    os.makedirs(os.path.join(c.files, "loose"))
    document = json.loads(c.sql("SELECT icecat.load_table('w', '{c}', 'source') -> 'metadata'"))
    document["location"] = "file://%s/registered" % c.files
    with open(words["file"][len("file://"):], "w", encoding="utf-8") as file:
        json.dump(document, file)
    cases = [(operation, call % words, needs, False) for operation, call, needs in OPERATIONS]
    cases += [(question, call.replace("%%", "%"), need, True) for question, call, need in QUESTIONS]
    asked, script = [], []
    for operation, call, needs, question in cases:
        for name, privilege, place in roles():
            for role in (name, "member of " + name):
                asked.append((operation, role, (answer if question else expected)(needs, privilege, place)))
                script.append("SELECT public.try('%s', '%s', %s);\n" % (role, call.replace("'", "''"), question))
    said = c.sql("".join(script)).splitlines()
    t.equal(len(said), len(asked), "%d calls of %d roles are answered" % (len(asked), 2 * len(list(roles()))))
    for operation, _, _, _ in cases:
        wrong = ["%s: %s instead of %s" % (role, found, " or ".join(sorted(right)))
                 for (asked_operation, role, right), found in zip(asked, said) if asked_operation == operation and found not in right]
        t.equal(wrong[:8], [], "%s: each role may what its privilege says" % operation)
    t.equal(c.sql("SELECT public.try('users', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false), count(*) FROM icecat.tables WHERE false"), "IC101|0",
            "a role without a row sees no warehouse")


def test_same_words(c, t):
    """What is not seen is refused in the words of what is not there."""
    c.sql("CREATE ROLE narrow IN ROLE users; SELECT icecat.grant('narrow', 'usage', 'w', '{c}')")

    def says(call):
        return c.sql("SET ROLE narrow; SELECT " + call, check=False).splitlines()[0].split(":  ")[-1]

    for call, name, other in (("icecat.load_table('w', '{a,b}', '%s')", "t", "u"), ("icecat.load_view('w', '{a,b}', '%s')", "v", "u"),
                              ("icecat.load_namespace('w', '{a,%s}')", "b", "u"), ("icecat.drop_table('w', '{a,b}', '%s')", "t", "u"),
                              ("icecat.commit_table('w', '{a,b}', '%s', '[]', '[]')", "t", "u"),
                              ("icecat.rename_table('w', '{a,b}', '%s', '{c}', 'x')", "t", "u"),
                              ("icecat.grant('narrow', 'usage', 'w', '{a,%s}')", "b", "u")):
        t.equal(says(call % name), says(call % other).rsplit(other, 1)[0] + name, "%s: the same words" % call)
    t.equal(says("icecat.get_config('other')"), "Warehouse does not exist: other", "a warehouse that is not there")
    c.sql("SELECT icecat.create_warehouse('other', 'file://%s/other')" % c.files)
    t.equal(says("icecat.get_config('other')"), "Warehouse does not exist: other", "and one that is not seen")


def test_sessions(c, t):
    """A change counts at once in a session that has asked before, also within its transaction, and also under an older snapshot."""
    c.sql("CREATE ROLE reader IN ROLE users; CREATE ROLE team")
    script = ["SET ROLE reader;", "BEGIN ISOLATION LEVEL REPEATABLE READ;", "SELECT 1;"]
    ask = "SELECT public.try('reader', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false);"

    def turn(sql):
        """The other session does something, and the first asks again."""
        script.extend(["\\! %s" % " ".join("'%s'" % a.replace("'", "'\\''") for a in c.psql_command("postgres") + ["-o", "/dev/null", "-c", sql]), ask])

    script.append(ask)
    steps = [("SELECT icecat.grant('reader', 'select', 'w', '{a}')", "done"), ("SELECT icecat.revoke('reader', 'select', 'w', '{a}')", "IC101"),
             ("SELECT icecat.grant('team', 'select', 'w', '{a,b}', 't')", "IC101"), ("GRANT team TO reader", "done"),
             ("REVOKE team FROM reader", "IC101"), ("GRANT team TO reader", "done"), ("SELECT icecat.revoke('team', 'select', 'w', '{a,b}', 't')", "IC101"),
             ("BEGIN; SELECT icecat.grant('team', 'select', 'w', '{a,b}', 't'); ROLLBACK", "IC101"),
             ("SELECT icecat.apply_grants('[{\"action\":\"grant\",\"role\":\"team\",\"privilege\":\"write\"}]')", "done"),
             ("SELECT icecat.revoke('team', 'write')", "IC101")]
    for sql, _ in steps:
        turn(sql)
    script.append("COMMIT;")
    said = c.sql("\n".join(script)).splitlines()
    found = [line for line in said if line in ("done", "IC101")]
    t.equal(found, ["IC101"] + [after for _, after in steps], "an open transaction with an older snapshot sees each change at once")


def test_own_transaction(c, t):
    """A session that grants sees it, and what it rolls back it has not seen."""
    said = c.sql("BEGIN; SELECT icecat.grant('team', 'select', 'w', '{a}'); SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false);"
                 "SAVEPOINT s; SELECT icecat.revoke('team', 'select', 'w', '{a}'); SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false);"
                 "ROLLBACK TO s; SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false); ROLLBACK;"
                 "SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false)")
    denied = "42501"    # team is not one of users
    t.equal(said.splitlines(), ["t", denied, "t", denied, denied, denied], "without EXECUTE a row is of no use")
    c.sql("GRANT users TO team")
    said = c.sql("BEGIN; SELECT icecat.grant('team', 'select', 'w', '{a}'); SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false);"
                 "SAVEPOINT s; SELECT icecat.revoke('team', 'select', 'w', '{a}'); SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false);"
                 "ROLLBACK TO s; SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false); ROLLBACK;"
                 "SELECT public.try('team', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false)")
    t.equal(said.splitlines(), ["t", "done", "t", "IC101", "done", "IC101"], "a session's own changes count at once, and not when they are rolled back")


def test_who_calls(c, t):
    """The caller is the current user: a definer's function is its owner, and so is what a superuser runs on the owner's behalf."""
    c.sql("CREATE ROLE mallory IN ROLE users; CREATE ROLE good IN ROLE users; SELECT icecat.grant('good', 'select', 'w', '{a,b}', 't');"
          "GRANT CREATE, USAGE ON SCHEMA public TO mallory, good")
    c.sql("SET ROLE good; CREATE FUNCTION public.lent() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS "
          "$$ SELECT icecat.load_table('w', '{a,b}', 't') IS NOT NULL $$")
    t.equal(c.sql("SET ROLE mallory; SELECT public.lent()"), "t", "in a function of another definer its owner's rights count")
    t.equal(c.sql("SELECT public.try('mallory', 'icecat.load_table(''w'', ''{a,b}'', ''t'')', false)"), "IC101", "and no other")
    c.sql("SET ROLE mallory; CREATE TABLE public.trap (x integer); INSERT INTO public.trap VALUES (1);"
          "CREATE FUNCTION public.spring(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT x';"
          "CREATE INDEX trap_idx ON public.trap (public.spring(x));"
          "CREATE OR REPLACE FUNCTION public.spring(x integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS "
          "$$ BEGIN PERFORM icecat.drop_table('w', '{a,b}', 't'); RETURN x; END $$;")
    said = c.sql("REINDEX TABLE public.trap", check=False)
    t.ok("Warehouse does not exist" in said, "an index expression that a superuser evaluates has its owner's rights", said)
    said = c.sql("ANALYZE public.trap", check=False)
    t.ok("Warehouse does not exist" in said, "also by ANALYZE", said)
    t.equal(c.sql("DROP TABLE public.trap; SELECT icecat.table_exists('w', '{a,b}', 't')"), "t", "and the table is there")


def test_creator(c, t):
    c.sql("CREATE ROLE maker IN ROLE users; SELECT icecat.grant('maker', 'create', 'w', '{c}')")
    c.sql("SET ROLE maker; SELECT icecat.create_table('w', '{c}', 'own', '%s'); SELECT icecat.create_namespace('w', '{c,own}')" % SCHEMA)
    t.equal(c.sql("SET ROLE maker; SELECT privilege, namespace, name, how FROM icecat.grants_of() WHERE privilege = 'manage' ORDER BY namespace"),
            "manage|{c}|own|direct\nmanage|{c,own}||direct", "who makes something has manage on it")
    t.equal(c.sql("SELECT public.try('maker', 'icecat.load_table(''w'', ''{c}'', ''source'')', false)"), "IC401", "and no more on what is beside")
    c.sql("SET ROLE maker; SELECT icecat.grant('bystander', 'select', 'w', '{c}', 'own'); SELECT icecat.drop_table('w', '{c}', 'own')")
    t.equal(c.sql("SELECT count(*) FROM icecat.privileges WHERE name = 'own'"), "0", "the privileges on a dropped table are shown no more")
    c.sql("SET ROLE maker; SELECT icecat.drop_namespace('w', '{c,own}')")
    t.equal(c.sql("SELECT count(*) FROM icecat_data.access_grant WHERE object_id NOT IN (SELECT namespace_id FROM icecat_data.namespace) "
                  "AND object_kind = 'namespace'"), "0", "no row is left of a dropped namespace")
    t.equal(c.sql("SET ROLE maker; SELECT allowed, reason FROM icecat.explain_access('maker', 'select', 'w', '{c}', 'source')"),
            "f|no row that the current role may see grants it", "explain_access() says that it may not")
    t.equal(c.sql("SELECT allowed, reason, by_role FROM icecat.explain_access('maker', 'usage', 'w', '{c}', 'source')"),
            "t|granted, on what the object is in|maker", "or why it may")


def test_apply(c, t):
    c.sql("CREATE ROLE many IN ROLE users")
    change = '{"action":"%s","role":"many","privilege":"%s","warehouse":"w","namespace":["a","b"],"name":"%s"}'
    t.equal(c.sql("SELECT icecat.apply_grants('[%s,%s]'), icecat.apply_grants('[%s]')" % (
        change % ("grant", "select", "t"), change % ("grant", "usage", "v"), change % ("grant", "select", "t"))), "2|0", "many at once, and again")
    said = c.sql("SELECT icecat.apply_grants('[%s,%s]')" % (change % ("revoke", "select", "t"), change % ("grant", "usage", "nothing")), check=False)
    t.ok("Table or view does not exist: a.b.nothing" in said, "one that cannot be is an error", said)
    t.equal(c.sql("SELECT count(*) FROM icecat.grants_of('many')"), "2", "and changes nothing")
    for changes, message in (((("grant", "drop", "t"), ("revoke", "drop", "t")), "is both granted and revoked"),
                             ((("seize", "drop", "t"),), "Invalid action"), ((("grant", "own", "t"),), "Invalid privilege")):
        said = c.sql("SELECT icecat.apply_grants('[%s]')" % ",".join(change % one for one in changes), check=False)
        t.ok(message in said, message, said)
    said = c.sql("SELECT icecat.apply_grants((SELECT json_agg('%s'::json) FROM generate_series(1, 1001)))" % (change % ("grant", "select", "t")), check=False)
    t.ok("more than the limit of 1000" in said, "there is a limit", said)
    said = c.sql("SELECT icecat.grant('-', 'select')", check=False)
    t.ok("not granted to PUBLIC" in said, "PUBLIC gets nothing", said)
    t.equal(c.sql("SELECT count(*) FROM icecat.privileges WHERE pg_has_role('many', role, 'USAGE')") > "1", True, "the owner sees all rows")
    t.equal(c.sql("SET ROLE many; SELECT count(*) FROM icecat.privileges"), "2", "a role its own")


def test_keys(c, t):
    """An idempotency key belongs to the role that uses it."""
    key = "0195f000-0000-7000-8000-000000000001"
    c.sql("CREATE ROLE first IN ROLE users; CREATE ROLE second IN ROLE users;"
          "SELECT icecat.grant('first', 'create', 'w', '{c}'), icecat.grant('second', 'create', 'w', '{c}')")
    make = ("SET ROLE %s; SET icecat.idempotency_key = '" + key + "'; SELECT icecat.create_table('w', '{c}', '%s', '" + SCHEMA +
            "') ->> 'metadata-location' ~ '/c/%s-'")
    t.equal(c.sql(make % ("first", "mine", "mine")), "t", "a key is used")
    t.equal(c.sql(make % ("first", "mine", "mine")), "t", "and again")
    t.equal(c.sql(make % ("second", "hers", "hers")), "t", "the same key of another role is another key")
    said = c.sql(make % ("second", "mine", "mine"), check=False)
    t.ok("used before for another request" in said, "of which it then knows", said)
    c.sql("SELECT icecat.revoke('first', 'manage', 'w', '{c}', 'mine'), icecat.revoke('first', 'create', 'w', '{c}')")
    said = c.sql(make % ("first", "mine", "mine"), check=False)
    t.ok("does not exist" in said, "a role that lost its rights gets no stored answer", said)


def test_files(c, t):
    """A metadata file of a table that a role may not load is not there for it."""
    c.sql("CREATE ROLE thief IN ROLE users; SELECT icecat.grant('thief', 'create', 'w', '{c}')")
    file = c.sql("SELECT metadata_location FROM icecat.tables WHERE namespace = '{a,b}' AND table_name = 't'")
    view = c.sql("SELECT metadata_location FROM icecat.views WHERE view_name = 'v'")
    for call in ("icecat.register_table('w', '{c}', 'stolen', '%s')" % file, "icecat.register_view('w', '{c}', 'stolen', '%s')" % view,
                 "icecat.register_table('w', '{c}', 'stolen', '%s')" % file.replace("file://", "file:")):
        said = c.sql("SET ROLE thief; SELECT " + call, check=False)
        t.ok("File does not exist: " in said, "%s: as if it were not there" % call.split("(")[0], said)
    c.sql("SELECT icecat.grant('thief', 'select', 'w', '{a,b}', 't')")
    said = c.sql("SET ROLE thief; SELECT icecat.register_table('w', '{c}', 'lent', '%s') IS NOT NULL" % file, check=False)
    t.ok("may not place files at" in said, "one that it may load is, but its table's folder is not the role's", said)
    c.sql("SELECT icecat.grant('thief', 'write', 'w', '{a,b}', 't'), icecat.grant('thief', 'create', 'w')")
    t.equal(c.sql("SET ROLE thief; SELECT icecat.register_table('w', '{c}', 'lent', '%s') IS NOT NULL" % file), "t", "unless it may write that")
    c.sql("SET ROLE thief; SELECT icecat.drop_table('w', '{c}', 'lent')")


def test_lists(c, t):
    """A role that sees 10 of 3,000 tables, and 5 of 300 namespaces."""
    c.sql("SELECT icecat.create_warehouse('many', 's3://b/many', '{\"icecat.metadata-write-mode\": \"none\"}'); SELECT icecat.create_namespace('many', '{big}');"
          "SELECT count(icecat.create_table('many', '{big}', format('t%%s', i), '%s')) FROM generate_series(1, 3000) AS i;"
          "SELECT count(icecat.create_namespace('many', ARRAY['big', format('n%%s', i)])) FROM generate_series(1, 300) AS i;"
          "CREATE ROLE few IN ROLE users; SELECT count(icecat.grant('few', 'select', 'many', '{big}', format('t%%s', 300 * i))) FROM generate_series(1, 10) AS i;"
          "SELECT count(icecat.grant('few', 'select', 'many', ARRAY['big', format('n%%s', 60 * i)])) FROM generate_series(1, 5) AS i; VACUUM ANALYZE" % SCHEMA)
    names = c.sql("SET ROLE few; SELECT string_agg(e ->> 'name', ' ') FROM json_array_elements(icecat.list_tables('many', '{big}') -> 'identifiers') AS e")
    t.equal(names, " ".join(sorted("t%d" % (300 * i) for i in range(1, 11))), "it lists the ten in order")
    pages = c.sql("SET ROLE few; WITH RECURSIVE p (page) AS (SELECT icecat.list_tables('many', '{big}', '', 3) UNION ALL "
                  "SELECT icecat.list_tables('many', '{big}', page ->> 'next-page-token', 3) FROM p WHERE page ->> 'next-page-token' IS NOT NULL) "
                  "SELECT string_agg(e ->> 'name', ' '), count(DISTINCT page::text) FROM p, json_array_elements(page -> 'identifiers') AS e")
    t.equal(pages, names + "|4", "and by pages")
    t.equal(c.sql("SET ROLE few; SELECT json_array_length(icecat.list_namespaces('many', '{big}') -> 'namespaces'), "
                  "json_array_length(icecat.list_namespaces('many', '{big}', '', 2) -> 'namespaces'), count(*) FROM icecat.namespaces WHERE depth = 2"), "5|2|5",
            "and five namespaces")
    t.equal(c.sql("SET ROLE few; SELECT count(*) FROM icecat.tables"), "10", "the view shows ten")
    plan = c.sql("SET ROLE few; SELECT icecat.list_tables('many', '{big}') IS NOT NULL; SELECT icecat.list_namespaces('many', '{big}') IS NOT NULL;"
                 "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, COSTS OFF) SELECT icecat.list_tables('many', '{big}'), icecat.list_namespaces('many', '{big}')")
    pages_read = int(plan.split("shared hit=")[1].split()[0].split("\n")[0]) if "shared hit=" in plan else 0
    t.ok(pages_read < 400, "both lists read few pages: what they cost follows what is seen", plan)


PEEK_SQL = """
CREATE FUNCTION public.peek(p_value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
$$ BEGIN RAISE NOTICE 'peeked %', p_value; RETURN true; END $$;
CREATE FUNCTION public.peek_at_all() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	v_column record;
	v_views bigint := 0;
BEGIN
	FOR v_column IN SELECT a.attrelid::regclass AS name, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'icecat'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND c.relname NOT IN ('role_rights', 'principal_mappings', 'clients', 'api_keys', 'signing_keys')
	LOOP
		EXECUTE format('SELECT count(*) FROM %s AS v WHERE public.peek(v.%I::text) AND v.%I IS NOT NULL', v_column.name, v_column.attname, v_column.attname);
		v_views := v_views + 1;
	END LOOP;
	RETURN v_views;
END $$;
"""


def test_peeking(c, t):
    """A cheap function in a query, which tells what it gets, is given nothing of what the role does not see."""
    c.sql("SELECT icecat.create_warehouse('hidden_w', 'file://%s/hidden_w', '{\"k\":\"hidden\"}'); SELECT icecat.create_namespace('hidden_w', '{hidden_n}', '{\"hidden\":\"hidden\"}');"
          "SELECT icecat.create_table('hidden_w', '{hidden_n}', 'hidden_t', '{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"hidden_c\",\"type\":\"long\",\"required\":false}]}',"
          "'{\"spec-id\":0,\"fields\":[{\"source-id\":1,\"field-id\":1000,\"name\":\"hidden_p\",\"transform\":\"bucket[4]\"}]}', NULL, NULL, '{\"hidden\":\"hidden\"}');"
          "SELECT icecat.create_view('hidden_w', '{hidden_n}', 'hidden_v', '%s', '%s'); SELECT icecat.grant('bystander', 'usage', 'hidden_w', '{hidden_n}', 'hidden_t')"
          % (c.files, SCHEMA, VERSION.replace("SELECT 1", "SELECT hidden")))
    c.sql("SELECT icecat.commit_table('hidden_w', '{hidden_n}', 'hidden_t', '[]', '[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":1,\"sequence-number\":1,"
          "\"timestamp-ms\":%d,\"manifest-list\":\"file:///hidden/1\",\"summary\":{\"operation\":\"append\",\"hidden\":\"hidden\"},\"schema-id\":0}},"
          "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":1},"
          "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"hidden_r\",\"type\":\"tag\",\"snapshot-id\":1}]')" % (time.time() * 1000))
    for kind in ("scan", "commit"):
        c.sql("SELECT icecat.report_metrics('hidden_w', '{hidden_n}', 'hidden_t', '{\"report-type\":\"%s-report\",\"snapshot-id\":1,\"sequence-number\":1,"
              "\"operation\":\"hidden\",\"metrics\":{},\"table-name\":\"hidden_t\",\"filter\":true,\"schema-id\":0,\"projected-field-ids\":[],"
              "\"projected-field-names\":[\"hidden\"],\"metadata\":{\"k\":\"hidden\"}}')" % kind)
    c.sql(PEEK_SQL + "CREATE ROLE peeker IN ROLE users; SELECT icecat.grant('peeker', 'manage', 'w', '{a}')")
    for settings in ("", "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;",
                     "SET enable_nestloop = off; SET enable_hashjoin = off;", "SET enable_seqscan = off; SET enable_material = off; SET enable_memoize = off;"):
        for who, sees_it in (("peeker", False), ("postgres", True)):
            said = subprocess.run(c.psql_command("postgres"), input="SET jit = off; SET ROLE %s; %s SELECT public.peek_at_all()" % (who, settings), text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            found = sorted({line for line in said.stderr.splitlines() if "peeked" in line and "hidden" in line})
            t.ok(said.returncode == 0 and int(said.stdout) > 250 and bool(found) == sees_it,
                 "%s, %s: every column of every view is asked for" % (who, settings or "as planned"), "\n".join(found[:5]) + said.stderr[-300:])


def test_dump(c, t):
    rows = ("SELECT string_agg(format('%s %s %s %s %s', role, privilege, object_kind, namespace, name), E'\\n' ORDER BY role::text, privilege, object_kind, "
            "namespace::text, name) FROM icecat.privileges")
    c.sql("CREATE ROLE gone; SELECT icecat.grant('gone', 'manage'); CREATE ROLE \"Odd \"\"name\"; SELECT icecat.grant('\"Odd \"\"name\"', 'usage', 'w')")
    c.sql("DROP ROLE gone")
    before = "\n".join(line for line in c.sql(rows).splitlines() if not line[0].isdigit())
    path = os.path.join(c.dir, "dump")
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-Fc", "-f", path, "postgres")
    c.sql("CREATE DATABASE copy TEMPLATE template0")
    c.run("pg_restore", "--exit-on-error", "-h", c.dir, "-p", "5432", "-U", "postgres", "-d", "copy", path)
    t.equal(c.sql(rows, "copy"), before, "a restored dump has the same privileges, and none of a role that is gone")
    t.equal(c.sql("SELECT public.try('few', 'icecat.load_table(''many'', ''{big}'', ''t300'')', false), "
                  "public.try('few', 'icecat.load_table(''many'', ''{big}'', ''t301'')', false)", "copy"), "done|IC103", "and they hold")
    c.sql("ALTER ROLE few RENAME TO \"few, renamed\"")
    t.equal(c.sql("SELECT public.try('few, renamed', 'icecat.load_table(''many'', ''{big}'', ''t300'')', false)"), "done", "a role that is renamed keeps its own")
    c.sql("CREATE ROLE few IN ROLE users")
    t.equal(c.sql("SELECT public.try('few', 'icecat.load_table(''many'', ''{big}'', ''t300'')', false)"), "IC101", "a new one of the name gets nothing")


def test_upgrade(c, t):
    """Roles that could execute functions of 0.1.0 have the privileges that they amount to."""
    c.sql("CREATE ROLE old_reader; CREATE ROLE old_writer; CREATE DATABASE old")
    c.sql("CREATE EXTENSION icecat VERSION '0.1.0'", "old")
    c.make_warehouse(database="old")
    c.sql(c.create_table_sql("t") + "GRANT USAGE ON SCHEMA icecat TO old_reader, old_writer;"
          "GRANT EXECUTE ON FUNCTION icecat.load_namespace TO old_reader; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO old_writer", "old")
    c.sql("ALTER EXTENSION icecat UPDATE", "old")
    t.equal(c.sql("SELECT role, string_agg(privilege, ' ' ORDER BY privilege) FROM icecat.privileges GROUP BY role ORDER BY role::text", "old"),
            "old_reader|select\nold_writer|create drop manage select write", "rows are made of what they could execute")
    t.equal(c.sql("SET ROLE old_reader; SELECT icecat.load_namespace('w', '{ns}') IS NOT NULL", "old"), "t", "and they go on")
    t.equal(c.sql("SET ROLE old_writer; SELECT icecat.commit_table('w', '{ns}', 't', '[]', '%s') IS NOT NULL" % SET, "old"), "t", "both of them")


def test(c, t):
    c.sql("CREATE EXTENSION IF NOT EXISTS icecat")
    make_world(c)
    for part in (test_matrix, test_same_words, test_sessions, test_own_transaction, test_who_calls, test_creator, test_apply, test_keys, test_files, test_peeking,
                 test_lists, test_dump, test_upgrade):
        part(c, t)


if __name__ == "__main__":
    cluster.main(test)
