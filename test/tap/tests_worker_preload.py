"""A worker from shared_preload_libraries is there after a restart before any session comes."""
# SPDX-License-Identifier: PostgreSQL
import os
import time

from expectations import expect, expect_equal

SETTINGS = [
            "shared_preload_libraries = 'icecat'", "icecat.worker_databases = 'd'",
            "icecat.worker_idle_exit_s = 1"]
DATABASES = ("d",)

BACKEND = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'icecat worker' AND datname = 'd'"


def test_worker_preload(c):
    expect_equal(c.sql("SHOW icecat.worker_databases"), "d", "the setting is known")
    expect(c.wait_sql(BACKEND.replace("SELECT pid", "SELECT count(*)"), "1", seconds=20),
           "the permanent worker runs")
    c.make_warehouse(database="d")
    pid = int(c.sql(BACKEND))
    c.freeze(pid)
    c.sql("".join(c.changed_table_sql("t%d" % i) for i in range(10)), "d")
    c.kill_postmaster()
    expect(c.queue_is_empty("d"), "after a crash it writes what was queued, with no icecat session")
    missing = [p for p in c.metadata_paths("d") if not os.path.exists(p)]
    expect_equal(missing, [], "all files are there")
    time.sleep(3)
    expect_equal(c.sql(BACKEND.replace("SELECT pid", "SELECT count(*)")), "1",
                 "it stays although it is idle, and no second one comes")
    c.sql("ALTER SYSTEM SET log_min_messages = 'info'; SELECT pg_reload_conf()")
    expect_equal(c.sql("DROP DATABASE d", check=False), "", "DROP DATABASE works beside it")
    started = time.monotonic()
    c.stop()
    expect(time.monotonic() - started < 10, "the server stops quickly")
    c.start()
