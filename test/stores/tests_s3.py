"""The S3 back end against a store that checks signatures.

SPDX-License-Identifier: PostgreSQL
"""
import os
import subprocess
import threading
import time

import pytest
import stores
from expectations import expect, expect_equal

ROOT = "s3://lake/base"


@pytest.fixture
def s3(functions, store):
    return functions(ROOT, store.options())


@pytest.fixture
def through(functions, store, faults):
    """Through the proxy, with little patience."""
    return functions(ROOT, store.options(endpoint=faults.url, request_timeout_ms="4000", connect_timeout_ms="1000"))


def test_what_is_written_is_read(s3):
    data = bytes(range(256)) * 20
    expect_equal(s3.write(ROOT + "/a/one", data), "written", "written")
    expect_equal(s3.read(ROOT + "/a/one"), data, "all bytes")
    expect_equal(s3.write(ROOT + "/a/one", b"other"), "written", "replaced")
    expect_equal(s3.read(ROOT + "/a/one"), b"other", "the new bytes")
    expect_equal(s3.write(ROOT + "/a/none", b""), "written", "an empty file")
    expect_equal(s3.read(ROOT + "/a/none"), b"", "no bytes")


def test_what_is_not_there(s3):
    expect("File does not exist: s3://lake/base/nothing" in s3.read(ROOT + "/nothing"), "IC104")
    expect_equal(s3.call("exists", ROOT + "/nothing"), "f", "not there")
    s3.write(ROOT + "/something", b"x")
    expect_equal(s3.call("exists", ROOT + "/something"), "t", "there")


def test_a_larger_file_than_the_limit_is_refused(s3):
    s3.write(ROOT + "/large", b"x" * 1001)
    expect("File is larger than the limit of 1000 bytes" in s3.read(ROOT + "/large", 1000), "refused")
    expect_equal(len(s3.read(ROOT + "/large", 1001)), 1001, "exactly the limit is read")


def test_every_key_is_written_as_it_stands(s3):
    """Keys are bytes: no spelling of one is another's."""
    names = ["blank s", "plus+", "percent%41", "percent%2F", "ünï", "a=b&c", "quote'\"", "star*", "question?x", "tilde~", "(p)", "#hash",
             "colon:", "at@", "comma,;", "dollar$", "[b]{c}", "back\\slash", "a..b", "%"]
    for name in names:
        expect_equal(s3.write("%s/keys/%s" % (ROOT, name), name.encode()), "written", "written: " + name)
    for name in names:
        expect_equal(s3.read("%s/keys/%s" % (ROOT, name)), name.encode(), "read: " + name)
    listed = [line[:line.rindex(" ")] for line in s3.lines("list", ROOT + "/keys", 1000)]
    expect_equal(sorted(listed), sorted("%s/keys/%s" % (ROOT, name) for name in names), "listed")
    expect_equal(set(s3.lines("remove_many", ["%s/keys/%s" % (ROOT, name) for name in names])), {""}, "removed at once")
    expect_equal(s3.lines("list", ROOT + "/keys", 1000), [""], "none is left")


def test_new_files_replace_nothing(s3):
    expect_equal(s3.write(ROOT + "/new", b"first", "new"), "written", "the first")
    expect_equal(s3.write(ROOT + "/new", b"second", "new"), "exists", "not the second")
    expect_equal(s3.read(ROOT + "/new"), b"first", "the first stays")
    expect_equal(s3.write(ROOT + "/new", b"first", "batch-new"), "written", "the same bytes are as good")
    expect("another file has this name" in s3.write(ROOT + "/new", b"other", "batch-new"), "others are not")
    expect_equal(s3.write(ROOT + "/new", b"other", "batch"), "written", "without the condition it is replaced")


def test_parts(s3, store):
    """Above multipart_bytes (5 MiB here) a file is written in parts, and is there as a whole or not at all."""
    s3.cluster.sql("CREATE OR REPLACE FUNCTION big(n int) RETURNS bytea LANGUAGE sql AS "
                   "$$SELECT decode(repeat('0123456789abcdef', n), 'hex')$$")
    for how in ("atomic", "new"):
        expect_equal(s3.cluster.sql("SELECT store_write('%s', %s, '%s/big', big(1500000), '%s')" % (
            ROOT, "ARRAY[%s]" % ", ".join("'%s'" % o for o in s3.options), ROOT, how)),
            "written" if how == "atomic" else "exists", "12 MB, " + how)
    expect_equal(s3.cluster.sql("SELECT md5(store_read('%s', ARRAY[%s], '%s/big', 20000000)) = md5(big(1500000))" % (
        ROOT, ", ".join("'%s'" % o for o in s3.options), ROOT)), "t", "its bytes")


def test_ranges(s3):
    s3.write(ROOT + "/range", b"0123456789")
    expect_equal(s3.call("range", ROOT + "/range", 2, 3), "234/10", "in the middle")
    expect_equal(s3.call("range", ROOT + "/range", 8, 100), "89/10", "to the end")
    # A store may say then how large the file is.
    expect(s3.call("range", ROOT + "/range", 10, 5) in ("/10", "/0"), "behind the end")


