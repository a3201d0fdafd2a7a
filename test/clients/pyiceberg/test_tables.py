"""Tables through PyIceberg: life, rows, evolution, branches, snapshots.

SPDX-License-Identifier: PostgreSQL
"""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.exceptions import (
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import GreaterThanOrEqual
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, MonthTransform
from pyiceberg.types import (
    DateType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
)

import icecat_client as client

EVENTS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "day", DateType(), required=True),
    NestedField(3, "kind", StringType()),
)


def events(first, count, kind="a"):
    ids = list(range(first, first + count))
    days = [dt.date(2025, 1, 1) + dt.timedelta(days=i) for i in ids]
    return pa.table(
        {"id": ids, "day": days, "kind": [kind] * count},
        schema=pa.schema(
            [
                pa.field("id", pa.int64(), nullable=False),
                pa.field("day", pa.date32(), nullable=False),
                pa.field("kind", pa.string()),
            ]
        ),
    )


# ---- life ---------------------------------------------------------------------------------------------


def test_create_load_list_drop(catalog, namespace):
    name = (*namespace, "t")
    table = catalog.create_table(name, schema=client.SCHEMA, properties={"note": "first"})
    assert table.schema().as_struct() == client.SCHEMA.as_struct()
    loaded = catalog.load_table(name)
    assert loaded.metadata.table_uuid == table.metadata.table_uuid
    assert loaded.metadata_location == table.metadata_location
    assert loaded.properties["note"] == "first"
    assert loaded.current_snapshot() is None
    assert catalog.list_tables(namespace) == [name]
    catalog.drop_table(name)
    assert not catalog.table_exists(name)
    assert catalog.list_tables(namespace) == []
    with pytest.raises(NoSuchTableError):
        catalog.load_table(name)
    with pytest.raises(NoSuchTableError):
        catalog.drop_table(name)


def test_create_twice_is_refused(catalog, table):
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table(table.name(), schema=client.SCHEMA)


def test_create_in_missing_namespace(catalog):
    with pytest.raises(NoSuchNamespaceError):
        catalog.create_table((client.unique("missing"), "t"), schema=client.SCHEMA)


def test_dropped_name_is_free_and_new_table_is_empty(catalog, namespace, table):
    table.append(client.rows(1, 3))
    catalog.drop_table(table.name())
    again = catalog.create_table(table.name(), schema=client.SCHEMA)
    assert again.metadata.table_uuid != table.metadata.table_uuid
    assert again.location() != table.location()
    assert client.ids(again) == []


def test_many_tables_are_listed(catalog, namespace):
    names = {(*namespace, f"t{i:02}") for i in range(25)}
    for name in names:
        catalog.create_table(name, schema=client.SCHEMA)
    assert set(catalog.list_tables(namespace)) == names


def test_rename(catalog, namespace, table):
    other = (*namespace, "inner")
    catalog.create_namespace(other)
    table.append(client.rows(1, 2))
    catalog.rename_table(table.name(), (*namespace, "renamed"))
    assert not catalog.table_exists(table.name())
    renamed = catalog.load_table((*namespace, "renamed"))
    assert renamed.metadata.table_uuid == table.metadata.table_uuid
    catalog.rename_table((*namespace, "renamed"), (*other, "moved"))
    moved = catalog.load_table((*other, "moved"))
    moved.append(client.rows(3, 1))
    assert client.ids(moved) == [1, 2, 3]
    assert catalog.list_tables(namespace) == []


def test_rename_onto_a_table_is_refused(catalog, namespace, table):
    taken = catalog.create_table((*namespace, "taken"), schema=client.SCHEMA)
    with pytest.raises(TableAlreadyExistsError):
        catalog.rename_table(table.name(), taken.name())
    assert catalog.table_exists(table.name())


def test_rename_of_a_missing_table(catalog, namespace):
    with pytest.raises(NoSuchTableError):
        catalog.rename_table((*namespace, "missing"), (*namespace, "any"))


def test_purge_removes_the_files(catalog, namespace, table):
    table.append(client.rows(1, 5))
    table.append(client.rows(6, 5))
    data = [client.path_of(f.file.file_path) for f in table.scan().plan_files()]
    manifests = [client.path_of(s.manifest_list) for s in table.snapshots()]
    assert all(f.exists() for f in data + manifests)
    catalog.purge_table(table.name())
    assert not catalog.table_exists(table.name())
    assert client.wait_until(lambda: not any(f.exists() for f in data + manifests)), "files are left"


def test_drop_keeps_the_files(catalog, table):
    table.append(client.rows(1, 5))
    data = [client.path_of(f.file.file_path) for f in table.scan().plan_files()]
    catalog.drop_table(table.name())
    assert all(f.exists() for f in data)


