"""chDB, which is ClickHouse inside Python: the catalog as a database, and what it and PyIceberg read of each other.

SPDX-License-Identifier: PostgreSQL
"""

import datetime as dt

import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

import icecat_client as client
from icecat_chdb import Refused

ROWS = pa.table({"id": [1, 2, 3], "name": ["a", "b", "c"]})


@pytest.fixture
def people(catalog, namespace, lake):
    """The name, as chDB spells it, of a table with three rows in one snapshot."""
    catalog.create_table((*namespace, "people"), schema=ROWS.schema).append(ROWS)
    return f"lake.`{namespace[0]}.people`"


def test_lists_the_tables_of_every_namespace(lake, catalog, namespace):
    catalog.create_namespace((*namespace, "inner"))
    for name in ((*namespace, "t1"), (*namespace, "t2"), (*namespace, "inner", "t3")):
        catalog.create_table(name, schema=client.SCHEMA)
    found = [name for (name,) in lake.rows("SHOW TABLES FROM lake") if name.startswith(namespace[0])]
    assert sorted(found) == [f"{namespace[0]}.{name}" for name in ("inner.t3", "t1", "t2")]


def test_reads_what_pyiceberg_wrote(lake, catalog, namespace):
    client.written_by_pyiceberg(catalog, (*namespace, "py"))
    name = f"lake.`{namespace[0]}.py`"
    assert lake.rows(f"SELECT id, name, price, extra FROM {name} ORDER BY id") == [
        (i, f"n{i}", i / 2, None) for i in (1, 3, 4, 5)]
    assert lake.rows(f"SELECT id FROM {name} WHERE name = 'n4'") == [(4,)]
    assert lake.rows(f"SELECT count(), max(price) FROM {name}") == [(4, 2.5)]


def test_columns_are_the_catalogs(lake, catalog, namespace):
    catalog.create_table((*namespace, "t"), schema=client.SCHEMA)
    assert [(name, kind) for name, kind, *_ in lake.rows(f"DESCRIBE lake.`{namespace[0]}.t`")] == [
        ("id", "Int64"), ("name", "Nullable(String)"), ("amount", "Nullable(Float64)")]


def test_insert(lake, people, load):
    lake.run(f"INSERT INTO {people} VALUES (4, 'd'), (5, NULL)", f"INSERT INTO {people} SELECT number, 'n' FROM numbers(10, 3)")
    assert client.ids(load("people")) == [1, 2, 3, 4, 5, 10, 11, 12]
    assert [s.summary["added-records"] for s in load("people").snapshots()] == ["3", "2", "3"]
    assert [s.sequence_number for s in load("people").snapshots()] == [1, 2, 3]


def test_both_write_the_same_table(lake, people, load):
    for i in range(3):
        lake.run(f"INSERT INTO {people} VALUES ({10 + i}, 'ch')")
        load("people").append(pa.table({"id": [20 + i], "name": ["py"]}))
    assert [i for (i,) in lake.rows(f"SELECT id FROM {people} ORDER BY id")] == [1, 2, 3, 10, 11, 12, 20, 21, 22]
    assert len(load("people").snapshots()) == 7


def test_schema_changes(lake, people, load):
    lake.run(
        f"ALTER TABLE {people} ADD COLUMN extra Nullable(Int32)",
        f"ALTER TABLE {people} RENAME COLUMN name TO label",
        f"ALTER TABLE {people} MODIFY COLUMN extra Nullable(Int64)",
        f"INSERT INTO {people} VALUES (4, 'd', 7000000000)",
    )
    assert lake.rows(f"SELECT * FROM {people} WHERE id > 2 ORDER BY id") == [(3, "c", None), (4, "d", 7000000000)]
    assert [(f.name, str(f.field_type)) for f in load("people").schema().fields] == [("id", "long"), ("label", "string"), ("extra", "long")]
    lake.run(f"ALTER TABLE {people} DROP COLUMN extra")
    assert [f.name for f in load("people").schema().fields] == ["id", "label"]
    assert len(load("people").schemas()) == 5


def test_update_and_delete(lake, people, load):
    lake.run(f"ALTER TABLE {people} UPDATE name = 'z' WHERE id = 2", f"ALTER TABLE {people} DELETE WHERE id = 1",
             f"DELETE FROM {people} WHERE id = 3")
    assert lake.rows(f"SELECT * FROM {people}") == [(2, "z")]
    assert load("people").scan().to_arrow().to_pylist() == [{"id": 2, "name": "z"}]


def test_partitioned_insert(lake, catalog, namespace, load):
    """By identity; of a bucket ClickHouse leaves the bounds out of the manifest list, and PyIceberg then skips its rows."""
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "kind", StringType()))
    catalog.create_table((*namespace, "p"), schema=schema, partition_spec=PartitionSpec(
        PartitionField(2, 1000, IdentityTransform(), "kind")))
    lake.run(f"INSERT INTO lake.`{namespace[0]}.p` SELECT number, ['x', 'y'][number % 2 + 1] FROM numbers(20)")
    assert client.ids(load("p"), row_filter="kind == 'x'") == list(range(0, 20, 2))
    assert client.ids(load("p"), row_filter="id == 7") == [7]
    assert lake.rows(f"SELECT count() FROM lake.`{namespace[0]}.p` WHERE kind = 'y'") == [(10,)]


def test_time_travel(lake, people, load):
    load("people").append(ROWS)
    first, second = load("people").snapshots()
    count = f"SELECT count() FROM {people} SETTINGS "
    assert lake.rows(count + f"iceberg_snapshot_id = {first.snapshot_id}") == [(3,)]
    assert lake.rows(count + f"iceberg_timestamp_ms = {second.timestamp_ms - 1}") == [(3,)]
    assert lake.rows(count + f"iceberg_timestamp_ms = {second.timestamp_ms}") == [(6,)]


def test_create(lake, namespace, load):
    """The location is a URI: a table made with a bare path can be read by others, but not by chDB itself."""
    where = f"{client.warehouse_location()}/{namespace[0]}"
    lake.run(f"CREATE TABLE lake.`{namespace[0]}.made` (id Int64, name Nullable(String), day Date32)"
             f" ENGINE = IcebergLocal('{where}/made')",
             f"INSERT INTO lake.`{namespace[0]}.made` VALUES (1, 'a', '2025-01-01'), (2, NULL, '2025-01-02')")
    assert load("made").scan().to_arrow().to_pylist() == [
        {"id": 1, "name": "a", "day": dt.date(2025, 1, 1)}, {"id": 2, "name": None, "day": dt.date(2025, 1, 2)}]
    assert load("made").location() == f"{where}/made"


def test_a_view_in_the_namespace_disturbs_nothing(lake, people, catalog, namespace, rest):
    client.create_spark_view(rest, namespace, "v", "SELECT 1 AS n")
    found = [name for (name,) in lake.rows("SHOW TABLES FROM lake") if name.startswith(namespace[0])]
    assert found == [f"{namespace[0]}.people"]
    assert lake.rows(f"SELECT count() FROM {people}") == [(3,)]


def test_drop_loses_the_prefix_and_drops_nothing(lake, people, catalog, namespace):
    """ClickHouse leaves the prefix out of this one path, so it is 404: no other warehouse's table is hit."""
    with pytest.raises(Refused, match="404"):
        lake.run(f"DROP TABLE {people}")
    assert catalog.list_tables(namespace) == [(*namespace, "people")]


def test_missing_table(lake, namespace):
    with pytest.raises(Refused, match="UNKNOWN_TABLE|does not exist"):
        lake.run(f"SELECT * FROM lake.`{namespace[0]}.missing`")
