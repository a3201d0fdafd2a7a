"""pg_dump and pg_restore keep everything: every row, every document byte for byte, owners and grants."""
# SPDX-License-Identifier: PostgreSQL
import os

import cluster
import contents
from expectations import expect, expect_equal

SETTINGS = ["max_worker_processes = 1"]

PROBLEMS = "SELECT * FROM icecat.check_integrity()"
GRANTS_SQL = ("GRANT USAGE ON SCHEMA icecat TO etl; GRANT EXECUTE ON FUNCTION icecat.list_namespaces TO etl; "
              "GRANT SELECT ON icecat.tables TO etl")
WARNINGS = []       # what pg_dump said


def dump(c, user, source, *options):
    path = os.path.join(c.dir, "dump" + "".join(options))
    result = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", user, "-f", path, *options, source)
    WARNINGS.append(result.stdout)
    return path


def restored(c, user, name, path, *options, prepare=None):
    """A new database of user from a dump, by the tool of its format; errors and warnings end it."""
    c.sql("CREATE DATABASE %s OWNER %s TEMPLATE template0" % (name, user))
    if prepare:
        c.sql("SET ROLE %s; %s" % (user, prepare), name)
    where = ("-h", c.dir, "-p", "5432", "-U", user, "-d", name)
    if options == ("plain",):
        result = c.run("psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", *where, "-f", path, check=False)
    else:
        result = c.run("pg_restore", "--exit-on-error", *where, *options, path, check=False)
    expect_equal((result.returncode, result.stdout), (0, ""), "%s: restored without an error or a warning" % name)


def compare(c, user, source, copy):
    contents.same_contents(contents.fingerprint(c, source, user), contents.fingerprint(c, copy, user),
                           "%s: every row and every document is the same" % copy)
    expect_equal(contents.difference(contents.objects(c, source), contents.objects(c, copy)), "",
                 "%s: every object, owner, grant and comment is the same" % copy)
    expect_equal(c.sql(PROBLEMS, copy), "", "%s: check_integrity() finds nothing" % copy)


def works_on(c, user, copy):
    """The copy is a catalog: it commits, numbers, takes over the queue, trims and drops."""
    before = c.sql("SELECT max(number) FROM icecat.events WHERE warehouse = 'w'", copy)
    c.sql("SET ROLE %s; %s" % (user, c.property_commit_sql("t1", "in", copy)), copy)
    c.sql("SET ROLE %s; %s" % (user, contents.snapshots_sql("t1", 8, 8)), copy)
    expect_equal(c.sql("SET ROLE %s; SELECT count(*) > 0 FROM icecat.read_events('w', %s)" % (user, before), copy),
                 "t", "%s: events are numbered on" % copy)
    expect(int(c.sql("SELECT not_adopted FROM icecat.worker_status()", copy)) > 0,
           "%s: the original's tasks are left alone" % copy)
    c.sql("SET ROLE %s; SELECT icecat.adopt_tasks(); SELECT icecat.run_worker_once()" % user, copy)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.metadata_task", copy), "0",
                 "%s: and done when it adopts them" % copy)
    expect_equal(c.sql("SET ROLE %s; SELECT icecat.report_metrics('w', '{ns}', 't1', '%s'); SELECT count(*) FROM icecat.scan_reports"
                       % (user, contents.REPORT), copy).splitlines()[-1], "3", "%s: reports go on" % copy)
    expect_equal(c.sql("SET ROLE %s; SELECT icecat.trim_metrics_reports('0')" % user, copy), "0",
                 "%s: and their months can be trimmed" % copy)
    expect_equal(c.sql("SET ROLE %s; SELECT icecat.trim_events('2 years')" % user, copy), "3",
                 "%s: its partitions can be trimmed" % copy)
    expect_equal(c.sql(PROBLEMS, copy), "", "%s: check_integrity() still finds nothing" % copy)
    expect_equal(c.sql("SET ROLE %s; DROP EXTENSION icecat" % user, copy, check=False), "",
                 "%s: its extension can be dropped" % copy)
    expect_equal(c.sql("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid "
                       "WHERE nspname ~ 'icecat'", copy), "0", "%s: with all its tables" % copy)


