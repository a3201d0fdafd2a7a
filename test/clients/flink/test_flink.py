"""Flink: databases, tables, batches, upserts, streams, and what it and PyIceberg read of each other.

SPDX-License-Identifier: PostgreSQL
"""

import threading

import pytest

import icecat_client as client
from icecat_flink import ABC, Lake, Refused

# ---- databases and tables ---------------------------------------------------------------------------------


def test_databases(flink, catalog):
    name = client.unique("flink")
    lake = Lake(flink, name)
    lake.run("CREATE DATABASE {d} COMMENT 'a place' WITH ('team' = 'é')")
    assert catalog.load_namespace_properties(name)["team"] == "é"
    assert [name] in lake.sql("SHOW DATABASES IN lake")
    with pytest.raises(Refused, match="already exists"):
        lake.run("CREATE DATABASE {d}")
    lake.run("CREATE DATABASE IF NOT EXISTS {d}", "ALTER DATABASE {d} SET ('team' = 'b')", "CREATE TABLE {t} (id INT)")
    assert catalog.load_namespace_properties(name)["team"] == "b"
    with pytest.raises(Refused, match="not empty"):
        lake.run("DROP DATABASE {d}")
    lake.run("DROP TABLE {t}", "DROP DATABASE {d}")
    assert not catalog.namespace_exists(name)


def test_namespaces_below_a_base(flink, catalog, namespace):
    """A database of Flink's is one level; base-namespace says below which others."""
    name = client.unique("below")
    flink.attach(name, client.WAREHOUSE, **{"base-namespace": namespace[0]})
    inner = Lake(flink, "inner", name)
    inner.run("CREATE DATABASE {d}", "CREATE TABLE {t} (id INT)", "INSERT INTO {t} VALUES (7)")
    assert (inner.sql(f"SHOW DATABASES IN {name}"), inner.tables(), inner.rows()) == ([["inner"]], ["t"], [[7]])
    assert catalog.list_tables((*namespace, "inner")) == [(*namespace, "inner", "t")]
    flink.command("sql", f"DROP CATALOG {name}")


def test_create_insert_read(people, load):
    assert people.tables() == ["t"]
    assert people.rows() == ABC
    assert [row[:2] for row in people.sql("DESCRIBE {t}")] == [["id", "BIGINT"], ["name", "STRING"]]
    assert client.ids(load()) == [1, 2, 3]
    with pytest.raises(Refused, match="already exists"):
        people.run("CREATE TABLE {t} (id INT)")
    people.run("CREATE TABLE IF NOT EXISTS {t} (id INT)")


def test_all_types(lake, load):
    lake.run("CREATE TABLE {t} (a BOOLEAN, b INT, c BIGINT, d FLOAT, e DOUBLE, f DECIMAL(12, 3), g STRING, h BYTES, i DATE, j TIME,"
             " k TIMESTAMP(6), l TIMESTAMP_LTZ(6), m ARRAY<STRING>, n MAP<STRING, INT>, o ROW<x INT, y STRING>)",
             "INSERT INTO {t} SELECT TRUE, 1, CAST(2 AS BIGINT), CAST(3.5 AS FLOAT), CAST(4.5 AS DOUBLE), CAST(1.234 AS DECIMAL(12, 3)), 'ü',"
             " X'00ff', DATE '2025-01-01', TIME '01:02:03', TIMESTAMP '2025-01-01 00:00:00.123456',"
             " CAST(TIMESTAMP '2025-01-01 00:00:00' AS TIMESTAMP_LTZ(6)), ARRAY['p'], MAP['q', 5], ROW(6, 'z')")
    (row,) = load().scan().to_arrow().to_pylist()
    assert [row[c] for c in "abcdegh"] == [True, 1, 2, 3.5, 4.5, "ü", b"\x00\xff"]
    assert (str(row["f"]), row["m"], row["n"], row["o"]) == ("1.234", ["p"], [("q", 5)], {"x": 6, "y": "z"})
    assert len(lake.rows()) == 1


