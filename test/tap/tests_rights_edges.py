"""Ways round rights that a review found: each is closed."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import shutil

from expectations import expect, expect_equal

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]})
LABELS = "SELECT icecat.load_table('w', '{ns}', 't')::json -> 'labels' IS NOT NULL"


def prepare(c):
    c.make_warehouse()
    c.sql("CREATE ROLE writer; CREATE ROLE acme; SELECT icecat.grant_writer('writer'), icecat.grant_user('acme');"
          "SELECT icecat.create_table('w', '{ns}', 't', '%s')" % SCHEMA)


def location(c):
    return c.sql("SELECT icecat.load_table('w', '{ns}', 't')::json #>> '{metadata,location}'")


def test_a_writer_of_everything_that_is_restricted_makes_no_table_at_the_place_of_the_restricted_one(c):
    create = "SET ROLE writer; SELECT icecat.create_table('w', '{ns}', 'copy', '%s', p_location => '%s') IS NOT NULL" % (SCHEMA, location(c))
    c.sql("SELECT icecat.set_read_restriction('writer', 'w', '{ns}', 't', 'false')")
    said = c.sql(create, check=False)
    expect("may not place files" in said, said)
    expect_equal(c.sql("SELECT icecat.create_table('w', '{ns}', 'owners', '%s') IS NOT NULL" % SCHEMA), "t")
    c.sql("SELECT icecat.drop_read_restriction('writer', 'w', '{ns}', 't')")


def test_what_a_session_knows_of_labels_outlives_no_rollback(c):
    c.sql("SELECT icecat.set_labels('{\"a\":\"b\"}', 'w', '{ns}', 't')")
    said = c.sql("BEGIN; SELECT icecat.set_labels('{\"a\":null}', 'w', '{ns}', 't'); %s; ROLLBACK; %s" % (LABELS, LABELS))
    expect_equal(said.splitlines()[-1], "t")


def test_nobody_writes_a_change_into_the_audit_log_as_a_refused_call(c):
    for row in ({"action": "drop-table", "status": 403, "outcome": "00000"}, {"action": "drop-table"}, {"action": "drop-table", "status": 200}):
        said = c.sql("SET ROLE writer; SELECT icecat._audit_refused('%s')" % json.dumps([row]), check=False)
        expect("Not a refused call" in said, f"{row}: {said}")
    c.sql("SET ROLE writer; SELECT icecat._audit_refused('[{\"action\":\"x\",\"status\":403,\"outcome\":\"IC401\"}]')")


def test_a_tenant_does_not_move_to_where_tables_of_others_are(c):
    c.sql("SELECT icecat.create_tenant('acme', 's3://acme/base'), icecat.assign_role('acme', 'acme'), icecat.create_warehouse('acme/lake', 's3://acme/base/lake')")
    others = location(c).rsplit("/", 1)[0]
    said = c.sql("SELECT icecat.alter_tenant('acme', NULL, '%s')" % others, check=False)
    expect("There are tables or views" in said, said)
    expect_equal(c.sql("SELECT icecat.alter_tenant('acme', NULL, 's3://acme')"), "")


def test_the_location_of_a_tenant_leads_through_no_links(c):
    folder = os.path.join(c.files, "real")
    os.mkdir(folder)
    os.symlink(folder, os.path.join(c.files, "link"))
    if c.user:
        shutil.chown(folder, c.user)
    said = c.sql("SELECT icecat.create_tenant('linked', 'file://%s/link/root')" % c.files, check=False)
    expect("must not lead through links" in said, said)


def test_a_refused_call_of_a_tenants_role_is_in_its_own_log(c):
    """It said "lake", and meant its own."""
    c.sql("SELECT icecat.create_warehouse('lake', 's3://shared/lake'); CREATE ROLE gate LOGIN; SELECT icecat.grant_gateway('gate')")
    row = json.dumps([{"action": "x", "status": 403, "outcome": "IC401", "warehouse": "lake", "role": "acme"}])
    c.sql("SET SESSION AUTHORIZATION gate; SELECT icecat._audit_refused('%s')" % row)
    expect_equal(c.sql("SELECT warehouse FROM icecat.audit_log WHERE role_name = 'acme' AND status = 403"), "acme/lake")


def test_a_commit_policy_changes_nothing_in_the_catalog(c):
    """Not even what its owner may change otherwise."""
    c.sql("CREATE ROLE steward; SELECT icecat.grant_user('steward'), icecat.grant('steward', 'manage', 'w');"
          "CREATE SCHEMA contracts AUTHORIZATION steward; GRANT USAGE ON SCHEMA contracts TO PUBLIC")
    commit = "SELECT icecat.commit_table('w', '{ns}', 't', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]') IS NOT NULL"
    for number, change in enumerate(("icecat.set_labels('{\"by\":\"policy\"}', 'w', '{ns}', 't')", "icecat.grant('steward', 'select', 'w')",
                                     "icecat.drop_commit_policy('w', 'p2')", "icecat.set_read_restriction('writer', 'w', '{ns}', 't', 'false')")):
        c.sql("SET ROLE steward; CREATE FUNCTION contracts.p%d(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp "
              "AS $f$ BEGIN PERFORM %s; RETURN NULL; END $f$" % (number, change))
        c.sql("SELECT icecat.create_commit_policy('w', 'p%d', 'contracts.p%d(json)', '{ns}')" % (number, number))
        said = c.sql(commit, check=False)
        expect("failed: SQLSTATE IC401" in said, f"{change}: {said}")
        expect_equal(c.sql("SELECT icecat.drop_commit_policy('w', 'p%d')" % number), "t")
    expect_equal(c.sql(commit), "t")


def test_a_policy_that_ends_too_late_is_named_and_leaves_no_cancel_behind(c):
    """Its time is over while nothing looks whether it is: in one long call at its end."""
    c.sql("SET ROLE steward; CREATE FUNCTION contracts.slow(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
          "$f$ BEGIN RETURN CASE WHEN md5(repeat('x', 100000000)) = '' THEN 'no' END; END $f$")
    c.sql("SELECT icecat.create_commit_policy('w', 'slow', 'contracts.slow(json)', '{ns}')")
    said = c.sql("SET icecat.commit_policy_timeout_ms = 10; DO $$ BEGIN PERFORM icecat.drop_table('w', '{ns}', 't'); EXCEPTION WHEN OTHERS THEN "
                 "PERFORM count(*) FROM generate_series(1, 1000); RAISE EXCEPTION 'caught %: %', SQLSTATE, SQLERRM; END $$", check=False)
    expect("caught IC402: Commit policy slow took longer than 10 ms" in said, said)
    c.sql("SELECT icecat.drop_commit_policy('w', 'slow')")


def test_a_policy_above_both_namespaces_of_a_rename_is_asked_once(c):
    c.sql("SELECT icecat.create_namespace('w', '{top}'), icecat.create_namespace('w', '{top,a}'), icecat.create_namespace('w', '{top,b}');"
          "SELECT icecat.create_table('w', '{top,a}', 'moved', '%s')" % SCHEMA)
    c.sql("SET ROLE steward; CREATE FUNCTION contracts.told(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
          "$f$ BEGIN RAISE NOTICE 'asked'; RETURN 'no'; END $f$;"
          "CREATE FUNCTION contracts.agrees(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
          "$f$ BEGIN RAISE WARNING 'asked'; RETURN NULL; END $f$")
    c.sql("SELECT icecat.create_commit_policy('w', 'above', 'contracts.agrees(json)', '{top}'), icecat.create_commit_policy('w', 'to', 'contracts.told(json)', '{top,b}')")
    said = c.sql("SELECT icecat.rename_table('w', '{top,a}', 'moved', '{top,b}', 'moved')", check=False)
    expect_equal(said.count("WARNING:  asked"), 1, said)
    expect("Refused by commit policy to" in said, said)
    c.sql("SELECT icecat.drop_commit_policy('w', 'above'), icecat.drop_commit_policy('w', 'to')")


def test_who_is_no_gateway_any_more_is_none_at_once(c):
    make = "SELECT icecat.create_namespace('w', '{%s}');"
    c.sql("CREATE ROLE former; SELECT icecat.grant_gateway('former'), icecat.grant_writer('former')")
    c.sql("SET SESSION AUTHORIZATION former; " + make % "before" + "RESET SESSION AUTHORIZATION; REVOKE EXECUTE ON FUNCTION icecat._gateway() FROM former;"
          "SET SESSION AUTHORIZATION former; " + make % "after")
    expect_equal(c.sql("SELECT namespace[1], source FROM icecat.audit_log WHERE role_name = 'former' AND action = 'create-namespace' ORDER BY occurred_at"),
                 "before|gateway\nafter|sql")