def test_register(catalog, namespace, table):
    table.append(client.rows(1, 4))
    location = catalog.load_table(table.name()).metadata_location
    catalog.drop_table(table.name())
    registered = catalog.register_table((*namespace, "again"), location)
    assert registered.metadata_location == location
    assert client.ids(registered) == [1, 2, 3, 4]
    registered.append(client.rows(5, 1))
    assert client.ids(catalog.load_table(registered.name())) == [1, 2, 3, 4, 5]
    with pytest.raises(TableAlreadyExistsError):
        catalog.register_table((*namespace, "again"), location)


def test_metadata_file_appears(catalog, table):
    table.append(client.rows(1, 1))
    file = client.path_of(catalog.load_table(table.name()).metadata_location)
    assert client.wait_until(file.exists), f"{file} was not written"


def test_staged_create(catalog, namespace):
    name = (*namespace, "staged")
    with catalog.create_table_transaction(name, schema=client.SCHEMA) as transaction:
        assert not catalog.table_exists(name)
        transaction.set_properties(origin="staged")
        transaction.append(client.rows(1, 3))
    table = catalog.load_table(name)
    assert table.properties["origin"] == "staged"
    assert client.ids(table) == [1, 2, 3]
    assert len(table.snapshots()) == 1


def test_staged_create_loses_against_a_table(catalog, namespace):
    name = (*namespace, "staged")
    transaction = catalog.create_table_transaction(name, schema=client.SCHEMA)
    winner = catalog.create_table(name, schema=client.SCHEMA)
    with pytest.raises(Exception) as error:
        transaction.commit_transaction()
    assert type(error.value).__name__ in ("CommitFailedException", "TableAlreadyExistsError")
    assert catalog.load_table(name).metadata.table_uuid == winner.metadata.table_uuid


def test_location_of_the_client(catalog, namespace, table):
    location = table.location().rstrip("/") + "-of-my-own"
    mine = catalog.create_table((*namespace, "mine"), schema=client.SCHEMA, location=location)
    assert mine.location() == location
    mine.append(client.rows(1, 1))
    assert client.ids(mine) == [1]


# ---- rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2"])
def test_format_versions(catalog, namespace, version):
    table = catalog.create_table(
        (*namespace, f"v{version}"), schema=client.SCHEMA, properties={"format-version": version}
    )
    assert table.format_version == int(version)
    table.append(client.rows(1, 3))
    table.append(client.rows(4, 2))
    loaded = catalog.load_table(table.name())
    assert loaded.format_version == int(version)
    assert client.ids(loaded) == [1, 2, 3, 4, 5]


def test_format_version_3(catalog, namespace):
    """PyIceberg reads version 3 but doesn't write rows to it: the DuckDB suite does."""
    table = catalog.create_table(
        (*namespace, "v3"), schema=client.SCHEMA, properties={"format-version": "3"}
    )
    with table.update_schema() as update:
        update.add_column("extra", StringType())
    loaded = catalog.load_table(table.name())
    assert loaded.format_version == 3
    assert loaded.metadata.next_row_id == 0
    assert client.ids(loaded) == []


def test_format_upgrade(catalog, namespace, rest):
    table = catalog.create_table(
        (*namespace, "t"), schema=client.SCHEMA, properties={"format-version": "1"}
    )
    table.append(client.rows(1, 2))
    with table.transaction() as transaction:
        transaction.upgrade_table_version(2)
    table.append(client.rows(3, 2))
    assert catalog.load_table(table.name()).format_version == 2
    answer = rest.call(
        "POST",
        rest.table(namespace, "t"),
        {"requirements": [], "updates": [{"action": "upgrade-format-version", "format-version": 3}]},
    )
    assert answer.status_code == 200, answer.text
    loaded = catalog.load_table(table.name())
    assert loaded.format_version == 3
    assert client.ids(loaded) == [1, 2, 3, 4]


def test_format_downgrade_is_refused(catalog, table, rest):
    answer = rest.call(
        "POST",
        rest.table(table.name()[:-1], table.name()[-1]),
        {"requirements": [], "updates": [{"action": "upgrade-format-version", "format-version": 1}]},
    )
    assert answer.status_code == 400, answer.text
    assert catalog.load_table(table.name()).format_version == 2


def test_append_overwrite_delete(catalog, table):
    table.append(client.rows(1, 4))
    table.overwrite(client.rows(11, 2), overwrite_filter="id <= 2")
    assert client.ids(table) == [3, 4, 11, 12]
    table.delete("id = 3")
    assert client.ids(table) == [4, 11, 12]
    table.overwrite(client.rows(21, 1))
    assert client.ids(catalog.load_table(table.name())) == [21]
    operations = [s.summary.operation.value for s in catalog.load_table(table.name()).snapshots()]
    assert operations[0] == "append"
    assert {"overwrite", "delete"} & set(operations)