def test_columns_and_properties_change(people, load):
    people.run("ALTER TABLE {t} ADD (extra INT, place ROW<x INT>)", "ALTER TABLE {t} RENAME name TO label",
               "ALTER TABLE {t} MODIFY extra BIGINT", "ALTER TABLE {t} SET ('team' = 'a', 'x' = 'y')", "ALTER TABLE {t} RESET ('x')",
               "INSERT INTO {t} VALUES (4, 'd', 7000000000, ROW(1))")
    assert [f.name for f in load().schema().fields] == ["id", "label", "extra", "place"]
    assert people.rows()[2:] == [[3, "c", None, None], [4, "d", 7000000000, "+I[1]"]]
    assert (load().properties["team"], "x" in load().properties) == ("a", False)
    people.run("ALTER TABLE {t} DROP (place, label)")
    assert people.rows()[3] == [4, 7000000000]


def test_rename_and_drop(people, catalog, namespace):
    people.run("ALTER TABLE {t} RENAME TO {d}.folk")
    assert people.tables() == ["folk"]
    assert people.sql("SELECT COUNT(*) FROM {d}.folk") == [[3]]
    people.run("DROP TABLE {d}.folk")
    assert catalog.list_tables(namespace) == []
    with pytest.raises(Refused, match="does not exist"):
        people.run("DROP TABLE {d}.folk")
    people.run("DROP TABLE IF EXISTS {d}.folk")


def test_create_table_like_and_as(people, load):
    people.run("CREATE TABLE {d}.copy LIKE {t}", "INSERT INTO {d}.copy SELECT * FROM {t} WHERE id < 3")
    assert client.ids(load("copy")) == [1, 2]
    people.run("CREATE TABLE {d}.made WITH ('format-version' = '2') AS SELECT id * 10 AS id FROM {t}")
    assert client.ids(load("made")) == [10, 20, 30]


def test_another_spelling_finds_the_table_in_an_insensitive_warehouse(flink):
    with client.own_warehouse(**{"icecat.case-mode": "insensitive"}) as warehouse:
        name = client.unique("anycase")
        other = client.connect(warehouse=warehouse)
        other.create_namespace("Zoo")
        other.create_table("Zoo.Cats", schema=client.SCHEMA).append(client.rows(1, 3))
        flink.attach(name, warehouse)
        zoo = Lake(flink, "zoo", name)
        zoo.run("INSERT INTO {d}.cats VALUES (4, 'd', 0.5)")
        assert zoo.sql("SELECT COUNT(*) FROM {d}.CATS") == [[4]]
        assert zoo.tables() == ["Cats"]
        with pytest.raises(Refused, match="already exists"):
            zoo.run("CREATE TABLE {d}.cats (id INT)")
        flink.command("sql", f"DROP CATALOG {name}")


# ---- rows -------------------------------------------------------------------------------------------------


def test_overwrite(people, load):
    people.run("INSERT OVERWRITE {t} VALUES (9, 'z')")
    assert people.rows() == [[9, "z"]]
    assert [s.summary.operation.value for s in load().snapshots()] == ["append", "overwrite"]


def test_partitioned_writes(lake, load):
    lake.run("CREATE TABLE {t} (id BIGINT, kind STRING) PARTITIONED BY (kind)",
             "INSERT INTO {t} VALUES (1, 'x'), (2, 'y'), (3, 'x')", "INSERT INTO {t} PARTITION (kind = 'z') VALUES (4)",
             "INSERT OVERWRITE {t} PARTITION (kind = 'x') VALUES (5)")
    assert lake.rows() == [[2, "y"], [4, "z"], [5, "x"]]
    assert client.ids(load(), row_filter="kind == 'x'") == [5]
    assert [f.name for f in load().spec().fields] == ["kind"]


def test_upserts(lake, load):
    """Equality deletes: a row of the same key replaces the one before."""
    lake.run("CREATE TABLE {t} (id BIGINT NOT NULL, name STRING, PRIMARY KEY (id) NOT ENFORCED)"
             " WITH ('format-version' = '2', 'write.upsert.enabled' = 'true')",
             "INSERT INTO {t} VALUES (1, 'a'), (2, 'b')", "INSERT INTO {t} VALUES (1, 'new'), (3, 'c')")
    assert lake.rows() == [[1, "new"], [2, "b"], [3, "c"]]
    assert load().schema().identifier_field_ids == [1]
    assert load().current_snapshot().summary["added-equality-deletes"] == "2"


