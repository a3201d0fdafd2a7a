"""What privileges cost the database: see test/bench/access."""
# SPDX-License-Identifier: PostgreSQL
import os
import statistics
import sys

from commit_cost import cpu_ns
from session import Session

TABLES = int(os.environ.get("TABLES", "20000"))
GRANTS = min(int(os.environ.get("GRANTS", "10000")), TABLES)
ROLES = int(os.environ.get("ROLES", "10000"))
TENANTS = 1000
CALLS, ROUNDS = 300, 9
RATIO_MAX = 1.2
SEES_FEW_MS, SEES_MANY_MS = 10, 200
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
WHO = (("owner", "nothing is asked"), ("on_catalog", "a writer of everything"), ("on_namespace", "rows on the namespace above"),
       ("on_table", "a row on the table"), ("by_membership", "of 20 roles, one has a row on the table"), ("in_tenant", "a role of a tenant, of %d that there are" % TENANTS))
LOAD = "SELECT length(icecat.load_table('w', '{a,b,c}', 'one')::text)"
COMMIT = ("SELECT icecat.commit_transaction('w', '[{\"identifier\":{\"namespace\":[\"a\",\"b\",\"c\"],\"name\":\"one\"},"
          "\"updates\":[{\"action\":\"set-properties\",\"updates\":{\"k\":\"%d\"}}]}]')")


