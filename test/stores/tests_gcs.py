"""The back end of Google's store: against fake-gcs-server.

./check stores-gcs installs it; ./check stores leaves this file out.

SPDX-License-Identifier: PostgreSQL
"""
import pytest
import stores
from expectations import expect, expect_equal

ROOT = "gs://lake/base"


@pytest.fixture(scope="module")
def gcs(tmp_path_factory):
    with stores.FakeGcs(str(tmp_path_factory.mktemp("gcs"))) as running:
        yield running


@pytest.fixture
def files(functions, gcs):
    return functions(ROOT, ["endpoint", gcs.url, "allow-private-endpoints", "true", "login", "none"])


def test_what_is_written_is_read(files):
    data = bytes(range(256)) * 20
    expect_equal(files.write(ROOT + "/a/one", data), "written", "written")
    expect_equal(files.read(ROOT + "/a/one"), data, "all bytes")
    expect_equal(files.write(ROOT + "/a/one", b"other"), "written", "replaced")
    expect_equal(files.read(ROOT + "/a/one"), b"other", "the new bytes")
    expect("File does not exist" in files.read(ROOT + "/nothing"), "not there")
    expect_equal((files.call("exists", ROOT + "/a/one"), files.call("exists", ROOT + "/nothing")), ("t", "f"), "which is there")
    expect("larger than the limit of 4 bytes" in files.read(ROOT + "/a/one", 4), "the limit")
    expect("outside of the storage profile's root" in files.write("gs://lake/other", b"x"), "the root")


def test_every_key_is_written_as_it_stands(files):
    names = ["blank s", "plus+", "percent%41", "percent%2F", "ünï", "a=b&c", "quote'\"", "star*", "question?x", "#hash", "a..b"]
    for name in names:
        expect_equal(files.write("%s/keys/%s" % (ROOT, name), name.encode()), "written", "written: " + name)
    for name in names:
        expect_equal(files.read("%s/keys/%s" % (ROOT, name)), name.encode(), "read: " + name)
    listed = [line[:line.rindex(" ")] for line in files.lines("list", ROOT + "/keys", 1000)]
    expect_equal(sorted(listed), sorted("%s/keys/%s" % (ROOT, name) for name in names), "listed")
    expect_equal(set(files.lines("remove_many", ["%s/keys/%s" % (ROOT, name) for name in names])), {""}, "removed")
    expect_equal(files.lines("list", ROOT + "/keys", 1000), [""], "none is left")
    expect_equal(files.call("remove", ROOT + "/keys/none"), "f", "nothing to remove")


def test_new_files_replace_nothing(files):
    expect_equal(files.write(ROOT + "/new", b"first", "new"), "written", "the first")
    expect_equal(files.write(ROOT + "/new", b"second", "new"), "exists", "not the second")
    expect_equal(files.read(ROOT + "/new"), b"first", "the first stays")
    expect_equal(files.write(ROOT + "/new", b"first", "batch-new"), "written", "the same bytes are as good")
    expect("another file has this name" in files.write(ROOT + "/new", b"other", "batch-new"), "others are not")


def test_ranges_and_pages(files):
    files.write(ROOT + "/range", b"0123456789")
    expect_equal(files.call("range", ROOT + "/range", 2, 3), "234/10", "in the middle")
    expect_equal(files.call("write_many", ROOT + "/pages/x", 25, 3), "25", "25 files")
    files.write(ROOT + "/pages0", b"a neighbour")
    pages = "\n".join(files.lines("list", ROOT + "/pages", 10)).split("\n\n")
    expect_equal([len(page.split("\n")) for page in pages], [10, 10, 5], "pages")
