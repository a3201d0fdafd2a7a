#!/usr/bin/env python3
"""The audit log: each operation leaves one row, what is rolled back none; who, what and when.

One table of operations, each with the row that it must leave. The same rows are compared with the
events. Then: two sessions at once, months that are too old, dumps, upgrades, and who may see or
change what.
"""
# SPDX-License-Identifier: PostgreSQL
import cluster

SCHEMA = ('{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}')
VERSION = ('{"version-id":1,"timestamp-ms":1,"schema-id":0,"summary":{},"default-namespace":[],'
           '"representations":[{"type":"sql","sql":"SELECT 1","dialect":"x"}]}')
SET = '[{"action":"set-properties","updates":{"k":"v"}}]'

# An operation, and the rows: action, kind, namespace, name. In this order.
OPERATIONS = [
    ("icecat.create_warehouse('v', NULL)", "create-warehouse|warehouse||v"),
    ("icecat.alter_warehouse('v', p_updates => '{\"a\":\"b\"}')", "alter-warehouse|warehouse||v"),
    ("icecat.create_namespace('w', '{a}')", "create-namespace|namespace|{a}|"),
    ("icecat.create_namespace('w', '{b}')", "create-namespace|namespace|{b}|"),
    ("icecat.update_namespace_properties('w', '{a}', '{\"k\":\"v\"}')",
     "update-namespace-properties|namespace|{a}|"),
    ("icecat.create_table('w', '{a}', 't', '%s')" % SCHEMA, "create-table|table|{a}|t"),
    ("icecat.commit_table('w', '{a}', 't', '[]', '%s')" % SET, "commit-table|table|{a}|t"),
    ("icecat.rest_commit_table('w', '{a}', 't', '{\"updates\":%s}')" % SET.replace('"v"', '"u"'),
     "commit-table|table|{a}|t"),
    ("icecat.commit_transaction('w', '[{\"identifier\":{\"namespace\":[\"a\"],\"name\":\"t\"},"
     "\"updates\":%s}]')" % SET, "commit-table|table|{a}|t"),
    ("icecat.rename_table('w', '{a}', 't', '{b}', 'u')", "rename-table|table|{b}|u"),
    ("icecat.grant('someone', 'select', 'w', '{b}', 'u')", "grant|table|{b}|u"),
    ("icecat.revoke('someone', 'select', 'w', '{b}', 'u')", "revoke|table|{b}|u"),
    ("icecat.grant('someone', 'usage', 'w')", "grant|warehouse||w"),
    ("icecat.grant('someone', 'usage')", "grant|catalog||"),
    ("icecat.apply_grants('[{\"action\":\"revoke\",\"role\":\"someone\",\"privilege\":\"usage\"}]')",
     "revoke|catalog||"),
    ("icecat.create_view('w', '{a}', 'v', '%s', '%s')" % (SCHEMA, VERSION),
     "create-view|view|{a}|v"),
    ("icecat.replace_view('w', '{a}', 'v', '[]', '%s')" % SET, "replace-view|view|{a}|v"),
    ("icecat.rename_view('w', '{a}', 'v', '{b}', 'v')", "rename-view|view|{b}|v"),
    ("icecat.drop_view('w', '{b}', 'v')", "drop-view|view|{b}|v"),
    ("icecat.drop_table('w', '{b}', 'u')", "drop-table|table|{b}|u"),
    ("icecat.drop_namespace('w', '{b}')", "drop-namespace|namespace|{b}|"),
    ("icecat.map_principal('corp', 'sub', 'zoe', 'someone')", "map-principal|principal-mapping||corp sub=zoe"),
    ("icecat.unmap_principal('corp', 'sub', 'zoe')", "unmap-principal|principal-mapping||corp sub=zoe"),
    ("icecat.drop_warehouse('v')", "drop-warehouse|warehouse||v"),
]
# These leave none.
SILENT = [
    "icecat.list_namespaces('w')", "icecat.load_namespace('w', '{a}')", "icecat.get_config('w')",
    "icecat.grant('someone', 'usage', 'w')",                # it is granted already
    "icecat.revoke('someone', 'drop', 'w')",                # it is not granted
    "icecat.unmap_principal('corp', 'sub', 'nobody')",
    "icecat.create_table('w', '{a}', 'staged', '%s', p_stage_create => true)" % SCHEMA,
    "icecat.load_table('w', '{a}', 'quiet')",
    "icecat.commit_table('w', '{a}', 'quiet', '[]', '[]')",
    "icecat.report_metrics('w', '{a}', 'quiet', '{\"report-type\":\"x\",\"metrics\":{}}')",
    "(SELECT count(*) FROM icecat.read_events('w'))", "icecat.wait_for_metadata('w', '{a}', 'quiet')",
]
COUNT = "SELECT count(*) FROM icecat_data.every_audit"
LAST = ("SELECT action, object_kind, namespace, name FROM icecat.audit_log "
        "WHERE request_id = 'r-%d' ORDER BY occurred_at")


