"""What it costs to find out whether a table's place is free: see test/bench/places."""
# SPDX-License-Identifier: PostgreSQL
import os
import statistics
import sys

from commit_cost import cpu_ns
from session import Session

SIBLINGS = int(os.environ.get("SIBLINGS", "20000"))
TABLES = int(os.environ.get("TABLES", "100000"))
CALLS, ROUNDS = 100, 9
RATIO_MAX = 1.25
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
MODE = '"icecat.metadata-write-mode": "none"'


def make_world(s):
    s.ask("""SET client_min_messages = error;
SELECT icecat.create_warehouse('w', 's3://lake/w', '{%s}'), icecat.create_warehouse('free', 's3://lake/free', '{%s, "icecat.location-overlap": "allow"}');
SELECT icecat.create_namespace('w', '{a}'), icecat.create_namespace('free', '{a}');""" % (MODE, MODE))


def fill(s, namespace, first, last):
    """Rows as a creation makes them, in one statement each."""
    s.ask("""CREATE TEMP TABLE made AS SELECT i, gen_random_uuid() AS id FROM generate_series(%d, %d) AS i;
INSERT INTO icecat_data.relation (warehouse_id, relation_id, namespace_id, name, kind, created_at) SELECT w.warehouse_id, m.id, n.namespace_id, 't' || m.i, 'table', now()
FROM made AS m, icecat_data.warehouse AS w JOIN icecat_data.namespace AS n USING (warehouse_id) WHERE w.name = 'w' AND n.levels = '{%s}';
INSERT INTO icecat_data.location SELECT w.warehouse_id, m.id, 's3://lake/w/%s/t' || m.i, 'location' FROM made AS m, icecat_data.warehouse AS w WHERE w.name = 'w';
DROP TABLE made; VACUUM ANALYZE icecat_data.location; VACUUM ANALYZE icecat_data.relation;""" % (first, last, namespace, namespace))


def cpu(s, warehouse, round_):
    """Microseconds of the backend for each creation; all are rolled back."""
    calls = "".join("SELECT icecat.create_table('%s', '{a}', 'new%d', '%s', p_location => 's3://lake/%s/a/new%d') IS NOT NULL;\n"
                    % (warehouse, n, SCHEMA, warehouse, n) for n in range(CALLS))
    s.ask("\\o /dev/null")
    s.ask("BEGIN;")
    before = cpu_ns(s.pid)
    s.ask(calls)
    spent = cpu_ns(s.pid) - before
    s.ask("ROLLBACK;")
    s.ask("\\o")
    return spent / CALLS / 1000 if round_ > 0 else None


def measure(s, warehouse="w"):
    return statistics.median(x for x in (cpu(s, warehouse, i) for i in range(ROUNDS + 1)) if x is not None)


def main():
    s = Session(os.environ.get("PSQL", "psql"))
    make_world(s)
    found = {"without the check": measure(s, "free")}
    tables = 0
    for count in (10, 5000, SIBLINGS):
        fill(s, "a", tables + 1, count)
        tables = count
        found["%d siblings" % count] = measure(s)
    s.ask("SELECT icecat.create_namespace('w', '{b}');")
    fill(s, "b", tables + 1, TABLES)
    found["and %d tables" % TABLES] = measure(s)
    found["without the check, among these"] = measure(s, "free")
    print("\nCPU of a creation at a place that the client names, µs of the database:")
    for what, us in found.items():
        print("  %-34s %8.0f" % (what, us))
    ratio = found["and %d tables" % TABLES] / found["10 siblings"]
    print("among all against among 10: %.2f (at most %.2f)" % (ratio, RATIO_MAX))
    print("%d passed, %d failed" % (ratio <= RATIO_MAX, ratio > RATIO_MAX))
    return 0 if ratio <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