def test_time_travel_and_branches(people, load):
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    first, second = load().snapshots()
    with load().manage_snapshots() as snapshots:
        snapshots.create_tag(first.snapshot_id, "before").create_branch(first.snapshot_id, "trial")
    assert people.rows(f" /*+ OPTIONS('snapshot-id' = '{first.snapshot_id}') */") == ABC
    assert people.rows(f" /*+ OPTIONS('as-of-timestamp' = '{second.timestamp_ms - 1}') */") == ABC
    assert people.rows(" /*+ OPTIONS('tag' = 'before') */") == ABC
    people.run("INSERT INTO {t} /*+ OPTIONS('branch' = 'trial') */ VALUES (50, 'branched')")
    assert [i for i, _ in people.rows(" /*+ OPTIONS('branch' = 'trial') */")] == [1, 2, 3, 50]
    assert [i for i, _ in people.rows()] == [1, 2, 3, 4]


def test_what_flink_says_of_snapshots_is_what_the_sql_views_say(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    assert [list(row) for row in client.sql(
        "SELECT snapshot_id, parent_snapshot_id, operation, manifest_list FROM icecat.snapshots"
        " WHERE warehouse = %s AND namespace = %s AND table_name = %s ORDER BY 1", client.WAREHOUSE, [people.database], "t"
    )] == people.sql("SELECT snapshot_id, parent_id, operation, manifest_list FROM {d}.`t$snapshots` ORDER BY 1")


def test_a_stream_is_written_once(flink, people, load):
    """A commit each checkpoint; every row once, and each commit says which checkpoint it was."""
    flink.mode("stream", execution__checkpointing__interval="300 ms")
    try:
        flink.command("sql", "CREATE TEMPORARY TABLE source (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '400',"
                             " 'fields.id.kind' = 'sequence', 'fields.id.start' = '101', 'fields.id.end' = '900')")
        people.run("INSERT INTO {t} SELECT id, 'streamed' FROM source")
    finally:
        flink.mode("batch")
    assert client.ids(load()) == [1, 2, 3, *range(101, 901)]
    streamed = [s.summary for s in load().snapshots() if "flink.max-committed-checkpoint-id" in s.summary.additional_properties]
    assert len(streamed) >= 3
    assert len({s["flink.max-committed-checkpoint-id"] for s in streamed[1:]}) == len(streamed) - 1


def test_a_stream_follows_a_tables_commits(flink, people, load):
    """A streaming read goes on with what another client commits while it runs."""
    row = load().scan(row_filter="id == 1").to_arrow()
    flink.mode("stream", execution__checkpointing__interval="300 ms")
    later = [threading.Timer(seconds, lambda: load().append(row)) for seconds in (4, 6)]
    for timer in later:
        timer.start()
    try:
        found = people.sql("5 SELECT id FROM {t} /*+ OPTIONS('streaming' = 'true', 'monitor-interval' = '200ms',"
                           " 'starting-strategy' = 'TABLE_SCAN_THEN_INCREMENTAL') */", "take")
    finally:
        flink.mode("batch")
        for timer in later:
            timer.join()
    assert sorted(i for (i,) in found) == [1, 1, 1, 2, 3]


# ---- with a second client ---------------------------------------------------------------------------------


def test_flink_reads_what_pyiceberg_wrote(lake, catalog, namespace):
    client.written_by_pyiceberg(catalog, (*namespace, "t"))
    assert lake.rows() == [[i, f"n{i}", i / 2, None] for i in (1, 3, 4, 5)]
    assert lake.sql("SELECT id FROM {t} WHERE name = 'n4'") == [[4]]


def test_both_write_the_same_table(lake, catalog, namespace, load):
    catalog.create_table((*namespace, "t"), schema=client.SCHEMA)
    for i in range(3):
        load().append(client.rows(10 * i, 1))
        lake.run(f"INSERT INTO {{t}} VALUES ({10 * i + 1}, 'flink', 1.5)")
    assert client.ids(load()) == [0, 1, 10, 11, 20, 21]
    assert lake.sql("SELECT COUNT(*) FROM {t}") == [[6]]
    assert [s.sequence_number for s in load().snapshots()] == [1, 2, 3, 4, 5, 6]


def test_what_is_missing_is_said_so(lake):
    with pytest.raises(Refused, match="not found"):
        lake.run("SELECT * FROM {d}.missing")
    with pytest.raises(Refused, match="does not exist"):
        lake.run("CREATE TABLE lake.no_such_database.t (id INT)")
