"""A drop with purge deletes the table's files, all of them and no other table's, also after failures."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import subprocess
import time

import avro
from expectations import expect, expect_equal

SNAPSHOT = ('{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"sequence-number":%d,'
            '"timestamp-ms":%d,"manifest-list":"%s","summary":{"operation":"append"},"schema-id":0}}')
SET_MAIN = ('{"action":"set-snapshot-ref","ref-name":"main","type":"branch","snapshot-id":%d}')


def touch(c, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write("data")


def own(c):
    """Files made by this test belong to the server's user, as those of an engine in its group would."""
    if c.user:
        subprocess.run(["chown", "-R", c.user, c.files], check=True)


def location_of(c, table, warehouse="w"):
    return c.sql("SELECT location FROM icecat.tables WHERE warehouse = '%s' AND table_name = '%s'"
                 % (warehouse, table))[len("file://"):]


def add_snapshot(c, table, number, manifests, codec, scheme="file://"):
    """One snapshot whose manifests hold two data files each, plus whatever files they name."""
    location = location_of(c, table)
    paths = []
    for name, files in manifests.items():
        for file in files:
            if not os.path.exists(file):
                touch(c, file)
        path = "%s/metadata/%s.avro" % (location, name)
        avro.manifest(path, [scheme + file for file in files], codec)
        paths.append(path)
    manifest_list = "%s/metadata/snap-%d.avro" % (location, number)
    avro.manifest_list(manifest_list, [scheme + path for path in paths], codec)
    own(c)
    updates = SNAPSHOT % (number, number, int(time.time() * 1000) - 10 + number, scheme + manifest_list)
    c.sql("SELECT icecat.commit_table('w', '{ns}', '%s', '[]', '[%s,%s]')"
          % (table, updates, SET_MAIN % number))


def make(c, table, codec="deflate", scheme="file://", extra_files=()):
    c.sql(c.create_table_sql(table))
    c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0")
    location = location_of(c, table)
    for number in (1, 2):
        files = ["%s/data/p=%d/f%d.parquet" % (location, number, i) for i in (1, 2)]
        add_snapshot(c, table, number, {"m%d" % number: files + list(extra_files)}, codec, scheme)
    c.queue_is_empty()
    return location


def files_below(path):
    return [os.path.join(d, n) for d, _, names in os.walk(path) for n in names]


def drop(c, table, what, queue=True):
    c.sql("SELECT icecat.drop_table('w', '{ns}', '%s', true)" % table)
    if queue:
        expect(c.queue_is_empty(), "%s: the purge gets done" % what,
               c.sql("SELECT * FROM icecat.worker_status()"))


# A Zstandard frame of one raw block, whose header asks for a window of 2 GB.
ZSTANDARD_WINDOW = b"\x28\xb5\x2f\xfd\x00\xa8\x09\x00\x00x"


def broken_blocks(c):
    """A manifest whose blocks do not unpack stops its purge, says why, and takes nothing with it."""
    cases = [(codec, codec, lambda data, pack=pack: pack(data)[:-6], "unpack") for codec, pack in avro.CODECS.items()
             if codec != "null"]
    cases.append(("snappy", "length", lambda data: b"\xff\xff\xff\x1f" + bytes(8), "its length is wrong"))
    cases.append(("zstandard", "window", lambda data: ZSTANDARD_WINDOW, "larger than the limit"))
    cases.append(("zstandard", "bomb", lambda data: avro.zstandard(bytes(100 * 1000 * 1000)), "larger than the limit"))
    cases.append(("lzma", "unknown", bytes, "Avro codec is not supported"))
    for codec, name, pack, reason in cases:
        table = "broken_" + name
        location = make(c, table)
        good = avro.CODECS.get(codec)
        avro.CODECS[codec] = pack
        avro.manifest(location + "/metadata/m2.avro", ["file://" + location + "/data/none.parquet"], codec)
        avro.CODECS[codec] = good
        drop(c, table, name, queue=False)
        expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task AS q JOIN icecat_data.relation AS r "
                          "ON r.relation_id = q.table_id WHERE r.name = '%s' AND q.last_error ~ '%s'" % (table, reason), "1"),
               "%s: the purge stops and says why" % name,
               c.sql("SELECT last_error FROM icecat_data.metadata_task WHERE last_error IS NOT NULL"))
        expect(os.path.exists(location + "/metadata/m1.avro"), "%s: manifests stay" % name)
        avro.manifest(location + "/metadata/m2.avro", [])
        expect(c.queue_is_empty(), "%s: mended, it goes on" % name)
    del avro.CODECS["lzma"]


