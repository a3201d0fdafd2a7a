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
    ("create-namespace", "icecat.create_namespace('lake', '{a,n}')"),
    ("update-namespace-properties", "icecat.update_namespace_properties('lake', '{a}', '{\"k\":\"v\"}')"),
    ("update-namespace-properties", "icecat.update_namespace_properties('lake', '{a,kid}', '{\"k\":\"v\"}')"),
    ("drop-namespace", "icecat.drop_namespace('lake', '{a,kid}')"),
]


def said(c, statement):
    return c.sql("\\set VERBOSITY verbose\n" + statement, check=False)


def policy(c, name, body, owner="steward", more="SECURITY DEFINER", language="plpgsql"):
    c.sql("SET ROLE %s; CREATE OR REPLACE FUNCTION contracts.%s(p_change json) RETURNS text LANGUAGE %s %s SET search_path = pg_catalog, pg_temp AS $f$ %s $f$"
          % (owner, name, language, more, body))


def attach(c, name, where=", '{a}'", function=None, when="before"):
    c.sql("SELECT icecat.create_commit_policy('lake', '%s', 'contracts.%s(json)'%s, p_when => '%s')" % (name, function or name, where, when))


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
            "contract steward, freeze steward, journal steward, owner steward, protected steward", "the view lists them")
    c.sql("DELETE FROM contracts.freeze; SELECT icecat.create_table('lake', '{prod}', 'kept', '%s', p_properties => '{\"owner\":\"me\",\"protected\":\"true\"}')" % schema(X))
    for call in ("drop_table('lake', '{prod}', 'kept')", "unregister_table('lake', '{prod}', 'kept')", "rename_table('lake', '{prod}', 'kept', '{dev}', 'kept')"):
        t.ok("this table is protected" in said(c, "SELECT icecat." + call), "a protected table stays: " + call[:16])
    c.sql("SELECT icecat.drop_table('lake', '{prod,x}', 't')")
    t.ok(True, "another one goes")
    c.sql("SELECT icecat.create_table('lake', '{prod,x}', 't', '%s', p_properties => '{\"owner\":\"me\"}')" % schema(X, Y))
    t.equal(c.sql("SELECT string_agg(what, ', ' ORDER BY what) FROM contracts.done"), "commit-table prod.x.t, create-table prod.kept, create-table prod.x.t, create-table prod.x.t, "
            "drop-table prod.x.t", "the journal has what was done, and no more")
    t.equal(c.sql("SELECT icecat.drop_commit_policy('lake', p) FROM unnest('{contract,freeze,owner,protected,journal,none}'::text[]) AS p"), "t\nt\nt\nt\nt\nf",
            "they are dropped")
    c.sql("SELECT icecat.commit_table('lake', '{prod,x}', 't', '[]', '%s')" % new_schema(X))
    t.ok(True, "and asked no more")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action IN ('create-commit-policy', 'drop-commit-policy')"), "10", "the audit log knows of all this")


