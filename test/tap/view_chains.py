#!/usr/bin/env python3
"""Views that work as their definers: who may make one, what it lends, and chains that are made up."""
# SPDX-License-Identifier: PostgreSQL
import json

import cluster

SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
ROLES = "alice bob carol mallory engine writer"
OWNER = "trino.run-as-owner"


class World:
    def __init__(self, c, t):
        self.c, self.t = c, t

    def view(self, role, name, sql, owner=None, check=True):
        version = {"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": ["ns"],
                   "representations": [{"type": "sql", "sql": sql, "dialect": "trino"}]}
        return self.c.sql("SET ROLE %s; SELECT icecat.create_view('w', '{ns}', '%s', '%s', $$%s$$, NULL, $$%s$$) IS NOT NULL" % (
            role, name, SCHEMA, json.dumps(version), json.dumps({OWNER: owner} if owner else {})), check=check)

    def change(self, role, name, *updates):
        return self.outcome(role, "icecat.replace_view('w', '{ns}', '%s', '[]', $u$%s$u$)" % (name, json.dumps(updates)))

    def outcome(self, role, call):
        return self.c.sql("SET ROLE %s; SELECT public.outcome($call$%s$call$)" % (role, call), check=False)

    def load(self, role, *views, table="secret"):
        """"done" or the SQLSTATE of a load of a table by way of views."""
        chain = json.dumps([["ns", view] for view in views])
        return self.outcome(role, "icecat.load_table('w', '{ns}', '%s', 'all', $v$%s$v$)" % (table, chain))


def make_world(c, t):
    w = World(c, t)
    c.make_warehouse()
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users');" + "".join("CREATE ROLE %s IN ROLE users;" % role for role in ROLES.split())
          + "CREATE ROLE alice_by_engine IN ROLE alice; GRANT engine TO alice_by_engine; CREATE ROLE mallory_by_engine IN ROLE mallory;"
          "GRANT engine TO mallory_by_engine; CREATE ROLE bob_by_engine IN ROLE bob; GRANT engine TO bob_by_engine;"
          "CREATE FUNCTION public.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT ' || statement;"
          " RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$")
    c.sql(c.create_table_sql("secret") + c.create_table_sql("other"))
    c.sql("SELECT icecat.grant('bob', 'select', 'w', '{ns}', 'secret'), icecat.grant('bob', 'create', 'w', '{ns}'), icecat.grant('carol', 'create', 'w', '{ns}'),"
          "icecat.grant('mallory', 'create', 'w', '{ns}'), icecat.grant('alice', 'select', 'w', '{ns}', 'other'), icecat.grant('carol', 'select', 'w', '{ns}', 'other')")
    return w


def test_before(w):
    """Before an engine is trusted the property is one like any other, and a chain means nothing."""
    t, c = w.t, w.c
    w.view("mallory", "early", "SELECT * FROM secret", owner="bob")
    c.sql("SELECT icecat.grant('mallory', 'select', 'w', '{ns}', 'early')")
    t.equal(w.load("mallory_by_engine", "early"), "IC401", "without a trusted engine nothing is lent")
    c.sql("SELECT icecat.trust_engine('engine', '%s')" % OWNER)
    t.equal(w.load("mallory_by_engine", "early"), "IC401", "nor by a view that named its owner before: nobody had checked it")
    t.equal(w.change("mallory", "early", {"action": "set-properties", "updates": {"k": "v"}}), "IC401", "whose next change would be checked")
    t.equal(w.change("mallory", "early", {"action": "remove-properties", "removals": [OWNER]}), "done", "the property can be taken away")


def test_make(w):
    """A view works as a role only if who makes or changes it has that role's rights."""
    t, c = w.t, w.c
    t.equal(w.view("bob", "report", "SELECT count(*) FROM \"Secret\"", owner="bob"), "t", "bob's view works as bob")
    for owner in ("bob", "postgres", "nobody_at_all", "users2", ""):
        said = w.view("mallory", "theft", "SELECT * FROM secret", owner=owner, check=False)
        if owner:
            t.ok("whose rights mallory has not" in said, "mallory makes no view that works as %s" % owner, said)
    w.view("mallory", "own", "SELECT * FROM secret", owner="mallory")
    for updates in ([{"action": "set-properties", "updates": {OWNER: "bob"}}], [{"action": "set-properties", "updates": {OWNER: "postgres", "k": "v"}}]):
        t.equal(w.change("mallory", "own", *updates), "IC401", "nor changes one into it")
    c.sql("SELECT icecat.grant('mallory', 'manage', 'w', '{ns}', 'report')")
    version = {"version-id": 2, "timestamp-ms": 2, "schema-id": 0, "summary": {}, "default-namespace": ["ns"],
               "representations": [{"type": "sql", "sql": "SELECT * FROM secret", "dialect": "trino"}]}
    new_text = [{"action": "add-view-version", "view-version": version}, {"action": "set-current-view-version", "view-version-id": -1}]
    t.equal(w.change("mallory", "report", *new_text), "IC401", "who manages bob's view gives it no other text")
    t.equal(w.change("mallory", "report", {"action": "set-properties", "updates": {"k": "v"}}), "IC401", "and changes nothing else while it works as bob")
    t.equal(w.change("bob", "report", {"action": "set-properties", "updates": {"k": "v"}}), "done", "bob does")
    c.queue_is_empty()
    file = c.sql("SELECT metadata_location FROM icecat.views WHERE view_name = 'report'")
    c.sql("SELECT icecat.grant('mallory', 'select', 'w', '{ns}', 'report')")
    t.equal(w.outcome("mallory", "icecat.register_view('w', '{ns}', 'copy', '%s')" % file), "IC401", "a copy of its file is refused, too")
    c.sql("SELECT icecat.grant('writer', 'write', 'w', '{ns}', 'report')")
    t.equal(w.change("writer", "report", *new_text), "IC401", "a writer is refused")
    t.equal(c.sql("SELECT role, property FROM icecat_data.view_definer ORDER BY role::text"), "bob|%s\nmallory|%s" % (OWNER, OWNER), "rows say which views work as whom")


