"""Spark: namespaces, tables, schemas, partition specs, properties.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

from icecat_spark import ABC, Refused, path_of

# ---- namespaces ---------------------------------------------------------------------------------------


def test_namespace_properties(lake):
    lake.run("ALTER NAMESPACE {ns} SET PROPERTIES ('team' = 'é', 'note' = 'a b')")
    described = dict(lake.sql("DESCRIBE NAMESPACE EXTENDED {ns}"))
    assert "(note,a b)" in described["Properties"]
    lake.run("ALTER NAMESPACE {ns} UNSET PROPERTIES ('note')")
    assert "note" not in dict(lake.sql("DESCRIBE NAMESPACE EXTENDED {ns}")).get("Properties", "")


def test_nested_namespaces(lake):
    lake.run("CREATE NAMESPACE {ns}.a", "CREATE NAMESPACE {ns}.a.b")
    assert lake.sql("SHOW NAMESPACES IN {ns}") == [(f"{lake.namespace}.a",)]
    assert lake.sql("SHOW NAMESPACES IN {ns}.a") == [(f"{lake.namespace}.a.b",)]
    lake.run("CREATE TABLE {ns}.a.b.t (id INT) USING iceberg", "INSERT INTO {ns}.a.b.t VALUES (7)")
    assert lake.sql("SELECT id FROM {ns}.a.b.t") == [(7,)]
    with pytest.raises(Refused, match="(?i)not empty"):
        lake.run("DROP NAMESPACE {ns}.a.b")
    lake.run("DROP TABLE {ns}.a.b.t", "DROP NAMESPACE {ns}.a.b", "DROP NAMESPACE {ns}.a")
    assert lake.sql("SHOW NAMESPACES IN {ns}") == []


def test_missing_namespace_is_refused(lake):
    with pytest.raises(Refused, match="(?i)SCHEMA_NOT_FOUND|does not exist"):
        lake.run("CREATE TABLE {ns}.nowhere.t (id INT) USING iceberg")
    lake.run("CREATE NAMESPACE IF NOT EXISTS {ns}", "DROP NAMESPACE IF EXISTS {ns}.nowhere")
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS"):
        lake.run("CREATE NAMESPACE {ns}")


# ---- tables -------------------------------------------------------------------------------------------


def test_create_insert_list_describe(people):
    assert people.rows() == ABC
    assert [t for _, t, _ in people.sql("SHOW TABLES IN {ns}")] == ["t"]
    assert people.sql("DESCRIBE {t}")[:2] == [("id", "bigint", None), ("name", "string", None)]
    people.check_views()
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS"):
        people.run("CREATE TABLE {t} (id INT) USING iceberg")
    people.run("CREATE TABLE IF NOT EXISTS {t} (id INT) USING iceberg")
    assert people.columns() == ["id", "name"]


def test_all_types(lake):
    lake.run(
        "CREATE TABLE {t} (b BOOLEAN, i INT, l BIGINT, f FLOAT, d DOUBLE, n DECIMAL(20, 3), s STRING, x BINARY,"
        " y DATE, z TIMESTAMP, w TIMESTAMP_NTZ, st STRUCT<a: INT, b: ARRAY<STRING>>, m MAP<STRING, BIGINT>)"
        " USING iceberg",
        "INSERT INTO {t} SELECT true, -1, 9223372036854775807, 1.5F, -2.5D, 123.456, 'é', X'00FF', DATE '2025-02-28',"
        " TIMESTAMP '2025-02-28 01:02:03.000004', TIMESTAMP_NTZ '2025-02-28 01:02:03.000004',"
        " named_struct('a', 1, 'b', array('p', 'q')), map('k', 5L)",
    )
    ((b, i, big, f, d, n, s, x, y, z, w, st, m),) = lake.sql("SELECT * FROM {t}")
    assert (b, i, big, f, d, str(n), s, bytes(x), str(y)) == (
        True, -1, 2**63 - 1, 1.5, -2.5, "123.456", "é", b"\x00\xff", "2025-02-28")
    assert z.microsecond == w.microsecond == 4
    assert (st.a, st.b, m) == (1, ["p", "q"], {"k": 5})


def test_properties(people):
    people.run("ALTER TABLE {t} SET TBLPROPERTIES ('k' = 'v', 'commit.retry.num-retries' = '7')")
    assert people.properties()["k"] == "v"
    people.run("ALTER TABLE {t} UNSET TBLPROPERTIES ('k')")
    assert "k" not in people.properties()
    assert people.properties()["commit.retry.num-retries"] == "7"
    assert people.rows() == ABC


def test_ctas(people):
    people.run("CREATE TABLE {ns}.copy USING iceberg PARTITIONED BY (bucket(4, id)) AS SELECT * FROM {t} WHERE id > 1")
    assert people.rows("copy") == ABC[1:]
    people.check_views("copy")


def test_ctas_that_fails_leaves_nothing(people):
    with pytest.raises(Refused, match="(?i)boom|aborted"):
        people.run("CREATE TABLE {ns}.copy USING iceberg AS SELECT CAST(raise_error('boom') AS STRING) AS x FROM {t}")
    assert [t for _, t, _ in people.sql("SHOW TABLES IN {ns}")] == ["t"]


def test_replace_table_as_select(people):
    (first,) = people.snapshots()
    uuid_before = people.view("table_uuid", "tables") if people.database else None
    people.run("REPLACE TABLE {t} USING iceberg PARTITIONED BY (k) AS SELECT id AS k, 2 * id AS v FROM {t}")
    assert people.rows() == [(1, 2), (2, 4), (3, 6)]
    assert people.columns() == ["k", "v"]
    assert people.rows(at=f" VERSION AS OF {first}") == ABC
    if uuid_before:
        assert people.view("table_uuid", "tables") == uuid_before
    people.check_views()


def test_create_or_replace(people):
    people.run("CREATE OR REPLACE TABLE {t} (z STRING) USING iceberg TBLPROPERTIES ('new' = '1')")
    assert (people.columns(), people.rows(), people.properties()["new"]) == (["z"], [], "1")
    people.run("CREATE OR REPLACE TABLE {t} USING iceberg AS SELECT 'q' AS z")
    assert people.rows() == [("q",)]
    people.run("CREATE OR REPLACE TABLE {ns}.fresh USING iceberg AS SELECT 1 AS one")
    assert people.rows("fresh") == [(1,)]


def test_rename(people):
    # Without the catalog: Spark takes all that comes before the name for the namespace.
    people.run(f"ALTER TABLE {{t}} RENAME TO {people.namespace}.u")
    assert people.rows("u") == ABC
    assert [t for _, t, _ in people.sql("SHOW TABLES IN {ns}")] == ["u"]
    people.run("CREATE TABLE {t} (id INT) USING iceberg")
    with pytest.raises(Refused, match="(?i)already exists|ALREADY_EXISTS"):
        people.run(f"ALTER TABLE {{t}} RENAME TO {people.namespace}.u")
    assert people.rows("u") == ABC


def test_drop_keeps_files_and_register_brings_it_back(people):
    (file,) = people.sql("SELECT file_path FROM {t}.files")[0]
    metadata = people.sql("SELECT file FROM {t}.metadata_log_entries ORDER BY timestamp DESC LIMIT 1")[0][0]
    people.run("DROP TABLE {t}")
    assert people.sql("SHOW TABLES IN {ns}") == []
    assert path_of(file).exists()
    with pytest.raises(Refused, match="(?i)TABLE_OR_VIEW_NOT_FOUND"):
        people.rows()
    people.run(f"CALL lake.system.register_table(table => '{people.namespace}.back', metadata_file => '{metadata}')")
    assert people.rows("back") == ABC
    people.run("INSERT INTO {ns}.back VALUES (4, 'd')")
    assert people.rows("back") == [*ABC, (4, "d")]
    people.check_views("back")


def test_purge_deletes_files(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    files = [path_of(f) for (f,) in people.sql("SELECT file_path FROM {t}.files")]
    lists = [path_of(f) for (f,) in people.sql("SELECT manifest_list FROM {t}.snapshots")]
    assert all(f.exists() for f in files + lists)
    people.run("DROP TABLE {t} PURGE")
    assert people.sql("SHOW TABLES IN {ns}") == []
    assert not [f for f in files + lists if f.exists()]


# ---- schema evolution ---------------------------------------------------------------------------------


def test_schema_evolution(people):
    people.run("ALTER TABLE {t} ADD COLUMNS (age INT COMMENT 'years', place STRUCT<city: STRING, zip: STRING>)")
    assert people.rows() == [(*row, None, None) for row in ABC]
    people.run("ALTER TABLE {t} RENAME COLUMN name TO nick", "ALTER TABLE {t} ALTER COLUMN age TYPE BIGINT")
    people.run("ALTER TABLE {t} ADD COLUMN place.country STRING", "ALTER TABLE {t} DROP COLUMN place.zip")
    people.run("ALTER TABLE {t} ALTER COLUMN age FIRST", "ALTER TABLE {t} ALTER COLUMN id DROP NOT NULL")
    assert people.columns() == ["age", "id", "nick", "place"]
    people.run("INSERT INTO {t} VALUES (5000000000, 4, 'd', named_struct('city', 'x', 'country', 'y'))")
    assert people.sql("SELECT age, id, nick, place.country FROM {t} WHERE id > 2 ORDER BY id") == [
        (None, 3, "c", None), (5000000000, 4, "d", "y")]
    people.run("ALTER TABLE {t} DROP COLUMN nick", "ALTER TABLE {t} ADD COLUMN nick STRING AFTER id")
    assert people.sql("SELECT nick FROM {t} WHERE nick IS NOT NULL") == []
    with pytest.raises(Refused):
        people.run("ALTER TABLE {t} ALTER COLUMN age TYPE INT")
    assert people.one("SELECT count(*) FROM {t}") == 4


def test_identifier_fields(people):
    people.run("ALTER TABLE {t} SET IDENTIFIER FIELDS id")
    if people.database:
        assert people.view("name, is_identifier", "columns") == [("id", True), ("name", False)]
    people.run("ALTER TABLE {t} DROP IDENTIFIER FIELDS id")
    assert people.rows() == ABC


# ---- partition evolution ------------------------------------------------------------------------------


def test_partition_evolution(lake):
    lake.run("CREATE TABLE {t} (id BIGINT, d DATE, s STRING) USING iceberg PARTITIONED BY (months(d))")
    lake.run("INSERT INTO {t} VALUES (1, DATE '2025-01-05', 'aa'), (2, DATE '2025-02-05', 'bb')")
    lake.run("ALTER TABLE {t} ADD PARTITION FIELD bucket(8, id) AS shard")
    lake.run("INSERT INTO {t} VALUES (3, DATE '2025-02-06', 'cc')")
    lake.run("ALTER TABLE {t} REPLACE PARTITION FIELD d_month WITH days(d) AS day")
    lake.run("INSERT INTO {t} VALUES (4, DATE '2025-02-07', 'dd')")
    lake.run("ALTER TABLE {t} DROP PARTITION FIELD shard", "ALTER TABLE {t} ADD PARTITION FIELD truncate(1, s)")
    lake.run("INSERT INTO {t} VALUES (5, DATE '2025-02-08', 'ee')")
    assert [row[0] for row in lake.rows()] == [1, 2, 3, 4, 5]
    assert lake.sql("SELECT id FROM {t} WHERE d >= DATE '2025-02-06' ORDER BY id") == [(3,), (4,), (5,)]
    assert {spec for (spec,) in lake.sql("SELECT DISTINCT spec_id FROM {t}.files")} == {0, 1, 2, 4}
    if lake.database:
        current = lake.view("position, name, transform", "partition_specs")
        assert (1, "day", "day") in current and (2, "s_trunc_1", "truncate[1]") in current


def test_sort_order(people):
    people.run("ALTER TABLE {t} WRITE ORDERED BY name DESC NULLS LAST, id")
    if people.database:
        assert people.view("order_id, direction, null_order", "sort_orders")[-2:] == [
            (1, "desc", "nulls-last"), (1, "asc", "nulls-first")]
    people.run("INSERT INTO {t} VALUES (9, 'z')", "ALTER TABLE {t} WRITE UNORDERED")
    assert people.rows() == [*ABC, (9, "z")]