def as_request(number, call):
    return ("BEGIN; SET LOCAL icecat.request_id = 'r-%d'; SET LOCAL icecat.principal = 'corp~ann'; "
            "SET LOCAL icecat.client_address = '192.0.2.7'; SELECT 1 FROM (SELECT %s) AS x; "
            % (number, call))


def test_table_of_cases(c, t):
    c.sql("CREATE ROLE someone")
    for number, (call, row) in enumerate(OPERATIONS):
        before = c.sql(COUNT)
        c.sql(as_request(number, call) + "ROLLBACK")
        t.equal(c.sql(COUNT), before, "%s: rolled back, no row" % row)
        c.sql(as_request(number, call) + "COMMIT")
        t.equal(c.sql(LAST % number), row, "%s: one row" % call[:60])
    t.equal(c.sql("SELECT DISTINCT outcome, role_name, login, source, principal, client_address "
                  "FROM icecat.audit_log WHERE request_id LIKE 'r-%'"),
            "00000|postgres|postgres|sql|corp~ann|192.0.2.7", "each says who, and how it went")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE request_id LIKE 'r-%' AND "
                  "(warehouse IS NULL) <> (object_kind IN ('catalog', 'principal-mapping'))"), "0",
            "and in which warehouse")
    t.equal(c.sql("SELECT details ->> 'role', details ->> 'privilege' FROM icecat.audit_log "
                  "WHERE request_id = 'r-10'"), "someone|select", "what was granted")


def test_silent(c, t):
    c.sql("SELECT icecat.create_table('w', '{a}', 'quiet', '%s'), icecat.grant('someone', 'usage', 'w'),"
          "icecat.commit_table('w', '{a}', 'quiet', '[]', '%s')" % (SCHEMA, SET))
    for call in SILENT:
        before = c.sql(COUNT)
        c.sql("SELECT " + call)
        t.equal(c.sql(COUNT), before, "%s: no row" % call[:60])


def test_events(c, t):
    """Every event has its row; every row of a table, view or namespace its event."""
    t.ok(c.wait_sql("SELECT (SELECT count(*) FROM icecat_data.event_pending) + "
                    "(SELECT count(*) FROM icecat_data.audit_pending)", "0"),
         "rows go to the partitions")
    t.equal(c.sql("SELECT count(*), count(*) FILTER (WHERE a.audit_id IS NULL OR (e.occurred_at, "
                  "e.event_type, e.object_kind, e.object_id, e.namespace, e.name, e.version, "
                  "e.request_id, e.details::text, e.principal) IS DISTINCT FROM (a.occurred_at, "
                  "a.action, a.object_kind, a.object_id, a.namespace, a.name, a.version, "
                  "a.request_id, a.details::text, a.principal)) = 0 FROM icecat.events AS e "
                  "LEFT JOIN icecat_data.audit AS a USING (warehouse_id, audit_id)"
                  .replace("USING (warehouse_id, audit_id)",
                           "ON a.warehouse_id = e.warehouse_id AND a.audit_id = e.event_id")),
            c.sql("SELECT count(*) FROM icecat.events") + "|t", "an event and its row are the same")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log AS a WHERE a.object_kind IN ('table', "
                  "'view', 'namespace') AND a.action NOT IN ('grant', 'revoke') AND NOT EXISTS "
                  "(SELECT FROM icecat.events AS e WHERE e.event_id = a.audit_id)"), "0",
            "no row without an event")
    t.equal(c.sql("SELECT count(*) - count(DISTINCT audit_id) FROM icecat.audit_log"), "0",
            "no row twice")