def test_operations(c, t):
    c.sql("SELECT icecat.create_namespace('lake', '{a}'), icecat.create_namespace('lake', '{b}'), icecat.create_namespace('lake', '{a,kid}'), icecat.create_table('lake', '{a}', 't', '%s'), "
          "icecat.create_table('lake', '{b}', 'from', '%s'), icecat.create_table('lake', '{b}', 'source', '%s'), icecat.create_view('lake', '{a}', 'v', '%s', '%s')"
          % (schema(X), schema(X), schema(X), schema(X), VERSION))
    words = {"file": c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'source'")}
    policy(c, "never", "BEGIN RETURN 'told: ' || (p_change ->> 'operation') || ' ' || (p_change ->> 'kind') || ' ' || coalesce(p_change ->> 'name', p_change ->> 'namespace'); END")
    attach(c, "never")
    state = "SELECT md5(string_agg(h::text, '' ORDER BY h::text)) FROM (SELECT h::text FROM icecat_data.table_head AS h UNION ALL SELECT r::text FROM icecat_data.relation AS r UNION ALL SELECT n::text FROM icecat_data.namespace AS n) AS h"
    before = c.sql(state)
    for operation, call in OPERATIONS:
        answer = said(c, "SELECT " + call % words)
        t.ok("IC402: Refused by commit policy never: told: " + operation in answer, "%s is refused: %s" % (operation, call[:60]), answer)
    answer = said(c, "UPDATE icecat.iceberg_tables SET metadata_location = '%(file)s' WHERE table_namespace = 'a' AND table_name = 't'" % words)
    t.ok("IC402" in answer or "IC3" in answer, "a SQL catalog's commit is refused", answer)
    t.equal(c.sql(state), before, "nothing was changed by any of them")
    c.sql("SELECT icecat.commit_table('lake', '{b}', 'from', '[]', '%s'), icecat.create_namespace('lake', '{b,n}'), icecat.drop_namespace('lake', '{b,n}'), "
          "icecat.create_namespace('lake', '{top}'), icecat.drop_namespace('lake', '{top}')" % SET)
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
    c.sql("SELECT icecat.drop_commit_policy('lake', 'tell'); DELETE FROM contracts.told")
    attach(c, "tell", "")
    c.sql("SELECT icecat.create_namespace('lake', '{told}', '{\"k\":\"1\"}'), icecat.update_namespace_properties('lake', '{told}', '{\"k\":\"2\"}'), "
          "icecat.create_table('lake', '{told}', 't', '%s', p_properties => '{\"p\":\"1\"}'), icecat.rename_table('lake', '{told}', 't', '{told}', 'u'), "
          "icecat.drop_table('lake', '{told}', 'u'), icecat.create_view('lake', '{told}', 'v', '%s', '%s'), "
          "icecat.replace_view('lake', '{told}', 'v', '[]', '%s'), icecat.rename_view('lake', '{told}', 'v', '{told}', 'w'), icecat.drop_view('lake', '{told}', 'w'), "
          "icecat.drop_namespace('lake', '{told}')" % (schema(X), schema(X), VERSION, SET))
    rows = c.sql("SELECT what ->> 'operation', what ->> 'kind', coalesce(what ->> 'name', '-'), coalesce(what #>> '{old,properties,p}', what #>> '{old,properties,k}', '-'), coalesce(what #>> '{new,properties,p}', what #>> '{new,properties,k}', '-'), "
                 "coalesce(what #>> '{old,schema,fields,0,name}', '-') || coalesce(what #>> '{new,schema,fields,0,name}', '-'), "
                 "coalesce(what #>> '{new,version,representations,0,sql}', what #>> '{old,version,representations,0,sql}', '-') FROM contracts.told")
    t.equal(rows.split("\n"), ['create-namespace|namespace|-|-|1|--|-', 'update-namespace-properties|namespace|-|1|2|--|-',
                               'create-table|table|t|-|1|-x|-', 'rename-table|table|u|1|1|xx|-', 'drop-table|table|u|1|-|x-|-',
                               'create-view|view|v|-|-|-x|SELECT 1', 'replace-view|view|v|-|v|xx|SELECT 1', 'rename-view|view|w|v|v|xx|SELECT 1',
                               'drop-view|view|w|v|-|x-|SELECT 1', 'drop-namespace|namespace|-|2|-|--|-'], "of each kind it is told what was and what is")
    c.sql("SELECT icecat.drop_commit_policy('lake', 'tell'); DELETE FROM contracts.told")


def test_after(c, t):
    """Who is asked after a change sees it in the catalog, and may refuse it, too."""
    c.sql("GRANT USAGE ON SCHEMA icecat TO steward; SELECT icecat.grant_reader('steward')")
    seen = ("BEGIN INSERT INTO contracts.told VALUES (p_change, (SELECT string_agg(t.table_name || ' ' || coalesce(p.value, '-'), ',' ORDER BY t.table_name) "
            "FROM icecat.tables AS t LEFT JOIN icecat.table_properties AS p ON p.table_id = t.table_id AND p.key = 'k' WHERE t.namespace = '{b}')); RETURN CASE WHEN p_change #>> '{new,properties,k}' = 'bad' THEN 'bad in the end' END; END")
    policy(c, "seen", seen)
    attach(c, "seen", ", '{b}'", when="after")
    attach(c, "first", ", '{b}'", function="seen")
    t.ok("IC301" in said(c, "SELECT icecat.create_commit_policy('lake', 'x', 'contracts.seen(json)', p_when => 'later')"), "there is no third time")
    c.sql("SELECT icecat.create_table('lake', '{b}', 'z', '%s')" % schema(X))
    t.equal(c.sql("SELECT what ->> 'timing', what ->> 'operation', as_whom FROM contracts.told"), "before|create-table|from v,source -\nafter|create-table|from v,source -,z -",
            "before it the table is not there, after it it is")
    c.sql("DELETE FROM contracts.told")
    change = "{\"identifier\":{\"namespace\":[\"b\"],\"name\":\"%s\"},\"updates\":" + properties('{"k":"%s"}') + "}"
    c.sql("SELECT icecat.commit_transaction('lake', '[%s,%s]')" % (change % ("source", "1"), change % ("z", "2")))
    t.equal(c.sql("SELECT DISTINCT what ->> 'timing', as_whom FROM contracts.told WHERE what ->> 'timing' = 'after'"), "after|from v,source 1,z 2",
            "of several tables they are asked when all are written")
    answer = said(c, "SELECT icecat.commit_table('lake', '{b}', 'z', '[]', '%s')" % properties('{"k":"bad"}'))
    t.ok("IC402: Refused by commit policy first: bad in the end" in answer, "those before are first", answer)
    c.sql("SELECT icecat.drop_commit_policy('lake', 'first')")
    answer = said(c, "SELECT icecat.commit_table('lake', '{b}', 'z', '[]', '%s')" % properties('{"k":"bad"}'))
    t.ok("IC402: Refused by commit policy seen: bad in the end" in answer, "one after refuses, too", answer)
    t.equal(c.sql("SELECT value FROM icecat.table_properties WHERE table_name = 'z' AND key = 'k'"), "2", "and nothing is left of the change")
    t.equal(c.sql("SELECT policy_name || ' ' || timing FROM icecat.commit_policies"), "seen after", "the view says when")
    c.sql("SELECT icecat.drop_commit_policy('lake', 'seen'); DELETE FROM contracts.told")


def test_cost(c, t):
    """What no policy asks for is not read for policies."""
    c.sql("SELECT icecat.create_table('lake', '{b}', 'wide', '%s')" % schema(X))
    for i in range(2, 12):
        c.sql("SELECT icecat.commit_table('lake', '{b}', 'wide', '[]', '%s')" % new_schema(X, '{"id":%d,"name":"c%d","type":"long","required":false}' % (i, i)))

    def rows_read():
        return int(c.sql("BEGIN; SELECT FROM (SELECT icecat.commit_table('lake', '{b}', 'wide', '[]', '%s')) AS x; "
                         "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname = 'table_part'; ROLLBACK" % SET).split("\n")[-1])

    without = rows_read()
    policy(c, "fine", "BEGIN RETURN NULL; END")
    attach(c, "fine", ", '{a}'")
    t.equal(rows_read(), without, "a policy elsewhere has no schema read")
    attach(c, "here", ", '{b}'", function="fine")
    t.ok(rows_read() >= without + 11, "one of the table has them read", (rows_read(), without))
    c.sql("SELECT icecat.drop_commit_policy('lake', 'fine'), icecat.drop_commit_policy('lake', 'here')")


def test_overrun(c, t):
    """Who catches the end of its time is ended all the same."""
    commit = "SELECT icecat.commit_table('lake', '{a}', 't', '[]', '%s')" % SET
    c.sql("GRANT USAGE ON SCHEMA icecat TO steward; SELECT icecat.grant_writer('steward')")
    again = "icecat.commit_table('lake', '{a}', 't', '[]', '%s')" % SET.replace("'", "''")
    for body, expected, most_s in (
            ("BEGIN PERFORM pg_sleep(60); RETURN NULL; EXCEPTION WHEN query_canceled THEN RETURN NULL; END", "IC402: Commit policy bad took longer than 1000 ms", 10),
            ("BEGIN BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(60); END; RETURN NULL; END", "IC402: Commit policy bad took longer", 10),
            ("BEGIN FOR i IN 1 .. 400 LOOP BEGIN PERFORM pg_sleep(0.1); EXCEPTION WHEN query_canceled OR others THEN NULL; END; END LOOP; RETURN NULL; END", "57P01", 20),
            ("BEGIN BEGIN PERFORM %s; EXCEPTION WHEN others THEN NULL; END; PERFORM pg_sleep(60); RETURN NULL; END" % again, "IC402: Commit policy bad took longer", 10)):
        policy(c, "bad", body)
        if c.sql("SELECT count(*) FROM icecat.commit_policies WHERE policy_name = 'bad'") == "0":
            attach(c, "bad")
        started = time.monotonic()
        answer = said(c, commit)
        t.ok(expected in answer, "%s: %s" % (body[:70], expected), answer[:500])
        t.ok(time.monotonic() - started < most_s, "in time", time.monotonic() - started)
    t.ok("commit policy bad did not end: its session is ended" in c.log_text(), "the log says why a session was ended")
    c.sql("SELECT icecat.drop_commit_policy('lake', 'bad'), icecat.revoke_writer('steward'); " + commit)
    t.ok(True, "nothing else was")


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
              "'warehouse', 'contracts.%s(json)', 'before', 'bob', now() FROM icecat_data.warehouse" % function, "bobs")
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
    for part in (test_examples, test_operations, test_told, test_after, test_cost, test_overrun, test_failures, test_rights, test_dump):
        part(c, t)


if __name__ == "__main__":
    cluster.main(test)
