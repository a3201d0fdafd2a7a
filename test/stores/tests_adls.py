"""The back end of Azure's store: against Azurite, which checks signatures.

./check stores-adls installs it; ./check stores leaves this file out.

SPDX-License-Identifier: PostgreSQL
"""
import time

import pytest
import stores
from expectations import expect, expect_equal

SHORT = ["request-timeout-ms", "4000", "connect-timeout-ms", "1000"]


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    with stores.Azurite(str(tmp_path_factory.mktemp("azurite"))) as running:
        yield running


@pytest.fixture(scope="module")
def root(azurite):
    return azurite.root("base")


@pytest.fixture
def files(functions, azurite, root):
    return functions(root, azurite.options())


@pytest.fixture
def broken(azurite):
    with stores.Faults(azurite.port) as proxy:
        yield proxy


@pytest.fixture
def through(functions, azurite, root, broken):
    """Through the proxy, with little patience."""
    return functions(root, azurite.options(endpoint=broken.url) + SHORT)


def test_what_is_written_is_read(files, root):
    data = bytes(range(256)) * 20
    expect_equal(files.write(root + "/a/one", data), "written", "written")
    expect_equal(files.read(root + "/a/one"), data, "all bytes")
    expect_equal(files.write(root + "/a/one", b"other"), "written", "replaced")
    expect_equal(files.read(root + "/a/one"), b"other", "the new bytes")
    expect_equal(files.write(root + "/a/none", b""), "written", "an empty file")
    expect_equal(files.read(root + "/a/none"), b"", "no bytes")
    expect("File does not exist: " + root + "/nothing" in files.read(root + "/nothing"), "not there")
    expect_equal((files.call("exists", root + "/a/one"), files.call("exists", root + "/nothing")), ("t", "f"), "which is there")
    expect("larger than the limit of 4 bytes" in files.read(root + "/a/one", 4), "the limit")
    expect_equal(files.read(root + "/a/one", 5), b"other", "exactly the limit")


def test_outside_of_the_root(files, azurite, root):
    for location in (azurite.root("other"), azurite.root("base2/x"), azurite.root("base/x", "pond"), azurite.root("bas"),
                     root.replace(azurite.account, "elsewhere") + "/x"):
        expect("outside of the storage profile's root" in files.write(location, b"x"), location)
        expect("outside of the storage profile's root" in files.lines("remove_many", [location])[0], location)
    expect("holds a backslash" in files.write(root + "\\..\\x", b"x"), "a backslash is a slash there")
    expect("no name of a bucket" in files.write("abfss://lake/base/x", b"x"), "no account")


def test_every_key_is_written_as_it_stands(files, root):
    names = ["blank s", "plus+", "percent%41", "percent%2F", "ünï", "a=b&c", "quote'\"", "star*", "question?x", "tilde~", "(p)", "#hash", "colon:",
             "at@", "comma,;", "dollar$", "[b]{c}", "a..b", "%"]
    for name in names:
        expect_equal(files.write("%s/keys/%s" % (root, name), name.encode()), "written", "written: " + name)
    for name in names:
        expect_equal(files.read("%s/keys/%s" % (root, name)), name.encode(), "read: " + name)
    listed = [line[:line.rindex(" ")] for line in files.lines("list", root + "/keys", 1000)]
    expect_equal(sorted(listed), sorted("%s/keys/%s" % (root, name) for name in names), "listed")
    expect_equal(set(files.lines("remove_many", ["%s/keys/%s" % (root, name) for name in names])), {""}, "removed")
    expect_equal(files.lines("list", root + "/keys", 1000), [""], "none is left")
    expect_equal(files.call("remove", root + "/keys/none"), "f", "nothing to remove")
    expect_equal(files.lines("remove_many", [root + "/keys/none"]), [""], "nor among many: it is gone")


def test_new_files_replace_nothing(files, root):
    expect_equal(files.write(root + "/new", b"first", "new"), "written", "the first")
    expect_equal(files.write(root + "/new", b"second", "new"), "exists", "not the second")
    expect_equal(files.read(root + "/new"), b"first", "the first stays")
    expect_equal(files.write(root + "/new", b"first", "batch-new"), "written", "the same bytes are as good")
    expect("another file has this name" in files.write(root + "/new", b"other", "batch-new"), "others are not")
    expect_equal(files.write(root + "/new", b"other", "batch"), "written", "without the condition it is replaced")


def test_ranges_and_pages(files, root):
    files.write(root + "/range", b"0123456789")
    expect_equal(files.call("range", root + "/range", 2, 3), "234/10", "in the middle")
    expect_equal(files.call("range", root + "/range", 8, 100), "89/10", "to the end")
    expect(files.call("range", root + "/range", 10, 5) in ("/10", "/0"), "behind the end")
    expect_equal(files.call("write_many", root + "/pages/x", 25, 3), "25", "25 files")
    files.write(root + "/pages0", b"a neighbour")
    lines = files.lines("list", root + "/pages", 10)
    pages = "\n".join(lines).split("\n\n")
    expect_equal([len(page.split("\n")) for page in pages], [10, 10, 5], "pages")
    expect_equal(lines[0], root + "/pages/x/00000 3", "with sizes and dates")


