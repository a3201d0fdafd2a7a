#!/usr/bin/env python3
"""Commit policies: the examples of docs/use/policies.md, every operation, and what a policy or the owner of the tables must not get."""
# SPDX-License-Identifier: PostgreSQL
import os
import re
import time

import cluster

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
X = '{"id":1,"name":"x","type":"long","required":false}'
Y = '{"id":2,"name":"y","type":"long","required":false}'
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')


def schema(*fields):
    return '{"type":"struct","fields":[%s]}' % ",".join(fields)


def new_schema(*fields):
    return ('[{"action":"add-schema","schema":{"type":"struct","schema-id":9,"fields":[%s]}},'
            '{"action":"set-current-schema","schema-id":-1}]' % ",".join(fields))


def properties(text):
    return '[{"action":"set-properties","updates":%s}]' % text


SET = properties('{"k":"v"}')
OPERATIONS = [
    ("create-table", "icecat.create_table('lake', '{a}', 'n', '%s')" % schema(X)),
    ("stage-table", "icecat.create_table('lake', '{a}', 'n', '%s', p_stage_create => true)" % schema(X)),
    ("commit-table", "icecat.commit_table('lake', '{a}', 't', '[]', '%s')" % SET),
    ("commit-table", "icecat.commit_transaction('lake', '[{\"identifier\":{\"namespace\":[\"a\"],\"name\":\"t\"},\"updates\":%s}]')" % SET),
    ("register-table", "icecat.register_table('lake', '{a}', 'r', '%(file)s')"),
    ("register-table", "icecat.register_table('lake', '{a}', 't', '%(file)s', true)"),
    ("rename-table", "icecat.rename_table('lake', '{a}', 't', '{b}', 'n')"),
    ("rename-table", "icecat.rename_table('lake', '{b}', 'from', '{a}', 'n')"),
    ("unregister-table", "icecat.unregister_table('lake', '{a}', 't')"),
    ("drop-table", "icecat.drop_table('lake', '{a}', 't')"),
    ("create-view", "icecat.create_view('lake', '{a}', 'n', '%s', '%s')" % (schema(X), VERSION)),
    ("replace-view", "icecat.replace_view('lake', '{a}', 'v', '[]', '%s')" % SET),
    ("rename-view", "icecat.rename_view('lake', '{a}', 'v', '{b}', 'n')"),
    ("drop-view", "icecat.drop_view('lake', '{a}', 'v')"),
]


def said(c, statement):
    return c.sql("\\set VERBOSITY verbose\n" + statement, check=False)


def policy(c, name, body, owner="steward", more="SECURITY DEFINER", language="plpgsql"):
    c.sql("SET ROLE %s; CREATE OR REPLACE FUNCTION contracts.%s(p_change json) RETURNS text LANGUAGE %s %s SET search_path = pg_catalog, pg_temp AS $f$ %s $f$"
          % (owner, name, language, more, body))


def attach(c, name, where=", '{a}'", function=None):
    c.sql("SELECT icecat.create_commit_policy('lake', '%s', 'contracts.%s(json)'%s)" % (name, function or name, where))