def test_lists_come_in_pages(s3):
    expect_equal(s3.call("write_many", ROOT + "/pages/x", 25, 3), "25", "25 files")
    s3.write(ROOT + "/pages/y", b"z")
    s3.write(ROOT + "/pages0", b"a neighbour")
    lines = s3.lines("list", ROOT + "/pages", 10)
    pages = "\n".join(lines).split("\n\n")
    expect_equal([len(page.split("\n")) for page in pages], [10, 10, 6], "pages")
    expect_equal(lines[0], ROOT + "/pages/x/00000 3", "with sizes and dates")
    expect(not any("pages0" in line for line in lines), "no neighbour")


def test_many_at_once(s3):
    start = time.monotonic()
    expect_equal(s3.call("write_many", ROOT + "/many", 1500, 1000), "1500", "1,500 files")
    took = time.monotonic() - start
    names = ["%s/many/%05d" % (ROOT, i) for i in range(1500)]
    expect_equal(set(s3.lines("remove_many", names)), {""}, "removed")
    expect_equal(s3.lines("list", ROOT + "/many", 10), [""], "none is left")
    expect(took < 30, "in a few seconds: %.1f" % took)


def test_outside_of_the_root(s3):
    for location in ("s3://lake/other", "s3://lake/base2/x", "s3://other/base/x", "s3://lake/bas"):
        expect("outside of the storage profile's root" in s3.write(location, b"x"), location)
        expect("outside of the storage profile's root" in s3.lines("remove_many", [location])[0], location)
    expect("no name of a bucket" in s3.write("s3:///base/x", b"x"), "no bucket")


def test_other_schemes_are_the_same_objects(s3):
    s3.write("s3a://lake/base/scheme", b"a")
    expect_equal(s3.read("s3://lake/base/scheme"), b"a", "s3a is s3")
    expect_equal(s3.read("s3n://lake/base/scheme"), b"a", "s3n is s3")


def test_a_wrong_key(functions, store):
    wrong = functions(ROOT, store.options(secret_access_key="not the secret that it is"))
    message = wrong.write(ROOT + "/x", b"x")
    expect("could not write s3://lake/base/x: the store answers 403, SignatureDoesNotMatch" in message, message)
    expect("not the secret" not in message, "no secret in the message")
    expect("tried" not in message, "a refusal is not repeated")
    expect("NoSuchBucket" in functions("s3://nobucket/b", store.options()).write("s3://nobucket/b/x", b"x"), "no such bucket")


def test_private_addresses_need_the_profiles_permission(functions, store):
    closed = functions(ROOT, store.options(allow_private_endpoints="false"))
    expect("an address that may not be asked" in closed.read(ROOT + "/x"), "127.0.0.1")
    for host in ("169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]", "0xa9fea9fe"):
        metadata = functions(ROOT, store.options(endpoint="http://%s:%d" % (host, store.port), retries_max="0"))
        expect("an address that may not be asked" in metadata.read(ROOT + "/x"), host)


def test_as_many_requests_as_the_setting_says(functions, store, faults):
    """icecat.store_requests_max."""
    s3 = functions(ROOT, store.options(endpoint=faults.url))
    faults.set("late")
    for most in (1, 7):
        faults.most = 0
        s3.cluster.sql("SET icecat.store_requests_max = %d; %s" % (most, s3.statement("write_many", "%s/at-once-%d" % (ROOT, most), 30, 10)))
        expect_equal(faults.most, most, "at once")
    faults.most = 0
    s3.call("write_many", ROOT + "/at-once", 60, 10)
    expect(faults.most > 10, "many without it, also where the machine is busy: %d" % faults.most)


def test_parts_of_the_size_that_the_setting_says(functions, store, faults):
    """icecat.multipart_bytes; and parts of an object that failed are given up."""
    s3 = functions(ROOT, store.options(endpoint=faults.url))
    s3.cluster.sql("SET icecat.multipart_bytes = 6000000; " + s3.statement("write_many", ROOT + "/parts", 1, 13000000))
    expect_equal([r.split("?")[1].split("&")[0] for r in faults.requests if r.startswith("PUT")],
                 ["partNumber=1", "partNumber=2", "partNumber=3"], "three parts")
    faults.requests.clear()
    original = faults.pass_on

    def without_second(request, body, fault):
        if "partNumber=2" in request.path:
            return stores.answer(request, 403, b"<Error><Code>AccessDenied</Code></Error>")
        return original(request, body, fault)
    faults.pass_on = without_second
    message = s3.call("write_many", ROOT + "/parts-2", 1, 13000000, check=False)
    expect("could not write s3://lake/base/parts-2/00000: the store answers 403, AccessDenied" in message, message)
    expect_equal([r.split("?")[0] for r in faults.requests if r.startswith("DELETE")], ["DELETE /lake/base/parts-2/00000"], "given up")
    expect_equal(s3.call("exists", ROOT + "/parts-2/00000"), "f", "nothing is there")


# -- faults --------------------------------------------------------------------------------------------------