def make_world(s):
    s.ask("""SET client_min_messages = error; SELECT icecat.create_warehouse('w', 's3://b/w', '{"icecat.metadata-write-mode": "none"}');
SELECT icecat.create_namespace('w', '{a}'); SELECT icecat.create_namespace('w', '{a,b}'); SELECT icecat.create_namespace('w', '{a,b,c}');
SELECT icecat.create_namespace('w', '{big}'); SELECT icecat.create_table('w', '{a,b,c}', 'one', '%s') IS NOT NULL;
SELECT count(icecat.create_table('w', '{big}', format('t%%s', i), '%s')) FROM generate_series(1, %d) AS i;
CREATE ROLE users; SELECT icecat.grant_user('users');
DO $$ BEGIN
	FOR i IN 1 .. %d LOOP EXECUTE format('CREATE ROLE role_%%s', i); END LOOP;
	FOR i IN 1 .. 20 LOOP EXECUTE format('CREATE ROLE group_%%s', i); END LOOP;
END $$;
CREATE ROLE on_catalog IN ROLE users; CREATE ROLE on_namespace IN ROLE users; CREATE ROLE on_table IN ROLE users;
CREATE ROLE by_membership IN ROLE users; CREATE ROLE few IN ROLE users; CREATE ROLE many IN ROLE users;
DO $$ BEGIN FOR i IN 1 .. 20 LOOP EXECUTE format('GRANT group_%%s TO by_membership', i); END LOOP; END $$;
SELECT icecat.grant_writer('on_catalog'); SELECT icecat.grant('on_namespace', 'write', 'w', '{a}');
SELECT icecat.grant('on_table', 'write', 'w', '{a,b,c}', 'one'); SELECT icecat.grant('group_7', 'write', 'w', '{a,b,c}', 'one');
SELECT count(icecat.grant(format('role_%%s', 1 + i %% %d)::regrole, 'select', 'w', '{big}', format('t%%s', i))) FROM generate_series(1, %d) AS i;
SELECT count(icecat.grant('few', 'select', 'w', '{big}', format('t%%s', i * %d))) FROM generate_series(1, 10) AS i;
SELECT count(icecat.grant('many', 'select', 'w', '{big}', format('t%%s', i))) FROM generate_series(1, %d) AS i;
SELECT count(icecat.create_tenant(format('tenant-%%s', i), format('s3://tenants/%%s', i))) FROM generate_series(1, %d) AS i;
SELECT icecat.create_warehouse('tenant-7/w', 's3://tenants/7/w', '{"icecat.metadata-write-mode": "none"}');
SELECT icecat.create_namespace('tenant-7/w', '{a}'); SELECT icecat.create_namespace('tenant-7/w', '{a,b}'); SELECT icecat.create_namespace('tenant-7/w', '{a,b,c}');
SELECT icecat.create_table('tenant-7/w', '{a,b,c}', 'one', '%s') IS NOT NULL; CREATE ROLE in_tenant IN ROLE users;
SELECT icecat.assign_role('tenant-7', 'in_tenant'), icecat.grant_tenant('in_tenant', 'manage', 'tenant-7');
SELECT icecat.create_warehouse('create', 's3://b/create', '{"icecat.metadata-write-mode": "none"}'); SELECT icecat.create_namespace('create', '{n}');
VACUUM ANALYZE;""" % (SCHEMA, SCHEMA, TABLES, ROLES, ROLES, GRANTS, TABLES // 10, GRANTS, TENANTS, SCHEMA))


def cpu(s, statement):
    """Microseconds of the backend for each call."""
    calls = "".join((statement % n if "%d" in statement else statement) + ";\n" for n in range(CALLS))
    s.ask("\\o /dev/null")
    before = cpu_ns(s.pid)
    s.ask(calls)
    spent = cpu_ns(s.pid) - before
    s.ask("\\o")
    return spent / CALLS / 1000


def milliseconds(s, statement):
    s.ask(statement + ";")
    before = float(s.ask("SELECT extract(epoch FROM clock_timestamp()) * 1000;"))
    s.ask(statement + ";")
    return float(s.ask("SELECT extract(epoch FROM clock_timestamp()) * 1000;")) - before


def creations(s):
    """What creations cost where there is no quota, and where there is one on the warehouse."""
    made = 0
    rounds = []
    for _ in range(ROUNDS):
        costs = []
        for limit in ("NULL", "1000000000"):
            s.ask("SELECT icecat.set_quota('create', 'tables', %s);" % limit)
            made += 1
            costs.append(cpu(s, "SELECT icecat.create_table('create', '{n}', 'r%d_%%d', '%s') IS NOT NULL" % (made, SCHEMA)))
        rounds.append(costs)
    for n, why in enumerate(("no quota", "a quota on the warehouse")):
        print("create  %-14s %8.1f us %6.2f" % (why, statistics.median(r[n] for r in rounds), statistics.median(r[n] / r[0] for r in rounds)), flush=True)


def main():
    fine = True
    admin = Session(os.environ.get("PSQL", "psql"))
    make_world(admin)
    print("-- %d tables, %d roles, %d grants; median of %d rounds of %d calls, database CPU of one call"
          % (TABLES, ROLES, GRANTS * 2 + 14, ROUNDS, CALLS))
    for what, statement in (("load", LOAD), ("commit", COMMIT)):
        sessions = {}
        for who, _ in WHO:
            sessions[who] = Session(os.environ.get("PSQL", "psql"))
            if who != "owner":
                sessions[who].ask("SET ROLE %s;" % who)
            cpu(sessions[who], statement)
        rounds = [{who: cpu(sessions[who], statement) for who, _ in WHO} for _ in range(ROUNDS)]
        for who, why in WHO:
            median = statistics.median(r[who] for r in rounds)
            ratio = statistics.median(r[who] / r["owner"] for r in rounds)
            bad = ratio > RATIO_MAX
            fine = fine and not bad
            print("%-7s %-14s %8.1f us %6.2f  %s%s" % (what, who, median, ratio, why, "  FAILED" if bad else ""), flush=True)
        for s in sessions.values():
            s.close()
    for who, limit in (("few", SEES_FEW_MS), ("many", SEES_MANY_MS)):
        s = Session(os.environ.get("PSQL", "psql"))
        s.ask("SET ROLE %s;" % who)
        for name, statement in (("list_tables", "SELECT length(icecat.list_tables('w', '{big}')::text)"),
                                ("list_namespaces", "SELECT length(icecat.list_namespaces('w')::text)"),
                                ("view tables", "SELECT count(*) FROM icecat.tables")):
            took = min(milliseconds(s, statement) for _ in range(5))
            bad = took > limit and not name.startswith("view")
            fine = fine and not bad
            print("%-15s sees %-5s %8.1f ms%s" % (name, "10" if who == "few" else GRANTS, took, "  FAILED" if bad else ""), flush=True)
        s.close()
    creations(admin)
    admin.close()
    sys.exit(0 if fine else 1)


main()