def test_two_sessions(c, t):
    for table in ("left", "right"):
        c.sql("SELECT icecat.create_table('w', '{a}', '%s', '%s')" % (table, SCHEMA))
    commits = "".join(
        "SELECT icecat.commit_table('w', '{a}', '%%s', '[]', "
        "'[{\"action\":\"set-properties\",\"updates\":{\"n\":\"%d\"}}]') IS NOT NULL;\n" % n
        for n in range(100))
    running = [c.spawn(commits.replace("%s", table)) for table in ("left", "right")]
    for process in running:
        process.communicate()
    t.equal([process.returncode for process in running], [0, 0], "two sessions commit")
    t.equal(c.sql("SELECT name, count(*), count(DISTINCT version) FROM icecat.audit_log WHERE "
                  "name IN ('left', 'right') AND action = 'commit-table' GROUP BY name ORDER BY 1"),
            "left|100|100\nright|100|100", "each commit has one row")


def test_drop_warehouse(c, t):
    c.sql("BEGIN; SELECT icecat.create_warehouse('gone', NULL); "
          "SELECT icecat.create_namespace('gone', '{x}'); SELECT icecat.drop_namespace('gone', '{x}'); "
          "SELECT icecat.drop_warehouse('gone'); COMMIT")
    rows = "create-warehouse,create-namespace,drop-namespace,drop-warehouse"
    ask = ("SELECT string_agg(action, ',' ORDER BY occurred_at) FROM icecat.audit_log "
           "WHERE warehouse = 'gone'")
    t.equal(c.sql(ask), rows, "what happened in a warehouse is known after it was dropped")
    c.wait_sql("SELECT count(*) FROM icecat_data.audit_pending", "0")
    t.equal(c.sql(ask), rows, "and when its rows were moved")


def test_rights(c, t):
    """Who may see what; nobody may change it."""
    c.sql("CREATE ROLE members; SELECT icecat.grant_user('members'); CREATE ROLE keeper IN ROLE members; "
          "CREATE ROLE chief; SELECT icecat.grant_admin('chief'); CREATE ROLE nosy IN ROLE members; "
          "SELECT icecat.grant('keeper', 'manage', 'w', '{a}'); SELECT icecat.grant('nosy', 'write', 'w');"
          "SELECT icecat.create_namespace('w', '{other}'), icecat.create_table('w', '{a}', 'late', '%s')" % SCHEMA)
    t.equal(c.sql("SET ROLE nosy; SELECT count(*) FROM icecat.audit_log"), "0", "write is not enough")
    t.equal(c.sql("SET ROLE keeper; SELECT DISTINCT namespace FROM icecat.audit_log"), "{a}",
            "who manages a namespace sees what happened in it")
    t.equal(c.sql("SET ROLE keeper; SELECT count(*) FROM icecat.audit_log WHERE name = 'late'"), "1",
            "its tables, too")
    t.equal(c.sql("SET ROLE chief; SELECT count(*) FROM icecat.audit_log"), c.sql(COUNT),
            "an administrator sees all")
    for role in ("chief", "keeper"):
        for statement in ("DELETE FROM icecat_data.audit", "UPDATE icecat_data.audit SET action = ''",
                          "DELETE FROM icecat.audit_log", "UPDATE icecat.audit_log SET action = ''",
                          "TRUNCATE icecat_data.audit", "SELECT icecat.trim_audit()",
                          "SELECT icecat._audit('x', 'x', 'x', NULL, NULL)", "SET icecat.audit = off",
                          "SET icecat.audit_retention_days = 0"):
            said = c.sql("SET ROLE %s; SELECT icecat.version(); %s" % (role, statement), check=False)
            t.ok("permission denied" in said or "from view" in said or "update view" in said,
                 "%s: not by %s" % (statement, role), said)
    c.sql("SET ROLE keeper; SET icecat.audit = off; SELECT icecat.create_namespace('w', '{a,loud}')")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE namespace = '{a,loud}'"), "1",
            "nor before the library is loaded")


