"""A store that cannot be read while manifests are to be read, or purges to be done: no protection ends, and nobody else waits.

SPDX-License-Identifier: PostgreSQL
"""
import json
import os
import subprocess
import time

import avro
from expectations import expect, expect_equal, wait_until

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
GIVEN_UP_S = 18      # five tries that fail
LATE_S = 6           # a file of others, while a store hangs that nobody knows of


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)
    c.make_warehouse("disk")


def make_warehouse(c, store, name, endpoint, **options):
    """One whose commits write no file, and whose manifests are read."""
    said = {"endpoint": endpoint, "region": store.region, "allow-private-endpoints": "true", **options}
    c.sql("SELECT icecat.create_storage_profile('%s', 's3://lake/%s', '%s', '%s')" % (
        name, name, json.dumps(said), json.dumps({"access-key-id": store.access_key, "secret-access-key": store.secret_key})))
    c.sql("SELECT icecat.create_warehouse('%s', 's3://lake/%s/w', '{\"icecat.metadata-write-mode\":\"none\",\"icecat.outside-files\":\"report\"}', '%s');"
          "SELECT icecat.create_namespace('%s', '{ns}'); SELECT icecat.adopt_storage()" % (name, name, name, name))


def path_of(store, location):
    return os.path.join(store.data, location[len("s3://"):])


def made(c, warehouse, name):
    """The location of a new table."""
    return c.sql("SELECT icecat.create_table('%s', '{ns}', '%s', '%s') #>> '{metadata,location}'" % (warehouse, name, SCHEMA))


def put(store, location):
    """An object, as a client leaves it."""
    path = path_of(store, location)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write("data")
    return path


def commit(c, store, warehouse, name, place, files, manifests=()):
    """Commits a snapshot of these files, and of other manifests; its own manifest."""
    folder = path_of(store, place + "/metadata")
    os.makedirs(folder, exist_ok=True)
    avro.manifest(folder + "/m.avro", files)
    avro.manifest_list(folder + "/snap.avro", [place + "/metadata/m.avro", *manifests])
    added = {"snapshot-id": 1, "sequence-number": 1, "timestamp-ms": int(time.time() * 1000), "manifest-list": place + "/metadata/snap.avro",
             "summary": {"operation": "append"}, "schema-id": 0}
    c.sql("SELECT icecat.commit_table('%s', '{ns}', '%s', '[]', '%s') IS NOT NULL" % (warehouse, name, json.dumps([{"action": "add-snapshot", "snapshot": added}])))
    return place + "/metadata/m.avro"


def filled(c, store, warehouse, name, *files):
    """A table with data files: its location, their paths, its manifest."""
    place = made(c, warehouse, name)
    names = ["%s/data/%s.parquet" % (place, file) for file in files]
    paths = [put(store, location) for location in names]
    return place, names, paths, commit(c, store, warehouse, name, place, names)


def inspected(c):
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.inspection", "0", seconds=60), "all is read: " + c.sql("SELECT attempts, last_error FROM icecat_data.inspection"))


def drop(c, warehouse, name):
    c.sql("SELECT icecat.drop_table('%s', '{ns}', '%s', true)" % (warehouse, name))


def purged(c, name):
    wait_until(lambda: c.sql("SELECT count(*) FROM icecat_data.relation WHERE name = '%s'" % name) == "0",
               "the purge of %s is over: %s" % (name, c.sql("SELECT kind, attempts, last_error FROM icecat_data.metadata_task")), 60)


def test_a_store_that_cannot_be_read_ends_no_protection(c, store, faults):
    make_warehouse(c, store, "named", faults.url, **{"request-timeout-ms": "1500", "retries-max": "0"})
    _, (one, _), paths, _ = filled(c, store, "named", "a", "one", "two")
    other = made(c, "named", "b")
    inspected(c)
    faults.set("expired")
    commit(c, store, "named", "b", other, [one])
    time.sleep(GIVEN_UP_S)
    expect_equal(c.sql("SELECT attempts, awaited, last_error LIKE '%ExpiredToken%' FROM icecat_data.inspection"), "0|t|t", "tries of a store that fails do not count")
    drop(c, "named", "a")
    faults.set("pass")
    purged(c, "a")
    expect_equal([os.path.exists(path) for path in paths], [True, False])


