"""The line for pg_cron in docs/use/operations.md works: a job of each minute, with the rights of the owner, without any worker."""
# SPDX-License-Identifier: PostgreSQL
import os
import re
import subprocess

import pytest
from expectations import expect, expect_equal

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

SHARED = subprocess.check_output([os.environ.get("PG_CONFIG", "pg_config"), "--sharedir"], text=True).strip()
SETTINGS = ["shared_preload_libraries = 'pg_cron'", "cron.database_name = 'postgres'", "max_worker_processes = 2"]
DATABASES = ()
pytestmark = pytest.mark.skipif(not os.path.exists(os.path.join(SHARED, "extension", "pg_cron.control")), reason="pg_cron is not installed")


def documented_line():
    with open(os.path.join(ROOT, "docs", "use", "operations.md")) as file:
        return re.search(r"SELECT cron\.schedule_in_database\('icecat'.*?;", file.read(), re.S).group(0)


def test_cron(c):
    c.sql("ALTER SYSTEM SET cron.host = '%s'" % c.dir)
    c.stop()
    c.start()
    c.sql("CREATE EXTENSION pg_cron; CREATE ROLE catalog_owner LOGIN")
    c.sql("CREATE DATABASE lake OWNER catalog_owner")
    c.sql("\\connect lake catalog_owner\nCREATE EXTENSION icecat;" +
          "SELECT icecat.create_warehouse('w', 'file://%s/w'); SELECT icecat.create_namespace('w', '{ns}'); %s"
          % (c.files, c.changed_table_sql("t")), "lake")
    expect_equal(c.sql("SELECT state, queued FROM icecat.worker_status()", "lake"), "waiting|1", "no worker can run, a file waits")
    c.sql(documented_line())
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", "lake", seconds=130), "the documented job writes it",
           c.sql("SELECT status, return_message FROM cron.job_run_details"))
    expect(c.wait_sql("SELECT DISTINCT username || ' ' || status FROM cron.job_run_details", "catalog_owner succeeded"),
           "as the owner", c.sql("SELECT * FROM cron.job_run_details"))
