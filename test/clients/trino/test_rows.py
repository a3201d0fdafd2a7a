"""Trino: rows, snapshots, maintenance, and what Trino and PyIceberg read of each other.

SPDX-License-Identifier: PostgreSQL
"""

import concurrent.futures

import pytest

import icecat_client as client
from icecat_trino import ABC, Refused


def test_insert_update_delete_merge(people, load):
    people.run("UPDATE {t} SET name = 'new' WHERE id = 1", "DELETE FROM {t} WHERE id = 2",
               """MERGE INTO {t} AS t USING (VALUES (3, 'merged'), (9, 'added')) AS s(id, name) ON t.id = s.id
                  WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)""")
    assert people.rows() == [[1, "new"], [3, "merged"], [9, "added"]]
    assert client.ids(load()) == [1, 3, 9]
    assert [s.summary.operation.value for s in load().snapshots()] == ["append", "append", "overwrite", "delete", "overwrite"]
    people.run("TRUNCATE TABLE {t}")
    assert people.rows() == []


def test_partitioned_writes(lake, load):
    lake.run("CREATE TABLE {t} (id bigint, kind varchar, at timestamp(6)) WITH (partitioning = ARRAY['kind', 'day(at)', 'truncate(id, 10)'])",
             "INSERT INTO {t} SELECT id, element_at(ARRAY['x', 'y'], CAST(id % 2 AS integer) + 1),"
             " TIMESTAMP '2025-01-01 12:00:00' + id * INTERVAL '8' HOUR FROM UNNEST(sequence(0, 29)) AS u(id)")
    assert lake.one("SELECT count(*) FROM {t} WHERE kind = 'x' AND at < TIMESTAMP '2025-01-03 00:00:00'") == 3
    assert client.ids(load(), row_filter="kind == 'y' and id >= 20") == [21, 23, 25, 27, 29]
    lake.run("DELETE FROM {t} WHERE kind = 'x'")    # whole partitions: no delete files
    assert load().current_snapshot().summary["deleted-records"] == "15"
    assert lake.one(f"SELECT sum(record_count) FROM {lake.inside('partitions')}") == 15


def test_time_travel(people, load):
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    _, first, second = load().snapshots()    # the first of all has no rows: Trino made the table with it
    with load().manage_snapshots() as snapshots:
        snapshots.create_tag(first.snapshot_id, "before")
    assert people.rows(f" FOR VERSION AS OF {first.snapshot_id}") == ABC
    assert people.rows(" FOR VERSION AS OF 'before'") == ABC
    at = f"from_unixtime_nanos({second.timestamp_ms - 1} * BIGINT '1000000')"
    assert people.rows(f" FOR TIMESTAMP AS OF {at}") == ABC
    changes = people.sql(f"SELECT id, _change_type FROM TABLE(lake.system.table_changes('{people.schema}', 't',"
                         f" {first.snapshot_id}, {second.snapshot_id}))")
    assert changes == [[4, "insert"]]
    people.run(f"ALTER TABLE {{t}} EXECUTE rollback_to_snapshot({first.snapshot_id})")
    assert people.rows() == ABC
    assert load().metadata.current_snapshot_id == first.snapshot_id


def test_what_trino_says_of_snapshots_is_what_the_sql_views_say(people, load):
    people.run("UPDATE {t} SET name = 'z' WHERE id = 1")
    named = (client.WAREHOUSE, [people.schema], "t")
    where = " WHERE warehouse = %s AND namespace = %s AND table_name = %s ORDER BY 1"
    assert [list(row) for row in client.sql(
        "SELECT snapshot_id, parent_snapshot_id, operation, manifest_list FROM icecat.snapshots" + where, *named)] == people.sql(
        f"SELECT snapshot_id, parent_id, operation, manifest_list FROM {people.inside('snapshots')} ORDER BY 1")
    assert [list(row) for row in client.sql("SELECT name, upper(type), snapshot_id FROM icecat.refs" + where, *named)] == people.sql(
        f"SELECT name, type, snapshot_id FROM {people.inside('refs')} ORDER BY 1")
    files = [file for (file,) in people.sql(f"SELECT file FROM {people.inside('metadata_log_entries')}")]
    assert files[-1] == load().metadata_location
    assert people.one(f"SELECT sum(record_count) FROM {people.inside('files')} WHERE content = 0") == 4