def test_examples(c, t):
    with open(os.path.join(ROOT, "docs", "use", "policies.md")) as file:
        blocks = re.findall(r"```sql\n(.*?)```", file.read(), re.S)
    c.sql("SELECT icecat.create_namespace('lake', '{prod}'), icecat.create_namespace('lake', '{prod,x}'), icecat.create_namespace('lake', '{dev}')")
    c.sql("CREATE ROLE oncall; SELECT icecat.grant_writer('oncall')")
    c.sql("".join(blocks))
    t.ok("needs the property owner" in said(c, "SELECT icecat.create_table('lake', '{prod}', 't', '%s')" % schema(X)), "a table without an owner is refused")
    c.sql("SELECT icecat.create_table('lake', '{prod,x}', 't', '%s', p_properties => '{\"owner\":\"me\"}')" % schema(X, Y))
    t.ok(True, "one with an owner is made")
    t.ok("IC402: Refused by commit policy contract: these columns would be dropped: y" in
         said(c, "SELECT icecat.commit_table('lake', '{prod,x}', 't', '[]', '%s')" % new_schema(X)), "a column is not dropped below prod")
    c.sql("SELECT icecat.commit_table('lake', '{prod,x}', 't', '[]', '%s')" % new_schema(X, Y, '{"id":3,"name":"z","type":"long","required":false}'))
    t.ok("needs the property owner" in said(c, "SELECT icecat.commit_table('lake', '{prod,x}', 't', '[]', '[{\"action\":\"remove-properties\",\"removals\":[\"owner\"]}]')"),
         "nor is the owner removed")
    c.sql("SELECT icecat.create_table('lake', '{dev}', 't', '%s'), icecat.commit_table('lake', '{dev}', 't', '[]', '%s')" % (schema(X, Y), new_schema(X)))
    t.ok(True, "elsewhere both are")
    c.sql("INSERT INTO contracts.freeze VALUES (now() - interval '1 hour', now() + interval '1 hour')")
    t.ok("changes are frozen until" in said(c, "SELECT icecat.commit_table('lake', '{dev}', 't', '[]', '%s')" % SET), "in a freeze nothing is changed")
    c.sql("SET ROLE oncall; SELECT icecat.commit_table('lake', '{dev}', 't', '[]', '%s')" % SET)
    t.ok(True, "but by those on call")
    t.equal(c.sql("SELECT string_agg(policy_name || ' ' || role_name, ', ' ORDER BY policy_name) FROM icecat.commit_policies"),
            "contract steward, freeze steward, owner steward", "the view lists them")
    t.equal(c.sql("SELECT icecat.drop_commit_policy('lake', p) FROM unnest('{contract,freeze,owner,none}'::text[]) AS p"), "t\nt\nt\nf", "they are dropped")
    c.sql("SELECT icecat.commit_table('lake', '{prod,x}', 't', '[]', '%s')" % new_schema(X))
    t.ok(True, "and asked no more")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action IN ('create-commit-policy', 'drop-commit-policy')"), "6", "the audit log knows of all this")