def test_chain(w):
    t, c = w.t, w.c
    c.sql("SELECT icecat.grant('alice', 'select', 'w', '{ns}', 'report')")
    t.equal(w.load("alice"), "IC103", "alice does not see the table")
    t.equal(w.load("alice_by_engine"), "IC103", "nor by the engine")
    t.equal(w.load("alice_by_engine", "report"), "done", "but by bob's view, as bob")
    t.equal(w.load("alice", "report"), "IC103", "who is no trusted engine is not believed")
    t.equal(w.load("alice_by_engine", "report", table="other"), "IC401", "the view does not refer to another table")
    t.equal(w.load("alice_by_engine", "none"), "IC105", "a view that is not there")
    t.equal(w.load("mallory_by_engine", "own"), "IC401", "a view lends what its definer has")
    c.sql("SELECT icecat.revoke('mallory', 'manage', 'w', '{ns}', 'report'), icecat.revoke('mallory', 'select', 'w', '{ns}', 'report')")
    t.equal(w.load("mallory_by_engine", "report"), "IC401", "a view must be the caller's to load")
    for name, call in [("rest_load_table", "icecat.rest_load_table('w', '{ns}', 'secret', NULL, 'all', '[[\"ns\",\"report\"]]')"),
                       ("in pieces", "icecat.rest_load_table_pieces('w', '{ns}', 'secret', 'all', '[[\"ns\",\"report\"]]')")]:
        t.equal(w.outcome("alice_by_engine", call), "done", name)
        t.equal(w.outcome("alice", call), "IC103", name + " without trust")
    said = c.sql("SET ROLE alice_by_engine; SELECT icecat.load_table('w', '{ns}', 'secret', 'all', '[[\"ns\",\"report\"]]') IS NOT NULL, current_user;"
                 "SELECT public.outcome($$icecat.load_table('w', '{ns}', 'secret')$$), current_user")
    t.equal(said, "t|alice_by_engine\nIC103|alice_by_engine", "the rights are lent for one call, and the session stays who it was")
    said = c.sql("SET ROLE alice_by_engine; BEGIN; SELECT icecat.load_table('w', '{ns}', 'other', 'all', '[[\"ns\",\"report\"]]')", check=False)
    said = c.sql("SET ROLE alice_by_engine; SELECT public.outcome($$icecat.load_table('w', '{ns}', 'other', 'all', '[[\"ns\",\"report\"]]')$$), current_user")
    t.equal(said, "IC401|alice_by_engine", "also after an error")

    w.view("carol", "outer", "SELECT * FROM report", owner="carol")
    c.sql("SELECT icecat.grant('carol', 'select', 'w', '{ns}', 'report'); SELECT icecat.grant('alice', 'select', 'w', '{ns}', 'outer');"
          "SELECT icecat.revoke('alice', 'select', 'w', '{ns}', 'report')")
    t.equal(w.load("alice_by_engine", "outer", "report"), "done", "definers one after the other")
    t.equal(w.load("alice_by_engine", "report"), "IC105", "not by the inner view alone")
    t.equal(w.load("alice_by_engine", "outer"), "IC401", "a chain without its middle is refused")
    t.equal(w.load("alice_by_engine", "report", "outer"), "IC105", "and one in another order")
    t.equal(w.outcome("alice_by_engine", "icecat.load_view('w', '{ns}', 'report', '[[\"ns\",\"outer\"]]')"), "done", "a view is loaded by way of another")
    t.equal(w.outcome("alice", "icecat.load_view('w', '{ns}', 'report', '[[\"ns\",\"outer\"]]')"), "IC105", "for an engine only")
    w.view("mallory", "plain", "SELECT * FROM secret")
    t.equal(w.load("mallory_by_engine", "plain"), "IC401", "a view of no definer lends nothing")
    t.equal(w.load("bob_by_engine", "plain"), "IC401", "and must be one that the caller may load")


