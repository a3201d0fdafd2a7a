"""Spark: metadata tables and procedures.

SPDX-License-Identifier: PostgreSQL
"""

import os
import threading
import time

import pytest

from icecat_spark import ABC, Refused, path_of


def call(lake, procedure, arguments=""):
    return lake.sql(f"CALL lake.system.{procedure}(table => '{lake.namespace}.t'{arguments})")


# ---- metadata tables ----------------------------------------------------------------------------------


def test_metadata_tables(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')", "DELETE FROM {t} WHERE id = 1")
    snapshots = people.snapshots()
    assert people.sql("SELECT operation FROM {t}.snapshots ORDER BY committed_at")[:2] == [("append",), ("append",)]
    history = people.sql("SELECT snapshot_id, is_current_ancestor FROM {t}.history ORDER BY made_current_at")
    assert history == [(s, True) for s in snapshots]
    assert people.sql("SELECT name, type, snapshot_id FROM {t}.refs") == [("main", "BRANCH", snapshots[-1])]
    log = people.sql("SELECT file, latest_snapshot_id FROM {t}.metadata_log_entries ORDER BY timestamp")
    assert [s for _, s in log] == [None, *snapshots]
    assert len({f for f, _ in log}) == len(log)
    for name in ("files", "entries", "manifests", "partitions", "all_data_files", "all_manifests", "all_entries"):
        assert people.one(f"SELECT count(*) FROM {{t}}.{name}") > 0
    if people.database:
        assert [s for _, s in people.view("ordinal, snapshot_id", "history")] == snapshots
        assert people.view("metadata_location", "tables") == [(log[-1][0],)]
    people.check_views()


# ---- procedures ---------------------------------------------------------------------------------------


def test_expire_snapshots(people):
    data = [path_of(f) for (f,) in people.sql("SELECT file_path FROM {t}.files")]
    people.run("INSERT OVERWRITE {t} VALUES (4, 'd')", "ALTER TABLE {t} CREATE TAG keep")
    people.run("INSERT OVERWRITE {t} VALUES (5, 'e')")
    one, two, three = people.snapshots()
    (old,) = people.sql(f"SELECT manifest_list FROM {{t}}.snapshots WHERE snapshot_id = {one}")[0]
    assert path_of(old).exists() and all(f.exists() for f in data)
    time.sleep(0.01)
    now = people.one("SELECT date_format(current_timestamp(), 'yyyy-MM-dd HH:mm:ss.SSS')")
    ((deleted, *_),) = call(people, "expire_snapshots", f", older_than => TIMESTAMP '{now}', retain_last => 1")
    assert deleted == len(data) and not any(f.exists() for f in data)
    assert people.snapshots() == [two, three]
    assert people.rows() == [(5, "e")]
    assert people.rows(at=" VERSION AS OF 'keep'") == [(4, "d")]
    assert not path_of(old).exists()
    people.check_views()


def test_expire_named_snapshots(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')", "INSERT INTO {t} VALUES (5, 'e')")
    one, two, three = people.snapshots()
    call(people, "expire_snapshots", f", snapshot_ids => array({two}L)")
    assert people.snapshots() == [one, three]
    assert len(people.rows()) == 5
    people.check_views()


def test_rewrite_data_files(people):
    for i in range(4, 8):
        people.run(f"INSERT INTO {{t}} VALUES ({i}, 'x')")
    before = people.rows()
    ((rewritten, added, *_),) = call(people, "rewrite_data_files", ", options => map('min-input-files', '2')")
    assert rewritten >= 5 and added == 1
    assert people.rows() == before
    assert people.one("SELECT count(*) FROM {t}.files") == 1
    assert people.sql("SELECT operation FROM {t}.snapshots ORDER BY committed_at DESC LIMIT 1") == [("replace",)]
    people.check_views()


def test_rewrite_manifests(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')", "INSERT INTO {t} VALUES (5, 'e')")
    ((rewritten, added),) = call(people, "rewrite_manifests")
    assert (rewritten, added) == (3, 1)
    assert len(people.rows()) == 5
    people.check_views()


def test_rollback_and_set_current(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')", "INSERT INTO {t} VALUES (5, 'e')")
    one, two, three = people.snapshots()
    assert call(people, "rollback_to_snapshot", f", snapshot_id => {one}L") == [(three, one)]
    assert people.rows() == ABC
    assert call(people, "set_current_snapshot", f", snapshot_id => {two}L") == [(one, two)]
    assert people.rows() == [*ABC, (4, "d")]
    with pytest.raises(Refused, match="(?i)ancestor"):
        call(people, "rollback_to_snapshot", f", snapshot_id => {three}L")
    people.check_views()


def test_cherrypick(people):
    (first,) = people.snapshots()
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    (_, second) = people.snapshots()
    call(people, "rollback_to_snapshot", f", snapshot_id => {first}L")
    call(people, "cherrypick_snapshot", f", snapshot_id => {second}L")
    assert people.rows() == [*ABC, (4, "d")]


def test_remove_orphan_files_finds_only_the_orphan(people):
    people.run("INSERT INTO {t} VALUES (4, 'd')")
    (file,) = people.sql("SELECT file_path FROM {t}.files LIMIT 1")[0]
    data = path_of(file).parent
    orphan = data / "orphan.parquet"
    orphan.write_bytes(b"nobody's")
    long_ago = time.time() - 10 * 86400
    for path in data.parent.rglob("*"):
        if path.is_file():
            os.utime(path, (long_ago, long_ago))
    found = call(people, "remove_orphan_files", ", dry_run => true")
    assert [path_of(f) for (f,) in found] == [orphan]
    assert orphan.exists()
    call(people, "remove_orphan_files")
    assert not orphan.exists()
    assert people.rows() == [*ABC, (4, "d")]


def test_statistics(people):
    people.run("ALTER TABLE {t} ADD PARTITION FIELD id", "INSERT INTO {t} VALUES (4, 'd')")
    snapshots = people.snapshots()
    files = [call(people, procedure)[0][0] for procedure in ("compute_table_stats", "compute_partition_stats")]
    assert all(path_of(file).exists() for file in files)
    if people.database:
        metadata = people.metadata()
        assert [(s["snapshot-id"], s["statistics-path"]) for s in metadata["statistics"]] == [(snapshots[-1], files[0])]
        assert [s["statistics-path"] for s in metadata["partition-statistics"]] == [files[1]]
    assert people.snapshots() == snapshots
    assert people.rows() == [*ABC, (4, "d")]


def test_two_writers_race(people):
    """Appends of two threads to one table: each succeeds, none is lost."""
    failures = []

    def write(first):
        for i in range(first, first + 4):
            try:
                people.sql(f"INSERT INTO {{t}} VALUES ({i}, 'r')")
            except Exception as error:  # noqa: BLE001 - reported below
                failures.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in (10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [row[0] for row in people.rows()] == [1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert len(people.snapshots()) == 9
    people.check_views()
