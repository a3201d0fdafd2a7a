#!/usr/bin/env python3
"""Read restrictions and labels: what is accepted, what load answers show, and every way round a restriction."""
# SPDX-License-Identifier: PostgreSQL
import json

import cluster

FIELDS = [
    (1, "id", "long", True), (2, "region", "string", False), (3, "ssn", "string", False), (4, "born", "date", False),
    (5, "price", "decimal(9,2)", False), (6, "ratio", "double", False), (7, "raw", "binary", False), (8, "seen", "timestamptz", False),
    (9, "level", "int", False),
    (10, "person", {"type": "struct", "fields": [
        {"id": 13, "name": "name", "type": "string", "required": False},
        {"id": 14, "name": "age", "type": "int", "required": False}]}, False),
    (11, "tags", {"type": "list", "element-id": 15, "element": "string", "element-required": False}, False),
    (12, "map", {"type": "map", "key-id": 16, "key": "string", "value-id": 17, "value": "string", "value-required": False}, False),
]
ROLES = "analyst intern engine boss maker sub outsider"


def schema(fields=FIELDS, schema_id=0):
    return {"type": "struct", "schema-id": schema_id,
            "fields": [{"id": i, "name": n, "type": t, "required": r} for i, n, t, r in fields]}


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class World:
    def __init__(self, c, t):
        self.c, self.t = c, t

    def try_as(self, role, call):
        """"done", or the SQLSTATE."""
        said = self.c.sql("SET ROLE %s; SELECT public.outcome(%s)" % (role, literal(call)), check=False)
        return said

    def restrict(self, role, row_filter=None, masks=None, table="t", as_role=None, check=True):
        said = self.c.sql("%sSELECT icecat.set_read_restriction('%s', 'w', '{ns}', '%s', %s, %s)" % (
            "SET ROLE %s;" % as_role if as_role else "", role, table,
            literal(json.dumps(row_filter)) if row_filter is not None else "NULL",
            literal(json.dumps(masks)) if masks is not None else "NULL"), check=check)
        return said

    def unrestrict(self, *roles, table="t"):
        for role in roles:
            self.c.sql("SELECT icecat.drop_read_restriction('%s', 'w', '{ns}', '%s')" % (role, table))

    def load(self, role, table="t"):
        return json.loads(self.c.sql("SET ROLE %s; SELECT icecat.load_table('w', '{ns}', '%s')" % (role, table)))

    def shown(self, role, table="t"):
        return self.load(role, table).get("read-restrictions")

    def etag(self, role, table="t"):
        return self.c.sql("SET ROLE %s; SELECT etag FROM icecat.rest_load_table('w', '{ns}', '%s')" % (role, table))

    def commit(self, *updates, table="t"):
        self.c.sql("SELECT icecat.commit_table('w', '{ns}', '%s', '[]', %s) IS NOT NULL" % (table, literal(json.dumps(updates))))

    def new_schema(self, fields, table="t"):
        self.commit({"action": "add-schema", "schema": schema(fields)}, {"action": "set-current-schema", "schema-id": -1}, table=table)

    def make_table(self, table):
        self.c.sql("SELECT icecat.create_table('w', '{ns}', '%s', %s) IS NOT NULL" % (table, literal(json.dumps(schema()))))


def make_world(c, t):
    w = World(c, t)
    c.make_warehouse()
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); GRANT USAGE ON SCHEMA public TO PUBLIC;"
          + "".join("CREATE ROLE %s IN ROLE users;" % role for role in ROLES.split())
          + "GRANT analyst TO sub; CREATE ROLE loose NOINHERIT IN ROLE analyst; SELECT icecat.grant_user('loose');"
          "CREATE ROLE mixed IN ROLE analyst; GRANT engine TO mixed;")
    c.sql("CREATE FUNCTION public.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT ' || statement;"
          " RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$")
    w.make_table("t")
    c.sql("SELECT icecat.grant('analyst', 'select', 'w', '{ns}'), icecat.grant('intern', 'select', 'w', '{ns}', 't'),"
          "icecat.grant('boss', 'manage', 'w', '{ns}', 't'), icecat.grant('engine', 'select', 'w', '{ns}'),"
          "icecat.grant('loose', 'select', 'w', '{ns}'), icecat.grant('maker', 'create', 'w', '{ns}')")
    return w


EQ = {"type": "eq", "left": {"type": "reference", "id": 2}, "right": {"type": "literal", "value": "EU"}}