def test_form(w):
    t = w.t
    t.equal(w.load("alice", *["v%d" % i for i in range(11)]), "IC301", "more than ten views are refused, also from who is not believed")
    t.equal(w.load("alice_by_engine", *["v%d" % i for i in range(10)]), "IC105", "ten are looked up")
    t.equal(w.load("alice_by_engine", "outer", "report", "outer"), "IC301", "a view that comes twice is refused")
    for chain in ('{}', '[1]', '["v"]', '[["v"]]', '[["ns",""]]', '[["ns",1]]', '[[]]'):
        t.equal(w.outcome("alice", "icecat.load_table('w', '{ns}', 'other', 'all', '%s')" % chain), "IC301", "no chain: %s" % chain)
    t.equal(w.outcome("alice", "icecat.load_table('w', '{ns}', 'other', 'all', '[]')"), "done", "an empty one is none")


def test_restrictions(w):
    """What is restricted by way of a view is what its definer is restricted to."""
    t, c = w.t, w.c
    c.sql("SELECT icecat.grant('alice', 'select', 'w', '{ns}', 'report'), icecat.set_read_restriction('bob', 'w', '{ns}', 'secret', '{\"type\":\"gt\",\"term\":\"x\",\"value\":1}')")
    body = json.loads(c.sql("SET ROLE alice_by_engine; SELECT icecat.load_table('w', '{ns}', 'secret', 'all', '[[\"ns\",\"report\"]]')"))
    t.equal(body["read-restrictions"]["required-row-filter"]["type"], "gt", "the definer's restriction is sent")
    etag = "SELECT etag FROM icecat.rest_load_table('w', '{ns}', 'secret', NULL, 'all'%s)"
    chained = c.sql("SET ROLE alice_by_engine;" + etag % ", '[[\"ns\",\"report\"]]'")
    c.sql("SELECT icecat.drop_read_restriction('bob', 'w', '{ns}', 'secret')")
    unrestricted = c.sql("SET ROLE alice_by_engine;" + etag % ", '[[\"ns\",\"report\"]]'")
    own = c.sql("SET ROLE bob;" + etag % "")
    t.ok(len({chained, unrestricted, own}) == 3, "the tag says by whose rights, and what is restricted", (chained, unrestricted, own))


def test_ends(w):
    t, c = w.t, w.c
    c.sql("SELECT icecat.revoke('bob', 'select', 'w', '{ns}', 'secret')")
    t.equal(w.load("alice_by_engine", "report"), "IC401", "what the definer loses the view loses")
    c.sql("SELECT icecat.grant('bob', 'select', 'w', '{ns}', 'secret'); SELECT icecat.distrust_engine('engine')")
    t.equal(w.load("alice_by_engine", "report"), "IC103", "an engine that is trusted no more is not believed")
    t.equal(w.change("writer", "report", {"action": "set-properties", "updates": {"k": "w"}}), "done", "the property is one like any other then")
    c.sql("SELECT icecat.trust_engine('engine', '%s')" % OWNER)
    t.equal(w.load("alice_by_engine", "report"), "IC103", "and what was changed meanwhile lends nothing")
    t.equal(w.change("bob", "report", {"action": "set-properties", "updates": {"k": "x"}}), "done", "until its definer has changed it")
    t.equal(w.load("alice_by_engine", "report"), "done", "and so has answered for it")
    c.sql("SELECT icecat.trust_engine('engine', 'other.property')")
    t.equal(w.load("alice_by_engine", "report"), "IC103", "another property is another question")
    c.sql("SELECT icecat.trust_engine('engine', '%s')" % OWNER)
    c.sql("SELECT icecat.rename_view('w', '{ns}', 'report', '{ns}', 'renamed')")
    t.equal(w.load("alice_by_engine", "renamed"), "done", "a view that is renamed keeps it")
    c.sql("ALTER ROLE bob RENAME TO robert")
    t.equal(w.load("alice_by_engine", "renamed"), "done", "so does one whose definer is renamed")
    c.sql("CREATE ROLE bob; DROP OWNED BY robert; DROP ROLE robert")
    t.equal(w.load("alice_by_engine", "renamed"), "IC401", "a role that is gone lends nothing, and a new one of the name is another")
    c.sql("SELECT icecat.drop_view('w', '{ns}', 'renamed')")
    t.ok(c.wait_sql("SELECT count(*) FROM icecat_data.view_definer AS d WHERE NOT EXISTS (SELECT FROM icecat_data.relation AS r WHERE r.relation_id = d.view_id)",
                    "0"), "rows go with the view")
    t.equal(c.sql("SELECT count(*) FROM icecat.check_integrity()"), "0", "check_integrity() finds nothing")


def test(c, t):
    w = make_world(c, t)
    for part in (test_before, test_make, test_chain, test_form, test_restrictions, test_ends):
        part(w)


if __name__ == "__main__":
    cluster.main(test)