def test_maintenance(server, people, load):
    for i in range(4, 8):
        people.run(f"INSERT INTO {{t}} VALUES ({i}, 'n')")
    people.run("DELETE FROM {t} WHERE id = 4", "ALTER TABLE {t} EXECUTE optimize")
    assert people.one(f"SELECT count(*) FROM {people.inside('files')}") == 1
    assert [i for i, _ in people.rows()] == [1, 2, 3, 5, 6, 7]
    people.run("ANALYZE {t}")
    assert load().current_snapshot().snapshot_id in {s.snapshot_id for s in load().metadata.statistics}
    counted = {column: values for column, *values in people.sql("SHOW STATS FOR {t}")}
    assert counted["id"][1] == 6.0
    expire(server, people)
    assert len(load().snapshots()) == 1
    assert client.ids(load()) == [1, 2, 3, 5, 6, 7]
    people.run("ALTER TABLE {t} EXECUTE optimize_manifests", "ALTER TABLE {t} EXECUTE drop_extended_stats")
    assert load().metadata.statistics == []


def expire(server, people):
    """Expires and looks for orphans at once, where a real table waits a week."""
    import trino
    connection = trino.dbapi.connect(host="127.0.0.1", port=server.port, user="icecat", timezone="UTC")
    cursor = connection.cursor()
    for statement in ("SET SESSION lake.expire_snapshots_min_retention = '0s'", "SET SESSION lake.remove_orphan_files_min_retention = '0s'",
                      f"ALTER TABLE lake.{people.schema}.t EXECUTE expire_snapshots(retention_threshold => '0s')",
                      f"ALTER TABLE lake.{people.schema}.t EXECUTE remove_orphan_files(retention_threshold => '0s')"):
        cursor.execute(statement)
        cursor.fetchall()
    connection.close()


def test_inserts_at_once_lose_no_row(people):
    """Trino retries a commit that lost its race; what it acknowledged is there once."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: people.run(f"INSERT INTO {{t}} VALUES ({100 + i}, 'w')"), range(12)))
    assert [i for i, _ in people.rows()] == [1, 2, 3, *range(100, 112)]


def test_trino_reads_what_pyiceberg_wrote(lake, catalog, namespace):
    client.written_by_pyiceberg(catalog, (*namespace, "t"))
    assert lake.rows() == [[i, f"n{i}", i / 2, None] for i in (1, 3, 4, 5)]
    assert lake.sql("SELECT id FROM {t} WHERE name = 'n4'") == [[4]]
    assert lake.sql("SELECT name FROM {t} WHERE id = 5") == [["n5"]]


def test_pyiceberg_reads_what_trino_wrote(people, load):
    people.run("DELETE FROM {t} WHERE id = 2", "ALTER TABLE {t} ADD COLUMN extra double", "INSERT INTO {t} VALUES (4, 'd', 1.5)")
    assert sorted(load().scan().to_arrow().to_pylist(), key=lambda row: row["id"]) == [
        {"id": 1, "name": "a", "extra": None}, {"id": 3, "name": "c", "extra": None}, {"id": 4, "name": "d", "extra": 1.5}]


def test_both_write_the_same_table(lake, catalog, namespace, load):
    catalog.create_table((*namespace, "t"), schema=client.SCHEMA)
    for i in range(3):
        load().append(client.rows(10 * i, 1))
        lake.run(f"INSERT INTO {{t}} VALUES ({10 * i + 1}, 'trino', 1.5)")
    assert client.ids(load()) == [0, 1, 10, 11, 20, 21]
    assert lake.one("SELECT count(*) FROM {t}") == 6
    assert [s.sequence_number for s in load().snapshots()] == [1, 2, 3, 4, 5, 6]


def test_what_is_missing_is_said_so(lake):
    with pytest.raises(Refused, match="TABLE_NOT_FOUND"):
        lake.run("SELECT * FROM {s}.missing")
    with pytest.raises(Refused, match="SCHEMA_NOT_FOUND|NOT_FOUND"):
        lake.run("CREATE TABLE lake.no_such_schema.t (id bigint)")