def test_forms(w):
    """Every spelling of an expression comes out as one."""
    c, t = w.c, w.t
    c.sql("SELECT icecat.trust_engine('analyst')")
    forms = [
        ({"type": "eq", "term": "region", "value": "EU"}, EQ),
        ({"type": "eq", "term": {"type": "reference", "term": "region"}, "value": "EU"}, EQ),
        ({"type": "eq", "left": {"type": "reference", "name": "region"}, "right": "EU"}, EQ),
        ({"type": "eq", "left": {"type": "reference", "id": 2}, "right": {"type": "literal", "value": "EU", "data-type": "string"}}, EQ),
        ({"type": "is-null", "term": "region"}, {"type": "is-null", "child": {"type": "reference", "id": 2}}),
        ({"type": "in", "term": "id", "values": [1, 9007199254740993]},
         {"type": "in", "child": {"type": "reference", "id": 1}, "values": [1, 9007199254740993]}),
        ({"type": "in", "child": {"type": "reference", "id": 1}, "values": {"type": "literals", "values": [3], "data-type": "long"}},
         {"type": "in", "child": {"type": "reference", "id": 1}, "values": [3]}),
        ({"type": "not", "child": {"type": "eq", "term": "region", "value": "EU"}}, {"type": "not", "child": EQ}),
        ({"type": "and", "left": True, "right": EQ}, EQ),
        ({"type": "or", "left": {"type": "false"}, "right": EQ}, EQ),
        ({"type": "and", "left": EQ, "right": {"type": "not", "child": True}}, False),
        (False, False),
        ({"type": "gt", "term": "born", "value": "2020-02-29"},
         {"type": "gt", "left": {"type": "reference", "id": 4}, "right": {"type": "literal", "value": "2020-02-29"}}),
        ({"type": "lt-eq", "term": "price", "value": "10.50"},
         {"type": "lt-eq", "left": {"type": "reference", "id": 5}, "right": {"type": "literal", "value": "10.50"}}),
        ({"type": "not-nan", "term": "ratio"}, {"type": "not-nan", "child": {"type": "reference", "id": 6}}),
        ({"type": "starts-with", "term": "person.name", "value": "A"},
         {"type": "starts-with", "left": {"type": "reference", "id": 13}, "right": {"type": "literal", "value": "A"}}),
        ({"type": "not-null", "term": "tags"}, {"type": "not-null", "child": {"type": "reference", "id": 11}}),
    ]
    for given, expected in forms:
        w.restrict("analyst", given)
        t.equal(w.shown("analyst"), {"required-row-filter": expected}, "a row filter: %s" % json.dumps(given)[:80])
    text = w.c.sql("SET ROLE analyst; SELECT icecat.load_table('w', '{ns}', 't')")
    w.restrict("analyst", {"type": "in", "term": "id", "values": [9007199254740993]})
    text = w.c.sql("SET ROLE analyst; SELECT icecat.load_table('w', '{ns}', 't')")
    t.ok('"values":[9007199254740993]' in text, "numbers keep their digits", text[-300:])
    for masks, expected in [
            ({"ssn": "show-last-4", "id": "sha-256-global"}, [(1, "sha-256-global"), (3, "show-last-4")]),
            ([{"field-id": 3, "action": "mask-alphanum"}, {"column": "born", "action": "truncate-to-year"}], [(3, "mask-alphanum"), (4, "truncate-to-year")]),
            ({"person.name": "show-first-4", "level": "replace-with-null"}, [(9, "replace-with-null"), (13, "show-first-4")]),
            ({"tags.element": "mask-alphanum", "map.value": "sha-256-query-local", "id": "mask-to-fixed-value"},
             [(1, "mask-to-fixed-value"), (15, "mask-alphanum"), (17, "sha-256-query-local")]),
            ({"seen": "truncate-to-month", "person": "replace-with-null"}, [(8, "truncate-to-month"), (10, "replace-with-null")])]:
        w.restrict("analyst", None, masks)
        t.equal(w.shown("analyst"), {"required-column-projections": [{"field-id": i, "action": a} for i, a in expected]}, "masks: %s" % json.dumps(masks)[:80])
    w.restrict("analyst", EQ, {"ssn": "show-last-4"})
    t.equal(sorted(w.shown("analyst")), ["required-column-projections", "required-row-filter"], "both together")
    w.unrestrict("analyst")
    c.sql("SELECT icecat.distrust_engine('analyst')")