def test_forged(c, t):
    """What a session says of itself is bounded, and marked as such."""
    c.sql("CREATE ROLE liar LOGIN; SELECT icecat.grant_writer('liar')")
    c.sql("SET SESSION AUTHORIZATION liar; SET icecat.principal = 'corp~boss'; "
          "SET icecat.client_address = '%s'; SELECT icecat.create_namespace('w', '{forged}')"
          % ("x" * 5000))
    t.equal(c.sql("SELECT login, source, principal, length(client_address) FROM icecat.audit_log "
                  "WHERE namespace = '{forged}'"), "liar|sql|corp~boss|255", "a login is not forged")
    c.sql("SET SESSION AUTHORIZATION liar; SELECT icecat._audit_refused('[{\"action\":\"load-table\","
          "\"status\":403,\"role\":\"postgres\",\"principal\":\"corp~boss\",\"warehouse\":\"w\"}]')")
    t.equal(c.sql("SELECT role_name, login, source FROM icecat.audit_log WHERE action = 'load-table'"),
            "liar|liar|sql", "nor is a role, of a refused call")
    c.sql("CREATE ROLE porter LOGIN; SELECT icecat.grant_gateway('porter')")
    c.sql("SET SESSION AUTHORIZATION porter; SELECT icecat._audit_refused('[{\"action\":\"drop-table\","
          "\"status\":403,\"outcome\":\"IC401\",\"role\":\"ann\",\"principal\":\"corp~ann\","
          "\"warehouse\":\"w\",\"namespace\":\"{\\\"a\\\"}\",\"name\":\"t\",\"age-ms\":1500,"
          "\"request-id\":\"q\",\"client-address\":\"192.0.2.1\"}]')")
    t.equal(c.sql("SELECT role_name, login, source, principal, outcome, status, warehouse, namespace, name, "
                  "request_id, client_address, occurred_at < now() - interval '1 second', "
                  "warehouse_id = (SELECT warehouse_id FROM icecat_data.warehouse WHERE name = 'w') "
                  "FROM icecat.audit_log WHERE action = 'drop-table' AND outcome <> '00000'"),
            "ann|porter|gateway|corp~ann|IC401|403|w|{a}|t|q|192.0.2.1|t|t", "a gateway is believed")
    t.ok("IC305" in c.sql("\\set VERBOSITY verbose\nSELECT icecat._audit_refused(json_agg(json_build_object('action', 'x'))) "
                          "FROM generate_series(1, 1001)", check=False), "a batch is bounded")


