"""A purge works in slices: files that are queued in between are written first, a purge that is killed goes on where it was, and
what it takes of memory does not grow with the table."""
# SPDX-License-Identifier: PostgreSQL
import os
import signal
import time

import avro
import tests_purge as purge
from expectations import expect, expect_equal

FILES = 8000
LISTS = 40
SETTINGS = ["icecat.purge_slice_files = 4", "icecat.purge_slice_ms = 5", "icecat.purge_turn_s = 1"]
MEMORY_MB = 30
WAIT_S = 300
PENDING = "SELECT count(*) FROM icecat_data.metadata_task AS t JOIN icecat_data.relation AS r ON r.relation_id = t.table_id WHERE r.name = '%s'"
COUNTED = "SELECT (head ->> 'files-deleted')::integer FROM icecat_data.metadata_task WHERE kind = 'purge'"


def make(c, table, files=FILES, lists=1, more=()):
    """A table of many files in one manifest, each in a folder of its own; its manifest is in every list."""
    c.sql(c.create_table_sql(table))
    location = purge.location_of(c, table)
    paths = ["%s/data/p=%d/f.parquet" % (location, i) for i in range(files)]
    for path in paths:
        purge.touch(c, path)
    manifest = location + "/metadata/m.avro"
    avro.manifest(manifest, ["file://" + path for path in paths + list(more)], in_block=200)
    for n in range(lists):
        listed = "%s/metadata/snap-%d.avro" % (location, n + 1)
        avro.manifest_list(listed, ["file://" + manifest])
        updates = purge.SNAPSHOT % (n + 1, n + 1, int(time.time() * 1000) + n, "file://" + listed)
        c.sql("SELECT icecat.commit_table('w', '{ns}', '%s', '[]', '[%s,%s]')" % (table, updates, purge.SET_MAIN % (n + 1)))
    purge.own(c)
    c.queue_is_empty()
    return location


def drop(c, table):
    c.sql("SELECT icecat.drop_table('w', '{ns}', '%s', true)" % table)


def is_going_on(c, table):
    return c.sql(PENDING % table) != "0"


def all_done(c):
    return c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=WAIT_S)


def left_of(location):
    """How many data files are left."""
    try:
        return sum(os.path.exists("%s/data/%s/f.parquet" % (location, name)) for name in os.listdir(location + "/data"))
    except FileNotFoundError:
        return 0


def deleted(c, table):
    return c.sql("SELECT details ->> 'files-deleted' FROM icecat.read_events('w', 0, 100000) "
                 "WHERE event_type = 'purge-table' AND name = '%s'" % table)


def memory_mb(pid):
    """The peak of a process, apart from shared buffers."""
    with open("/proc/%d/status" % pid) as file:
        values = dict(line.split(":", 1) for line in file)
    return (int(values["VmHWM"].split()[0]) - int(values["RssShmem"].split()[0])) / 1024


def prepare(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("beside"))


def test_order(c):
    """Files of another table, deletions and another purge get their turn while a large purge runs."""
    location = make(c, "large", lists=LISTS)
    small = make(c, "small", files=20)
    pid = c.wait_worker()
    before = memory_mb(pid)
    drop(c, "large")
    drop(c, "small")
    written = 0
    while is_going_on(c, "large") and written < 20:
        c.sql(c.property_commit_sql("beside", "k", written))
        if c.sql("SELECT icecat.wait_for_metadata('w', '{ns}', 'beside', 2000)") != "t":
            break
        written += is_going_on(c, "large")
    expect(written >= 5, "files of another table are written while a large purge runs", written)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.event_pending"), "0", "and events get their numbers")
    expect(c.wait_sql(PENDING % "small", "0") and not os.path.exists(small), "a small purge behind it gets done")
    expect(is_going_on(c, "large"), "before the large one")
    expect(all_done(c), "both get done")
    expect(not os.path.exists(location), "and nothing is left", purge.files_below(location)[:5])
    expect_equal(deleted(c, "large"), str(FILES + 2 * LISTS + 2), "each file is counted once")
    expect_equal(c.worker_pid(), pid, "it is the same worker")
    grown = memory_mb(pid) - before
    expect(grown < MEMORY_MB, "its memory does not grow with the table: %.0f MB more" % grown)


def test_killed(c):
    """kill -9 of the worker in mid-purge, twice; then of everything."""
    victim = make(c, "victim", files=3)
    foreign = victim + "/data/p=1/f.parquet"
    location = make(c, "killed", more=[foreign])
    pid, before = c.wait_worker(), FILES
    drop(c, "killed")
    for n in range(2):
        end = time.monotonic() + WAIT_S
        while left_of(location) > before - 300 and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        c.wait_sql("SELECT 1", "1")
        left = left_of(location)
        expect(0 < left < before, "kill %d comes in the middle" % (n + 1), left)
        pid, before = c.wait_worker(), left
    c.kill_postmaster()
    c.wait_worker()
    expect(all_done(c), "the purge goes on and gets done")
    expect(not os.path.exists(location), "nothing is left", purge.files_below(location)[:5])
    expect_equal(deleted(c, "killed").count("\n"), 0, "one event says so")
    # What a crash takes from the server's log is not counted: the end of a purge's notes need not be durable.
    expect(FILES / 10 < int(deleted(c, "killed")) <= FILES + 4, "it counts the files of all attempts, none of them twice", deleted(c, "killed"))
    expect(os.path.exists(foreign), "another table's file stays")


def test_taken_over(c):
    """What another table takes over while a purge runs stays."""
    location = make(c, "given", files=FILES)
    metadata = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 'given'")
    copy = location + "/metadata/copy.metadata.json"
    with open(metadata[len("file://"):]) as source, open(copy, "w") as target:
        target.write(source.read())
    purge.own(c)
    drop(c, "given")
    c.wait_sql("SELECT coalesce((%s), 0) > 200" % COUNTED, "t")
    c.sql("INSERT INTO icecat_data.location (warehouse_id, object_id, path, kind) SELECT h.warehouse_id, h.table_id, 'file://%s', 'file' "
          "FROM icecat_data.table_head h JOIN icecat_data.relation r ON r.relation_id = h.table_id WHERE r.name = 'beside'"
          % (location + "/data/p=%d/f.parquet" % (FILES - 1)))
    expect(all_done(c), "the purge gets done")
    expect_equal(purge.files_below(location + "/data"), [location + "/data/p=%d/f.parquet" % (FILES - 1)],
                 "a file that another table holds since a slice before stays, all others are gone")


def test_named_first(c):
    """A manifest stays until all that it names is gone."""
    location = make(c, "stuck", files=10)
    stuck = location + "/data/p=9/f.parquet"
    os.remove(stuck)
    os.mkdir(stuck)  # cannot be deleted as a file
    drop(c, "stuck")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'purge' AND attempts > 0", "1"),
           "a file that cannot be deleted stops a purge")
    expect(os.path.exists(location + "/metadata/m.avro") and os.path.exists(location + "/metadata/snap-1.avro"),
           "the manifest that names it stays, and its list")
    os.rmdir(stuck)
    purge.touch(c, stuck)
    purge.own(c)
    expect(all_done(c) and not os.path.exists(location), "then the purge gets done")
