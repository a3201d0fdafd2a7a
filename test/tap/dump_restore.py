#!/usr/bin/env python3
"""pg_dump and pg_restore keep everything: every row, every document byte for byte, owners and grants."""
# SPDX-License-Identifier: PostgreSQL
import os

import cluster
import contents

PROBLEMS = "SELECT * FROM icecat.check_integrity()"


def dump(c, user, source, *options):
    path = os.path.join(c.dir, "dump")
    c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", user, "-f", path, *options, source)
    return path


def restored(c, t, user, name, path, *options):
    """A new database of user from a dump, by the tool of its format; errors end it."""
    c.sql("CREATE DATABASE %s OWNER %s TEMPLATE template0" % (name, user))
    where = ("-h", c.dir, "-p", "5432", "-U", user, "-d", name)
    if options == ("sections",):
        for section in (("pre-data",), ("data",), ("post-data", "-j", "2")):
            result = c.run("pg_restore", "--exit-on-error", *where, "--section", *section, path, check=False)
            if result.returncode:
                break
    elif options == ("plain",):
        result = c.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *where, "-f", path, check=False)
    else:
        result = c.run("pg_restore", "--exit-on-error", *where, *options, path, check=False)
    t.equal(result.returncode, 0, "%s: restored without an error" % name)
    if result.returncode:
        print("# " + result.stdout[-1500:].replace("\n", "\n# "))


def compare(c, t, user, source, copy):
    contents.same_contents(t, contents.fingerprint(c, source, user), contents.fingerprint(c, copy, user),
                           "%s: every row and every document is the same" % copy)
    t.equal(contents.difference(contents.objects(c, source), contents.objects(c, copy)), "",
            "%s: every object, owner, grant and comment is the same" % copy)
    t.equal(c.sql(PROBLEMS, copy), "", "%s: check_integrity() finds nothing" % copy)


def works_on(c, t, user, copy):
    """The copy is a catalog: it commits, numbers, takes over the queue, trims and drops."""
    before = c.sql("SELECT max(number) FROM icecat.events WHERE warehouse = 'w'", copy)
    c.sql("SET ROLE %s; %s" % (user, c.property_commit_sql("t1", "in", copy)), copy)
    c.sql("SET ROLE %s; %s" % (user, contents.snapshots_sql("t1", 8, 8)), copy)
    t.equal(c.sql("SET ROLE %s; SELECT count(*) > 0 FROM icecat.read_events('w', %s)" % (user, before), copy),
            "t", "%s: events are numbered on" % copy)
    t.ok(int(c.sql("SELECT not_adopted FROM icecat.worker_status()", copy)) > 0,
         "%s: the original's tasks are left alone" % copy)
    c.sql("SET ROLE %s; SELECT icecat.adopt_tasks(); SELECT icecat.run_worker_once()" % user, copy)
    t.equal(c.sql("SELECT count(*) FROM icecat_data.metadata_task", copy), "0",
            "%s: and done when it adopts them" % copy)
    t.equal(c.sql("SET ROLE %s; SELECT icecat.report_metrics('w', '{ns}', 't1', '%s'); SELECT count(*) FROM icecat.scan_reports"
                  % (user, contents.REPORT), copy).splitlines()[-1], "3", "%s: reports go on" % copy)
    t.equal(c.sql("SET ROLE %s; SELECT icecat.trim_metrics_reports('0')" % user, copy), "0",
            "%s: and their months can be trimmed" % copy)
    t.equal(c.sql("SET ROLE %s; SELECT icecat.trim_events('2 years')" % user, copy), "3",
            "%s: its partitions can be trimmed" % copy)
    t.equal(c.sql(PROBLEMS, copy), "", "%s: check_integrity() still finds nothing" % copy)
    t.equal(c.sql("SET ROLE %s; DROP EXTENSION icecat" % user, copy, check=False), "",
            "%s: its extension can be dropped" % copy)
    t.equal(c.sql("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON c.relnamespace = n.oid "
                  "WHERE nspname ~ 'icecat'", copy), "0", "%s: with all its tables" % copy)


def test_role(c, t, user):
    source = "of_" + user
    c.sql("CREATE DATABASE %s OWNER %s" % (source, user))
    c.sql("SET ROLE %s; CREATE EXTENSION icecat" % user, source)
    c.sql("SET ROLE %s;\n%s" % (user, contents.fill_sql(c, source)), source)
    c.sql("SET ROLE %s; GRANT USAGE ON SCHEMA icecat TO etl; GRANT EXECUTE ON FUNCTION "
          "icecat.list_namespaces TO etl; GRANT SELECT ON icecat.tables TO etl" % user, source)
    t.ok(int(c.sql("SELECT pending_writes FROM icecat.worker_status()", source)) > 0 and
         int(c.sql("SELECT unnumbered_events FROM icecat.worker_status()", source)) > 0,
         "%s: tasks and events are pending" % source)
    t.equal(c.sql(PROBLEMS, source), "", "%s: check_integrity() finds nothing" % source)
    path = dump(c, user, source, "-Fc")
    restored(c, t, user, source + "_custom", path)
    compare(c, t, user, source, source + "_custom")
    restored(c, t, user, source + "_sections", path, "sections")
    compare(c, t, user, source, source + "_sections")
    works_on(c, t, user, source + "_sections")
    # What runs in the copy must not have changed what the other copies are compared with.
    restored(c, t, user, source + "_inserts", dump(c, user, source, "--inserts"), "plain")
    contents.same_contents(
        t, contents.fingerprint(c, source + "_custom", user), contents.fingerprint(c, source + "_inserts", user),
        "%s_inserts: every row and every document is the same" % source)
    path = dump(c, user, source + "_custom", "-Fc")
    restored(c, t, user, source + "_second", path)
    compare(c, t, user, source + "_custom", source + "_second")


def test(c, t):
    c.sql("CREATE ROLE bob LOGIN NOSUPERUSER; CREATE ROLE etl NOLOGIN")
    test_role(c, t, "postgres")
    test_role(c, t, "bob")


if __name__ == "__main__":
    cluster.main(test, settings=["max_worker_processes = 1"])
