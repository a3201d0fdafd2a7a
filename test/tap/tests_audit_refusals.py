"""A call in SQL that is refused leaves a row in the audit log, though its transaction is rolled back; a flood of them does not."""
# SPDX-License-Identifier: PostgreSQL
import json

import pytest
from cluster import Cluster
from expectations import expect, expect_equal

SCHEMA = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]})
ROW = ("SELECT action, outcome, status, role_name, login, source, warehouse, namespace, name, principal, request_id, details "
       "FROM icecat.audit_log WHERE outcome <> '00000' AND request_id = '%s'")
COUNT = "SELECT count(*) FROM icecat.audit_log WHERE outcome <> '00000'"


def prepare(c):
    c.make_warehouse()
    c.sql("CREATE ROLE users; SELECT icecat.grant_user('users'); CREATE ROLE looker LOGIN IN ROLE users; CREATE ROLE gate LOGIN;"
          "SELECT icecat.grant('looker', 'select', 'w'), icecat.grant_gateway('gate'), icecat.create_namespace('w', '{a}'), icecat.create_namespace('w', '{a,\"b c\"}'),"
          "icecat.create_table('w', '{a,\"b c\"}', 't', '%s'); GRANT looker TO gate" % SCHEMA)


def refused(c, call, request, role="SET SESSION AUTHORIZATION looker", settings=""):
    said = c.sql("%s; SET icecat.request_id = '%s'; %s SELECT icecat.%s" % (role, request, settings, call), check=False)
    expect("Forbidden" in said or "may not" in said or "privilege" in said.lower() or "not allowed" in said, said)


def test_a_refused_call_is_in_the_log_with_what_it_was_about(c):
    calls = [("drop_table('w', '{a,\"b c\"}', 't')", "drop-table|IC401|403|looker|looker|sql|w|{a,\"b c\"}|t|corp~zoe|r0|"),
             ("create_namespace('w', '{n}')", "create-namespace|IC401|403|looker|looker|sql|w|{n}||corp~zoe|r1|"),
             ("grant('users', 'manage', 'w', '{a}')", "grant|IC401|403|looker|looker|sql|w|{a}||corp~zoe|r2|"),
             ("rest_commit_table('w', '{a,\"b c\"}', 't', '{\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]}')",
              "commit-table|IC401|403|looker|looker|sql|w|{a,\"b c\"}|t|corp~zoe|r3|"),
             ("alter_warehouse('w', 'x')", "alter-warehouse|IC401|403|looker|looker|sql|||w|corp~zoe|r4|")]
    for number, (call, row) in enumerate(calls):
        refused(c, call, "r%d" % number, settings="SET icecat.principal = 'corp~zoe';")
        expect(c.wait_sql(ROW % ("r%d" % number), row), c.sql(ROW % ("r%d" % number)))


def test_one_that_is_caught_was_refused_too(c):
    c.sql("SET SESSION AUTHORIZATION looker; SET icecat.request_id = 'caught'; DO $f$ BEGIN PERFORM icecat.drop_namespace('w', '{a}'); "
          "EXCEPTION WHEN OTHERS THEN NULL; END $f$")
    expect(c.wait_sql("SELECT action FROM icecat.audit_log WHERE request_id = 'caught'", "drop-namespace"), "caught")


def test_a_gateways_session_notes_nothing_for_the_gateway_does(c):
    before = c.sql(COUNT)
    refused(c, "drop_table('w', '{a,\"b c\"}', 't')", "by-gate", "SET SESSION AUTHORIZATION gate; SET ROLE looker")
    refused(c, "drop_table('w', '{a,\"b c\"}', 't')", "by-looker")
    expect(c.wait_sql(ROW.replace("SELECT action, outcome, status, role_name, login, source, warehouse, namespace, name, principal, request_id, details",
                                  "SELECT count(*)") % "by-looker", "1"), "the other one is there")
    expect_equal(int(c.sql(COUNT)) - int(before), 1)


def test_what_is_not_found_is_no_refusal(c):
    before = c.sql(COUNT)
    c.sql("SET SESSION AUTHORIZATION looker; SELECT icecat.load_table('w', '{a}', 'none')", check=False)
    refused(c, "drop_namespace('w', '{a}')", "after")
    expect(c.wait_sql(COUNT, str(int(before) + 1)), "only the refusal")


def test_a_flood_is_counted(c):
    """Equal ones in a row, others as far as there is room."""
    before = int(c.sql(COUNT))
    loop = ("SET SESSION AUTHORIZATION looker; SET icecat.request_id = '%s'; DO $f$ BEGIN FOR i IN 1..%d LOOP BEGIN "
            "PERFORM icecat.create_namespace('w', ARRAY[%s]); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $f$")
    c.sql(loop % ("equal", 5000, "'n'"))
    told = "SELECT sum(1 + coalesce((details ->> 'repeated')::int, 0)) FROM icecat.audit_log WHERE request_id = 'equal'"
    expect(c.wait_sql(told, "5000"), "each is counted: " + c.sql(told))
    expect(int(c.sql(COUNT)) - before < 100, "in few rows")
    c.sql(loop % ("many", 5000, "'n' || i"))
    told = ("SELECT (SELECT count(*) FROM icecat.audit_log WHERE request_id = 'many') + (SELECT sum((details ->> 'dropped')::int) FROM icecat.audit_log "
            "WHERE action = 'refused-calls')")
    expect(c.wait_sql(told, "5000"), "each is a row, or counted as dropped: " + c.sql(told))
    expect(int(c.sql("SELECT count(*) FROM icecat.audit_log WHERE request_id = 'many'")) < 1000, "and only some are rows")


def test_without_a_worker_one_call_of_cron_writes_them(c):
    refused(c, "drop_namespace('w', '{a}')", "cron")
    c.sql("SELECT icecat.run_worker_once()")
    expect(c.wait_sql("SELECT count(*) FROM icecat.audit_log WHERE request_id = 'cron'", "1"), "written")


def test_off_is_off(c):
    before = c.sql(COUNT)
    c.sql("ALTER ROLE looker SET icecat.audit = off")
    refused(c, "drop_namespace('w', '{a}')", "off", "SET icecat.audit = off; SET SESSION AUTHORIZATION looker")
    refused(c, "drop_namespace('w', '{a}')", "on")
    expect(c.wait_sql(COUNT, str(int(before) + 1)), "only the other one")


@pytest.mark.parametrize("settings", [("shared_preload_libraries = 'icecat'", "icecat.worker_databases = 'postgres'")])
def test_with_the_library_preloaded_there_is_more_room(settings):
    other = Cluster(settings, ("postgres",))
    try:
        prepare(other)
        other.sql("SET SESSION AUTHORIZATION looker; SET icecat.request_id = 'many'; DO $f$ BEGIN FOR i IN 1..200 LOOP BEGIN "
                  "PERFORM icecat.create_namespace('w', ARRAY['n' || i]); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $f$")
        expect(other.wait_sql("SELECT count(*) FROM icecat.audit_log WHERE request_id = 'many'", "200"), "all of 200 have room")
    finally:
        other.close()
