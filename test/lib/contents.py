"""A database with something of everything in it, and what must be equal in a copy of it.

For servers with max_worker_processes = 1: no worker runs, so that tasks stay queued.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import time

from expectations import expect_equal

OBJECTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "upgrade", "objects.sql")

SNAPSHOT = ('{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,"timestamp-ms":'
            '%d,"manifest-list":"file:///nowhere/snap-%d.avro","summary":{"operation":"append"},'
            '"schema-id":0}},{"action":"set-snapshot-ref","ref-name":"main","type":"branch",'
            '"snapshot-id":%d}')
REPORT = ('{"report-type":"scan-report","table-name":"t1","snapshot-id":1,"filter":{"type":"true"},'
          '"schema-id":0,"projected-field-ids":[1],"projected-field-names":["x"],"metrics":{}}')
# The audit log has its own test. Rows of partitions are in a copy where a dump brings them, until the worker moves them: they are compared together.
TABLES_SQL = ("SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'icecat_data'::regnamespace "
              "AND c.relkind = 'r' AND NOT c.relispartition AND c.relname !~ '_restored$|^audit' ORDER BY c.relname")
PARTITIONED = {"icecat_data.event": "icecat_data.every_event", "icecat_data.metrics_report": "icecat_data.every_report"}
DOCUMENTS_SQL = ("SELECT md5(icecat.load_table(t.warehouse, t.namespace, t.table_name)::text) "
                 "FROM icecat.tables t ORDER BY t.warehouse, t.namespace, t.table_name")


def snapshots_sql(table, first, last):
    return "".join(
        "SELECT icecat.commit_table('w', '{ns}', '%s', '[]', '[%s]') IS NOT NULL;\n"
        % (table, SNAPSHOT % (n, n, int(time.time() * 1000) + n, n, n)) for n in range(first, last + 1))


def view_version(number):
    return ('{"version-id":1,"timestamp-ms":1700000000000,"schema-id":0,"summary":{"k":"\\u00e9"},"default-namespace":["ns"],'
            '"representations":[{"type":"sql","dialect":"spark","sql":"SELECT %d  AS a"}]}' % number)


def create_view_sql(name):
    return ("SELECT icecat.create_view('w', '{ns}', '%s', '{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,"
            "\"name\":\"a\",\"required\":false,\"type\":\"int\"}]}', '%s') IS NOT NULL;\n" % (name, view_version(1)))


def replace_view_sql(name, number):
    return ("SELECT icecat.replace_view('w', '{ns}', '%s', NULL, '[{\"action\":\"add-view-version\",\"view-version\":%s},"
            "{\"action\":\"set-current-view-version\",\"view-version-id\":-1}]') IS NOT NULL;\n" % (name, view_version(number)))


def fill_sql(c, warehouse="w", metrics=True, views=True):
    """Namespaces, tables with commits, dropped ones, views, metrics, events of several months, a queue."""
    reports = "SELECT icecat.report_metrics('w', '{ns}', 't1', '%s');\n" % REPORT * 2 if metrics else ""
    return "".join((
        "SELECT icecat.create_warehouse('w', 'file://%s/%s', '{\"icecat.note\":\"a \\\\u00e9 b\"}');\n"
        % (c.files, warehouse),
        "SELECT icecat.create_warehouse('v', 's3://bucket/v');\n",
        "SELECT icecat.create_namespace('w', '{ns}', '{\"owner\":\"me\"}');\n",
        "SELECT icecat.create_namespace('w', ARRAY['ns', 'ü.''\"']);\n",
        "".join(c.create_table_sql("t%d" % i) for i in (1, 2, 3)),
        snapshots_sql("t1", 1, 5),
        "".join(c.property_commit_sql("t2", "k%d" % i, "tab\\\\tand \\\\u20ac %d" % i) for i in range(4)),
        "SELECT icecat.commit_table('w', '{ns}', 't2', '[]', '[{\"action\":\"remove-properties\","
        "\"removals\":[\"k0\"]}]');\n",
        c.create_table_sql("gone"), "SELECT icecat.drop_table('w', '{ns}', 'gone');\n",
        c.create_table_sql("moved"), "SELECT icecat.rename_table('w', '{ns}', 'moved', '{ns}', 'there');\n",
        reports, create_view_sql("v1") + replace_view_sql("v1", 2) if views else "",
        "INSERT INTO icecat_data.event_pending SELECT warehouse_id, gen_random_uuid(), "
        "'2020-01-31 23:59:59.9+00'::timestamptz + n * interval '1 month', 1, 'test', 'table', "
        "gen_random_uuid(), '{ns}', 'x', n, 'me', NULL, NULL FROM icecat_data.warehouse, "
        "generate_series(1, 3) n WHERE name = 'w';\n",
        "SELECT icecat.run_worker_once();\n",
        # from here on: pending
        c.property_commit_sql("t3", "k", "v"),
        snapshots_sql("t1", 6, 7), replace_view_sql("v1", 3) if views else "",
        c.create_table_sql("purged"), "SELECT icecat.drop_table('w', '{ns}', 'purged', true);\n",
    ))


def fingerprint(c, database, role="postgres"):
    """What must be the same in a copy: rows of every table, and every document byte for byte."""
    found = {}
    relations = {table: table for table in c.sql(TABLES_SQL, database).splitlines()}
    for table, view in PARTITIONED.items():
        if c.sql("SELECT to_regclass('%s') IS NOT NULL" % view, database) == "t":
            relations[table] = view
        else:
            relations[table] = table
    for table, relation in relations.items():
        found[table] = c.sql("SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text "
                             "COLLATE \"C\"), '')) FROM %s AS t" % relation, database)
    found["documents"] = c.sql("SET ROLE %s; %s" % (role, DOCUMENTS_SQL), database)
    return found


def objects(c, database):
    """Every object of the extension, a line each."""
    with open(OBJECTS) as file:
        return c.sql(file.read(), database).splitlines()


def difference(a, b):
    """Lines of two lists that are in one of them only, in words."""
    a, b = set(a), set(b)
    return "\n".join(["- " + line for line in sorted(a - b)] + ["+ " + line for line in sorted(b - a)])


def same_contents(before, after, name):
    expect_equal([key for key in sorted(set(before) | set(after)) if before.get(key) != after.get(key)], [], name)
