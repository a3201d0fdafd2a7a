#!/usr/bin/env python3
"""Ready-made sets of rights: what a reader, a writer and an admin may, who may give them, and that upgrades and dumps keep them."""
# SPDX-License-Identifier: PostgreSQL
import os

import cluster

ODD = 'Odd "role"; DROP ROLE bob --'
QUOTED = '"Odd ""role""; DROP ROLE bob --"'
REGROLE = "'%s'" % QUOTED.replace("'", "''")
DENIED = "permission denied"


def as_role(c, role, text):
    return c.sql("SET ROLE %s; %s" % (role, text), "d", check=False)


def test_sets(c, t):
    load = "SELECT count(icecat.load_table('w', '{ns}', 't'))"
    commit = c.property_commit_sql("t", "k", "v")
    warehouse = "SELECT count(icecat.create_warehouse('by_' || replace(current_user::text, ' ', '_'), 's3://b/x'))"
    for role, allowed in (("r", 1), ("wr", 2), ("a", 3)):
        for level, text in ((1, load), (1, "SELECT count(*) >= 0 FROM icecat.history"), (1, "SELECT count(*) FROM icecat.read_events('w')"),
                            (1, "SELECT icecat.report_metrics('w', '{ns}', 't', '{\"report-type\":\"x\",\"metrics\":{}}')"),
                            (2, commit), (2, "SELECT icecat.create_namespace('w', ARRAY['of_' || current_user]) IS NOT NULL"),
                            (2, "UPDATE icecat.iceberg_namespace_properties SET property_value = property_value"),
                            (3, warehouse), (3, "SELECT icecat.run_worker_once()")):
            out = as_role(c, role, text)
            t.equal(DENIED in out, level > allowed, "%s: %s" % (role, text.strip()[:60]))
        t.ok(DENIED in as_role(c, role, "SELECT count(*) FROM icecat_data.table_head"), "%s does not reach icecat_data" % role)
        t.ok(DENIED in as_role(c, role, "SELECT icecat.grant_admin('stranger')"), "%s gives no rights" % role)