def plain_rows(c, user, name, path):
    result = c.run("psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-h", c.dir, "-p", "5432", "-U", user,
                   "-d", name, "-f", path, check=False)
    expect_equal((result.returncode, result.stdout), (0, ""), "%s: rows restored without an error or a warning" % name)


def check_role(c, user):
    source = "of_" + user
    c.sql("CREATE DATABASE %s OWNER %s" % (source, user))
    c.sql("SET ROLE %s; CREATE EXTENSION icecat" % user, source)
    c.sql("SET ROLE %s;\n%s" % (user, contents.fill_sql(c, source)), source)
    c.sql("SET ROLE %s; %s; SELECT icecat.map_principal('issuer', 'sub', 'ann', 'etl')" % (user, GRANTS_SQL), source)
    expect(int(c.sql("SELECT pending_writes FROM icecat.worker_status()", source)) > 0 and
           int(c.sql("SELECT unnumbered_events FROM icecat.worker_status()", source)) > 0,
           "%s: tasks and events are pending" % source)
    expect_equal(c.sql(PROBLEMS, source), "", "%s: check_integrity() finds nothing" % source)
    path = dump(c, user, source, "-Fc")
    restored(c, user, source + "_custom", path)
    compare(c, user, source, source + "_custom")
    restored(c, user, source + "_jobs", path, "-j", "4")
    compare(c, user, source, source + "_jobs")
    works_on(c, user, source + "_jobs")
    restored(c, user, source + "_rows", path, "-a", "-j", "4", prepare="CREATE EXTENSION icecat; " + GRANTS_SQL)
    compare(c, user, source, source + "_rows")
    works_on(c, user, source + "_rows")
    schema = dump(c, user, source, "--schema-only")
    restored(c, user, source + "_halves", schema, "plain")
    plain_rows(c, user, source + "_halves", dump(c, user, source, "--data-only"))
    compare(c, user, source, source + "_halves")
    # What runs in a copy must not have changed what the other copies are compared with.
    restored(c, user, source + "_inserts", dump(c, user, source, "--inserts"), "plain")
    contents.same_contents(
        contents.fingerprint(c, source + "_custom", user), contents.fingerprint(c, source + "_inserts", user),
        "%s_inserts: every row and every document is the same" % source)
    path = dump(c, user, source + "_custom", "-Fc")
    restored(c, user, source + "_second", path)
    compare(c, user, source + "_custom", source + "_second")


def check_dumpall(c):
    """All of a server into another one."""
    path = os.path.join(c.dir, "all")
    said = c.run("pg_dumpall", "-h", c.dir, "-p", "5432", "-U", "postgres", "-f", path).stdout
    other = cluster.Cluster(["max_worker_processes = 1"], ())
    try:
        result = other.run("psql", "-X", "-q", "-o", "/dev/null", "-h", other.dir, "-p", "5432", "-U", "postgres", "-d", "postgres",
                           "-f", path, check=False)
        said += result.stdout.replace("psql:%s:" % path, "")
        expect_equal([line for line in said.splitlines() if 'role "postgres" already exists' not in line], [],
                     "pg_dumpall: restored without an error or a warning")
        for user in ("postgres", "bob"):
            name = "of_%s_custom" % user
            contents.same_contents(contents.fingerprint(c, name, "postgres"), contents.fingerprint(other, name, "postgres"),
                                   "pg_dumpall: %s: every row and every document is the same" % name)
        # Who restores creates the extension: that of a plain owner is then the superuser's.
        expect_equal(contents.difference(contents.objects(c, "of_postgres_custom"), contents.objects(other, "of_postgres_custom")), "",
                     "pg_dumpall: every object, owner, grant and comment is the same")
    finally:
        other.close()


def test_dump_restore(c):
    c.sql("CREATE ROLE bob LOGIN NOSUPERUSER; CREATE ROLE etl NOLOGIN")
    check_role(c, "postgres")
    check_role(c, "bob")
    expect_equal("".join(WARNINGS), "", "pg_dump warns of nothing")
    check_dumpall(c)
