"""Reads by key give the same without the executor as with it, whatever has become of the tables: what hides or adds rows, which
index is there, who may read, what is locked. The catalog belongs to a role that is no superuser."""
# SPDX-License-Identifier: PostgreSQL
from expectations import expect, expect_equal

DB = "owned"
WAYS = ("on", "off")
WAY = "SET icecat.key_scans = %s; "
REQUIRED = "SET icecat.key_scans_required = on; "
LOAD = "SELECT icecat.load_table('w', '{ns}', 't')::text; "
LOCKS = ("SELECT 'locked ' || l.relation::regclass || ' ' || l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
         "WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'icecat_data'::regnamespace; ")


def prepare(c):
    c.sql("CREATE ROLE modest LOGIN; CREATE DATABASE owned OWNER modest")
    c.sql("SET ROLE modest; CREATE EXTENSION icecat; SELECT icecat.create_warehouse('w', 'file://%s/w');"
          "SELECT icecat.create_namespace('w', '{ns}');" % c.files + c.changed_table_sql("t"), DB)


def ask(c, script):
    return c.sql(script, DB, check=False)


def tables_in(said):
    return [line.replace(" ", "") for line in said.splitlines() if "metadata-location" in line]


def test_the_reads_of_a_load_and_a_commit_need_no_executor(c):
    said = ask(c, REQUIRED + LOAD + c.property_commit_sql("t", "a", "b") + LOAD)
    expect_equal(len(tables_in(said)), 2)
    expect('"a":"b"' in tables_in(said)[1], said[-300:])


def test_required_means_that_the_executor_is_not_asked(c):
    expect("statement is not read by key" in ask(c, REQUIRED + WAY % "off" + LOAD), "an error")


def locked(c, way):
    """What a load locks; in the least of some transactions, for one that happens to plan locks every index."""
    said = ask(c, WAY % way + LOAD + 4 * ("SELECT 'begin'; BEGIN; " + LOAD + LOCKS + "COMMIT; "))
    return min(({line for line in part.splitlines() if line.startswith("locked")} for part in said.split("begin\n")[1:]), key=len)


def test_the_same_answer_under_the_same_locks(c):
    answers = [tables_in(ask(c, WAY % way + LOAD)) for way in WAYS]
    expect_equal(answers[0], answers[1])
    locks = [locked(c, way) for way in WAYS]
    expect_equal(locks[0], locks[1])
    expect(any("table_part_live_idx AccessShareLock" in line for line in locks[0]), str(locks[0]))


def test_what_the_transaction_wrote_is_seen(c):
    for way in WAYS:
        said = ask(c, "BEGIN; " + WAY % way + c.property_commit_sql("t", "own", way) + LOAD + "ROLLBACK; " + LOAD)
        expect_equal(['"own":"%s"' % way in answer for answer in tables_in(said)], [True, False])


def test_a_function_that_changes_nothing_sees_what_its_query_sees(c):
    """The namespace comes while the query is under way."""
    for way in WAYS:
        query = c.spawn(WAY % way + "SELECT icecat.namespace_exists('w', '{late_%s}') FROM pg_sleep(3);"
                        "SELECT icecat.namespace_exists('w', '{late_%s}');\n" % (way, way), DB)
        c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1", DB)
        ask(c, "SELECT icecat.create_namespace('w', '{late_%s}')" % way)
        expect_equal(query.communicate()[0].split(), ["f", "t"])


def test_row_security_that_holds_for_the_owner_hides(c):
    """It comes while a session is at work that has read the rows before."""
    hide = ("CREATE POLICY p ON icecat_data.table_head USING (false); ALTER TABLE icecat_data.table_head ENABLE ROW LEVEL SECURITY; "
            "ALTER TABLE icecat_data.table_head FORCE ROW LEVEL SECURITY; ")
    for way in WAYS:
        said = ask(c, "BEGIN; " + WAY % way + LOAD + hide + LOAD + "ROLLBACK")
        expect("Table does not exist" in said, way + ": " + said[-300:])
    said = ask(c, "BEGIN; " + REQUIRED + hide + LOAD)
    expect("not read by key" in said, said[-300:])


def test_rows_of_an_heir_are_rows(c):
    heir = ("CREATE TABLE heir () INHERITS (icecat_data.namespace); INSERT INTO heir SELECT warehouse_id, gen_random_uuid(), NULL, "
            "'{heirloom}', sha256('heirloom\\000'::bytea), '{}', now() FROM icecat_data.warehouse WHERE name = 'w'; ")
    load = "SELECT icecat.load_namespace('w', '{heirloom}')::text; "
    for way in WAYS:
        said = ask(c, "BEGIN; " + WAY % way + LOAD + heir + load + "ROLLBACK")
        expect('"heirloom"' in said, way + ": " + said[-300:])
    expect("not read by key" in ask(c, "BEGIN; " + REQUIRED + heir + load), "it is not a plain table then")


def test_an_index_that_goes_and_a_column_that_comes(c):
    for change in ("DROP INDEX icecat_data.table_part_live_idx; ",
                   "ALTER TABLE icecat_data.table_head ADD COLUMN extra text DEFAULT 'x'; ",
                   "ALTER TABLE icecat_data.table_part ADD COLUMN extra text DEFAULT 'x'; "):
        for way in WAYS:
            answers = tables_in(ask(c, "BEGIN; " + WAY % way + LOAD + change + LOAD + "ROLLBACK"))
            expect_equal(len(answers), 2)
            expect_equal(answers[0], answers[1])


def test_the_owner_needs_its_privilege(c):
    for way in WAYS:
        said = ask(c, "BEGIN; " + WAY % way + LOAD + "REVOKE SELECT ON icecat_data.warehouse FROM modest; " + LOAD)
        expect("permission denied for table warehouse" in said, way + ": " + said[-300:])


def test_an_order_that_is_not_postgresqls_is_never_called(c):
    """The functions of an operator class of somebody else would run with the rights of the extension's owner."""
    strange = ("CREATE FUNCTION public.strange_order(bytea, bytea) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT byteacmp($1, $2)'; "
               "CREATE OPERATOR CLASS public.strange FOR TYPE bytea USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, "
               "OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.strange_order(bytea, bytea); "
               "ALTER TABLE icecat_data.namespace DROP CONSTRAINT namespace_path_key; "
               "CREATE UNIQUE INDEX strange_key ON icecat_data.namespace (warehouse_id, path_hash public.strange); ")
    said = ask(c, "BEGIN; " + LOAD + strange + LOAD + "ROLLBACK")
    expect_equal(len(tables_in(said)), 2)
    expect("not read by key" in ask(c, "BEGIN; " + strange + REQUIRED + LOAD), "the executor does it, in its sandbox")