def test_passing_faults_are_outlasted(through, faults):
    for fault in ("503", "cut", "corrupt"):
        faults.set(fault, 1)
        expect_equal(through.write(ROOT + "/f/" + fault, b"data"), "written", "written after " + fault)
        faults.set(fault, 1)
        expect_equal(through.read(ROOT + "/f/" + fault), b"data", "read after " + fault)
    expect_equal(len([r for r in faults.requests if r.startswith("PUT")]), 6, "each was sent twice")


def test_an_answer_that_got_lost(through, faults):
    """A conditional write that arrived finds itself when it is sent again."""
    for how in ("new", "batch-new"):
        faults.set("cut", 1)
        expect_equal(through.write("%s/lost-%s" % (ROOT, how), b"data", how), "written", how)


def test_faults_that_stay(through, faults):
    for fault, words in (("503", "the store answers 503, SlowDown: as asked (tried"), ("cut", "could not write"),
                         ("hang", "Operation timed out"), ("denied", "the store answers 403, AccessDenied: as asked"),
                         ("expired", "ExpiredToken"), ("redirect", "the store answers 307")):
        faults.set(fault)
        start = time.monotonic()
        message = through.write(ROOT + "/stay", b"data")
        expect(words in message, "%s: %s" % (fault, message))
        expect(time.monotonic() - start < 6, "%s ends in time" % fault)
    faults.set("slow")
    expect("could not read" in through.read(ROOT + "/range"), "a byte a second")
    faults.set("nonsense")
    message = through.call("list", ROOT, 10, check=False)
    expect("not well-formed XML" in message, message)
    faults.set("pass")
    expect_equal(through.write(ROOT + "/stay", b"data"), "written", "healed")


def test_nobody_listens(functions, store):
    dead = functions(ROOT, store.options(endpoint="http://127.0.0.1:1", retries_max="1"))
    message = dead.write(ROOT + "/x", b"x", "batch")
    expect("could not write s3://lake/base/x: " in message and "(tried 2 times)" in message, message)


def test_who_waits_for_a_store_is_cancelled_at_once(through, faults):
    c = through.cluster
    patient = list(through.options) + ["request-timeout-ms", "60000"]
    faults.set("hang")
    for statement in ("SELECT store_write_many('%s', ARRAY[%s], '%s/c', 300, 10)", "SELECT store_read('%s', ARRAY[%s], '%s/c', 10)"):
        text = statement % (ROOT, ", ".join("'%s'" % o for o in patient), ROOT)
        session = c.spawn("SET application_name = 'waits';" + text)
        expect(c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'waits' AND wait_event_type = 'Extension'", "1"),
               "it waits")
        time.sleep(0.3)
        c.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'")
        start = time.monotonic()
        _, error = session.communicate(timeout=20)
        took = time.monotonic() - start
        expect("canceling statement due to user request" in error, error)
        expect(took < 1, "at once: %.2f s" % took)
    faults.set("pass")
    # The same session can use the store again after a cancelled statement.
    text = "SET statement_timeout = 500;\nSELECT store_read('%s', ARRAY[%s], '%s/c', 10);\nRESET statement_timeout;\n" % (
        ROOT, ", ".join("'%s'" % o for o in patient), ROOT)
    faults.set("hang")
    heal = threading.Timer(1.5, faults.set, ("pass",))
    heal.start()
    session = c.spawn("\\set ON_ERROR_STOP off\n" + text + "SELECT pg_sleep(1.5);\n" + through.statement("write", ROOT + "/c", b"x", "atomic") + ";")
    out, error = session.communicate(timeout=30)
    heal.join()
    expect("statement timeout" in error and "written" in out, out + error)


def test_a_store_without_delete_objects(functions, store, faults):
    """Then files are deleted one by one."""
    s3 = functions(ROOT, store.options(endpoint=faults.url))
    s3.call("write_many", ROOT + "/single", 20, 1)
    original = faults.pass_on

    def without(request, body, fault):
        if request.command == "POST":
            return stores.answer(request, 501, b"<Error><Code>NotImplemented</Code></Error>")
        return original(request, body, fault)
    faults.pass_on = without
    expect_equal(set(s3.lines("remove_many", ["%s/single/%05d" % (ROOT, i) for i in range(20)])), {""}, "removed")
    expect_equal(len([r for r in faults.requests if r.startswith("DELETE")]), 20, "by a request each")
    expect_equal(s3.lines("list", ROOT + "/single", 10), [""], "none is left")


def test_without_the_library(s3, c):
    """An installation that lacks icecat_net.so is an error of the file's, not of the session's work."""
    library = os.path.join(subprocess.check_output([os.environ["PG_CONFIG"], "--pkglibdir"], text=True).strip(), "icecat_net.so")
    os.rename(library, library + ".away")
    try:
        message = s3.write(ROOT + "/x", b"x", "batch")
        expect(message.startswith("could not load icecat_net.so: "), message)
    finally:
        os.rename(library + ".away", library)
    expect_equal(s3.write(ROOT + "/x", b"x", "batch"), "written", "it is back")
