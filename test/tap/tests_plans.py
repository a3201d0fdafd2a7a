"""Every operation finds its rows through an index, however many tables there are beside: with statistics and without.

One warehouse with 2,000 tables of 10 snapshots and 500 namespaces; test/scale/run does the same with 100,000 tables.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import subprocess
import time

import plans
from expectations import expect_equal

SCALE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scale")
SETTINGS = ["autovacuum = off", "max_worker_processes = 1"]

MANY = 3000
SIZES = {"tables": 2000, "snapshots": 10, "siblings": 500}


def fill(c, warehouse):
    command = c.psql_command("postgres") + ["-v", "warehouse=" + warehouse]
    for name, value in SIZES.items():
        command += ["-v", "%s=%d" % (name, value)]
    result = subprocess.run(command + ["-f", os.path.join(SCALE, "fill.sql")], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)


def messages(c, sql):
    """What a session of its own says to one statement, the plans among it. (A second call has kept plans.)"""
    result = subprocess.run(c.psql_command("postgres"), input=plans.SETTINGS + "BEGIN;\n" + sql + ";\nCOMMIT;\n",
                            text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if result.returncode != 0:
        raise RuntimeError("%s ... %s" % (sql[:200], result.stderr[-300:]))
    return result.stderr


def warm_session(c):
    """A session that has planned its statements when there was one table, and used them a thousand times."""
    c.sql("SELECT icecat.create_warehouse('tiny', 'file://%s/tiny'); SELECT icecat.create_namespace('tiny', '{all}')" % c.files)
    c.sql("SELECT icecat.create_table('tiny', '{all}', 't1', '{\"type\":\"struct\",\"fields\":[]}')")
    c.sql("VACUUM ANALYZE")
    session = subprocess.Popen(c.psql_command("postgres"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    session.stdin.write("SELECT count(icecat.load_table('tiny', '{all}', 't1')::text) FROM generate_series(1, 1000);\n")
    session.stdin.flush()
    session.stdout.readline()
    return session


def check_kept(session):
    """That session, now that there are thousands of tables."""
    for name, sql, rows in plans.operations("without", SIZES["tables"], SIZES["snapshots"]):
        if name == "ask 13: load_table":
            text = session.communicate(plans.SETTINGS + sql + ";\n")[1]
            wrong, total = plans.faults(text, rows)
            expect_equal(wrong, [], "%s, planned when there was one table: by index, %d rows" % (name, total))


def many(first, last, make):
    """A JSON list of what is made for each number."""
    return "[%s]" % ",".join(make(n) for n in range(first, last + 1))


def add_snapshots(first, last):
    return "SELECT icecat.commit_table('many', '{all}', 't', '[]', '%s')" % many(first, last, lambda n: (
        '{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,"timestamp-ms":%d,'
        '"manifest-list":"file:///nowhere/%d","summary":{"operation":"append"}}}' % (n, n, time.time() * 1000, n)))


def check_many_ids(c):
    """Many snapshots of one table, without statistics: whatever names many of them reads no list again for each."""
    c.sql("SELECT icecat.create_warehouse('many', 'file://%s/many', '{\"icecat.metadata-write-mode\": \"none\"}'); "
          "SELECT icecat.create_namespace('many', '{all}'); "
          "SELECT icecat.create_table('many', '{all}', 't', '{\"type\":\"struct\",\"fields\":[]}')" % c.files)
    c.sql(add_snapshots(1, MANY))
    tags = many(1, 100, lambda n: '{"action":"set-snapshot-ref","ref-name":"t%d","type":"tag","snapshot-id":%d}' % (n, 10 * n))
    ids = many(1, 100, lambda n: str(10 * n + 1))
    for name, sql in (
            ("one snapshot is added", add_snapshots(MANY + 1, MANY + 1)),
            ("100 are added", add_snapshots(MANY + 2, MANY + 101)),
            ("100 are tagged", "SELECT icecat.commit_table('many', '{all}', 't', '[]', '%s')" % tags),
            ("a load of the tagged ones", "SELECT icecat.load_table('many', '{all}', 't', 'refs')"),
            ("the same in pieces", "SELECT icecat.rest_load_table_pieces('many', '{all}', 't', 'refs')"),
            ("100 are removed", "SELECT icecat.commit_table('many', '{all}', 't', '[]', "
             "'[{\"action\":\"remove-snapshots\",\"snapshot-ids\":%s}]')" % ids)):
        wrong = [line for line in plans.faults(messages(c, sql), 2 * MANY)[0] if " reads " in line]
        expect_equal(wrong, [], "%s of %d: no scan reads them all twice" % (name, MANY))


def test_plans(c):
    check_many_ids(c)
    session = warm_session(c)
    fill(c, "without")
    check_kept(session)
    fill(c, "with")
    for warehouse in ("without", "with"):
        if warehouse == "with":
            c.sql("VACUUM ANALYZE")
        for name, sql, rows in plans.operations(warehouse, SIZES["tables"], SIZES["snapshots"]):
            wrong, total = plans.faults(messages(c, sql), rows)
            expect_equal(wrong, [], "%s, %s statistics: by index, %d rows" % (name, warehouse, total))