def test_purge(c):
    c.make_warehouse()
    for codec in avro.CODECS:
        location = make(c, "t_" + codec, codec, "file:" if codec == "null" else "file://")
        expect(len(files_below(location)) >= 11, "%s: the files are there first" % codec)
        drop(c, "t_" + codec, codec)
        expect(not os.path.exists(location), "%s: nothing is left, not even directories" % codec,
               files_below(location))
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.table_head"), "0", "and no rows")
    expect_equal(c.sql("SELECT count(*), min(details ->> 'files-kept') FROM icecat.read_events('w') "
                       "WHERE event_type = 'purge-table'"), "%d|0" % len(avro.CODECS), "each purge leaves an event")

    broken_blocks(c)

    victim = make(c, "victim")
    stranger = c.files + "/../outside.parquet"
    with open(stranger, "w") as file:
        file.write("x")
    location = make(c, "thief", extra_files=[victim + "/data/p=1/f1.parquet", stranger])
    drop(c, "thief", "foreign files")
    expect(os.path.exists(victim + "/data/p=1/f1.parquet"), "another table's data file stays")
    expect(os.path.exists(stranger), "a file outside the roots stays")
    expect(not os.path.exists(location), "the rest is gone", files_below(location))
    expect_equal(c.sql("SELECT details ->> 'files-kept' FROM icecat.read_events('w') "
                       "WHERE event_type = 'purge-table' AND name = 'thief'"), "4",
                 "the event counts what was left alone")

    before = len(files_below(victim))
    c.sql("SELECT icecat.register_table('w', '{ns}', 'twin', (SELECT metadata_location "
          "FROM icecat.tables WHERE table_name = 'victim'))")
    drop(c, "twin", "shared location")
    expect(len(files_below(victim)) >= before, "a location shared with a live table is not touched")
    c.sql("UPDATE icecat_data.relation SET dropped_at = '2000-01-01' WHERE name = 'twin'; SELECT icecat.run_worker_once()")
    c.wait_sql("SELECT count(*) FROM icecat_data.relation WHERE name = 'twin'", "0")

    c.sql("SELECT icecat.commit_table('w', '{ns}', 'victim', '[]', "
          "'[{\"action\":\"set-properties\",\"updates\":{\"gc.enabled\":\"false\"}}]')")
    drop(c, "victim", "gc.enabled=false")
    left = files_below(victim)
    expect_equal(sorted(os.path.basename(f) for f in left),
                 ["f1.parquet", "f1.parquet", "f2.parquet", "f2.parquet"],
                 "gc.enabled=false: data files stay, metadata goes")

    location = make(c, "corrupt")
    manifest = location + "/metadata/m2.avro"
    with open(manifest, "rb") as file:
        good = file.read()
    with open(manifest, "wb") as file:
        file.write(good[:-40])
    drop(c, "corrupt", "corrupt", queue=False)
    expect(c.wait_sql("SELECT pending_purges = 1 AND failing = 1 AND last_error LIKE '%Avro%' "
                      "FROM icecat.worker_status()", "t"), "a corrupt manifest stops the purge",
           c.sql("SELECT * FROM icecat.worker_status()"))
    expect(os.path.exists(location + "/metadata/m1.avro"), "manifests stay until all are read")
    with open(manifest, "wb") as file:
        file.write(good)
    expect(c.queue_is_empty(), "mended, the purge goes on where it was")
    expect(not os.path.exists(location), "and takes everything", files_below(location))

    c.sql(c.create_table_sql("old", extra=", p_properties => "
                             "'{\"write.metadata.delete-after-commit.enabled\":\"true\","
                             "\"write.metadata.previous-versions-max\":\"2\"}'"))
    location = location_of(c, "old")
    for i in range(6):
        c.sql(c.property_commit_sql("old", "k", i))
    expect(c.queue_is_empty(), "old metadata files: the queue becomes empty")
    names = os.listdir(location + "/metadata")
    expect_equal(len(names), 3, "only the current metadata file and two earlier ones are left")
    expect_equal(sorted(c.metadata_paths()), sorted(location + "/metadata/" + n for n in names),
                 "exactly those the catalog refers to")
    with open(c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'old'")[7:]) as file:
        document = json.load(file)
    expect_equal(document["properties"]["k"], "5", "the file is of the last commit")
    expect_equal(len(document["metadata-log"]), 2, "and its log has the two earlier ones")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.table_property_set "
                      "WHERE removed_version IS NOT NULL", "0"), "removed rows are gone, too")
    for mode in ("sync", "none"):
        c.sql(c.create_table_sql(mode, extra=", p_properties => "
                                 "'{\"icecat.metadata-write-mode\":\"%s\"}'" % mode))
        for i in range(3):
            c.sql(c.property_commit_sql(mode, "k", i))
        expect(c.wait_sql("SELECT count(*) FROM icecat_data.table_property_set "
                          "WHERE removed_version IS NOT NULL", "0"), "also in mode " + mode)
