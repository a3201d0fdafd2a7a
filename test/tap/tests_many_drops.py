"""Many drops with purge at once: the queue drains, a slow table does not hold the others, and no file of a neighbour changes.

ICECAT_DROPS says how many: 300 without it, 10,000 in ./check drops."""
# SPDX-License-Identifier: PostgreSQL
import hashlib
import os
import shutil
import subprocess
import time

import avro
from expectations import expect, expect_equal

DROPS = int(os.environ.get("ICECAT_DROPS", "300"))
SLOW_FILES = 20000  # more than one slice deletes, on a quick disk, too
NEIGHBOURS = 20
COPIES = 20
SETTINGS = ["icecat.purge_turn_s = 1", "fsync = off", "max_locks_per_transaction = 256"]
WAIT_S = 120 + DROPS // 20
TABLES = "SELECT table_name, location FROM icecat.tables WHERE warehouse = '%s' AND table_name LIKE '%s%%' ORDER BY 1"
SNAPSHOTS = """SELECT count(icecat.commit_table('%s', '{ns}', table_name, '[]', json_build_array(json_build_object('action', 'add-snapshot', 'snapshot', json_build_object(
	'snapshot-id', 1, 'sequence-number', 1, 'timestamp-ms', (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'manifest-list', location || '/metadata/snap.avro', 'summary', json_build_object('operation', 'append'),
	'schema-id', 0)), json_build_object('action', 'set-snapshot-ref', 'ref-name', 'main', 'type', 'branch', 'snapshot-id', 1))))
	FROM icecat.tables WHERE warehouse = '%s' AND table_name LIKE '%s%%'"""
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'


def make(c, warehouse, prefix, count, files=1):
    """Tables of a snapshot with data files, a manifest and a manifest list; where they lie."""
    c.sql("SELECT count(icecat.create_table('%s', '{ns}', '%s' || i, '%s')) FROM generate_series(1, %d) AS i" % (warehouse, prefix, SCHEMA, count))
    places = [line.split("|")[1][len("file://"):] for line in c.sql(TABLES % (warehouse, prefix)).splitlines()]
    for place in places:
        paths = ["%s/data/p=%d/f.parquet" % (place, i) for i in range(files)]
        for path in paths:
            os.makedirs(os.path.dirname(path))
            with open(path, "w") as file:
                file.write(path)
        avro.manifest(place + "/metadata/m.avro", ["file://" + path for path in paths], in_block=200)
        avro.manifest_list(place + "/metadata/snap.avro", ["file://%s/metadata/m.avro" % place])
    if c.user:
        subprocess.run(["chown", "-R", c.user, "%s/%s" % (c.files, warehouse)], check=True)
    c.sql("SET icecat.metadata_queue_max = 1000000; " + SNAPSHOTS % (warehouse, warehouse, prefix))
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'", "0", seconds=WAIT_S), "all metadata files are written")
    return places


def sums(places):
    """What is in every file below some folders."""
    found = {}
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


def test_many_drops(c):
    for name in ("w", "v"):
        c.make_warehouse(name)
    dropped = make(c, "w", "drop_", DROPS)
    slow = make(c, "w", "slow_", 1, SLOW_FILES)
    copied = make(c, "w", "copied_", COPIES)
    kept = make(c, "w", "kept_", NEIGHBOURS) + make(c, "v", "other_", NEIGHBOURS)
    c.allow_overlap("v")
    c.sql("SELECT count(icecat.register_table('v', '{ns}', table_name, metadata_location)) FROM icecat.tables WHERE warehouse = 'w' AND table_name LIKE 'copied\\_%'")
    # A stray file in the very folder of the warehouse, and one of a table whose manifest a dropped one names.
    with open(c.files + "/w/stray.txt", "w") as file:
        file.write("stray")
    avro.manifest(dropped[0] + "/metadata/m.avro", ["file://%s/data/p=0/f.parquet" % place for place in (dropped[0], kept[0])] + ["file://%s/w/stray.txt" % c.files])
    if c.user:
        shutil.chown(dropped[0] + "/metadata/m.avro", c.user)
    before = sums(kept + copied)
    expect(len(before) >= (2 * NEIGHBOURS + COPIES) * 5, "there is something to compare", len(before))

    began = time.monotonic()
    # In one transaction: all purges begin at one time.
    c.sql("BEGIN; SELECT icecat.drop_table('w', '{ns}', 'slow_1', true);"
          "SELECT count(icecat.drop_table('w', '{ns}', table_name, true)) FROM icecat.tables WHERE warehouse = 'w' AND (table_name LIKE 'drop\\_%' OR table_name LIKE 'copied\\_%'); COMMIT")
    waited = 0.0
    while os.path.isdir(slow[0]) and waited < WAIT_S:
        left = sum(os.path.isdir(place) for place in dropped[:100])
        if left == 0:
            break
        time.sleep(0.2)
        waited = time.monotonic() - began
    expect(os.path.isdir(slow[0]), "the slow one is still at it when the first hundred are gone", waited)
    at = time.monotonic()
    c.sql("SELECT icecat.commit_table('v', '{ns}', 'other_1', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]') IS NOT NULL")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'", "0", seconds=20), "a commit gets its file meanwhile")
    beside = time.monotonic() - at
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=WAIT_S), "the queue drains", c.sql("SELECT * FROM icecat.worker_status()"))
    print("%d drops with purge: %.1f s; a commit's file beside them: %.2f s" % (DROPS, time.monotonic() - began, beside))

    expect_equal([place for place in dropped + slow if os.path.exists(place)], [], "what was dropped is gone")
    after = sums(kept + copied)
    expect_equal([path for path in before if after.get(path) != before[path]], [], "every file of the neighbours, of the other warehouse's and of the copies is as it was")
    expect(os.path.exists(c.files + "/w/stray.txt"), "so is a file of nobody's")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.location l WHERE NOT EXISTS (SELECT FROM icecat_data.relation r WHERE r.relation_id = l.object_id)"), "0",
                 "no place is kept for what is gone")