def test_upsert(catalog, table):
    table.append(client.rows(1, 3))
    result = table.upsert(client.rows(2, 3, name="new"))
    assert (result.rows_updated, result.rows_inserted) == (2, 1)
    names = catalog.load_table(table.name()).scan().to_arrow().sort_by("id")["name"].to_pylist()
    assert names == ["n1", "new2", "new3", "new4"]


def test_dynamic_partition_overwrite(catalog, namespace):
    table = catalog.create_table(
        (*namespace, "t"),
        schema=EVENTS,
        partition_spec=PartitionSpec(PartitionField(3, 1000, IdentityTransform(), "kind")),
    )
    table.append(events(1, 2, "a"))
    table.append(events(11, 2, "b"))
    table.dynamic_partition_overwrite(events(21, 1, "a"))
    assert client.ids(catalog.load_table(table.name())) == [11, 12, 21]


def test_several_changes_in_one_commit(catalog, table):
    with table.transaction() as transaction:
        transaction.set_properties(stage="loaded")
        with transaction.update_schema() as update:
            update.add_column("extra", LongType())
        transaction.append(client.rows(1, 2).append_column("extra", pa.array([7, 8], pa.int64())))
    loaded = catalog.load_table(table.name())
    assert loaded.properties["stage"] == "loaded"
    assert loaded.scan().to_arrow()["extra"].to_pylist() == [7, 8]
    assert len(loaded.metadata.metadata_log) == 1


def test_add_files(catalog, namespace):
    other = catalog.create_table((*namespace, "other"), schema=client.SCHEMA)
    other.append(client.rows(1, 3))
    file = next(iter(other.scan().plan_files())).file.file_path
    # Files that carry field ids are refused, so write a plain one beside it.
    plain = file.rsplit("/", 1)[0] + "/plain.parquet"
    with client.path_of(plain).open("wb") as out:
        pq.write_table(client.rows(4, 3), out)
    other.add_files([plain])
    assert client.ids(catalog.load_table(other.name())) == [1, 2, 3, 4, 5, 6]


# ---- evolution ----------------------------------------------------------------------------------------


def test_schema_evolution(catalog, namespace):
    table = catalog.create_table(
        (*namespace, "t"),
        schema=Schema(
            NestedField(1, "id", LongType(), required=True),
            NestedField(2, "small", IntegerType()),
            NestedField(3, "old_name", StringType()),
            NestedField(4, "goes", StringType()),
        ),
    )
    arrow = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("small", pa.int32()),
            pa.field("old_name", pa.string()),
            pa.field("goes", pa.string()),
        ]
    )
    table.append(pa.table({"id": [1], "small": [2], "old_name": ["x"], "goes": ["y"]}, schema=arrow))
    with table.update_schema() as update:
        update.add_column("added", StringType(), doc="says why")
        update.rename_column("old_name", "new_name")
        update.update_column("small", field_type=LongType())
        update.delete_column("goes")
        update.move_first("added")
    with table.update_schema() as update:
        update.add_column(
            "nested",
            StructType(
                NestedField(0, "tags", ListType(0, StringType(), element_required=False)),
                NestedField(0, "counts", MapType(0, StringType(), 0, LongType(), value_required=False)),
            ),
        )
    with table.update_schema() as update:
        update.add_column(("nested", "late"), LongType())
    loaded = catalog.load_table(table.name())
    assert [f.name for f in loaded.schema().fields] == ["added", "id", "small", "new_name", "nested"]
    assert len(loaded.schemas()) == 4
    assert len({f.field_id for s in loaded.schemas().values() for f in s.fields}) == 6
    (row,) = loaded.scan().to_arrow().to_pylist()
    assert row == {"added": None, "id": 1, "small": 2, "new_name": "x", "nested": None}


def test_a_schema_of_before_is_found_again(catalog, table):
    with table.update_schema() as update:
        update.add_column("temporary", StringType())
    with table.update_schema() as update:
        update.delete_column("temporary")
    loaded = catalog.load_table(table.name())
    assert loaded.schema().schema_id == 0
    assert len(loaded.schemas()) == 2
    assert loaded.metadata.last_column_id == 4


def test_partition_evolution(catalog, namespace):
    table = catalog.create_table((*namespace, "t"), schema=EVENTS)
    table.append(events(1, 3))
    with table.update_spec() as update:
        update.add_field("day", MonthTransform(), "month")
    table.append(events(11, 3))
    with table.update_spec() as update:
        update.remove_field("month")
        update.add_field("day", DayTransform(), "by_day")
        update.add_field("id", BucketTransform(4), "id_bucket")
    table.append(events(41, 3))
    with table.update_spec() as update:
        update.rename_field("by_day", "daily")
    loaded = catalog.load_table(table.name())
    assert [f.name for f in loaded.spec().fields] == ["daily", "id_bucket"]
    assert len(loaded.specs()) == 4
    assert loaded.last_partition_id() == 1002
    assert client.ids(loaded) == [1, 2, 3, 11, 12, 13, 41, 42, 43]
    assert client.ids(loaded, row_filter=GreaterThanOrEqual("day", "2025-01-13")) == [12, 13, 41, 42, 43]


