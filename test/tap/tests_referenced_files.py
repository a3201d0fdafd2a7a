"""A purge leaves the files that other tables' manifests name: what was read after the commit, and what is still to be read."""
# SPDX-License-Identifier: PostgreSQL
import os
import time

import avro
from expectations import expect, expect_equal, wait_until
from tests_outside_files import commit_sql, inspected, make, owned, snapshot


def prepare(c):
    for name, rule in (("w", "report"), ("late", "off")):
        c.make_warehouse(name)
        c.sql("SELECT icecat.alter_warehouse('%s', p_updates => '{\"icecat.outside-files\":\"%s\"}')" % (name, rule))


def data(c, place, *names):
    """Makes data files in a table's folder; their paths."""
    os.makedirs(place + "/data", exist_ok=True)
    paths = ["%s/data/%s.parquet" % (place, name) for name in names]
    for path in paths:
        with open(path, "w") as file:
            file.write(path)
    owned(c, place + "/data", *paths)
    return paths


def fill(c, name, *names, warehouse="w"):
    """A table with a snapshot of these files: its folder, and they."""
    place = make(c, name, warehouse)
    files = data(c, place, *names)
    c.sql(commit_sql(warehouse, name, 1, snapshot(c, place, 1, ["file://" + f for f in files])[0]))
    return place, files


def purge(c, name, warehouse="w"):
    c.sql("SELECT icecat.drop_table('%s', '{ns}', '%s', true)" % (warehouse, name))


def purged(c, name):
    def done():
        return c.sql("SELECT count(*) FROM icecat_data.relation WHERE name = '%s'" % name) == "0"
    wait_until(done, "the purge of %s is over: %s" % (name, c.sql("SELECT kind, attempts, last_error FROM icecat_data.metadata_task")), 30)


def there(paths):
    return [os.path.exists(path) for path in paths]


def references(c, name):
    return c.sql("SELECT count(*) FROM icecat_data.file_reference AS f JOIN icecat_data.relation AS r ON r.relation_id = f.table_id WHERE r.name = '%s'" % name)


def test_files_that_another_table_names_stay(c):
    place, (one, two, three) = fill(c, "a", "one", "two", "three")
    other = make(c, "b")
    c.sql(commit_sql("w", "b", 1, snapshot(c, other, 1, ["file://" + one, "file:" + two])[0]))
    inspected(c)
    purge(c, "a")
    purged(c, "a")
    expect_equal(there([one, two, three]), [True, True, False])
    expect(not os.path.exists(place + "/metadata"), "the rest of the table is gone", os.listdir(place))
    expect_equal(set(c.sql("SELECT path FROM icecat.outside_files WHERE table_name = 'b'").split("\n")), {"file:" + two, "file://" + one})
    expect_equal(c.sql("SELECT details ->> 'files-kept' FROM icecat.read_events('w') WHERE event_type = 'purge-table' AND name = 'a'"), "2")
    purge(c, "b")
    purged(c, "b")
    expect_equal(there([one, two]), [True, True], "to name a file gives no right to delete it")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.file_reference"), "0")


def test_files_go_when_nobody_else_names_them_any_more(c):
    _, (one,) = fill(c, "first", "one")
    other = make(c, "second")
    c.sql(commit_sql("w", "second", 1, snapshot(c, other, 1, ["file://" + one])[0]))
    inspected(c)
    purge(c, "second")
    purged(c, "second")
    purge(c, "first")
    purged(c, "first")
    expect_equal(there([one]), [False])


def test_a_purge_waits_for_snapshots_that_are_not_read_yet(c):
    _, (one,) = fill(c, "slow", "one")
    other = make(c, "reader")
    inspected(c)
    listing, _ = snapshot(c, other, 1, ["file://" + one])
    hidden = listing[len("file://"):]
    os.rename(hidden, hidden + ".later")
    c.sql(commit_sql("w", "reader", 1, listing))
    purge(c, "slow")
    wait_until(lambda: c.sql("SELECT sum(attempts) > 1 FROM icecat_data.inspection") == "t", "it is tried again", 20)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'purge' AND attempts = 0"), "1")
    expect_equal(there([one]), [True])
    os.rename(hidden + ".later", hidden)
    purged(c, "slow")
    expect_equal(there([one]), [True])
    expect_equal(references(c, "reader"), "1")