def test_operations(c, t):
    c.sql("SELECT icecat.create_namespace('lake', '{a}'), icecat.create_namespace('lake', '{b}'), icecat.create_table('lake', '{a}', 't', '%s'), "
          "icecat.create_table('lake', '{b}', 'from', '%s'), icecat.create_table('lake', '{b}', 'source', '%s'), icecat.create_view('lake', '{a}', 'v', '%s', '%s')"
          % (schema(X), schema(X), schema(X), schema(X), VERSION))
    words = {"file": c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'source'")}
    policy(c, "never", "BEGIN RETURN 'told: ' || (p_change ->> 'operation') || ' ' || (p_change ->> 'kind') || ' ' || (p_change ->> 'name'); END")
    attach(c, "never")
    state = "SELECT md5(string_agg(h::text, '' ORDER BY h::text)) FROM (SELECT h::text FROM icecat_data.table_head AS h UNION ALL SELECT r::text FROM icecat_data.relation AS r) AS h"
    before = c.sql(state)
    for operation, call in OPERATIONS:
        answer = said(c, "SELECT " + call % words)
        t.ok("IC402: Refused by commit policy never: told: " + operation in answer, "%s is refused: %s" % (operation, call[:60]), answer)
    answer = said(c, "UPDATE icecat.iceberg_tables SET metadata_location = '%(file)s' WHERE table_namespace = 'a' AND table_name = 't'" % words)
    t.ok("IC402" in answer or "IC3" in answer, "a SQL catalog's commit is refused", answer)
    t.equal(c.sql(state), before, "nothing was changed by any of them")
    c.sql("SELECT icecat.commit_table('lake', '{b}', 'from', '[]', '%s')" % SET)
    t.ok(True, "beside the namespace all goes on")
    answer = said(c, "SELECT icecat.commit_transaction('lake', '[{\"identifier\":{\"namespace\":[\"b\"],\"name\":\"from\"},\"updates\":%s},"
                  "{\"identifier\":{\"namespace\":[\"a\"],\"name\":\"t\"},\"updates\":%s}]')" % (properties('{"all":"or nothing"}'), SET))
    t.ok("IC402" in answer and "all" not in c.sql("SELECT icecat.load_table('lake', '{b}', 'from') -> 'metadata' ->> 'properties'"), "one refusal refuses a transaction")
    c.sql("SELECT icecat.drop_commit_policy('lake', 'never')")


def test_told(c, t):
    """What a policy is told, and as whom it runs."""
    c.sql("CREATE TABLE contracts.told (what json, as_whom text); ALTER TABLE contracts.told OWNER TO steward")
    policy(c, "tell", "BEGIN INSERT INTO contracts.told VALUES (p_change, current_user); RETURN NULL; END")
    attach(c, "tell", ", '{a}', 't'")
    c.sql("CREATE ROLE writer; SELECT icecat.grant_writer('writer')")
    c.sql("SET ROLE writer; SET icecat.principal = 'corp~ann'; SELECT icecat.commit_table('lake', '{a}', 't', '[]', '%s')" % properties('{"new":"1"}'))
    t.equal(c.sql("SELECT as_whom, what ->> 'operation', what ->> 'warehouse', what ->> 'namespace', what ->> 'name', what ->> 'role', what ->> 'principal', "
                  "what #>> '{old,properties,new}' IS NULL, what #>> '{new,properties,new}', what #>> '{new,schema,fields,0,name}' FROM contracts.told"),
            'steward|commit-table|lake|["a"]|t|writer|corp~ann|t|1|x', "it runs as its owner, and is told what changes")
    c.sql("SELECT icecat.drop_commit_policy('lake', 'tell')")


def test_failures(c, t):
    """Whatever goes wrong refuses the change, and is no other error."""
    commit = "SELECT icecat.commit_table('lake', '{a}', 't', '[]', '%s')" % SET
    for body, expected in (
            ("BEGIN RAISE EXCEPTION 'because of rule 7'; END", "IC402: Refused by commit policy bad: because of rule 7"),
            ("BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'IC203'; END", "IC402: Commit policy bad failed: SQLSTATE IC203"),
            ("BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '08006'; END", "IC402: Commit policy bad failed: SQLSTATE 08006"),
            ("BEGIN RETURN 1 / 0; END", "IC402: Commit policy bad failed: SQLSTATE 22012"),
            ("BEGIN PERFORM pg_sleep(60); RETURN NULL; END", "IC402: Commit policy bad took longer than 1000 ms"),
            ("BEGIN LOOP END LOOP; END", "IC402: Commit policy bad took longer than 1000 ms"),
            ("BEGIN PERFORM icecat.create_namespace('lake', '{hacked}'); RETURN NULL; END", "IC402: Commit policy bad failed: SQLSTATE"),
            ("BEGIN SET ROLE postgres; RETURN NULL; END", "IC402: Commit policy bad failed: SQLSTATE"),
            ("BEGIN CREATE TEMP TABLE x (y int); RETURN NULL; END", "IC402: Commit policy bad failed: SQLSTATE"),
            ("BEGIN PERFORM set_config('session_authorization', 'postgres', false); RETURN NULL; END", "IC402: Commit policy bad failed: SQLSTATE"),
            ("BEGIN RETURN repeat('x', 1000000); END", "IC402: Refused by commit policy bad: xxx")):
        policy(c, "bad", body)
        if c.sql("SELECT count(*) FROM icecat.commit_policies WHERE policy_name = 'bad'") == "0":
            attach(c, "bad")
        c.sql("GRANT USAGE ON SCHEMA icecat TO steward; SELECT icecat.grant_writer('steward')")
        started = time.monotonic()
        answer = said(c, commit)
        t.ok(expected in answer and len(answer) < 5000, "%s: %s" % (body[:60], expected[:60]), answer[:500])
        t.ok(time.monotonic() - started < 10, "in time")
    policy(c, "bad", "BEGIN PERFORM pg_sleep(5); RETURN NULL; END")
    t.ok("57014" in said(c, "SET statement_timeout = 300; " + commit), "a statement timeout is one")
    policy(c, "bad", "BEGIN SET search_path = public; SET icecat.audit_retention_days = 0; RETURN NULL; END", more="SECURITY DEFINER")
    t.ok("IC402" in said(c, commit), "no setting of a superuser's is changed")
    c.sql("DROP FUNCTION contracts.bad(json)")
    t.ok("IC402: Commit policy bad cannot be asked: there is no such function" in said(c, commit), "one that is gone refuses, too")
    c.sql("SELECT icecat.drop_commit_policy('lake', 'bad')")
    c.sql(commit)
    t.ok(True, "until it is dropped")


def test_rights(c, t):
    """Who may attach what, and what the owner of the tables gets by a row of its own."""
    c.sql("GRANT USAGE ON SCHEMA contracts TO PUBLIC; CREATE ROLE boss IN ROLE steward; SELECT icecat.grant_user('boss'), icecat.grant('boss', 'manage', 'lake', '{a}'); "
          "CREATE ROLE stranger; SELECT icecat.grant_user('stranger'), icecat.grant('stranger', 'manage', 'lake')")
    policy(c, "fine", "BEGIN RETURN NULL; END")
    policy(c, "invoker", "BEGIN RETURN NULL; END", more="SECURITY INVOKER")
    policy(c, "mighty", "BEGIN RETURN session_user; END", owner="postgres")
    create = "SELECT icecat.create_commit_policy('lake', '%s', 'contracts.%s(json)', '{a}')"
    t.ok("IC401" in said(c, "SET ROLE stranger; " + create % ("p", "fine")), "who may not become the owner of the function does not attach it")
    t.ok("IC401" in said(c, "SET ROLE boss; SELECT icecat.create_commit_policy('lake', 'p', 'contracts.fine(json)', '{b}')")
         or "IC102" in said(c, "SET ROLE boss; SELECT icecat.create_commit_policy('lake', 'p', 'contracts.fine(json)', '{b}')"), "nor who may not manage the place")
    c.sql("SET ROLE boss; " + create % ("p", "fine"))
    t.ok("IC201" in said(c, "SET ROLE boss; " + create % ("p", "fine")), "a name is taken once")
    t.equal(c.sql("SET ROLE boss; SELECT icecat.drop_commit_policy('lake', 'p')"), "t", "who may manage the place drops it")
    t.ok("IC301" in said(c, create % ("p", "invoker")), "a function that is not SECURITY DEFINER is none")
    t.ok("IC301" in said(c, create % ("p", "mighty")), "nor is one of a superuser")
    t.ok("IC301" in said(c, "SELECT icecat.create_commit_policy('lake', 'p', 'pg_catalog.json_typeof(json)')"), "nor one of PostgreSQL's")
    # The owner of the extension is no superuser, and writes rows itself.
    c.sql("CREATE ROLE bob LOGIN; CREATE DATABASE bobs OWNER bob")
    c.sql("SET SESSION AUTHORIZATION bob; CREATE EXTENSION icecat; SELECT icecat.create_warehouse('lake', 's3://b/lake', '{\"icecat.metadata-write-mode\":\"none\"}'), "
          "icecat.create_namespace('lake', '{a}')", "bobs")
    c.sql("CREATE SCHEMA contracts; GRANT USAGE ON SCHEMA contracts TO PUBLIC; CREATE TABLE contracts.rights (role text); "
          "CREATE FUNCTION contracts.mighty(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS "
          "$f$ BEGIN INSERT INTO contracts.rights VALUES (current_user); RETURN NULL; END $f$; "
          "CREATE FUNCTION contracts.invoker(p_change json) RETURNS text LANGUAGE plpgsql AS "
          "$f$ BEGIN RAISE EXCEPTION 'I am %', current_user; END $f$", "bobs")
    for function in ("mighty", "invoker"):
        c.sql("SET SESSION AUTHORIZATION bob; DELETE FROM icecat_data.commit_policy; INSERT INTO icecat_data.commit_policy SELECT warehouse_id, 'p', warehouse_id, "
              "'warehouse', 'contracts.%s(json)', 'bob', now() FROM icecat_data.warehouse" % function, "bobs")
        answer = c.sql("SELECT icecat.create_table('lake', '{a}', 't', '%s')" % schema(X), "bobs", check=False)
        t.ok("cannot be asked" in answer, "a row that the owner wrote calls nothing as another: " + function, answer)
    t.equal(c.sql("SELECT count(*) FROM contracts.rights", "bobs"), "0", "nothing ran")


def test_dump(c, t):
    policy(c, "never", "BEGIN RETURN 'no'; END")
    attach(c, "never")
    c.run("createdb", "-h", c.dir, "-U", "postgres", "copy")
    c.run("pg_dump", "-h", c.dir, "-U", "postgres", "-d", "postgres", "-f", c.dir + "/dump.sql")
    c.run("psql", "-h", c.dir, "-U", "postgres", "-d", "copy", "-v", "ON_ERROR_STOP=1", "-q", "-f", c.dir + "/dump.sql")
    t.ok("Refused by commit policy never: no" in c.sql("SELECT icecat.commit_table('lake', '{a}', 't', '[]', '%s')" % SET, "copy", check=False),
         "a restored database has its policies")


def test(c, t):
    c.sql("SELECT icecat.create_warehouse('lake', 'file://%s/lake')" % c.files)
    for part in (test_examples, test_operations, test_told, test_failures, test_rights, test_dump):
        part(c, t)


if __name__ == "__main__":
    cluster.main(test)
