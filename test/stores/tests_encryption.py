"""Which requests tell an S3 store how an object is to be encrypted: those that make one, exactly, and no other.

SPDX-License-Identifier: PostgreSQL
"""
import pytest
from expectations import expect, expect_equal
from memory_store import MemoryStore

ROOT = "s3://lake/base"
BIG = 13000000
SSE = "x-amz-server-side-encryption"
KEY = "arn:aws:kms:eu-west-1:1:key/of-the-tests"
WAYS = {
    "none said": ({}, {}),
    "none": ({"sse": "none"}, {}),
    "of the store": ({"sse": "s3"}, {SSE: "AES256"}),
    "the bucket's key": ({"sse": "kms"}, {SSE: "aws:kms"}),
    "a key": ({"sse": "kms", "kms_key": KEY}, {SSE: "aws:kms", SSE + "-aws-kms-key-id": KEY}),
}
MAKERS = ("PUT", "start")       # those that make an object: a part is encrypted as its start says


def said(request):
    return {name: value for name, value in request.headers.items() if "server-side-encryption" in name}


def do_all(s3):
    """Every request that the storage layer has."""
    for how in ("atomic", "new", "batch", "batch-new"):
        expect_equal(s3.write("%s/%s" % (ROOT, how), b"data", how), "written", how)
    expect_equal(s3.write(ROOT + "/batch-new", b"data", "batch-new"), "written", "that it is there is found by a comparison")
    s3.cluster.sql("SET icecat.multipart_bytes = 6000000; " + s3.statement("write_many", ROOT + "/parts", 1, BIG))
    expect_equal(s3.read(ROOT + "/new"), b"data", "read")
    expect_equal(s3.call("range", ROOT + "/new", 1, 2), "at/4", "a range")
    expect_equal(s3.call("exists", ROOT + "/new"), "t", "there")
    expect_equal(s3.lines("list", ROOT + "/parts", 10), ["%s/parts/00000 %d" % (ROOT, BIG)], "listed")
    expect_equal(set(s3.lines("remove_many", [ROOT + "/new", ROOT + "/batch"])), {""}, "removed")
    expect_equal(s3.call("remove", ROOT + "/atomic"), "t", "removed alone")


def give_up(s3, store):
    store.refuses = lambda method, key: (400, "InvalidPart") if method == "PUT" else None
    s3.cluster.sql("SET icecat.multipart_bytes = 6000000; " + s3.statement("write_many", ROOT + "/lost", 1, BIG), check=False)


@pytest.mark.parametrize("way", list(WAYS))
def test_what_makes_an_object_says_how_it_is_encrypted_and_nothing_else_does(functions, way):
    options, headers = WAYS[way]
    with MemoryStore() as store:
        s3 = functions(ROOT, store.options(**options))
        do_all(s3)
        give_up(s3, store)
        kinds = {request.kind for request in store.requests}
        expect_equal(kinds, {"PUT", "GET", "HEAD", "DELETE", "list", "delete", "start", "part", "complete", "abort"}, "every kind was sent")
        for request in store.requests:
            expect_equal(said(request), headers if request.kind in MAKERS else {}, "%s: %s %s" % (way, request.kind, request.target))
            signed = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
            expect(set(said(request)) <= set(signed), "they are signed: %s" % signed)
        expect(not [r for r in store.requests if any(name.startswith("x-amz-copy") for name in r.headers)], "nothing is copied")