def test_refused(w):
    """What does not fit is refused when it is said."""
    for code, row_filter in [
            ("IC302", {"type": "eq", "term": "nothing", "value": 1}), ("IC302", {"type": "eq", "left": {"type": "reference", "id": 99}, "right": 1}),
            ("IC302", {"type": "eq", "term": "id", "value": "EU"}), ("IC302", {"type": "eq", "term": "level", "value": 3000000000}),
            ("IC302", {"type": "eq", "term": "region", "value": 1}), ("IC302", {"type": "eq", "term": "born", "value": "2021-02-29"}),
            ("IC302", {"type": "eq", "term": "price", "value": 1.5}), ("IC302", {"type": "is-nan", "term": "id"}),
            ("IC302", {"type": "starts-with", "term": "id", "value": 1}), ("IC302", {"type": "eq", "term": "person", "value": 1}),
            ("IC302", {"type": "eq", "term": "tags.element", "value": "x"}), ("IC302", {"type": "eq", "term": "map.value", "value": "x"}),
            ("IC302", {"type": "eq", "left": {"type": "reference", "id": 2}, "right": {"type": "literal", "value": "x", "data-type": "int"}}),
            ("IC301", {"type": "eq", "term": "region", "value": None}), ("IC301", {"type": "in", "term": "id", "values": []}),
            ("IC301", {"type": "in", "term": "id", "values": [1, None]}), ("IC301", {"type": "like", "term": "region", "value": "x"}),
            ("IC301", {"type": "eq", "term": {"type": "transform", "transform": "bucket[4]", "term": "id"}, "value": 1}),
            ("IC301", {"type": "eq", "left": {"type": "apply", "function": "f", "arguments": []}, "right": 1}),
            ("IC301", {"type": "eq", "left": EQ["left"], "right": EQ["left"]}), ("IC301", {"type": "and", "left": EQ}), ("IC301", {"type": "not"}),
            ("IC301", "region = 'EU'"), ("IC301", 1), ("IC301", []), ("IC301", True), ("IC301", {})]:
        w.t.equal(w.try_as("boss", "icecat.set_read_restriction('analyst', 'w', '{ns}', 't', %s)" % literal(json.dumps(row_filter))), code,
                  "refused: %s" % json.dumps(row_filter)[:90])
    for code, masks in [
            ("IC302", {"nothing": "mask-alphanum"}), ("IC302", {"id": "mask-alphanum"}), ("IC302", {"id": "replace-with-null"}),
            ("IC302", {"born": "sha-256-global"}), ("IC302", {"region": "truncate-to-year"}), ("IC302", {"ratio": "sha-256-query-local"}),
            ("IC302", {"map.key": "mask-alphanum"}), ("IC302", {"person": "mask-to-fixed-value", "person.name": "mask-alphanum"}),
            ("IC302", [{"column": "ssn", "action": "mask-alphanum"}, {"field-id": 3, "action": "show-last-4"}]),
            ("IC301", {"ssn": "hide"}), ("IC301", {"ssn": 1}), ("IC301", [{"field-id": 3}]), ("IC301", [3]), ("IC301", "ssn"), ("IC301", {})]:
        w.t.equal(w.try_as("boss", "icecat.set_read_restriction('analyst', 'w', '{ns}', 't', NULL, %s)" % literal(json.dumps(masks))), code,
                  "refused: %s" % json.dumps(masks)[:90])
    deep = "true"
    for _ in range(5000):
        deep = '{"type":"not","child":' + deep
    w.t.ok(w.try_as("boss", "icecat.set_read_restriction('analyst', 'w', '{ns}', 't', ('%s' || repeat('}', 5000))::json)" % deep) in ("IC305", "54001"),
           "nesting is bounded")
    wide = json.dumps({"type": "in", "term": "id", "values": list(range(1001))})
    w.t.equal(w.try_as("boss", "icecat.set_read_restriction('analyst', 'w', '{ns}', 't', %s)" % literal(wide)), "IC305", "so is the number of literals")
    for role, code in [("analyst", "IC401"), ("engine", "IC401"), ("outsider", "IC101")]:
        w.t.equal(w.try_as(role, "icecat.set_read_restriction('intern', 'w', '{ns}', 't', 'false')"), code, "%s may not restrict" % role)
        w.t.equal(w.try_as(role, "icecat.trust_engine('%s')" % role), "IC401", "nor trust itself")
    w.t.equal(w.try_as("boss", "icecat.trust_engine('boss')"), "IC401", "who manages a table does not say whom the catalog trusts")
    w.t.equal(w.try_as("boss", "icecat.set_read_restriction('postgres', 'w', '{ns}', 't', 'false')"), "IC301", "the owner is above restrictions")
    w.t.equal(w.try_as("boss", "icecat.set_read_restriction(0::regrole, 'w', '{ns}', 't', 'false')"), "IC301", "PUBLIC is no role")
    w.t.equal(w.c.sql("SELECT count(*) FROM icecat.read_restrictions"), "0", "nothing was stored")


# What each action may be applied to: apache/iceberg #13879, "Applicable to", as of 27 July 2026. None of these is required.
TIMES = "date timestamp timestamptz timestamp_ns timestamptz_ns"
NESTED = {"struct": {"type": "struct", "fields": [{"id": 102, "name": "y", "type": "int", "required": False}]},
          "list": {"type": "list", "element-id": 103, "element": "int", "element-required": False},
          "map": {"type": "map", "key-id": 104, "key": "string", "value-id": 105, "value": "int", "value-required": False},
          "struct of geometry": {"type": "struct", "fields": [{"id": 106, "name": "z", "type": "geometry", "required": False}]}}
WITH_VALUE = "boolean int long float double decimal(9,2) string time uuid fixed[4] binary variant struct list map " + TIMES
TYPES = (WITH_VALUE + " unknown geometry geography").split(" ") + ["struct of geometry"]
APPLICABLE = {"mask-alphanum": "string", "show-first-4": "string", "show-last-4": "string", "truncate-to-year": TIMES, "truncate-to-month": TIMES,
              "sha-256-global": "string int long binary", "sha-256-query-local": "string int long binary",
              "mask-to-fixed-value": WITH_VALUE, "replace-with-null": None}