def test_a_table_that_can_be_undropped_keeps_its_files(c):
    _, (one,) = fill(c, "gone", "one")
    other = make(c, "soft")
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.undrop-retention-s\":\"3600\"}')")
    c.sql("BEGIN; %s; SELECT icecat.drop_table('w', '{ns}', 'soft'); COMMIT" % commit_sql("w", "soft", 1, snapshot(c, other, 1, ["file://" + one])[0]))
    c.sql("SELECT icecat.alter_warehouse('w', p_removals => '{icecat.undrop-retention-s}')")
    inspected(c)
    purge(c, "gone")
    purged(c, "gone")
    expect_equal(there([one]), [True])


def test_what_a_foreign_manifest_names_stays_too(c):
    place, (one, two) = fill(c, "origin", "one", "two")
    foreign, manifest = snapshot(c, place, 2, ["file://" + one])
    for n, (name, listing) in enumerate((("by_manifest", None), ("by_list", foreign)), 1):
        other = make(c, name)
        listing = listing or snapshot(c, other, n, [], [manifest])[0]
        c.sql(commit_sql("w", name, n, listing))
    inspected(c)
    expect_equal(c.sql("SELECT table_name, path FROM icecat.outside_files WHERE table_name LIKE 'by_%' ORDER BY 1"), "by_list|%s\nby_manifest|%s" % (foreign, manifest), "and is not told")
    purge(c, "by_list")
    purged(c, "by_list")
    purge(c, "origin")
    purged(c, "origin")
    expect_equal(there([one, two, manifest[len("file://"):]]), [True, False, True])


def test_where_a_foreign_manifest_cannot_be_read_the_whole_folder_stays(c):
    place, (one, two) = fill(c, "kept", "one", "two")
    bad = place + "/metadata/bad.avro"
    with open(bad, "w") as file:
        file.write("no manifest")
    owned(c, bad)
    other = make(c, "blind")
    c.sql(commit_sql("w", "blind", 1, snapshot(c, other, 1, [], ["file://" + bad])[0]))
    inspected(c)
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.inspection WHERE last_error IS NOT NULL AND last_error LIKE '%bad.avro%'"), "0", "and what is wrong with it is not told")
    purge(c, "kept")
    purged(c, "kept")
    expect_equal(there([one, two, bad]), [True, True, True])


def test_what_was_there_before_is_read_when_reading_begins(c):
    _, (one,) = fill(c, "old", "one", warehouse="late")
    other = make(c, "older", "late")
    first, manifest = snapshot(c, other, 1, ["file://" + one])
    c.sql(commit_sql("late", "older", 1, first))
    c.sql(commit_sql("late", "older", 2, snapshot(c, other, 2, ["file://%s/data/x.parquet" % other], [manifest])[0], 1))
    expect_equal(references(c, "older"), "0")
    c.sql("SELECT icecat.alter_warehouse('late', p_updates => '{\"icecat.outside-files\":\"report\"}')")
    inspected(c)
    expect_equal(references(c, "older"), "1")
    purge(c, "old", "late")
    purged(c, "old")
    expect_equal(there([one]), [True])


def test_files_in_shared_locations_count_too(c):
    c.make_warehouse("s")
    c.sql("SELECT icecat.alter_warehouse('s', p_updates => '{\"icecat.outside-files\":\"strict\",\"icecat.shared-locations\":\"[\\\"file://%s\\\"]\"}')" % c.files)
    _, (one,) = fill(c, "shared", "one")
    other = make(c, "taker", "s")
    c.sql(commit_sql("s", "taker", 1, snapshot(c, other, 1, ["file://" + one])[0]))
    inspected(c)
    purge(c, "shared")
    purged(c, "shared")
    expect_equal(there([one]), [True])