def test_every_spelling_is_the_same_file(files, azurite, root):
    files.write(root + "/spelled", b"x")
    for scheme, host in (("abfs", "dfs"), ("wasbs", "blob"), ("wasb", "blob"), ("ABFSS", "DFS")):
        location = "%s://lake@%s.%s.core.windows.net/base/spelled" % (scheme, azurite.account, host)
        expect_equal(files.read(location), b"x", location)


def test_blocks(files, root, broken, functions, azurite):
    """Above icecat.multipart_bytes a file is written in blocks, and is there as a whole or not at all."""
    parts = functions(root, azurite.options(endpoint=broken.url))
    parts.cluster.sql("SET icecat.multipart_bytes = 6000000; " + parts.statement("write_many", root + "/parts", 1, 13000000))
    expect_equal([r.split("comp=")[1].split("&")[0] for r in broken.requests if r.startswith("PUT")], ["block", "block", "block", "blocklist"],
                 "three blocks, and their list")
    expect_equal(len({r for r in broken.requests if "comp=block&" in r}), 3, "each has its own name")
    expect_equal(len(files.read(root + "/parts/00000", 20000000)), 13000000, "its bytes, with the MD5 of all")
    expect_equal(files.call("write_many", root + "/parts", 1, 13000000), "1", "the same bytes count as written")
    expect("another file has this name" in files.call("write_many", root + "/parts", 1, 12999999), "others do not")
    original = broken.pass_on

    def without_list(request, body, fault):
        if "comp=blocklist" in request.path:
            return stores.answer(request, 403, b"<Error><Code>AuthorizationFailure</Code></Error>")
        return original(request, body, fault)
    broken.pass_on = without_list
    message = parts.call("write_many", root + "/parts-2", 1, 13000000, check=False)
    expect("could not write %s/parts-2/00000: the store answers 403, AuthorizationFailure" % root in message, message)
    expect_equal(files.call("exists", root + "/parts-2/00000"), "f", "nothing is there")


def test_many_at_once(files, root):
    expect_equal(files.call("write_many", root + "/many", 300, 1000), "300", "300 files")
    names = ["%s/many/%05d" % (root, i) for i in range(300)]
    expect_equal(set(files.lines("remove_many", names)), {""}, "removed")
    expect_equal(files.lines("list", root + "/many", 10), [""], "none is left")


def test_a_wrong_key(functions, azurite, root):
    wrong = functions(root, azurite.options(shared_key="bm90IHRoZSBzZWNyZXQ="))
    message = wrong.write(root + "/x", b"x")
    expect("could not write %s/x: the store answers 403, AuthorizationFailure" % root in message, message)
    expect("bm90IHR" not in message and "SharedKey" not in message and "tried" not in message, message)
    expect("is not base64" in functions(root, azurite.options(shared_key="!")).write(root + "/x", b"x"), "no base64")
    pond = azurite.root("b", "pond")
    expect("ContainerNotFound" in functions(pond, azurite.options()).write(pond + "/x", b"x"), "no such container")
    expect("ContainerNotFound" in functions(pond, azurite.options()).read(pond + "/x"), "which is not a file that is missing")


# -- faults --------------------------------------------------------------------------------------------------

def test_passing_faults_are_outlasted(through, broken, root):
    for fault in ("503", "cut", "corrupt"):
        broken.set(fault, 1)
        expect_equal(through.write(root + "/f/" + fault, b"data"), "written", "written after " + fault)
        broken.set(fault, 1)
        expect_equal(through.read(root + "/f/" + fault), b"data", "read after " + fault)
    expect_equal(len([r for r in broken.requests if r.startswith("PUT")]), 6, "each was sent twice")


def test_an_answer_that_got_lost(through, broken, root):
    """A conditional write that arrived finds itself when it is sent again."""
    for how in ("new", "batch-new"):
        broken.set("cut", 1)
        expect_equal(through.write("%s/lost-%s" % (root, how), b"data", how), "written", how)


def test_faults_that_stay(through, broken, root):
    for fault, words in (("503", "the store answers 503, SlowDown: as asked (tried"), ("cut", "could not write"), ("hang", "Operation timed out"),
                         ("denied", "the store answers 403, AccessDenied: as asked"), ("redirect", "the store answers 307")):
        broken.set(fault)
        start = time.monotonic()
        message = through.write(root + "/stay", b"data")
        expect(words in message, "%s: %s" % (fault, message))
        expect(time.monotonic() - start < 6, "%s ends in time" % fault)
    broken.set("nonsense")
    message = through.call("list", root, 10, check=False)
    expect("not well-formed XML" in message, message)
    broken.set("pass")
    expect_equal(through.write(root + "/stay", b"data"), "written", "healed")


def test_who_waits_for_a_store_is_cancelled_at_once(through, broken, root):
    c = through.cluster
    through.options = through.options + ["request-timeout-ms", "60000"]
    broken.set("hang")
    session = c.spawn("SET application_name = 'waits';" + through.statement("write_many", root + "/c", 300, 10))
    expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waits' AND wait_event_type = 'Extension'", "1"), "it waits")
    start = time.monotonic()
    c.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'")
    _, error = session.communicate(timeout=20)
    took = time.monotonic() - start
    broken.set("pass")
    expect("canceling statement due to user request" in error, error)
    expect(took < 15, "at once: %.2f s" % took)
