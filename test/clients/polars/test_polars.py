"""Polars: scans by name, sinks that append, overwrite and evolve, deletes.

SPDX-License-Identifier: PostgreSQL
"""

import concurrent.futures
import contextlib
import datetime as dt

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyiceberg.exceptions import CommitFailedException, NoSuchNamespaceError, NoSuchTableError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import DateType, LongType, NestedField, StringType

import icecat_client as client

ROWS = pl.DataFrame({"id": [1, 2, 3], "name": ["a", "b", "c"]})


@pytest.fixture
def people(catalog, namespace):
    """The name of a table that Polars made, with three rows in one snapshot."""
    name = f"{namespace[0]}.people"
    ROWS.lazy().sink_iceberg(name, mode="append", catalog=catalog, create_if_not_exists=True)
    return name


def scan(catalog, name, **options):
    return pl.scan_iceberg(name, catalog=catalog, **options).collect().sort("id")


def append(catalog, name, frame, **options):
    return frame.lazy().sink_iceberg(name, mode="append", catalog=catalog, **options)


def test_create_append_read(catalog, people):
    assert_frame_equal(scan(catalog, people), ROWS)
    append(catalog, people, pl.DataFrame({"id": [4], "name": [None]}, schema=ROWS.schema))
    assert scan(catalog, people)["name"].to_list() == ["a", "b", "c", None]
    assert client.ids(catalog.load_table(people)) == [1, 2, 3, 4]


def test_namespaces_are_made_with_the_table(catalog):
    top = client.unique("polars")
    try:
        ROWS.lazy().sink_iceberg(f"{top}.inner.t", mode="append", catalog=catalog, create_if_not_exists=True,
                                 create_namespace_if_not_exists=True)
        assert catalog.list_tables((top, "inner")) == [(top, "inner", "t")]
        assert_frame_equal(scan(catalog, f"{top}.inner.t"), ROWS)
    finally:
        client.remove_namespace(catalog, (top,))


def test_what_is_missing_is_said_so(catalog, namespace):
    with pytest.raises(NoSuchTableError):
        append(catalog, f"{namespace[0]}.nothing", ROWS)
    with pytest.raises(NoSuchNamespaceError):
        append(catalog, f"{client.unique('no')}.t", ROWS, create_if_not_exists=True)


def test_overwrite(catalog, people):
    (ROWS.head(1)).lazy().sink_iceberg(people, mode="overwrite", catalog=catalog)
    assert scan(catalog, people)["id"].to_list() == [1]
    append(catalog, people, ROWS.tail(2))
    changed = pl.DataFrame({"id": [2], "name": ["new"]})
    changed.lazy().sink_iceberg(people, mode="overwrite", catalog=catalog, overwrite_filter=pl.col("id") == 2)
    assert scan(catalog, people).rows() == [(1, "a"), (2, "new"), (3, "c")]


def test_delete(catalog, people):
    pl.delete_iceberg(catalog.load_table(people), pl.col("id") >= 2)
    assert scan(catalog, people).rows() == [(1, "a")]
    assert [s.summary.operation.value for s in catalog.load_table(people).snapshots()] == ["append", "overwrite"]


def test_the_schema_grows_with_the_rows(catalog, people):
    append(catalog, people, pl.DataFrame({"id": [4], "name": ["d"], "extra": [1.5]}), schema_mode="merge")
    assert scan(catalog, people).rows() == [(1, "a", None), (2, "b", None), (3, "c", None), (4, "d", 1.5)]
    assert [f.name for f in catalog.load_table(people).schema().fields] == ["id", "name", "extra"]


def test_columns_are_found_after_renames_and_drops(catalog, people):
    table = catalog.load_table(people)
    with table.update_schema() as update:
        update.rename_column("name", "label")
    with table.update_schema() as update:
        update.add_column("name", LongType())
    append(catalog, people, pl.DataFrame({"id": [4], "label": ["d"], "name": [7]}))
    assert scan(catalog, people).rows() == [(1, "a", None), (2, "b", None), (3, "c", None), (4, "d", 7)]
    with catalog.load_table(people).update_schema() as update:
        update.delete_column("label")
    assert scan(catalog, people).columns == ["id", "name"]


