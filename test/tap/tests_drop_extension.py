"""DROP EXTENSION leaves nothing behind, and CREATE EXTENSION works again, also in the same session."""
# SPDX-License-Identifier: PostgreSQL
import contents
from expectations import expect, expect_equal

# Everything a database has, by name; two databases without icecat must be alike.
CENSUS = """
SET search_path = pg_catalog;
SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
UNION ALL SELECT 'relation ' || oid::regclass || ' ' || relkind::text FROM pg_class WHERE oid >= 16384
UNION ALL SELECT 'type ' || oid::regtype FROM pg_type WHERE oid >= 16384
UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'extension ' || extname FROM pg_extension
UNION ALL SELECT 'dependency ' || count(*) FROM pg_depend
UNION ALL SELECT 'shared dependency ' || count(*) FROM pg_shdepend WHERE dbid = (
	SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT 'initial acl ' || count(*) FROM pg_init_privs
UNION ALL SELECT 'comment ' || count(*) FROM pg_description
UNION ALL SELECT 'constraint ' || count(*) FROM pg_constraint
UNION ALL SELECT 'operator class ' || count(*) FROM pg_opclass
ORDER BY 1;
"""
RESIDUE = """
SELECT 'worker' FROM pg_stat_activity WHERE backend_type ~ 'icecat' AND datname = current_database()
UNION ALL
SELECT 'lock ' || locktype || coalesce(classid::text, '') FROM pg_locks WHERE locktype = 'advisory' AND database = (
	SELECT oid FROM pg_database WHERE datname = current_database())
"""


def check_same_session(c):
    """Plans, catalog ids and caches of the session are of an extension that is gone."""
    life = "CREATE EXTENSION icecat;\n%s%s DROP EXTENSION icecat;\n"
    script = "".join(life % (contents.fill_sql(c, "same%d" % n), contents.DOCUMENTS_SQL + ";") for n in range(3))
    result = c.sql("\\set VERBOSITY verbose\n" + script, "again", check=False)
    expect("ERROR" not in result, "three lives in one session", result)
    between = ("CREATE EXTENSION icecat; %s BEGIN; %s DROP EXTENSION icecat; CREATE EXTENSION icecat; %s COMMIT; %s"
               % (contents.fill_sql(c, "x1"), c.property_commit_sql("t2", "a", "b"),
                  "SELECT icecat.create_warehouse('w', 'file://%s/x3'); "
                  "SELECT icecat.create_namespace('w', '{ns}'); " % c.files + c.create_table_sql("t2"),
                  c.property_commit_sql("t2", "a", "b")))
    result = c.sql(between, "again", check=False)
    expect("ERROR" not in result, "dropped and created inside of a transaction that uses it", result)
    undone = ("BEGIN; DROP EXTENSION icecat; ROLLBACK; %s BEGIN; DROP EXTENSION icecat; SAVEPOINT s; "
              "CREATE EXTENSION icecat; SELECT icecat.create_warehouse('u', 's3://bucket/u'); "
              "ROLLBACK TO s; CREATE EXTENSION icecat; SELECT icecat.create_warehouse('u', 's3://bucket/u'); "
              "ROLLBACK; %s DROP EXTENSION icecat;"
              % (c.property_commit_sql("t2", "c", "d"), c.property_commit_sql("t2", "e", "f")))
    result = c.sql(undone, "again", check=False)
    expect("ERROR" not in result, "a drop that is rolled back changes nothing", result)


def check_other_session(c):
    """Another session has plans of it, too."""
    c.sql("CREATE EXTENSION icecat", "again")
    c.sql(contents.fill_sql(c, "x2"), "again")
    other = c.spawn(c.property_commit_sql("t2", "k", "1") + "SELECT pg_sleep(2);\n" +
                    c.property_commit_sql("t2", "k", "2") + "SELECT count(*) FROM icecat.read_events('w');", "again")
    c.sql("SELECT pg_sleep(1); BEGIN; DROP EXTENSION icecat; CREATE EXTENSION icecat; "
          "SELECT icecat.create_warehouse('w', 'file://%s/x4'); "
          "SELECT icecat.create_namespace('w', '{ns}'); " % c.files + c.create_table_sql("t2") + "COMMIT", "again")
    out, error = other.communicate(timeout=30)
    expect(other.returncode == 0 and out.split()[-1] == "4", "a session with kept plans goes on with the new one",
           out + error)


def test_drop_extension(c):
    c.sql("CREATE DATABASE d TEMPLATE template0; CREATE DATABASE again TEMPLATE template0")
    before = c.sql(CENSUS, "d")
    c.sql("CREATE EXTENSION icecat", "d")
    c.sql(contents.fill_sql(c, "d"), "d")
    worker = c.wait_worker("d")
    expect(worker is not None, "a worker runs")
    expect(len(c.sql(CENSUS, "d").splitlines()) > len(before.splitlines()) + 50, "there is something to drop")
    expect_equal(c.sql("DROP EXTENSION icecat", "d", check=False), "", "DROP EXTENSION needs no CASCADE")
    expect_equal(contents.difference(before.splitlines(), c.sql(CENSUS, "d").splitlines()), "",
                 "nothing is left behind in the database")
    expect(c.wait_sql(RESIDUE, "", "d"), "no worker and no lock either", c.sql(RESIDUE, "d"))
    expect("ERROR" not in c.log_text() and "FATAL" not in c.log_text(), "and the worker ended in silence")
    c.sql("CREATE EXTENSION icecat", "d")
    c.sql(contents.fill_sql(c, "d2"), "d")
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()", "d"), "", "it can be created again")
    check_same_session(c)
    check_other_session(c)
    log = c.log_text()
    expect("deadlock" not in log and "does not exist" not in log, "no worker stumbled over any of it")
