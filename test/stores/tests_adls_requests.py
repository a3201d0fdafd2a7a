"""What is asked of Azure's store: against a recorder, which answers as it is told.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import urllib.parse

import azure_store
import pytest
from expectations import expect, expect_equal

KEY = base64.b64encode(b"the account's key of the tests").decode()
ROOT = "abfss://lake@acct.dfs.core.windows.net/base"
VERSION = azure_store.VERSION


@pytest.fixture(scope="module")
def recorder():
    running = azure_store.Recorder()
    yield running
    running.close()


@pytest.fixture
def files(functions, recorder):
    return functions(ROOT, ["endpoint", recorder.url, "shared-key", KEY, "allow-private-endpoints", "true", "retries-max", "0"])


def only(recorder, count=1):
    """The requests, each of which is signed."""
    expect_equal(len(recorder.requests), count, "requests: %s" % [r[:2] for r in recorder.requests])
    for method, target, headers, body in recorder.requests:
        expect_equal(headers["authorization"], azure_store.signature_of(KEY, method, target, headers, body), "the signature of %s %s" % (method, target))
        expect_equal(headers["x-ms-version"], VERSION, "the version")
    return recorder.requests


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def test_a_write(files, recorder):
    recorder.answer((201, {}, b""))
    expect_equal(files.write(ROOT + "/a b/%25+ü", b"data", "new"), "written", "written")
    (method, target, headers, body), = only(recorder)
    expect_equal((method, target, body), ("PUT", "/acct/lake/base/a%20b/%2525%2B%C3%BC", b"data"), "the request")
    expect_equal((headers["if-none-match"], headers["x-ms-blob-type"], headers["content-md5"]), ("*", "BlockBlob", md5(b"data")), "its headers")
    recorder.answer((201, {}, b""))
    files.write(ROOT + "/x", b"data")
    expect_equal(only(recorder)[0][2]["if-none-match"], None, "without the condition")
    recorder.answer((201, {"x-ms-version": ""}, b""))
    recorder.answers[0][1].pop("x-ms-version")
    expect("it is not a store's" in files.write(ROOT + "/x", b"data"), "a page of something in between")


def test_the_account_may_have_an_endpoint_of_its_own(functions, recorder):
    recorder.answer((201, {}, b""))
    own = functions(ROOT, ["endpoint", recorder.url, "path-style", "false", "shared-key", KEY, "allow-private-endpoints", "true"])
    expect_equal(own.write(ROOT + "/x", b"data"), "written", "written")
    expect_equal(only(recorder)[0][1], "/lake/base/x", "its name is not in the path")
    other = functions(ROOT, ["endpoint", recorder.url, "account", "other", "shared-key", KEY, "allow-private-endpoints", "true"])
    recorder.answer((201, {}, b""))
    other.write(ROOT + "/x", b"data")
    expect_equal(recorder.requests[0][1], "/other/lake/base/x", "an account that is named")
    expect(recorder.requests[0][2]["authorization"].startswith("SharedKey other:"), "signs")


def test_a_file_that_is_taken(files, recorder):
    taken = (409, {"x-ms-error-code": "BlobAlreadyExists"}, b"")
    recorder.answer(taken)
    expect_equal(files.write(ROOT + "/x", b"data", "new"), "exists", "taken")
    recorder.answer(taken, (200, {}, b"data"))
    expect_equal(files.write(ROOT + "/x", b"data", "batch-new"), "written", "the same bytes")
    only(recorder, 2)
    recorder.answer(taken, (200, {}, b"datb"))
    expect("another file has this name" in files.write(ROOT + "/x", b"data", "batch-new"), "others")
    recorder.answer((409, {"x-ms-error-code": "LeaseIdMissing"}, b""))
    expect("LeaseIdMissing" in files.write(ROOT + "/x", b"data", "new"), "another conflict is an error")


def test_blocks(files, recorder):
    recorder.answer((201, {}, b""))
    files.cluster.sql("SET icecat.multipart_bytes = 5242880; " + files.statement("write_many", ROOT + "/big", 1, 6000000))
    first, second, last = only(recorder, 3)
    names = [urllib.parse.parse_qs(r[1].partition("?")[2])["blockid"][0] for r in (first, second)]
    expect_equal([len(base64.b64decode(name)) for name in names], [12, 12], "names of one length")
    expect(names[0] != names[1], "names of their own")
    expect_equal(first[2]["content-md5"], md5(b"x" * 5242880), "the digest of a block")
    expect_equal([r[2]["if-none-match"] for r in (first, second, last)], [None, None, "*"], "the condition is the list's")
    expect_equal(last[3].decode(), '<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>%s</Latest><Latest>%s</Latest></BlockList>' % tuple(names),
                 "the list")
    expect_equal(last[2]["x-ms-blob-content-md5"], md5(b"x" * 6000000), "the digest of all")


def test_a_read_is_checked(files, recorder):
    recorder.answer((200, {"Content-MD5": md5(b"data")}, b"data"))
    expect_equal(files.read(ROOT + "/x"), b"data", "read")
    recorder.answer((200, {"Content-MD5": md5(b"other")}, b"data"))
    expect("do not have the checksum" in files.read(ROOT + "/x"), "other bytes")
    recorder.answer((404, {"x-ms-error-code": "BlobNotFound"}, b""))
    expect("File does not exist" in files.read(ROOT + "/x"), "none")
    recorder.answer((404, {"x-ms-error-code": "ContainerNotFound"}, b""))
    expect("answers 404, ContainerNotFound" in files.read(ROOT + "/x"), "no container is another thing")


def test_folders_of_a_hierarchical_namespace_are_no_files(files, recorder):
    recorder.answer((200, {"x-ms-meta-hdi_isfolder": "true"}, b""))
    expect_equal(files.call("exists", ROOT + "/folder"), "f", "a folder")
    blob = "<Blob><Name>base/f/%s</Name><Properties><Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified>" \
           "<Content-Length>%d</Content-Length><ResourceType>%s</ResourceType></Properties></Blob>"
    page = "<?xml version=\"1.0\"?><EnumerationResults><Blobs>%s</Blobs><NextMarker>%s</NextMarker></EnumerationResults>"
    recorder.answer((200, {}, (page % (blob % ("a", 0, "directory") + blob % ("a/x", 7, "file"), "2!go/on")).encode()),
                    (200, {}, (page % (blob % ("b", 9, "file"), "")).encode()))
    expect_equal(files.lines("list", ROOT + "/f", 5), [ROOT + "/f/a/x 7", "", ROOT + "/f/b 9"], "two pages")
    only(recorder, 2)
    expect_equal([r[1] for r in recorder.requests], ["/acct/lake?restype=container&comp=list&maxresults=5&prefix=base%2Ff%2F" + more
                                                     for more in ("", "&marker=2%21go%2Fon")], "what was asked")
    recorder.answer((200, {}, (page % (blob.replace("base/f/", "other/") % ("a", 1, "file"), "")).encode()))
    expect("lists other files, too" in files.call("list", ROOT + "/f", 5, check=False), "what was not asked for")
    recorder.answer((200, {}, b"<html></html>"))
    expect("is no list of blobs" in files.call("list", ROOT + "/f", 5, check=False), "no list")


def test_deletions(files, recorder):
    recorder.answer((202, {}, b""))
    expect_equal(files.call("remove", ROOT + "/x"), "t", "deleted")
    expect_equal(only(recorder)[0][2]["x-ms-delete-snapshots"], "include", "with its snapshots")
    recorder.answer((404, {"x-ms-error-code": "BlobNotFound"}, b""))
    expect_equal(files.call("remove", ROOT + "/x"), "f", "it was not there")
    recorder.answer((403, {"x-ms-error-code": "AuthorizationPermissionMismatch"}, b""))
    expect("AuthorizationPermissionMismatch" in files.lines("remove_many", [ROOT + "/x"])[0], "refused")


def test_no_message_has_the_key(files, recorder):
    """Nor the text of the signature, which the store gives back beside its complaint."""
    complaint = "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nRequestId:1</Message>" \
                "<AuthenticationErrorDetail>The MAC signature found in the HTTP request 'abc=' is not the same</AuthenticationErrorDetail></Error>"
    recorder.answer((403, {}, complaint.encode()))
    message = files.write(ROOT + "/x", b"data")
    expect("answers 403, AuthenticationFailed: Server failed to authenticate the request." in message, message)
    expect(KEY not in message and "abc=" not in message and "RequestId" not in message, message)