def test_actions_and_types(w):
    """Every action with every type: those that the specification names, and no other."""
    fields = [(i + 1, "c%d" % i, NESTED.get(type_, type_), False) for i, type_ in enumerate(TYPES)]
    w.c.sql("SELECT icecat.create_table('w', '{ns}', 'types', %s, p_properties => '{\"format-version\":\"3\"}') IS NOT NULL" % literal(json.dumps(schema(fields))))
    calls = [(action, i) for action in APPLICABLE for i in range(len(TYPES))]
    found = w.c.sql("".join("SELECT public.outcome(%s);" % literal("icecat.set_read_restriction('analyst', 'w', '{ns}', 'types', NULL, '{\"c%d\":\"%s\"}')" % (i, action))
                            for action, i in calls)).split("\n")
    for action, types in APPLICABLE.items():
        expected = set(TYPES) if types is None else set(types.split(" "))
        w.t.equal(sorted(TYPES[i] for (a, i), said in zip(calls, found) if a == action and said == "done"), sorted(expected), "types that %s is for" % action)
    w.t.equal(sorted(set(found)), ["IC302", "done"], "all others are refused as what does not fit")
    w.unrestrict("analyst", table="types")
    w.c.sql("SELECT icecat.drop_table('w', '{ns}', 'types')")


EVERY_WAY = [
    ("load_table", "icecat.load_table('w', '{ns}', 't')"), ("rest_load_table", "icecat.rest_load_table('w', '{ns}', 't')"),
    ("a conditional load", "icecat.rest_load_table('w', '{ns}', 't', '*')"), ("refs alone", "icecat.rest_load_table('w', '{ns}', 't', NULL, 'refs')"),
    ("in pieces", "icecat.rest_load_table_pieces('w', '{ns}', 't')"),
    ("report_metrics", "icecat.report_metrics('w', '{ns}', 't', '{\"report-type\":\"x\",\"metrics\":{}}')"),
    ("wait_for_metadata", "icecat.wait_for_metadata('w', '{ns}', 't', 1)")]
CHANGES = [
    ("commit_table", "icecat.commit_table('w', '{ns}', 't', '[]', '[]')"),
    ("commit_transaction", "icecat.commit_transaction('w', '[{\"identifier\":{\"namespace\":[\"ns\"],\"name\":\"t\"},\"updates\":[]}]')"),
    ("unregister_table", "icecat.unregister_table('w', '{ns}', 't')"), ("drop_table", "icecat.drop_table('w', '{ns}', 't')"),
    ("drop_table with its files", "icecat.drop_table('w', '{ns}', 't', true)"),
    ("rename_table", "icecat.rename_table('w', '{ns}', 't', '{ns}', 'moved')"),
    ("register_table over it", "icecat.register_table('w', '{ns}', 't', '%(file)s', true)"),
    ("register_table of its file", "icecat.register_table('w', '{ns}', 'copy', '%(file)s')"),
    ("register_table of its file, otherwise spelled", "icecat.register_table('w', '{ns}', 'copy', 'file:%(path)s')"),
    ("register_table by the view for SQL catalogs", "1 FROM public.insert_copy('%(file)s')"),
    ("a commit by the view for SQL catalogs", "icecat.commit_metadata_file('w', '{ns}', 't', '%(file)s')")]
VIEWS = ["tables", "columns", "schemas", "partition_specs", "sort_orders", "table_properties", "snapshots", "refs", "history", "metadata_files", "scan_reports", "commit_reports", "labels"]