def test_who(c, t):
    c.sql("SET ROLE bob; GRANT USAGE ON SCHEMA icecat TO stranger; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO stranger; "
          "GRANT SELECT ON icecat.role_rights TO stranger", "d")
    for call in ("grant_admin('stranger')", "grant_reader('r')", "revoke_reader('r')", "revoke_admin('a')", "regrant()"):
        t.ok("only the owner" in as_role(c, "stranger", "SELECT icecat.%s" % call), "a stranger who may execute all: %s is refused" % call)
    t.ok("PUBLIC" in as_role(c, "bob", "SELECT icecat.grant_reader('-')"), "PUBLIC is refused")
    t.ok("does not exist" in as_role(c, "bob", "SELECT icecat.grant_reader('public')"), "by its name, too")
    t.ok("no such role" in as_role(c, "bob", "SELECT icecat.grant_reader(4294967000::oid::regrole)"), "so is a role that is not there")
    t.ok("" == as_role(c, "bob", "SELECT icecat.grant_writer(%s)" % REGROLE).strip(), "a role of an odd name is made a writer")
    t.equal(as_role(c, QUOTED, "SELECT count(icecat.load_table('w', '{ns}', 't'))"), "1", "and reads")
    t.equal(c.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'bob'"), "1", "and is nothing but a name")
    t.ok("stranger|admin" in as_role(c, "bob", "SELECT * FROM icecat.regrant()"), "who was granted all functions by hand counts as an admin")
    as_role(c, "bob", "SELECT icecat.revoke_reader('stranger')")


def grants(c, database="d"):
    """All rights of the roles, in words."""
    return c.sql("SELECT string_agg(x, E'\\n' ORDER BY x) FROM ("
                 "SELECT format('%s %s %s', p.oid::regprocedure, a.grantee::regrole, a.privilege_type) AS x FROM pg_proc p, aclexplode(p.proacl) a "
                 "WHERE p.pronamespace = 'icecat'::regnamespace AND a.grantee NOT IN (0, p.proowner) AND a.grantee <> 'stranger'::regrole UNION ALL "
                 "SELECT format('%s %s %s', c.oid::regclass, a.grantee::regrole, a.privilege_type) FROM pg_class c, aclexplode(c.relacl) a "
                 "WHERE c.relnamespace = 'icecat'::regnamespace AND a.grantee NOT IN (0, c.relowner) AND a.grantee <> 'stranger'::regrole) y", database)


def test_upgrade(c, t):
    """A function whose arguments an upgrade changes, which is dropped and made anew by its script."""
    before = grants(c)
    c.sql("ALTER EXTENSION icecat DROP FUNCTION icecat.load_table(text, text[], text, text, json); "
          "DROP FUNCTION icecat.load_table(text, text[], text, text, json);"
          "CREATE FUNCTION icecat.load_table(p_warehouse text, p_namespace text[], p_table text, p_more text, p_most text DEFAULT '') RETURNS text "
          "LANGUAGE sql STABLE BEGIN ATOMIC SELECT 'new'; END; REVOKE ALL ON FUNCTION icecat.load_table FROM PUBLIC;"
          "ALTER FUNCTION icecat.load_table OWNER TO bob; ALTER EXTENSION icecat ADD FUNCTION icecat.load_table(text, text[], text, text, text)", "d")
    t.ok(DENIED in as_role(c, "r", "SELECT icecat.load_table('w', '{ns}', 't', 'x')"), "a changed function is nobody's after an upgrade")
    t.equal(sorted(as_role(c, "bob", "SELECT * FROM icecat.regrant()").splitlines()),
            sorted(["a|admin", "r|reader", "%s|writer" % QUOTED, "wr|writer"]), "regrant() knows who has which set")
    t.equal(as_role(c, "r", "SELECT icecat.load_table('w', '{ns}', 't', 'x')"), "new", "and gives what is new")
    after = grants(c).replace("icecat.load_table(text,text[],text,text,text)", "icecat.load_table(text,text[],text,text,json)")
    t.equal(set(after.splitlines()) ^ set(before.splitlines()), set(), "all rights are as before")
    t.equal(c.sql("SELECT count(*) FROM icecat.regrant()", "d"), "4", "a superuser may call it, too")


def test_from_released(c, t):
    """The one transaction that updates 0.1.0 and grants."""
    c.sql("CREATE DATABASE released OWNER bob")
    c.sql("SET ROLE bob; CREATE EXTENSION icecat VERSION '0.1.0'; GRANT USAGE ON SCHEMA icecat TO wr", "released")
    c.sql("SET ROLE bob; BEGIN; ALTER EXTENSION icecat UPDATE; SELECT icecat.grant_writer('wr'); COMMIT", "released")
    c.make_warehouse(database="released")
    t.equal(c.sql("SET ROLE wr; SELECT icecat.create_namespace('w', '{mine}') IS NOT NULL", "released"), "t",
            "one transaction updates and grants")


def test_dump(c, t):
    before = grants(c)
    path = os.path.join(c.dir, "dump")
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "bob", "-Fc", "-f", path, "d")
    c.sql("CREATE DATABASE copy OWNER bob")
    c.run("pg_restore", "--exit-on-error", "-h", c.dir, "-p", "5432", "-U", "bob", "-d", "copy", path)
    t.equal(grants(c, "copy"), before, "a restored dump has the same rights")
    t.equal(c.sql("SELECT count(*) FROM icecat.regrant()", "copy"), "4", "and knows whose they are")


def test_revoke(c, t):
    as_role(c, "bob", "SELECT icecat.revoke_admin('a'); SELECT icecat.revoke_writer('wr'); SELECT icecat.revoke_reader(%s)" % REGROLE)
    t.equal(sorted(as_role(c, "bob", "SELECT * FROM icecat.regrant()").splitlines()), ["a|writer", "r|reader", "wr|reader"],
            "an admin becomes a writer, a writer a reader, a reader nothing")
    t.ok(DENIED in as_role(c, "a", "SELECT icecat.drop_warehouse('w')"), "who was an admin drops no warehouse")
    t.ok(DENIED in as_role(c, "wr", c.property_commit_sql("t", "k", "w")), "who was a writer commits nothing")
    t.ok(DENIED in as_role(c, QUOTED, "SELECT count(*) FROM icecat.tables"), "who was a reader sees nothing")
    as_role(c, "bob", "SELECT icecat.revoke_reader(r::regrole) FROM unnest('{a,r,wr}'::text[]) AS r")
    t.equal(grants(c), "", "no right is left")


def test(c, t):
    c.sql("CREATE ROLE bob LOGIN NOSUPERUSER; CREATE ROLE r; CREATE ROLE wr; CREATE ROLE a; CREATE ROLE stranger; CREATE ROLE %s" % QUOTED)
    c.sql("CREATE DATABASE d OWNER bob")
    c.sql("SET ROLE bob; CREATE EXTENSION icecat", "d")
    c.make_warehouse(database="d")
    c.sql(c.create_table_sql("t"), "d")
    c.sql("SET ROLE bob; SELECT icecat.grant_reader('r'); SELECT icecat.grant_writer('wr'); SELECT icecat.grant_admin('a')", "d")
    test_sets(c, t)
    test_who(c, t)
    test_dump(c, t)
    test_upgrade(c, t)
    test_from_released(c, t)
    test_revoke(c, t)


if __name__ == "__main__":
    cluster.main(test, settings=["max_worker_processes = 1"])
