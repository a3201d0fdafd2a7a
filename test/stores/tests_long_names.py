"""Names of objects that are longer than what an index takes: a purge leaves them where another table names them. (Azure takes 1,024 characters
of any letters; file:// has its own limit, below.)

SPDX-License-Identifier: PostgreSQL
"""
import os

from expectations import expect, expect_equal
from tests_read_outage import SETTINGS, commit, drop, inspected, made, make_warehouse, prepare, purged, put  # noqa: F401  pylint: disable=unused-import

LEVEL = "é" * 50 + "x" * 7       # letters of several bytes, where a name would be cut


def long_names(place, *names):
    folder = place + "/data"
    while len(folder.encode()) < 2500:
        folder += "/" + LEVEL
    return ["%s/%s.parquet" % (folder, name) for name in names]


def test_files_with_long_names_that_another_table_names_stay(c, store):
    make_warehouse(c, store, "long", store.url)
    place = made(c, "long", "a")
    names = long_names(place, "one", "two", "three")
    paths = [put(store, name) for name in names]
    commit(c, store, "long", "a", place, names)
    other = made(c, "long", "b")
    commit(c, store, "long", "b", other, names[:1])
    inspected(c)
    expect_equal(c.sql("SELECT octet_length(path) <= 2000, starts_with('%s', left(path, 900)) FROM icecat_data.file_reference" % names[0]), "t|t")
    drop(c, "long", "a")
    purged(c, "a")
    expect_equal([os.path.exists(path) for path in paths], [True, False, False], "what begins alike is another file")
    expect_equal(c.sql("SELECT details ->> 'files-kept' FROM icecat.read_events('long') WHERE event_type = 'purge-table'"), "1")
    drop(c, "long", "b")
    purged(c, "b")
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.file_reference"), "0")


def test_a_manifest_list_with_a_long_name_is_its_tables(c, store):
    """A single file of a table, in another one's folder: a row of its own, by the same key."""
    make_warehouse(c, store, "held", store.url)
    place = made(c, "held", "c")
    made(c, "held", "d")
    listing, = long_names(place, "list")
    path = put(store, listing)
    commit(c, store, "held", "c", place, [listing])
    snapshot = ('[{"action":"add-snapshot","snapshot":{"snapshot-id":1,"sequence-number":1,"timestamp-ms":1800000000000,"manifest-list":"%s",'
                '"summary":{"operation":"append"},"schema-id":0}}]')
    c.sql("SELECT icecat.alter_warehouse('held', p_updates => '{\"icecat.outside-files\":\"off\"}')")
    c.sql("SELECT icecat.commit_table('held', '{ns}', 'd', '[]', '%s') IS NOT NULL" % (snapshot % listing))
    expect_equal(c.sql("SELECT kind, octet_length(path) <= 2000 FROM icecat_data.location WHERE kind = 'file'"), "file|t")
    drop(c, "held", "c")
    purged(c, "c")
    expect(os.path.exists(path), "it stays")
