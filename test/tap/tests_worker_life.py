"""The worker comes when there is work, goes when there is none, and is never in the way."""
# SPDX-License-Identifier: PostgreSQL
from expectations import expect, expect_equal

SETTINGS = ["icecat.worker_idle_exit_s = 3"]
DATABASES = ("postgres", "d")


def test_in_the_way(c):
    c.make_warehouse(database="d")
    expect(c.wait_worker("d"), "a worker runs in database d")
    result = c.sql("CREATE DATABASE copy TEMPLATE d", check=False)
    expect_equal(result, "", "CREATE DATABASE ... TEMPLATE works beside it")
    expect_equal(c.sql("SELECT count(*) FROM icecat.namespaces", "copy"), "1", "the copy has the catalog")
    c.sql(c.changed_table_sql("t"), "copy")
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 't', 10000)", "copy"), "t",
                 "and a worker of its own")
    expect(c.wait_worker("copy") != c.wait_worker("d"), "two databases, two workers")
    expect_equal(c.sql("DROP DATABASE copy", check=False), "", "DROP DATABASE works beside it")
    c.wait_worker("d")
    expect_equal(c.sql("DROP EXTENSION icecat", "d", check=False), "", "DROP EXTENSION works beside it")
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'd' "
                      "AND backend_type = 'icecat worker'", "0"), "then the worker ends by itself")
    c.sql("CREATE EXTENSION icecat", "d")
    c.sql("BEGIN; SELECT icecat.create_warehouse('w', 'file://%s/w2'); "
          "SELECT icecat.create_namespace('w', '{ns}'); %s COMMIT;"
          % (c.files, c.changed_table_sql("t")), "d")
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 't', 10000)", "d"), "t",
                 "after CREATE EXTENSION it is back")
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'icecat worker'", "0",
                      seconds=15), "idle workers end")
    c.sql(c.changed_table_sql("u"), "d")
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'u', 10000)", "d"), "t",
                 "and come back with the next change")


def test_owner(c):
    c.sql("CREATE ROLE bob NOSUPERUSER NOLOGIN; CREATE DATABASE bobs OWNER bob")
    c.sql("SET ROLE bob; CREATE EXTENSION icecat", "bobs")
    c.sql("SET ROLE bob; SELECT icecat.create_warehouse('w', 'file://%s/bob'); "
          "SELECT icecat.create_namespace('w', '{ns}'); %s" % (c.files, c.changed_table_sql("t")), "bobs")
    expect_equal(c.sql("SET ROLE bob; SELECT icecat.wait_for_metadata('w', '{ns}', 't', 10000)", "bobs"), "t",
                 "an owner without superuser or login has a worker, too")
    expect_equal(c.sql("SELECT tableowner FROM pg_tables WHERE tablename ~ '^event_20'", "bobs"), "bob",
                 "which works with the owner's rights only")
    expect_equal(c.sql("SET ROLE bob; SELECT count(*) FROM icecat.read_events('w')", "bobs"), "4",
                 "and numbers the events")


def test_no_worker(c):
    c.sql("ALTER SYSTEM SET max_worker_processes = 1")  # taken by the logical replication launcher
    c.stop()
    c.start()
    c.sql("SELECT icecat.create_warehouse('w', 'file://%s/w3'); "
          "SELECT icecat.create_namespace('w', '{ns}')" % c.files)
    c.sql(c.changed_table_sql("a") + c.changed_table_sql("b"))
    expect_equal(c.sql("SELECT icecat.start_worker()"), "f", "without a free process no worker starts")
    expect_equal(c.sql("SELECT pid IS NULL, pending_writes FROM icecat.worker_status()"), "t|2",
                 "commits succeed and wait in the queue")
    expect_equal(c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'a', 5000)"), "t",
                 "wait_for_metadata() does the work itself")
    expect_equal(c.sql("SELECT icecat.run_worker_once()"), "1", "run_worker_once() does the rest")
    expect_equal(c.sql("SELECT count(*), max(number) FROM icecat.events"), "6|6", "and numbers the events")
    expect_equal(c.sql("BEGIN; SELECT icecat.drop_table('w', '{ns}', 'a', true); COMMIT; "
                       "SELECT icecat.run_worker_once()"), "1", "a purge, too")