def test_ways_round(w):
    """Who is restricted, however it calls and whatever else it was granted, gets no more; a trusted engine gets the restrictions."""
    c, t = w.c, w.t
    c.sql("CREATE FUNCTION public.insert_copy(file text) RETURNS SETOF integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO icecat.iceberg_tables "
          "(catalog_name, table_namespace, table_name, metadata_location) VALUES ('w', 'ns', 'copy', file); RETURN NEXT 1; END $$;"
          "SELECT icecat.grant('analyst', 'manage', 'w'); SELECT icecat.grant('analyst', 'select'); SELECT icecat.grant_writer('analyst');"
          "SELECT icecat.set_labels('{\"pii\":\"yes\"}', 'w', '{ns}', 't', 'ssn')")
    c.queue_is_empty()
    file = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 't'")
    names = {"file": file, "path": file[len("file://"):]}
    t.equal(w.try_as("analyst", EVERY_WAY[0][1]), "done", "without a restriction analyst may load")
    w.restrict("analyst", EQ, {"ssn": "show-last-4"})
    for role in ("analyst", "sub", "loose"):
        for name, call in EVERY_WAY:
            t.equal(w.try_as(role, call), "IC401", "%s, restricted: %s" % (role, name))
        for name, call in CHANGES:
            t.ok(w.try_as(role, call % names) in ("IC401", "IC104"), "%s, restricted: %s" % (role, name), w.try_as(role, call % names))
        for view in VIEWS:
            column = "name" if view == "labels" else "table_name"
            t.equal(c.sql("SET ROLE %s; SELECT count(*) FROM icecat.%s WHERE %s = 't'" % (role, view, column)), "0", "%s, restricted: view %s" % (role, view))
        t.equal(c.sql("SET ROLE %s; SELECT count(*) FROM icecat.iceberg_tables WHERE table_name = 't'" % role), "0", "%s: nor for SQL catalogs" % role)
        t.equal(c.sql("SET ROLE %s; SELECT icecat._metadata_file(warehouse_id, relation_id) IS NULL FROM (SELECT '%s'::uuid, '%s'::uuid) AS x (warehouse_id, relation_id)" % (
            role, c.sql("SELECT warehouse_id FROM icecat.warehouses"), c.sql("SELECT table_id FROM icecat.tables WHERE table_name = 't'"))), "t",
            "%s: nor the place of its file" % role)
    leak = c.sql("CREATE FUNCTION public.peek(s bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'seen %', s; RETURN true; END $$;"
                 "SET ROLE analyst; SET client_min_messages = notice; SELECT count(*) FROM icecat.snapshots WHERE public.peek(snapshot_id)", check=False)
    t.ok("seen" not in leak, "a function in a query sees no row of it", leak)
    t.equal(w.try_as("intern", EVERY_WAY[0][1]), "done", "another role is not restricted")
    t.equal(w.shown("intern"), None, "and told nothing of it")
    t.equal(c.sql("SET ROLE loose; SET ROLE loose; SELECT icecat.table_exists('w', '{ns}', 't')"), "t", "that the table exists is no secret")
    t.equal(c.sql("SELECT allowed, reason, by_role FROM icecat.explain_access('sub', 'select', 'w', '{ns}', 't') WHERE reason LIKE 'restricted%'"),
            "f|restricted in what it may read, and no trusted engine, as a member|analyst", "explain_access() says so")
    t.equal(c.sql("SELECT bool_or(allowed) FROM icecat.explain_access('sub', 'select', 'w', '{ns}', 't')"), "f", "and no row of it says that it may")
    t.equal(c.sql("SET ROLE analyst; SELECT role, row_filter FROM icecat.read_restrictions") != "", True, "a manager sees what restricts it")
    c.sql("SELECT icecat.revoke('analyst', 'manage', 'w'); SELECT icecat.revoke_writer('analyst')")
    t.equal(c.sql("SET ROLE sub; SELECT role, row_filter IS NULL, column_masks IS NULL FROM icecat.read_restrictions"), "analyst|t|t",
            "others see that there is a restriction, and not which")
    t.equal(c.sql("SET ROLE outsider; SELECT count(*) FROM icecat.read_restrictions"), "0", "an outsider sees nothing")

    c.sql("SELECT icecat.trust_engine('engine')")
    t.equal(w.shown("mixed"), {"required-row-filter": EQ, "required-column-projections": [{"field-id": 3, "action": "show-last-4"}]},
            "a trusted engine that is restricted gets the restrictions")
    t.ok("read-restrictions" in c.sql("SET ROLE mixed; SELECT body FROM icecat.rest_load_table('w', '{ns}', 't')"), "over REST, too")
    t.ok("read-restrictions" in c.sql("SET ROLE mixed; SELECT string_agg(p, '') FROM icecat.rest_load_table_pieces('w', '{ns}', 't') AS p"), "and in pieces")
    t.equal(w.shown("engine"), None, "one that is not restricted gets none")
    c.sql("SELECT icecat.grant_writer('mixed')")
    for name, call in CHANGES:
        said = w.try_as("mixed", call % names)
        t.ok(said in ("IC401", "IC104"), "a trusted engine that is restricted, and may write: %s" % name, said)
    c.sql("SELECT icecat.revoke_writer('mixed')")
    t.equal(c.sql("SET ROLE mixed; SELECT count(*) FROM icecat.tables WHERE table_name = 't'"), "1", "it sees the table in the views")
    t.equal(c.sql("SET ROLE mixed; SELECT count(*) FROM icecat.iceberg_tables WHERE table_name = 't'"), "0", "but not where no restriction can be told")
    t.equal(w.try_as("sub", EVERY_WAY[0][1]), "IC401", "who is no engine is still refused")