def test_sort_order(catalog, namespace):
    order = SortOrder(SortField(2, IdentityTransform(), SortDirection.DESC, NullOrder.NULLS_LAST))
    table = catalog.create_table((*namespace, "t"), schema=EVENTS, sort_order=order)
    assert table.sort_order().fields == order.fields
    with table.update_sort_order() as update:
        update.asc("id", IdentityTransform())
    loaded = catalog.load_table(table.name())
    assert [f.source_id for f in loaded.sort_order().fields] == [1]
    assert len(loaded.sort_orders()) == 2


def test_properties(catalog, table):
    with table.transaction() as transaction:
        transaction.set_properties({"a": "1", "b": "zwei", "with space": "x"})
    with table.transaction() as transaction:
        transaction.remove_properties("a")
        transaction.set_properties({"b": "2"})
    properties = catalog.load_table(table.name()).properties
    assert "a" not in properties
    assert properties["b"] == "2"
    assert properties["with space"] == "x"


def test_statistics_of_64_bit_ids_survive(catalog, table):
    """Snapshot ids are 63 bits wide; none may lose a digit on the way."""
    for i in range(5):
        table.append(client.rows(i, 1))
    sent = [s.snapshot_id for s in table.snapshots()]
    assert [s.snapshot_id for s in catalog.load_table(table.name()).snapshots()] == sent
    assert any(i > 2**53 for i in sent)


# ---- branches, tags, snapshots --------------------------------------------------------------------------


def test_branches_and_tags(catalog, table):
    table.append(client.rows(1, 2))
    first = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_tag(first, "v1").create_branch(
        first, "dev", max_ref_age_ms=86400000, min_snapshots_to_keep=2
    ).commit()
    dev = catalog.load_table(table.name()).refs()["dev"]
    assert (dev.max_ref_age_ms, dev.min_snapshots_to_keep) == (86400000, 2)
    table.append(client.rows(3, 1), branch="dev")
    table.append(client.rows(4, 1))
    loaded = catalog.load_table(table.name())
    assert client.ids(loaded) == [1, 2, 4]
    assert sorted(loaded.scan().use_ref("dev").to_arrow()["id"].to_pylist()) == [1, 2, 3]
    assert sorted(loaded.scan().use_ref("v1").to_arrow()["id"].to_pylist()) == [1, 2]
    loaded.manage_snapshots().remove_tag("v1").remove_branch("dev").commit()
    assert set(catalog.load_table(table.name()).refs()) == {"main"}


def test_rollback(catalog, table):
    table.append(client.rows(1, 1))
    first = table.current_snapshot().snapshot_id
    table.append(client.rows(2, 1))
    table.manage_snapshots().rollback_to_snapshot(first).commit()
    loaded = catalog.load_table(table.name())
    assert client.ids(loaded) == [1]
    assert [entry.snapshot_id for entry in loaded.history()][-1] == first
    assert len(loaded.snapshots()) == 2


def test_time_travel(catalog, table):
    seen = []
    for i in range(3):
        table.append(client.rows(i, 1))
        seen.append(table.current_snapshot().snapshot_id)
    loaded = catalog.load_table(table.name())
    assert client.ids(loaded, snapshot_id=seen[0]) == [0]
    assert client.ids(loaded, snapshot_id=seen[1]) == [0, 1]
    assert [s.snapshot_id for s in loaded.snapshots()] == seen
    assert [s.sequence_number for s in loaded.snapshots()] == [1, 2, 3]


def test_expire_snapshots(catalog, table):
    for i in range(4):
        table.append(client.rows(i, 1))
    old = [s.snapshot_id for s in table.snapshots()][:2]
    table.maintenance.expire_snapshots().by_ids(old).commit()
    loaded = catalog.load_table(table.name())
    assert len(loaded.snapshots()) == 2
    assert not set(old) & {s.snapshot_id for s in loaded.snapshots()}
    assert client.ids(loaded) == [0, 1, 2, 3]


def test_inspect_tables(catalog, table):
    table.append(client.rows(1, 2))
    table.append(client.rows(3, 2))
    loaded = catalog.load_table(table.name())
    assert loaded.inspect.snapshots().num_rows == 2
    assert loaded.inspect.files().num_rows == 2
    assert loaded.inspect.history().num_rows == 2
    assert loaded.inspect.metadata_log_entries().num_rows == 3