def test_what_is_committed_before_the_drop_is_protected_whatever_the_clock_says(c):
    """The drop's statement is older than the commit, its transaction is not."""
    _, (one,) = fill(c, "early", "one")
    other = make(c, "between")
    inspected(c)
    listing, _ = snapshot(c, other, 1, ["file://" + one])
    hidden = listing[len("file://"):]
    os.rename(hidden, hidden + ".later")
    session = c.spawn("BEGIN; SELECT icecat.drop_table('w', '{ns}', 'early', true); SET application_name = 'dropped'; SELECT pg_sleep(2); COMMIT")
    wait_until(lambda: c.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dropped'") == "1", "the drop is said", 10)
    c.sql(commit_sql("w", "between", 1, listing))
    session.communicate(timeout=30)
    wait_until(lambda: c.sql("SELECT sum(attempts) > 1 FROM icecat_data.inspection") == "t", "the snapshot cannot be read", 20)
    expect_equal(there([one]), [True])
    expect_equal(c.sql("SELECT head ->> 'seen-us' IS NOT NULL FROM icecat_data.metadata_task WHERE kind = 'purge'"), "t")
    os.rename(hidden + ".later", hidden)
    purged(c, "early")
    expect_equal(there([one]), [True])


def test_a_folder_that_is_named_as_a_file_keeps_nothing(c):
    place, (one,) = fill(c, "plain", "one")
    other = make(c, "names_folders")
    above = ["file:///", "file://" + c.files, "file://" + os.path.dirname(place), "file://" + place, "file://" + place + "/", "file://%s/data" % place, "file://%s/data/" % place]
    c.sql(commit_sql("w", "names_folders", 1, snapshot(c, other, 1, above)[0]))
    inspected(c)
    expect(int(references(c, "names_folders")) > 3, "they are noted")
    purge(c, "plain")
    purged(c, "plain")
    expect_equal(there([one, place]), [False, False])


def test_names_that_are_no_text_are_kept_out_of_the_database(c):
    place, (one, two) = fill(c, "texts", "one", "two")
    other = make(c, "bytes")
    odd = [b"file:///odd/\xff.parquet", b"file:///odd/\x00.parquet", b"file://" + one.encode() + b"\x00x"]
    listing, manifest = snapshot(c, other, 1, [*odd, "file://" + two], [b"file:///odd/\xfe.avro"])
    c.sql(commit_sql("w", "bytes", 1, listing))
    inspected(c)
    found = c.sql("SELECT string_agg(pg_catalog.convert_from(pg_catalog.textsend(path), 'UTF8'), ' ' ORDER BY path COLLATE \"C\") FROM icecat.outside_files WHERE table_name = 'bytes'")
    expect_equal(found, " ".join(sorted(["file:///odd/?.parquet", "file:///odd/?.parquet", "file://%s?x" % one, "file:///odd/?.avro", "file://" + two])))
    expect_equal(c.sql("SELECT string_agg(pg_catalog.convert_from(pg_catalog.textsend(path), 'UTF8'), ' ') FROM icecat_data.file_reference AS f JOIN icecat_data.relation AS r ON r.relation_id = f.table_id "
                       "WHERE r.name = 'bytes'"), "file://" + two, "what is no name protects nothing")
    purge(c, "texts")
    purged(c, "texts")
    expect_equal(there([one, two]), [False, True])
    purge(c, "bytes")
    purged(c, "bytes")
    expect_equal(there([manifest[len("file://"):]]), [False], "and a purge gets past them")
    expect_equal(c.sql("SELECT details ->> 'files-kept' FROM icecat.read_events('w') WHERE event_type = 'purge-table' AND name = 'bytes'"), "5")


def resident_kb(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1])


def test_the_workers_memory_does_not_grow_with_the_files(c):
    place = make(c, "large")
    other = make(c, "names_large")
    folder = other + "/metadata"
    os.makedirs(folder, exist_ok=True)
    avro.manifest(folder + "/m.avro", ["file://%s/data/%d.parquet" % (place, n) for n in range(40000)], in_block=200)
    avro.manifest_list(folder + "/l.avro", ["file://" + folder + "/m.avro"])
    owned(c, folder, folder + "/m.avro", folder + "/l.avro")
    inspected(c)
    before = most = resident_kb(c.worker_pid())
    c.sql(commit_sql("w", "names_large", 1, "file://" + folder + "/l.avro"))
    while c.sql("SELECT count(*) FROM icecat_data.inspection") != "0":
        most = max(most, resident_kb(c.worker_pid()))
        time.sleep(0.05)
    expect_equal(references(c, "names_large"), "40000")
    expect(most - before < 30000, "grown by %d kB" % (most - before))


def test_many_files(c):
    place = make(c, "many")
    other = make(c, "names_many")
    folder = other + "/metadata"
    os.makedirs(folder, exist_ok=True)
    avro.manifest(folder + "/m.avro", ["file://%s/data/%d.parquet" % (place, n) for n in range(3000)], in_block=100)
    avro.manifest_list(folder + "/l.avro", ["file://" + folder + "/m.avro"])
    owned(c, folder, folder + "/m.avro", folder + "/l.avro")
    c.sql(commit_sql("w", "names_many", 1, "file://" + folder + "/l.avro"))
    inspected(c)
    expect_equal(references(c, "names_many"), "3000", "all of them, though fewer are reported")