def test_tags(w):
    """An entity tag is of what is restricted, and of labels."""
    c, t = w.c, w.t
    plain, restricted = w.etag("intern"), w.etag("mixed")
    t.ok(plain != restricted, "what is restricted has a tag of its own")
    c.sql("SELECT icecat.set_labels('{\"a\":\"1\"}', 'w', '{ns}', 't')")
    t.ok(plain != w.etag("intern") and restricted != w.etag("mixed"), "a label changes the tag")
    plain, restricted = w.etag("intern"), w.etag("mixed")
    t.equal(c.sql("SET ROLE mixed; SELECT body IS NOT NULL FROM icecat.rest_load_table('w', '{ns}', 't', %s)" % literal(plain)), "t",
            "another role's tag brings no 304")
    t.equal(c.sql("SET ROLE mixed; SELECT body IS NULL FROM icecat.rest_load_table('w', '{ns}', 't', %s)" % literal(restricted)), "t", "one's own does")
    t.equal(w.try_as("sub", "icecat.rest_load_table('w', '{ns}', 't', %s)" % literal(restricted)), "IC401", "and none helps who is refused")
    w.restrict("analyst", False, {"ssn": "show-last-4"})
    t.ok(w.etag("mixed") != restricted, "a change of the restriction changes the tag")
    t.equal(w.shown("mixed")["required-row-filter"], False, "a constant false is sent as it is")
    said = c.sql("SET ROLE intern; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT icecat.load_table('w', '{ns}', 't') IS NOT NULL; RESET ROLE;"
                 "SELECT icecat.set_read_restriction('intern', 'w', '{ns}', 't', 'false'); SET ROLE intern;"
                 "SELECT icecat.load_table('w', '{ns}', 't') IS NOT NULL; COMMIT", check=False)
    t.ok("IC401" in said or "restricted" in said, "it holds in the transaction that set it", said)
    w.unrestrict("intern")


def test_sessions(w):
    """A restriction of another session holds at once, also where this one had found that there is none at all."""
    c, t = w.c, w.t
    w.unrestrict("analyst", "intern", "mixed")
    import subprocess
    p = subprocess.Popen(c.psql_command("postgres"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

    def ask(text):
        p.stdin.write(text + "\n")
        p.stdin.flush()
        return p.stdout.readline().strip()
    call = "SELECT public.outcome($$icecat.load_table('w', '{ns}', 't')$$);"
    p.stdin.write("SET ROLE intern; BEGIN ISOLATION LEVEL REPEATABLE READ;\n")
    t.equal(ask(call), "done", "a session that knows of no restriction")
    w.restrict("intern", False)
    t.equal(ask(call), "IC401", "is refused after the first is committed, in its old snapshot, too")
    w.unrestrict("intern")
    t.equal(ask(call), "done", "and goes on when it is dropped")
    p.stdin.close()
    p.wait()


def test_changes(w):
    """Renames keep a restriction; what no longer fits closes the table, and nothing opens it."""
    c, t = w.c, w.t
    w.make_table("v")
    w.restrict("analyst", EQ, {"ssn": "show-last-4", "person.name": "mask-alphanum"}, table="v")
    expected = w.shown("mixed", "v")
    fields = [(i, {"region": "area", "ssn": "number"}.get(n, n), ty, r) for i, n, ty, r in FIELDS]
    w.new_schema(fields, "v")
    t.equal(w.shown("mixed", "v"), expected, "columns that are renamed stay restricted")
    c.sql("SELECT icecat.rename_table('w', '{ns}', 'v', '{ns}', 'v2')")
    t.equal(w.shown("mixed", "v2"), expected, "and tables")
    w.new_schema([f for f in fields if f[0] != 3], "v2")
    t.equal(w.try_as("mixed", "icecat.load_table('w', '{ns}', 'v2')"), "IC401", "a masked column that was dropped closes the table")
    t.equal(w.try_as("engine", "icecat.load_table('w', '{ns}', 'v2')"), "done", "for those who are restricted")
    w.new_schema([f for f in fields if f[0] != 3] + [(18, "ssn", "string", False)], "v2")
    t.equal(w.try_as("mixed", "icecat.load_table('w', '{ns}', 'v2')"), "IC401", "another of the name does not open it")
    w.restrict("analyst", EQ, {"ssn": "mask-alphanum"}, table="v2")
    t.equal(w.shown("mixed", "v2")["required-column-projections"], [{"field-id": 18, "action": "mask-alphanum"}], "until it is said what holds")
    w.new_schema([f for f in fields if f[0] not in (2, 3)] + [(18, "ssn", "string", False)], "v2")
    t.equal(w.try_as("mixed", "icecat.load_table('w', '{ns}', 'v2')"), "IC401", "a filtered column that was dropped closes it")
    w.make_table("n")
    w.restrict("analyst", {"type": "eq", "term": "level", "value": 3}, {"level": "sha-256-global"}, table="n")
    w.new_schema([(i, n, "long" if n == "level" else ty, r) for i, n, ty, r in FIELDS], "n")
    t.equal(sorted(w.shown("mixed", "n")), ["required-column-projections", "required-row-filter"], "a wider type that fits stays open")
    w.make_table("p")
    w.restrict("analyst", {"type": "eq", "term": "price", "value": "1.00"}, table="p")
    w.make_table("other")
    c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'other', 10000)")
    file = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'other'")
    c.sql("SELECT icecat.unregister_table('w', '{ns}', 'other') IS NOT NULL; SELECT icecat.register_table('w', '{ns}', 'p', '%s', true) IS NOT NULL" % file)
    t.equal(w.try_as("mixed", "icecat.load_table('w', '{ns}', 'p')"), "IC401", "another table that was registered over it is closed")
    t.equal(c.sql("SELECT fits FROM icecat.read_restrictions WHERE table_name = 'p'"), "f", "and the view says why")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'p')")
    w.make_table("p")
    t.equal(w.shown("mixed", "p"), None, "a new table of the name is not restricted")
    t.ok(c.wait_sql("SELECT count(*) FROM icecat_data.read_restriction AS x WHERE NOT EXISTS (SELECT FROM icecat_data.relation AS r "
                    "WHERE r.relation_id = x.object_id)", "0"), "rows go with the table")