def test_retention(c, t):
    """Months that ended too long ago go; those that are young stay."""
    c.sql("SELECT icecat.version(); ALTER SYSTEM SET icecat.audit_retention_days = -1; SELECT pg_reload_conf()")
    c.wait_sql("SELECT icecat.version() IS NOT NULL; SHOW icecat.audit_retention_days", "t\n-1")
    c.sql("INSERT INTO icecat_data.audit_pending (warehouse_id, audit_id, occurred_at, action, outcome, role, login, source) "
          "SELECT '00000000-0000-0000-0000-000000000000', gen_random_uuid(), now() - d * interval '1 day', 'old', '00000', 'x', 'x', 'sql' "
          "FROM unnest('{400,200,10}'::int[]) AS d; SELECT icecat.run_worker_once()")
    t.ok(c.wait_sql("SELECT count(*) FROM icecat_data.audit_pending", "0"), "rows of past months get partitions")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'old'"), "3", "and are seen")
    t.equal(c.sql("SET icecat.audit_retention_days = 300; SELECT icecat.trim_audit()"), "1", "one month is too old")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'old'"), "2", "it is gone")
    t.equal(c.sql("SELECT details::text FROM icecat.audit_log WHERE action = 'trim-audit'"), "{\"months\":1}", "which is in the log")
    t.equal(c.sql("SET icecat.audit_archive = on; SET icecat.audit_retention_days = 90; SELECT icecat.trim_audit()"), "1", "another is put aside")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'old'"), "1", "it is gone from the log")
    name = c.sql("SELECT relname FROM pg_class WHERE relname LIKE 'audit_archive%' AND relkind = 'r'")
    t.equal(c.sql("SELECT count(*) FROM icecat_data." + name), "1", "and stands aside")
    c.sql("SELECT icecat.version(); ALTER SYSTEM RESET icecat.audit_retention_days; SELECT pg_reload_conf()")
    t.ok(c.wait_sql("SELECT icecat.version() IS NOT NULL; SHOW icecat.audit_retention_days", "t\n90"), "three months by default")
    c.sql("SELECT icecat.trim_audit()")
    t.equal(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'old'"), "1", "the rest is young enough")
    c.sql("DROP TABLE icecat_data." + name)


def test_dump(c, t):
    """A restored database has the same rows, and goes on."""
    query = "SELECT md5(string_agg(a::text, '|' ORDER BY audit_id)) FROM icecat.audit_log AS a"
    c.run("createdb", "-h", c.dir, "-U", "postgres", "copy")
    c.sql("ALTER DATABASE copy SET icecat.file_roots = ''")
    dump = c.run("pg_dump", "-h", c.dir, "-U", "postgres", "-d", "postgres", "-f", c.dir + "/dump.sql")
    c.run("psql", "-h", c.dir, "-U", "postgres", "-d", "copy", "-v", "ON_ERROR_STOP=1", "-q", "-f", c.dir + "/dump.sql")
    t.equal(dump.returncode, 0, "a dump")
    t.equal(c.sql(query, "copy"), c.sql(query), "rows are the same after a restore")
    c.sql("SELECT icecat.run_worker_once()", "copy")
    t.ok(c.wait_sql("SELECT count(*) FROM icecat_data.audit_restored", "0", "copy"), "they go to their partitions")
    t.equal(c.sql(query, "copy"), c.sql(query), "where they are the same")


def test_off(c, t):
    before = c.sql(COUNT)
    c.sql("SET icecat.audit = off; SELECT icecat.grant('someone', 'drop', 'w')")
    t.equal(c.sql(COUNT), before, "icecat.audit = off: no row")


def test_upgrade(c, t):
    """Before ALTER EXTENSION UPDATE everything works; after it changes are recorded."""
    c.sql("CREATE DATABASE old")
    c.sql("CREATE EXTENSION icecat VERSION '0.1.0'", "old")
    c.make_warehouse(database="old")
    c.sql(c.changed_table_sql("t"), "old")
    t.equal(c.sql("SELECT count(*) FROM icecat.read_events('w')", "old"), "4", "events without an audit log")
    c.sql("ALTER EXTENSION icecat UPDATE; SELECT icecat.grant('someone', 'usage', 'w');" + c.property_commit_sql("t", "a", "b"), "old")
    # A query that was planned just before the first partition came, and runs just after, does not see what was moved there.
    t.ok(c.wait_sql("SELECT string_agg(action, ',' ORDER BY occurred_at) FROM icecat.audit_log", "grant,commit-table", "old"), "and with one")
    t.equal(c.sql("SELECT max(number) FROM icecat.read_events('w')", "old"), "5", "events go on")


def test(c, t):
    c.make_warehouse()
    # A query that was planned just before the first partition came, and runs just after, does not see what was moved there.
    t.ok(c.wait_sql("SELECT count(*) > 0 FROM icecat_data.audit", "t"), "the first partition is there")
    for part in (test_table_of_cases, test_silent, test_events, test_two_sessions, test_drop_warehouse,
                 test_rights, test_forged, test_retention, test_dump, test_off, test_upgrade):
        part(c, t)


if __name__ == "__main__":
    cluster.main(test)