def test_what_was_given_up_is_read_when_the_store_is_back(c, store, faults):
    make_warehouse(c, store, "again", faults.url, **{"request-timeout-ms": "1500", "retries-max": "0"})
    _, (one,), paths, _ = filled(c, store, "again", "c", "one")
    other = made(c, "again", "d")
    inspected(c)
    faults.set("503")
    commit(c, store, "again", "d", other, [one])
    wait_until(lambda: c.sql("SELECT last_error IS NOT NULL FROM icecat_data.inspection") == "t", "it is tried", 20)
    c.sql("UPDATE icecat_data.inspection SET attempts = 10, next_attempt_at = 'infinity', awaited = false")
    drop(c, "again", "c")
    wait_until(lambda: c.sql("SELECT last_error IS NOT NULL FROM icecat_data.metadata_task WHERE kind = 'purge'") == "t", "the purge fails", 20)
    faults.set("pass")
    purged(c, "c")
    inspected(c)
    expect(os.path.exists(paths[0]) or c.sql("SELECT count(*) FROM icecat_data.file_reference") == "1", "it is read after all")


def test_a_foreign_manifest_that_a_store_refuses_for_a_while_is_read_later(c, store, faults):
    make_warehouse(c, store, "foreign", faults.url, **{"request-timeout-ms": "1500", "retries-max": "0"})
    _, _, paths, manifest = filled(c, store, "foreign", "e", "one", "two")
    beside = put(store, c.sql("SELECT location FROM icecat.tables WHERE table_name = 'e'") + "/data/stray.parquet")
    other = made(c, "foreign", "f")
    inspected(c)
    faults.set("503", only="/m.avro")
    commit(c, store, "foreign", "f", other, [], [manifest])
    wait_until(lambda: c.sql("SELECT attempts > 0 FROM icecat_data.inspection") == "t", "it fails", 20)
    expect_equal(c.sql("SELECT last_error FROM icecat_data.inspection WHERE last_error LIKE '%/e%'"), "", "and it is not told what")
    faults.set("pass")
    inspected(c)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.file_reference WHERE path LIKE '%/'"), "0", "the folder is not kept whole")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.file_reference WHERE path LIKE '%.parquet' AND path LIKE '%foreign%'"), "2")
    expect(beside and paths, "both are there")


def test_purges_alone_in_a_store_that_hangs_hold_up_nobody(c, store, faults):
    make_warehouse(c, store, "hangs", faults.url)      # with the limits that a profile has where it says nothing
    for n in range(20):
        filled(c, store, "hangs", "t%d" % n, "one")
    inspected(c)
    time.sleep(6)
    faults.set("hang")
    c.sql("".join("SELECT icecat.drop_table('hangs', '{ns}', 't%d', true);" % n for n in range(20)))
    worst = 0
    c.sql(c.create_table_sql("beside", "disk"))
    for n in range(15):
        begin = time.monotonic()
        c.sql(c.property_commit_sql("beside", "k%d" % n, "v", "disk"))
        expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'", "0", seconds=60), "the file is written")
        expect(c.wait_sql("SELECT count(*) FROM icecat_data.event_pending", "0", seconds=60), "the event has its number")
        worst = max(worst, time.monotonic() - begin)
        time.sleep(1)
    expect(worst < LATE_S, "a commit elsewhere waited for %.1f s" % worst)
    faults.set("pass")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=120), "the purges end: " + c.sql("SELECT kind, last_error FROM icecat_data.metadata_task LIMIT 1"))
