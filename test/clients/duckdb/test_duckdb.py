"""DuckDB with the catalog attached: its own SQL, and what it and PyIceberg read of each other.

SPDX-License-Identifier: PostgreSQL
"""

import datetime as dt

import duckdb
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType

import icecat_client as client


@pytest.fixture
def schema(namespace):
    """The namespace of the test, as DuckDB names it."""
    return f"lake.{namespace[0]}"


@pytest.fixture
def people(duck, schema):
    """A DuckDB table with 12 rows in two snapshots."""
    duck.execute(f"CREATE TABLE {schema}.people (id bigint, name varchar, day date)")
    duck.execute(f"INSERT INTO {schema}.people VALUES (1, 'a', '2025-01-01'), (2, 'b', '2025-02-01')")
    duck.execute(
        f"INSERT INTO {schema}.people SELECT i, 'x' || i, DATE '2025-03-01' FROM range(10, 20) r(i)"
    )
    return f"{schema}.people"


def one(duck, query):
    return duck.execute(query).fetchone()


def test_schemas(duck, catalog):
    name = client.unique("duck")
    duck.execute(f"CREATE SCHEMA lake.{name}")
    assert catalog.namespace_exists(name)
    found = duck.execute("SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'lake'").fetchall()
    assert (name,) in found
    duck.execute(f"DROP SCHEMA lake.{name}")
    assert not catalog.namespace_exists(name)


def test_create_insert_read(duck, people):
    assert one(duck, f"SELECT count(*), min(id), max(day) FROM {people}") == (12, 1, dt.date(2025, 3, 1))
    assert one(duck, f"SELECT name FROM {people} WHERE id = 2") == ("b",)


def test_second_connection_sees_the_rows(people):
    other = client.duckdb_connection()
    assert one(other, f"SELECT count(*) FROM {people}") == (12,)


def test_update_delete(duck, people, namespace, catalog):
    duck.execute(f"UPDATE {people} SET name = 'new' WHERE id = 1")
    duck.execute(f"DELETE FROM {people} WHERE id >= 15")
    assert one(duck, f"SELECT count(*) FROM {people}") == (7,)
    assert one(duck, f"SELECT name FROM {people} WHERE id = 1") == ("new",)
    assert len(catalog.load_table((*namespace, "people")).snapshots()) >= 4


def test_merge(duck, people):
    duck.execute(
        f"""MERGE INTO {people} t USING (VALUES (1, 'merged'), (99, 'merged')) s(id, name) ON t.id = s.id
            WHEN MATCHED THEN UPDATE SET name = s.name
            WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name, NULL)"""
    )
    found = duck.execute(f"SELECT id FROM {people} WHERE name = 'merged' ORDER BY id").fetchall()
    assert found == [(1,), (99,)]


def test_create_table_as(duck, schema):
    duck.execute(f"CREATE TABLE {schema}.answers AS SELECT 42 AS answer, 'why' AS question")
    assert duck.execute(f"SELECT * FROM {schema}.answers").fetchall() == [(42, "why")]


def test_partitioned_table(duck, schema, namespace, catalog):
    duck.execute(f"CREATE TABLE {schema}.p (id bigint, kind varchar) PARTITIONED BY (kind)")
    duck.execute(f"INSERT INTO {schema}.p VALUES (1, 'a'), (2, 'b'), (3, 'a')")
    assert [f.source_id for f in catalog.load_table((*namespace, "p")).spec().fields] == [2]
    assert one(duck, f"SELECT sum(id) FROM {schema}.p WHERE kind = 'a'") == (4,)


def test_schema_evolution(duck, people, namespace, catalog):
    duck.execute(f"ALTER TABLE {people} ADD COLUMN extra integer")
    duck.execute(f"ALTER TABLE {people} RENAME COLUMN name TO label")
    duck.execute(f"INSERT INTO {people} VALUES (50, 'late', '2025-05-01', 7)")
    duck.execute(f"ALTER TABLE {people} DROP COLUMN day")
    table = catalog.load_table((*namespace, "people"))
    assert [f.name for f in table.schema().fields] == ["id", "label", "extra"]
    assert duck.execute(f"SELECT id, label, extra FROM {people} WHERE id IN (1, 50) ORDER BY id").fetchall() == [
        (1, "a", None),
        (50, "late", 7),
    ]


def test_time_travel(duck, people, namespace, catalog):
    first = catalog.load_table((*namespace, "people")).snapshots()[0].snapshot_id
    assert one(duck, f"SELECT count(*) FROM {people} AT (VERSION => {first})") == (2,)
    snapshots = duck.execute(f"SELECT sequence_number FROM iceberg_snapshots({people}) ORDER BY 1").fetchall()
    assert snapshots == [(1,), (2,)]


def test_rename_and_drop(duck, people, schema, namespace, catalog):
    duck.execute(f"ALTER TABLE {people} RENAME TO folk")
    assert catalog.table_exists((*namespace, "folk"))
    assert not catalog.table_exists((*namespace, "people"))
    duck.execute(f"DROP TABLE {schema}.folk")
    assert catalog.list_tables(namespace) == []


