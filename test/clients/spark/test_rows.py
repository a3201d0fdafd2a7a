"""Spark: what changes rows, each statement read back; branches, tags, time travel, v3.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

from icecat_spark import ABC, Refused

MODES = ("copy-on-write", "merge-on-read")


@pytest.fixture(params=[(2, mode) for mode in MODES] + [(3, "merge-on-read")], ids=lambda p: f"v{p[0]}-{p[1]}")
def moded(request, lake):
    """A partitioned table of a format version that writes changes in one of the two ways."""
    version, mode = request.param
    lake.run(
        "CREATE TABLE {t} (id BIGINT, name STRING) USING iceberg PARTITIONED BY (bucket(2, id)) TBLPROPERTIES"
        f" ('format-version' = '{version}', 'write.delete.mode' = '{mode}', 'write.update.mode' = '{mode}',"
        f" 'write.merge.mode' = '{mode}')",
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f')",
    )
    lake.version, lake.mode = version, mode
    yield lake
    lake.check_views()


def delete_formats(lake):
    return {f.lower() for (f,) in lake.sql("SELECT file_format FROM {t}.delete_files")}


# ---- rows ---------------------------------------------------------------------------------------------


def test_delete(moded):
    moded.run("DELETE FROM {t} WHERE id IN (1, 4)")
    assert [row[0] for row in moded.rows()] == [2, 3, 5, 6]
    moded.run("DELETE FROM {t} WHERE name = 'b'", "DELETE FROM {t} WHERE name = 'absent'")
    assert [row[0] for row in moded.rows()] == [3, 5, 6]
    wanted = set() if moded.mode == "copy-on-write" else {"puffin"} if moded.version == 3 else {"parquet"}
    assert delete_formats(moded) == wanted
    moded.run("DELETE FROM {t}")
    assert moded.rows() == []


def test_update(moded):
    moded.run("UPDATE {t} SET name = upper(name) WHERE id > 4")
    assert moded.rows()[3:] == [(4, "d"), (5, "E"), (6, "F")]
    moded.run("UPDATE {t} SET id = id + 10, name = NULL WHERE id = 1")
    assert sorted(row[0] for row in moded.rows()) == [2, 3, 4, 5, 6, 11]


def test_merge(moded):
    moded.run(
        "MERGE INTO {t} AS t USING (SELECT explode(array(2, 4, 7)) AS id) AS s ON t.id = s.id"
        " WHEN MATCHED AND t.id = 2 THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET name = 'merged'"
        " WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, 'new')"
    )
    assert moded.rows() == [(1, "a"), (3, "c"), (4, "merged"), (5, "e"), (6, "f"), (7, "new")]
    moded.run(
        "MERGE INTO {t} AS t USING (SELECT 1L AS id) AS s ON t.id = s.id"
        " WHEN NOT MATCHED BY SOURCE AND t.id < 5 THEN DELETE"
    )
    assert [row[0] for row in moded.rows()] == [1, 5, 6, 7]


def test_compaction_of_changed_rows(moded):
    moded.run("DELETE FROM {t} WHERE id = 1", "UPDATE {t} SET name = 'x' WHERE id = 6")
    before = moded.rows()
    moded.run(
        "CALL lake.system.rewrite_data_files(table => '" + moded.namespace + ".t',"
        " options => map('rewrite-all', 'true', 'remove-dangling-deletes', 'true'))"
    )
    assert moded.rows() == before
    assert moded.one("SELECT count(*) FROM {t}.files WHERE content = 0") <= 2


def test_insert_overwrite(lake):
    lake.run(
        "CREATE TABLE {t} (p INT, v STRING) USING iceberg PARTITIONED BY (p)",
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "INSERT OVERWRITE {t} PARTITION (p = 2) VALUES ('B')",
    )
    assert lake.rows() == [(1, "a"), (2, "B"), (3, "c")]
    lake.spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    lake.run("INSERT OVERWRITE {t} VALUES (3, 'C'), (4, 'D')")
    lake.spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
    assert lake.rows() == [(1, "a"), (2, "B"), (3, "C"), (4, "D")]
    lake.run("INSERT OVERWRITE {t} VALUES (9, 'all')")
    assert lake.rows() == [(9, "all")]
    lake.check_views()


def test_truncate_and_dataframe_append(people):
    people.run("TRUNCATE TABLE {t}")
    assert people.rows() == []
    people.spark.createDataFrame([(7, "g")], "id BIGINT, name STRING").writeTo(people.name()).append()
    assert people.rows() == [(7, "g")]


# ---- branches and tags --------------------------------------------------------------------------------


def test_branches_and_fast_forward(people):
    (first,) = people.snapshots()
    people.run(
        "ALTER TABLE {t} CREATE BRANCH audit RETAIN 7 DAYS WITH SNAPSHOT RETENTION 2 SNAPSHOTS",
        "INSERT INTO {t}.branch_audit VALUES (4, 'd')",
        "DELETE FROM {t}.branch_audit WHERE id = 1",
    )
    assert people.rows() == ABC
    assert people.rows(at=" VERSION AS OF 'audit'") == [(2, "b"), (3, "c"), (4, "d")]
    refs = dict(people.sql("SELECT name, snapshot_id FROM {t}.refs"))
    assert refs["main"] == first != refs["audit"]
    if people.database:
        assert people.view("name, max_ref_age_ms, min_snapshots_to_keep", "refs") == [
            ("audit", 7 * 86400000, 2), ("main", None, None)]
    people.check_views()
    people.run(f"CALL lake.system.fast_forward('{people.namespace}.t', 'main', 'audit')")
    assert people.rows() == [(2, "b"), (3, "c"), (4, "d")]
    people.run("ALTER TABLE {t} DROP BRANCH audit")
    assert people.sql("SELECT name FROM {t}.refs") == [("main",)]
    people.check_views()


def test_tags(people):
    people.run("ALTER TABLE {t} CREATE TAG v1 RETAIN 30 DAYS", "INSERT INTO {t} VALUES (4, 'd')")
    assert people.rows(at=" VERSION AS OF 'v1'") == ABC
    people.run("ALTER TABLE {t} REPLACE TAG v1")
    assert people.rows(at=" VERSION AS OF 'v1'") == [*ABC, (4, "d")]
    with pytest.raises(Refused, match="(?i)already exists"):
        people.run("ALTER TABLE {t} CREATE TAG v1")
    people.run("ALTER TABLE {t} CREATE TAG IF NOT EXISTS v1", "ALTER TABLE {t} DROP TAG v1")
    assert people.sql("SELECT name FROM {t}.refs") == [("main",)]


def test_write_audit_publish(people):
    people.run("ALTER TABLE {t} SET TBLPROPERTIES ('write.wap.enabled' = 'true')")
    people.spark.conf.set("spark.wap.id", "w1")
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    people.spark.conf.unset("spark.wap.id")
    assert people.rows() == ABC
    people.run(f"CALL lake.system.publish_changes('{people.namespace}.t', 'w1')")
    assert people.rows() == [*ABC, (4, "d")]
    people.check_views()


# ---- time travel --------------------------------------------------------------------------------------


def test_time_travel(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')", "DELETE FROM {t} WHERE id < 3")
    one, two, three = people.snapshots()
    times = [t for (t,) in people.sql("SELECT committed_at FROM {t}.snapshots ORDER BY committed_at")]
    assert people.rows(at=f" VERSION AS OF {one}") == ABC
    assert people.rows(at=f" VERSION AS OF {two}") == [*ABC, (4, "d")]
    assert people.rows(at=f" VERSION AS OF {three}") == [(3, "c"), (4, "d")]
    assert people.rows(at=f" TIMESTAMP AS OF '{times[1]}'") == [*ABC, (4, "d")]
    with pytest.raises(Refused, match="(?i)older than"):
        people.rows(at=" TIMESTAMP AS OF '1999-01-01 00:00:00'")


def test_time_travel_with_an_old_schema(people):
    (first,) = people.snapshots()
    people.run("ALTER TABLE {t} DROP COLUMN name", "INSERT INTO {t} VALUES (4)")
    assert people.rows() == [(1,), (2,), (3,), (4,)]
    assert people.rows(at=f" VERSION AS OF {first}") == ABC


# ---- format version 3 ---------------------------------------------------------------------------------


def test_row_lineage(lake):
    lake.run(
        "CREATE TABLE {t} (id BIGINT, name STRING) USING iceberg TBLPROPERTIES ('format-version' = '3')",
        "INSERT INTO {t} SELECT * FROM VALUES (1, 'a'), (2, 'b') AS v (id, name) ORDER BY id",
        "INSERT INTO {t} VALUES (3, 'c')",
        "UPDATE {t} SET name = 'B' WHERE id = 2",
    )
    rows = lake.sql("SELECT id, _row_id, _last_updated_sequence_number FROM {t} ORDER BY id")
    assert len({row_id for _, row_id, _ in rows}) == 3
    assert [sequence for _, _, sequence in rows] == [1, 3, 2]
    if lake.database:
        ((next_row,),) = lake.view("next_row_id", "tables")
        assert next_row > max(row_id for _, row_id, _ in rows)
        assert [first for _, first in lake.view("sequence_number, first_row_id", "snapshots")][:2] == [0, 2]
    lake.check_views()


def test_upgrade_to_v3(people):
    people.run("ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')", "INSERT INTO {t} VALUES (4, 'd')")
    assert people.properties()["format-version"] == "3"
    people.run("DELETE FROM {t} WHERE id = 2")
    assert people.rows() == [(1, "a"), (3, "c"), (4, "d")]
    with pytest.raises(Refused, match="(?i)downgrade"):
        people.run("ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '2')")
    people.check_views()


def test_variant_in_v3(lake):
    lake.run(
        "CREATE TABLE {t} (id INT, v VARIANT) USING iceberg TBLPROPERTIES ('format-version' = '3')",
        "INSERT INTO {t} SELECT 1, parse_json('{\"a\": [1, 2]}')",
    )
    assert lake.sql("SELECT variant_get(v, '$.a[1]', 'int') FROM {t}") == [(2,)]
