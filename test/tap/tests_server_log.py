"""What PostgreSQL's log holds: faults, but not requests that the catalog refused; a missing database once."""
# SPDX-License-Identifier: PostgreSQL
import time

from expectations import expect, expect_equal

REFUSED = "SELECT icecat.commit_table('w', '{ns}', 't', '[{\"type\":\"assert-table-uuid\",\"uuid\":\"00000000-0000-0000-0000-00000000000%d\"}]', '[]')"
QUIET_S = 25        # a failing worker would be started twice in this time
LATER_S = 12        # and once more in this one


class Log:
    """What the server has written since the last look."""

    def __init__(self, c):
        self.c = c
        self.seen = len(c.log_text())

    def new(self):
        text = self.c.log_text()
        lines = [line for line in text[self.seen:].splitlines() if " LOG: " not in line]
        self.seen = len(text)
        return "\n".join(lines)


def test_refusals(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))
    log = Log(c)
    expect("requirement" in c.sql(REFUSED % 1, check=False).lower(), "a commit is refused")
    expect("does not exist" in c.sql("SELECT icecat.load_table('w', '{ns}', 'none')", check=False), "and a load")
    expect("does not exist" in c.sql("SELECT icecat.rest_load_table('w', '{ns}', 'none', NULL)", check=False), "and a call of the gateway")
    expect_equal(log.new(), "", "refusals leave no line in the log")
    c.sql("DO $$ BEGIN RAISE 'mine' USING ERRCODE = 'IC203'; END $$", check=False)
    found = log.new()
    expect("ERROR:  mine" in found and "STATEMENT:" in found, "an error of other code is logged, whatever its SQLSTATE", found)
    c.sql("SELECT icecat.load_table('w', '{ns}', 't', 1/0)", check=False)
    expect("STATEMENT:" in log.new(), "so is an error of PostgreSQL")
    c.sql("SELECT icecat.create_warehouse('lost', 'file://%s/lost'); SELECT icecat.create_namespace('lost', '{ns}')" % c.files)
    with open(c.files + "/lost", "w"):
        pass                                # where the folder of the warehouse should be made
    expect("lost" in c.sql(c.create_table_sql("t", "lost"), check=False), "a table whose file cannot be written")
    found = log.new()
    expect("ERROR:" in found and "STATEMENT:" in found, "is logged: a status of 500 and more is a fault", found)
    c.sql("SET icecat.log_refusals = on; " + REFUSED % 2, check=False)
    found = log.new()
    expect("ERROR:" in found and "000000002" in found, "with icecat.log_refusals a refusal is there, with its statement", found)
    c.sql("CREATE ROLE plain")
    expect("permission denied" in c.sql("SELECT icecat.version(); SET ROLE plain; SET icecat.log_refusals = on", check=False), "a plain role cannot set it")


def test_missing_database(c):
    with open(c.data + "/postgresql.conf", "a") as conf:
        conf.write("shared_preload_libraries = 'icecat'\nicecat.worker_databases = 'postgres, later'\n")
    c.stop()
    log = Log(c)
    c.start()
    time.sleep(QUIET_S)
    found = log.new()
    expect_equal(found.count('database "later" of icecat.worker_databases does not exist'), 1,
                 "a missing database of icecat.worker_databases is said once")
    expect_equal(found.count("later"), 2, "besides the attempt to connect to it")
    time.sleep(LATER_S)
    expect_equal(log.new(), "", "and nothing follows")
    expect(c.worker_pid() is not None, "the other worker runs")
    c.sql("CREATE DATABASE later")
    c.sql("CREATE EXTENSION icecat", "later")
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'later' AND backend_type = 'icecat worker'", "1", seconds=40),
           "its worker starts when it is made")