def test_two_tables_in_one_transaction(duck, schema):
    """DuckDB sends both tables in one multi-table commit."""
    for name in ("left_side", "right_side"):
        duck.execute(f"CREATE TABLE {schema}.{name} (id bigint)")
    duck.execute("BEGIN")
    duck.execute(f"INSERT INTO {schema}.left_side VALUES (1)")
    duck.execute(f"INSERT INTO {schema}.right_side VALUES (1), (2)")
    duck.execute("ROLLBACK")
    count = f"SELECT (SELECT count(*) FROM {schema}.left_side), (SELECT count(*) FROM {schema}.right_side)"
    assert one(duck, count) == (0, 0)
    duck.execute("BEGIN")
    duck.execute(f"INSERT INTO {schema}.left_side VALUES (1)")
    duck.execute(f"INSERT INTO {schema}.right_side VALUES (1), (2)")
    duck.execute("COMMIT")
    assert one(duck, count) == (1, 2)


def test_format_version_3(duck, schema, namespace, catalog):
    """Row lineage and deletion vectors, which PyIceberg doesn't write yet."""
    duck.execute(f"CREATE TABLE {schema}.v3 (id bigint, name varchar) WITH ('format-version' = 3)")
    duck.execute(f"INSERT INTO {schema}.v3 VALUES (1, 'a'), (2, 'b')")
    duck.execute(f"INSERT INTO {schema}.v3 VALUES (3, 'c'), (4, 'd')")
    metadata = catalog.load_table((*namespace, "v3")).metadata
    assert metadata.format_version == 3
    assert metadata.next_row_id == 4
    assert [s.first_row_id for s in metadata.snapshots] == [0, 2]
    duck.execute(f"UPDATE {schema}.v3 SET name = 'z' WHERE id = 1")
    duck.execute(f"DELETE FROM {schema}.v3 WHERE id = 2")
    assert duck.execute(f"SELECT * FROM {schema}.v3 ORDER BY id").fetchall() == [
        (1, "z"),
        (3, "c"),
        (4, "d"),
    ]


def test_table_properties(duck, people, namespace, catalog):
    duck.execute(f"CALL set_iceberg_table_properties({people}, {{'owner': 'duck'}})")
    assert catalog.load_table((*namespace, "people")).properties["owner"] == "duck"
    found = duck.execute(f"SELECT * FROM iceberg_table_properties({people})").fetchall()
    assert ("owner", "duck") in found


def test_missing_table(duck, schema):
    with pytest.raises(duckdb.Error):
        duck.execute(f"SELECT * FROM {schema}.missing")


# ---- with a second client ---------------------------------------------------------------------------------


def test_duckdb_reads_what_pyiceberg_wrote(duck, schema, namespace, catalog):
    table = catalog.create_table(
        (*namespace, "both"),
        schema=client.SCHEMA,
        partition_spec=PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name")),
    )
    table.append(client.rows(1, 5))
    with table.update_schema() as update:
        update.add_column("extra", LongType())
        update.rename_column("amount", "price")
    table.delete("id = 2")
    assert duck.execute(f"SELECT id, name, price, extra FROM {schema}.both ORDER BY id").fetchall() == [
        (i, f"n{i}", i / 2, None) for i in (1, 3, 4, 5)
    ]


def test_pyiceberg_reads_what_duckdb_wrote(duck, people, namespace, catalog):
    duck.execute(f"DELETE FROM {people} WHERE id = 2")
    table = catalog.load_table((*namespace, "people"))
    assert client.ids(table) == [1, *range(10, 20)]
    assert client.ids(table, row_filter="day >= '2025-02-01'") == list(range(10, 20))


def test_both_write_the_same_table(duck, schema, namespace, catalog):
    table = catalog.create_table((*namespace, "shared"), schema=client.SCHEMA)
    for i in range(3):
        table = catalog.load_table(table.name())
        table.append(client.rows(10 * i, 1))
        duck.execute(f"INSERT INTO {schema}.shared VALUES ({10 * i + 1}, 'duck', 1.5)")
    table = catalog.load_table(table.name())
    assert client.ids(table) == [0, 1, 10, 11, 20, 21]
    assert one(duck, f"SELECT count(*) FROM {schema}.shared") == (6,)
    assert len(table.snapshots()) == 6


def test_a_view_in_the_namespace_disturbs_nothing(duck, people, schema, namespace, catalog, rest):
    """DuckDB knows no Iceberg views: tables beside one are listed, read and written as ever."""
    client.create_spark_view(rest, namespace, "v", "SELECT count(*) AS n FROM people")
    other = client.duckdb_connection()
    assert other.execute(f"SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = '{namespace[0]}'"
                         ).fetchall() == [("people",)]
    other.execute(f"INSERT INTO {people} VALUES (99, 'z', '2025-01-01')")
    assert one(other, f"SELECT count(*) FROM {people}") == (13,)
    with pytest.raises(duckdb.Error):
        other.execute(f"SELECT * FROM {schema}.v")
    catalog.drop_view((*namespace, "v"))
