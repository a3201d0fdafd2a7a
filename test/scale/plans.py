"""What the statements inside a function's call read: their plans, by auto_explain, in words.

Every statement that touches icecat_data must find its rows through an index and read about as many as it answers with:
a plan that reads a warehouse to answer for one table is what makes a catalog slow when it has grown.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import re
import time

SETTINGS = """
SET icecat.key_scans = off;
LOAD 'auto_explain';
SET client_min_messages = notice;
SET auto_explain.log_level = notice;
SET auto_explain.log_format = json;
SET auto_explain.log_analyze = on;
SET auto_explain.log_timing = off;
SET auto_explain.log_nested_statements = on;
SET auto_explain.log_min_duration = 0;
"""
SORTED_ROWS_MAX = 10        # what is read by index comes in order
# Tables with a row a warehouse: reading them whole is reading one row, or a few.
SMALL_TABLES = ("warehouse", "event_counter", "warehouse_secret")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def read_by(node):
    """Rows that a scan has touched."""
    loops = node.get("Actual Loops", 1)
    return loops * (node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0) +
                    node.get("Rows Removed by Index Recheck", 0))


def plans_of(messages):
    """The plans in what psql printed of notices."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"NOTICE:  duration: [\d.]+ ms  plan:\n", messages):
        document, _ = decoder.raw_decode(messages, messages.index("{", found.end()))
        yield document["Query Text"], document["Plan"]


def faults(messages, rows_max):
    """What is wrong with the plans of one call, a line each; and the rows that the call read."""
    wrong, total = [], 0
    for query, plan in plans_of(messages):
        for node in nodes(plan):
            if node["Node Type"] == "Sort" and node["Actual Rows"] > SORTED_ROWS_MAX:
                wrong.append("sorts %d rows: %s" % (node["Actual Rows"], " ".join(query.split())[:300]))
            if node.get("Schema", "icecat_data") != "icecat_data" or "Relation Name" not in node:
                continue
            total += read_by(node)
            if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL_TABLES:
                wrong.append("Seq Scan on %s: %s" % (node["Relation Name"], " ".join(query.split())[:300]))
            elif read_by(node) > rows_max:
                wrong.append("%s on %s reads %d rows: %s" % (node["Node Type"], node["Relation Name"], read_by(node),
                                                             " ".join(query.split())[:300]))
    if total == 0 and not wrong:
        wrong.append("no plan was seen")
    return wrong, total


def page(call, deep):
    """SQL that lists one page behind a deep one, whose own plan is not of interest."""
    return ("SET auto_explain.log_min_duration = -1;\nSELECT icecat.%s, '', %d) ->> 'next-page-token' AS token \\gset\n"
            "SET auto_explain.log_min_duration = 0;\nSELECT icecat.%s, :'token', 10)" % (call, deep, call))