def test_partitioned_writes(catalog, namespace):
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "kind", StringType()), NestedField(3, "day", DateType()))
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "kind"), PartitionField(3, 1001, DayTransform(), "day_day"),
                         PartitionField(1, 1002, BucketTransform(4), "id_bucket"))
    table = catalog.create_table((*namespace, "p"), schema=schema, partition_spec=spec)
    frame = pl.DataFrame({"id": range(8), "kind": ["x", "y"] * 4, "day": [dt.date(2025, 1, 1 + i // 4) for i in range(8)]})
    append(catalog, ".".join(table.name()), frame)
    assert_frame_equal(scan(catalog, ".".join(table.name())), frame)
    found = pl.scan_iceberg(catalog.load_table(table.name())).filter(pl.col("kind") == "x", pl.col("day") == dt.date(2025, 1, 2))
    assert sorted(found.collect()["id"]) == [4, 6]
    replaced = pl.DataFrame({"id": [100], "kind": ["x"], "day": [dt.date(2025, 1, 1)]})
    with catalog.load_table(table.name()).update_spec() as update:
        update.remove_field("id_bucket")
        update.remove_field("day_day")
    append(catalog, ".".join(table.name()), replaced)
    assert client.ids(catalog.load_table(table.name()), row_filter="kind == 'x'") == [0, 2, 4, 6, 100]


def test_partitions_are_overwritten_that_rows_come_for(catalog, namespace):
    schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "kind", StringType()))
    table = catalog.create_table((*namespace, "p"), schema=schema, partition_spec=PartitionSpec(
        PartitionField(2, 1000, IdentityTransform(), "kind")))
    name = ".".join(table.name())
    append(catalog, name, pl.DataFrame({"id": [1, 2, 3], "kind": ["x", "y", "z"]}))
    pl.DataFrame({"id": [9], "kind": ["y"]}).lazy().sink_iceberg(name, mode="overwrite", catalog=catalog, partition_overwrite="dynamic")
    assert scan(catalog, name).rows() == [(1, "x"), (3, "z"), (9, "y")]


def test_time_travel_and_incremental_scans(catalog, people):
    for i in (4, 5):
        append(catalog, people, pl.DataFrame({"id": [i], "name": ["later"]}))
    first, second, third = (s.snapshot_id for s in catalog.load_table(people).snapshots())
    assert scan(catalog, people, snapshot_id=first)["id"].to_list() == [1, 2, 3]
    assert scan(catalog, people, snapshot_id=second)["id"].to_list() == [1, 2, 3, 4]
    between = scan(catalog, people, from_snapshot_id_exclusive=first, to_snapshot_id_inclusive=third)
    assert between["id"].to_list() == [4, 5]


def test_snapshot_properties_are_columns_of_the_sql_view(catalog, people):
    append(catalog, people, ROWS, snapshot_properties={"job": "nightly é"})
    ((job,),) = client.sql(
        "SELECT summary ->> 'job' FROM icecat.snapshots WHERE warehouse = %s AND namespace = %s AND table_name = %s"
        " AND summary ->> 'job' IS NOT NULL", client.WAREHOUSE, [people.split(".")[0]], "people")
    assert job == "nightly é"


def test_counts_come_from_metadata(catalog, people):
    for _ in range(3):
        append(catalog, people, ROWS)
    assert pl.scan_iceberg(people, catalog=catalog).select(pl.len()).collect().item() == 12


def test_polars_reads_what_pyiceberg_wrote(catalog, namespace):
    table = catalog.create_table((*namespace, "py"), schema=client.SCHEMA)
    table.append(client.rows(1, 6))
    table.delete("id = 2")
    assert scan(catalog, ".".join(table.name())).rows() == [(i, f"n{i}", i / 2) for i in (1, 3, 4, 5, 6)]


def test_renamed_and_dropped(catalog, people, namespace):
    other = f"{namespace[0]}.Ŕenamed"
    catalog.rename_table(people, other)
    assert_frame_equal(scan(catalog, other), ROWS)
    with pytest.raises(NoSuchTableError):
        scan(catalog, people)
    catalog.drop_table(other)
    with pytest.raises(NoSuchTableError):
        scan(catalog, other)


def test_another_spelling_finds_the_table_in_an_insensitive_warehouse():
    with client.own_warehouse(**{"icecat.case-mode": "insensitive"}) as warehouse:
        catalog = client.connect(warehouse=warehouse)
        catalog.create_namespace("Zoo")
        append(catalog, "Zoo.Cats", ROWS, create_if_not_exists=True)
        append(catalog, "zoo.cats", ROWS, create_if_not_exists=True)
        assert catalog.list_tables("ZOO") == [("Zoo", "Cats")]
        assert scan(catalog, "ZOO.CATS").height == 6


def test_writers_at_once_lose_no_row(people):
    """Who loses a race is told so, by PyIceberg when its own tries have run out: what was acknowledged is there once."""
    def write(worker):
        catalog, done = client.connect(), []
        for i in range(5):
            row = 1000 + 10 * worker + i
            with contextlib.suppress(CommitFailedException):
                append(catalog, people, pl.DataFrame({"id": [row], "name": ["w"]}))
                done.append(row)
        return done

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = sorted(row for rows in pool.map(write, range(4)) for row in rows)
    assert scan(client.connect(), people)["id"].to_list() == [1, 2, 3, *done]
    assert len(done) >= 4
