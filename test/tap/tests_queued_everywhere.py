"""A queued metadata file is found from every warehouse, in every spelling, for as long as anything needs it."""
# SPDX-License-Identifier: PostgreSQL
import os
import signal

from expectations import expect, expect_equal


def location_of(c, table, warehouse="w"):
    return c.sql("SELECT metadata_location FROM icecat_data.table_head h JOIN icecat_data.relation r ON r.relation_id = h.table_id "
                 "JOIN icecat_data.warehouse w ON w.warehouse_id = h.warehouse_id WHERE r.name = '%s' AND w.name = '%s' "
                 "AND h.dropped_at IS NULL" % (table, warehouse))


def register(c, warehouse, name, location):
    return c.sql("SELECT icecat.register_table('%s', '{ns}', '%s', '%s') IS NOT NULL" % (warehouse, name, location), check=False)


def load(c, warehouse, name):
    return c.sql("SELECT icecat.load_table('%s', '{ns}', '%s') -> 'metadata' -> 'properties' ->> 'k'" % (warehouse, name), check=False)


def keys(c, statement):
    """The files that an answer has to wait for."""
    return c.sql("SELECT %s IS NOT NULL, icecat._pending_files()" % statement).split("|")[1].split()


def check_found(c):
    """From its own warehouse and another one, by three spellings."""
    c.sql(c.changed_table_sql("first"))
    location = location_of(c, "first")
    path = location[len("file://"):]
    expect(not os.path.exists(path), "the file is not written yet")
    for number, spelling in enumerate((location, "file:" + path, path, "file://" + path.replace("/ns/", "//ns/./"))):
        for warehouse in ("w", "other"):
            name = "r%d" % number
            expect_equal(register(c, warehouse, name, spelling), "t", "registered in %s as %s" % (warehouse, spelling.replace(c.files, "…")))
            expect_equal(load(c, warehouse, name), "v", "and loaded before the file is there")
    queue = c.sql("SELECT count(*) FROM icecat_data.metadata_task WHERE kind = 'write'")
    expect_equal(queue, "1", "one file is queued, whoever registers it")
    return path


def check_waited_for(c):
    """Each answer that names a queued file says so, with the key of the one task that writes it."""
    first = keys(c, "icecat.load_table('w', '{ns}', 'first')")
    expect_equal(len(first), 1, "a load names the file to wait for")
    expect_equal(keys(c, "icecat.load_table('other', '{ns}', 'r0')"), first, "a load of the registered table names the same")
    expect_equal(keys(c, "icecat.register_table('other', '{ns}', 'again', '%s')" % location_of(c, "first")), first, "a registration, too")
    commit = keys(c, c.property_commit_sql("first", "k", "v").rstrip(";\n")[len("SELECT "):-len(" IS NOT NULL")])
    expect(len(commit) == 1 and commit != first, "a commit names its own", (commit, first))
    expect_equal(c.sql("SELECT icecat._queued_files('%s')" % " ".join(first + commit)), " ".join(first + commit), "both are queued")


def check_kept(c, path):
    """Dropped, purged even: the registered tables still get their file."""
    c.sql("SELECT icecat.drop_table('w', '{ns}', 'first', true)")
    expect_equal(load(c, "other", "r0"), "v", "the table that made the file is dropped: the registered one is loaded")
    return path


def check_written(c, pid, path):
    os.kill(pid, signal.SIGCONT)
    expect(c.queue_is_empty(), "the queue is emptied")
    expect(os.path.exists(path), "the file was written before the purge of the table that had queued it")
    expect_equal(load(c, "other", "r0"), "v", "and is loaded")
    expect_equal(keys(c, "icecat.load_table('other', '{ns}', 'r0')"), [], "with nothing to wait for")
    expect_equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "check_integrity finds nothing")


def test_queued_everywhere(c):
    c.make_warehouse()
    c.make_warehouse("other")
    pid = c.wait_worker()
    c.freeze(pid)
    path = check_found(c)
    check_waited_for(c)
    check_kept(c, path)
    check_written(c, pid, path)