def operations(warehouse, tables, snapshots):
    """(name, SQL, rows that a scan may read): every operation once, on objects in the middle of many."""
    t = "t%d" % (tables // 2)
    parts = 3 * snapshots + 130     # snapshots and two logs, of which one is bounded, and the small parts
    call = {"w": warehouse, "t": t, "last": 1000 + snapshots, "next": snapshots + 1,
            "now": int(time.time() * 1000)}
    append = ("SELECT icecat.commit_table('%(w)s', '{all}', '%(t)s', "
              "'[{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":%(last)d}]', "
              "'[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":5,\"parent-snapshot-id\":%(last)d,"
              "\"sequence-number\":%(next)d,\"timestamp-ms\":%(now)d,\"manifest-list\":\"file:///nowhere/5.avro\","
              "\"summary\":{\"operation\":\"append\"},\"schema-id\":0}},{\"action\":\"set-snapshot-ref\","
              "\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":5}]')")
    return [(name, sql % call, rows) for name, sql, rows in (
        ("get_config", "SELECT icecat.get_config('%(w)s')", 10),
        ("ask 16: create_namespace", "SELECT icecat.create_namespace('%(w)s', '{fresh}')", 10),
        ("create_namespace below one", "SELECT icecat.create_namespace('%(w)s', '{fresh,below}')", 10),
        ("load_namespace", "SELECT icecat.load_namespace('%(w)s', '{s1}')", 10),
        ("namespace_exists", "SELECT icecat.namespace_exists('%(w)s', '{s1}')", 10),
        ("update_namespace_properties", "SELECT icecat.update_namespace_properties('%(w)s', '{s1}', '{\"a\":\"b\"}')", 10),
        ("list_namespaces below one", "SELECT icecat.list_namespaces('%(w)s', '{fresh}')", 10),
        ("list_namespaces, first page", "SELECT icecat.list_namespaces('%(w)s', NULL, '', 10)", 20),
        ("list_namespaces, a page in the middle", page("list_namespaces('%(w)s', NULL", 250), 20),
        ("ask 17: list_tables, first page", "SELECT icecat.list_tables('%(w)s', '{all}', '', 10)", 20),
        ("list_tables, a page in the middle", page("list_tables('%(w)s', '{all}'", min(tables // 2, 10000)), 20),
        ("ask 13: load_table", "SELECT icecat.load_table('%(w)s', '{all}', '%(t)s')", parts),
        ("load_table, refs", "SELECT icecat.load_table('%(w)s', '{all}', '%(t)s', 'refs')", parts - snapshots),
        ("rest_load_table, not modified", "SELECT icecat.rest_load_table('%(w)s', '{all}', '%(t)s', '*')", 10),
        ("load_table, 304", "SELECT etag FROM icecat.rest_load_table('%(w)s', '{all}', '%(t)s', '*')", 4),
        ("load_table, snapshots=refs", "SELECT icecat.load_table('%(w)s', '{all}', '%(t)s', 'refs')", 2 * snapshots + 10),
        ("table_exists", "SELECT icecat.table_exists('%(w)s', '{all}', '%(t)s')", 10),
        ("create_table", "SELECT icecat.create_table('%(w)s', '{all}', 'fresh', "
         "'{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":\"long\",\"required\":false}]}')", 30),
        ("commit_table", append, parts),
        ("rename_table", "SELECT icecat.rename_table('%(w)s', '{all}', 'fresh', '{s1}', 'moved')", 10),
        ("report_metrics", "SELECT icecat.report_metrics('%(w)s', '{all}', '%(t)s', '{\"report-type\":\"scan-report\",\"table-name\":\"t\","
         "\"snapshot-id\":1,\"filter\":true,\"schema-id\":0,\"projected-field-ids\":[1],\"projected-field-names\":[\"x\"],\"metrics\":{}}')", 10),
        ("drop_table", "SELECT icecat.drop_table('%(w)s', '{s1}', 'moved')", 30),
        ("create_view", "SELECT icecat.create_view('%(w)s', '{s1}', 'v', '{\"type\":\"struct\",\"fields\":[]}', "
         "'{\"version-id\":1,\"schema-id\":0,\"timestamp-ms\":1,\"summary\":{},\"default-namespace\":[\"s1\"],"
         "\"representations\":[{\"type\":\"sql\",\"sql\":\"select 1\",\"dialect\":\"spark\"}]}')", 10),
        ("load_view", "SELECT icecat.load_view('%(w)s', '{s1}', 'v')", 10),
        ("list_views", "SELECT icecat.list_views('%(w)s', '{s1}', '', 10)", 10),
        ("replace_view", "SELECT icecat.replace_view('%(w)s', '{s1}', 'v', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"a\":\"b\"}}]')", 20),
        ("drop_view", "SELECT icecat.drop_view('%(w)s', '{s1}', 'v')", 20),
        ("drop_namespace", "SELECT icecat.drop_namespace('%(w)s', '{fresh,below}')", 10),
    )]