def test_several(w):
    """Several restrictions add up; those that contradict are refused, or close the table."""
    c, t = w.c, w.t
    c.sql("CREATE ROLE staff IN ROLE users; GRANT staff TO sub; GRANT staff TO mixed")
    w.restrict("analyst", EQ, {"ssn": "show-last-4"})
    w.restrict("staff", {"type": "gt", "term": "id", "value": 5}, {"ssn": "show-last-4", "born": "truncate-to-year"})
    shown = w.shown("mixed")
    t.equal(shown["required-row-filter"]["type"], "and", "a row must pass all filters")
    t.equal(shown["required-column-projections"], [{"field-id": 3, "action": "show-last-4"}, {"field-id": 4, "action": "truncate-to-year"}],
            "a column gets the mask of any")
    said = w.restrict("staff", None, {"ssn": "mask-alphanum"}, check=False)
    t.ok("is masked in another way for analyst" in said, "another mask for one who is both is refused", said)
    said = w.restrict("staff", None, {"person": "replace-with-null"}, check=False)
    t.equal(said, "", "a mask of another column is not")
    w.restrict("intern", None, {"ssn": "replace-with-null"})
    t.equal(w.shown("mixed") is not None, True, "roles that nobody shares may differ")
    c.sql("GRANT intern TO mixed")
    t.equal(w.try_as("mixed", "icecat.load_table('w', '{ns}', 't')"), "IC401", "until somebody does: who is both is refused")
    c.sql("REVOKE intern FROM mixed")
    t.equal(w.try_as("mixed", "icecat.load_table('w', '{ns}', 't')"), "done", "and no longer")
    t.equal(c.sql("SELECT icecat.drop_read_restriction('staff', 'w', '{ns}', 't'), icecat.drop_read_restriction('staff', 'w', '{ns}', 't')"), "t|f",
            "drop_read_restriction() says whether there was one")
    c.sql("SET icecat.restrictions_max = 2; SELECT icecat.set_read_restriction('analyst', 'w', '{ns}', 't', 'false')")
    said = c.sql("SET icecat.restrictions_max = 2; SELECT icecat.set_read_restriction('staff', 'w', '{ns}', 't', 'false')", check=False)
    t.ok("which is the limit" in said, "how many a table has is bounded", said)
    w.unrestrict("analyst", "intern")


def test_keys(w):
    """A repeat by an idempotency key shows nothing to who is restricted since."""
    c, t = w.c, w.t
    key = "SET icecat.idempotency_key = '017F22E2-79B0-7CC3-98C4-DC0C0C07398F'; SET ROLE maker;"
    create = "SELECT icecat.create_table('w', '{ns}', 'keyed', %s) IS NOT NULL" % literal(json.dumps(schema()))
    t.equal(c.sql(key + create), "t", "a table is made by a key")
    w.restrict("maker", False, table="keyed")
    said = c.sql(key + create, check=False)
    t.ok("restricted" in said, "its repeat is refused when the role is restricted", said)
    c.sql("SELECT icecat.trust_engine('maker')")
    said = c.sql(key + create, check=False)
    t.ok("restricted" in said, "also of a trusted engine, which would not be let make it, either", said)
    c.sql("SELECT icecat.distrust_engine('maker')")


