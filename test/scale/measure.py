#!/usr/bin/env python3
"""Times each operation in the small and in the big warehouse, one client, and prints both and their ratio; then looks at
the plans of all statements in the big one. Called by test/scale/run with the servers up.
"""
# SPDX-License-Identifier: PostgreSQL
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

import plans

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = "{:<42} {:>12} {:>12} {:>7}  {}"
SMALL_TABLES = 100
PAGE = 100

# name, script of pgbench; :warehouse and :tables are known
SQL = (
    ("SQL: load a table", "\\set n random(0, :tables - 1)\nSELECT icecat.load_table(:warehouse, '{all}', 't' || :n);"),
    ("SQL: table_exists", "\\set n random(0, :tables - 1)\nSELECT icecat.table_exists(:warehouse, '{all}', 't' || :n);"),
    ("SQL: a page of %d tables" % PAGE,
     "SELECT icecat.list_tables(:warehouse, '{all}', p_page_token => '', p_page_size => %d);" % PAGE),
    ("SQL: create a namespace",
     "\\set n random(0, 1000000000000)\nSELECT icecat.create_namespace(:warehouse, ARRAY['new' || :n]);"),
)

# name, what request.lua is told
HTTP = (
    ("gateway: load a table", {"BENCH_PATH": "/v1/{w}/namespaces/all/tables/t%d"}),
    ("gateway: load a table, 304", {"BENCH_PATH": "/v1/{w}/namespaces/all/tables/t%d", "BENCH_IF_NONE_MATCH": "*",
                                    "BENCH_STATUS": "304"}),
    ("gateway: a page of %d tables" % PAGE,
     {"BENCH_PATH": "/v1/{w}/namespaces/all/tables?pageToken=&pageSize=%d" % PAGE}),
    ("gateway: a page of %d namespaces" % PAGE, {"BENCH_PATH": "/v1/{w}/namespaces?pageToken=&pageSize=%d" % PAGE}),
    ("gateway: create a namespace", {"BENCH_METHOD": "POST", "BENCH_PATH": "/v1/{w}/namespaces", "BENCH_UNIQUE": "1",
                                     "BENCH_BODY": '{"namespace":["http%d"],"properties":{}}'}),
)


def pgbench(options, script, warehouse, tables):
    """(average ms, "") of one client."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        os.chmod(file.name, 0o644)
        output = subprocess.run(
            [options.pgbench, "-n", "-M", "prepared", "-c", "1", "-T", str(options.seconds), "-f", file.name,
             "-D", "warehouse=" + warehouse, "-D", "tables=%d" % tables],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(r"latency average = ([\d.]+) ms", output.stdout)
    if output.returncode or not found:
        return None, output.stdout[-300:]
    return float(found.group(1)), ""


def wrk(options, told, warehouse, tables):
    """(median ms, p99 in words) of one client."""
    told = {key: value.replace("{w}", warehouse) for key, value in told.items()}
    output = subprocess.run(
        ["wrk", "-t", "1", "-c", "1", "-d", "%ds" % options.seconds, "--timeout", "20s",
         "-s", os.path.join(HERE, "request.lua"), options.url],
        env={**os.environ, "BENCH_HTTP": os.path.join(HERE, "..", "bench", "http"), "BENCH_WAREHOUSE": warehouse,
             "BENCH_TABLES": str(tables), **told},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    found = re.search(r"RESULT done=(\d+) conflicts=\d+ other=(\d+) socket_errors=(\d+) us=\d+ p50_us=(\d+) p99_us=(\d+)", output)
    if not found or int(found.group(2)) or int(found.group(3)) or not int(found.group(1)):
        return None, "answers not as expected: " + output[-300:]
    return int(found.group(4)) / 1000, "p99 %.2f ms" % (int(found.group(5)) / 1000)


def compare(options):
    """Prints the table of times; True if all could be measured."""
    good = True
    print(ROW.format("one client, %d s each" % options.seconds, "%d tables" % SMALL_TABLES, "%d tables" % options.tables,
                     "ratio", ""))
    cases = [(name, pgbench, script) for name, script in SQL] + [(name, wrk, told) for name, told in HTTP]
    for name, measure, what in cases:
        small, note = measure(options, what, "small", SMALL_TABLES)
        big, big_note = measure(options, what, "big", options.tables)
        if small is None or big is None:
            good = False
            print(ROW.format(name, "FAILED", "", "", (note if small is None else big_note).strip().replace("\n", " ")))
        else:
            print(ROW.format(name, "%.3f ms" % small, "%.3f ms" % big, "%.2f" % (big / small), big_note))
        sys.stdout.flush()
    return good


def whole_list(options):
    """The whole list of the big warehouse, for which there is no page."""
    start = time.monotonic()
    subprocess.run(["psql", "-X", "-q", "-o", os.devnull, "-c", "SELECT icecat.list_tables('big', '{all}')"], check=True)
    print("-- all %d names in one list, with the start of psql: %.0f ms" % (options.tables, (time.monotonic() - start) * 1000))


def look_at_plans(options):
    """True if every statement in the big warehouse uses its index."""
    passed = failed = 0
    for name, sql, rows in plans.operations("big", options.tables, options.snapshots):
        result = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"], input=plans.SETTINGS + sql + ";\n", text=True,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        wrong, total = plans.faults(result.stderr, rows)
        if result.returncode:
            wrong = [result.stderr[-300:]]
        passed += not wrong
        failed += bool(wrong)
        print("plans of %-34s %s" % (name, "; ".join(wrong) or "by index, %d rows read" % total))
    print("%d passed, %d failed" % (passed, failed))
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pgbench", default="pgbench")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--url", required=True)
    parser.add_argument("--tables", type=int, required=True)
    parser.add_argument("--snapshots", type=int, required=True)
    options = parser.parse_args()
    good = compare(options)
    whole_list(options)
    sys.exit(0 if look_at_plans(options) and good else 1)


main()
