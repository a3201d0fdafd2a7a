"""Point-in-time recovery: tables whose metadata file was deleted since are listed, and written again, all at once."""
# SPDX-License-Identifier: PostgreSQL
import os
import shutil
import time

import contents
from expectations import expect, expect_equal

SETTINGS = ["max_worker_processes = 1", "archive_mode = on", "archive_command = 'cp %p ../archive/%f'",
            "wal_level = replica", "max_wal_senders = 2"]

TABLES = 30
MISSING = "SELECT count(*) FROM icecat.missing_metadata_files(%s)"


def loads(c, database="postgres"):
    """How many tables can be loaded."""
    c.sql("CREATE OR REPLACE FUNCTION public.loads(t record) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM icecat.load_table(t.warehouse, "
          "t.namespace, t.table_name); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END'", database)
    return c.sql("SELECT count(*) FILTER (WHERE public.loads(t)) FROM (SELECT warehouse, namespace, table_name FROM icecat.tables) t", database)


def recover(c, backup, point):
    """The server as it was at a point of its log."""
    c.stop()
    shutil.rmtree(c.data)
    shutil.copytree(backup, c.data)
    with open(os.path.join(c.data, "postgresql.auto.conf"), "a") as conf:
        conf.write("recovery_target_name = '%s'\nrecovery_target_action = promote\nrestore_command = 'cp %s/archive/%%f %%p'\n" % (point, c.dir))
    with open(os.path.join(c.data, "recovery.signal"), "w"):
        pass
    for path, folders, files in os.walk(c.data):
        os.chmod(path, 0o700)
        if c.user:
            shutil.chown(path, c.user)
            for name in files:
                shutil.chown(os.path.join(path, name), c.user)
    c.start()
    c.wait_sql("SELECT pg_is_in_recovery()", "f")


def test_recovery(c):
    os.mkdir(os.path.join(c.dir, "archive"))
    if c.user:
        shutil.chown(os.path.join(c.dir, "archive"), c.user)
    c.make_warehouse()
    c.sql("SELECT icecat.create_warehouse('none', 's3://b/none', '{\"icecat.metadata-write-mode\": \"none\"}'); "
          "SELECT icecat.create_namespace('none', '{ns}')")
    c.sql(c.create_table_sql("far", "none"))
    properties = ", p_properties => '{\"write.metadata.delete-after-commit.enabled\":\"true\",\"write.metadata.previous-versions-max\":\"1\"}'"
    c.sql("".join(c.create_table_sql("t%d" % i, extra=properties) for i in range(TABLES)) + contents.create_view_sql("v"))
    c.sql("SELECT icecat.run_worker_once()")
    expect(c.queue_is_empty(), "all is written")
    expect_equal(c.sql(MISSING % "NULL"), "0", "and nothing is missing")
    backup = os.path.join(c.dir, "backup")
    c.run("pg_basebackup", "-h", c.dir, "-p", "5432", "-U", "postgres", "-D", backup, "-c", "fast")
    c.sql("SELECT pg_create_restore_point('then'); SELECT pg_switch_wal()")
    for n in range(4):      # each commit ends a file
        c.sql("".join(c.property_commit_sql("t%d" % i, "k", str(n)) for i in range(TABLES)))
        c.sql("SELECT icecat.run_worker_once()")
    os.remove(c.sql("SELECT metadata_location FROM icecat.views").replace("file://", ""))
    expect_equal(c.sql(MISSING % "'w'"), "1", "a file that somebody removed is missing")
    c.sql("SELECT pg_switch_wal()")
    time.sleep(1)
    recover(c, backup, "then")
    c.sql("SELECT icecat.adopt_storage()")
    expect_equal(loads(c), "1", "after the recovery no table of the warehouse can be loaded")
    expect_equal(c.sql(MISSING % "NULL"), str(TABLES + 1), "all of them are listed")
    expect_equal(c.sql(MISSING % "'none'"), "0", "but none that has no file")
    expect_equal(c.sql(MISSING % "'w', 7"), "7", "as many as one wants to see")
    expect_equal(c.sql("SELECT count(*) FROM icecat.missing_metadata_files('w') WHERE kind = 'view'"), "1", "views too")
    expect("cancel" in c.sql("SET statement_timeout = 1; SELECT count(*) FROM generate_series(1, 10000), icecat.missing_metadata_files('w')",
                             check=False), "looking for them can be cancelled")
    expect_equal(c.sql("SELECT count(*), count(error) FROM icecat.export_metadata('w')"), "%d|0" % (TABLES + 1), "one call writes them all again")
    expect_equal(loads(c), str(TABLES + 1), "and they can be loaded")
    expect_equal(c.sql(MISSING % "NULL"), "0", "nothing is missing any more")
    expect_equal(c.sql("SELECT count(*) FROM icecat.export_metadata('w')"), "0", "so there is nothing more to write")
    expect_equal(c.sql("SELECT count(*), count(error) FROM icecat.export_metadata('w', false)"), "%d|0" % (TABLES + 1), "unless all are asked for")
    expect_equal(c.sql("SELECT count(*), count(error) FROM icecat.export_metadata('none', false)"), "1|1", "a row says why one cannot be written")
    expect("does not exist" in c.sql("SELECT icecat.export_metadata('nowhere')", check=False), "an unknown warehouse is told")
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity() finds nothing")
    c.sql("".join(c.property_commit_sql("t%d" % i, "after", "recovery") for i in range(TABLES)))
    c.sql("SELECT icecat.run_worker_once()")
    expect_equal(loads(c), str(TABLES + 1), "and work goes on")