def test_labels(w):
    c, t = w.c, w.t
    w.make_table("l")
    t.equal(c.sql("SELECT icecat.set_labels('{\"owner\":\"ann\",\"tier\":\"gold\"}', 'w', '{ns}', 'l'), icecat.set_labels('{\"tier\":\"gold\"}', 'w', '{ns}', 'l'),"
                  "icecat.set_labels('{\"pii\":\"é\\\"\"}', 'w', '{ns}', 'l', 'person.name'), icecat.set_labels('{\"team\":\"x\"}', 'w', '{ns}')"), "2|0|1|1",
            "labels are set, and counted when they change")
    t.equal(w.load("engine", "l")["labels"], {"object-labels": {"owner": "ann", "tier": "gold"}, "fields": [{"field-id": 13, "labels": {"pii": "é\""}}]},
            "a load shows those of the table and its columns")
    c.sql("SELECT icecat.set_labels('{\"owner\":null,\"tier\":null}', 'w', '{ns}', 'l')")
    t.equal(w.load("engine", "l")["labels"], {"fields": [{"field-id": 13, "labels": {"pii": "é\""}}]}, "null removes one")
    t.equal(c.sql("SET ROLE engine; SELECT namespace, name, object_kind, field_id, label, value FROM icecat.labels WHERE label IN ('pii', 'team') AND value <> 'yes' ORDER BY label"),
            "{ns}|l|table|13|pii|é\"\n{ns}||namespace||team|x", "the view shows them")
    t.equal(c.sql("SET ROLE outsider; SELECT count(*) FROM icecat.labels"), "0", "to those who may see the object")
    version = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
               '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')
    c.sql("SELECT icecat.create_view('w', '{ns}', 'view', %s, '%s') IS NOT NULL" % (literal(json.dumps(schema())), version))
    c.sql("SELECT icecat.set_labels('{\"a\":\"b\"}', 'w', '{ns}', 'view'), icecat.set_labels('{\"c\":\"d\"}', 'w', '{ns}', 'view', 'id')")
    t.equal(json.loads(c.sql("SELECT icecat.load_view('w', '{ns}', 'view')"))["labels"],
            {"object-labels": {"a": "b"}, "fields": [{"field-id": 1, "labels": {"c": "d"}}]}, "a view has labels, too")
    for code, call in [("IC302", "'{\"a\":\"b\"}', 'w', '{ns}', 'l', 'nothing'"), ("IC301", "'{\"a\":1}', 'w', '{ns}', 'l'"), ("IC301", "'{\"\":\"b\"}', 'w', '{ns}', 'l'"),
                       ("IC301", "'[]', 'w', '{ns}', 'l'"), ("IC301", "'{\"a\":\"b\"}', 'w', '{ns}', NULL, 'id'"), ("IC103", "'{\"a\":\"b\"}', 'w', '{ns}', 'none'"),
                       ("IC305", "json_build_object('a', repeat('x', 1025)), 'w', '{ns}', 'l'"),
                       ("IC305", "(SELECT json_object_agg('k' || g, 'v') FROM generate_series(1, 1000) AS g), 'w', '{ns}', 'l'")]:
        t.equal(w.try_as("postgres", "icecat.set_labels(%s)" % call), code, "refused: set_labels(%s)" % call[:60])
    t.equal(w.try_as("engine", "icecat.set_labels('{\"a\":\"b\"}', 'w', '{ns}', 'l')"), "IC401", "labels take manage")
    w.new_schema([f for f in FIELDS if f[0] != 10], "l")
    t.equal(w.load("engine", "l")["labels"]["fields"][0]["field-id"], 13, "the label of a column outlives it")
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'l'); SELECT icecat.create_namespace('w', '{gone}'); SELECT icecat.set_labels('{\"a\":\"b\"}', 'w', '{gone}');"
          "SELECT icecat.drop_namespace('w', '{gone}')")
    t.equal(c.sql("SELECT count(*) FROM icecat.labels WHERE name = 'l' OR namespace = '{gone}'"), "0", "labels go with their object")
    t.ok(c.wait_sql("SELECT count(*) FROM icecat_data.label AS x WHERE NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.relation_id = x.object_id) "
                    "AND NOT EXISTS (SELECT FROM icecat_data.namespace AS n WHERE n.namespace_id = x.object_id)", "0"), "with their rows")


def test_dump(w):
    c, t = w.c, w.t
    w.restrict("analyst", EQ)
    c.sql("CREATE ROLE gone; SELECT icecat.set_read_restriction('gone', 'w', '{ns}', 't', 'false'); DROP ROLE gone")
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-Fc", "-f", c.dir + "/dump", "postgres")
    c.sql("CREATE DATABASE copy")
    c.run("pg_restore", "-h", c.dir, "-p", "5432", "-U", "postgres", "-d", "copy", c.dir + "/dump", check=False)
    t.equal(c.sql("SELECT count(*), min(role::text) FROM icecat_data.read_restriction WHERE object_id = (SELECT table_id FROM icecat.tables WHERE table_name = 't')", "copy"),
            "1|analyst", "a dump has the restrictions of roles that there are")
    t.equal(c.sql("SELECT role FROM icecat.trusted_engines", "copy"), "engine", "and the trusted engines")
    t.equal(c.sql("SELECT count(*) > 0 FROM icecat.labels", "copy"), "t", "and labels")
    t.equal(c.sql("SELECT count(*) FROM icecat.check_integrity()", "copy"), "0", "check_integrity() finds nothing")


def test(c, t):
    w = make_world(c, t)
    for part in (test_forms, test_refused, test_actions_and_types, test_ways_round, test_tags, test_sessions, test_changes, test_several, test_keys, test_labels, test_dump):
        part(w)


if __name__ == "__main__":
    cluster.main(test)
