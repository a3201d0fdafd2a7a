"""Signed requests on the wire: what icecat signs is sent to a store as it stands. What is the table's is done, under any name that a key can have;
whatever is signed of what a hostile client asks for reaches nothing else.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import json
import os
import subprocess
import urllib.parse

import pytest
from expectations import expect, expect_equal
from s3_client import S3, send

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "a", "type": "int", "required": False}]}
THEIRS = b"not yours"
NAMES = ("plain", "blank in it", "plus+sign", "per%20cent", "%2F", "Straße ✓", "a=b&c=d", "semi;colon", "quo'te\"", "(brackets)", "tilde~", "a,b:c@d",
         "hash#mark", "question?mark", "dollar$", "star*", "dot.", "ends in blank ", "back`tick", "<xml>&amp;")


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def root(store):
    return S3(store.url, store.access_key, store.secret_key)


@pytest.fixture(scope="module")
def folder(c, store, root):
    """The table's: "lake/…/t". Beside it and above it lie files that are not its."""
    options = {"endpoint": store.url, "region": store.region, "allow-private-endpoints": "true", "path-style": "true"}
    secrets = {"access-key-id": store.access_key, "secret-access-key": store.secret_key}
    c.sql("SELECT icecat.create_storage_profile('signs', 's3://lake/signs', '%s', '%s'); SELECT icecat.create_warehouse('signs', 's3://lake/signs', "
          "'{\"icecat.access-delegation\": \"sign\", \"icecat.metadata-write-mode\": \"none\"}', 'signs'); SELECT icecat.create_namespace('signs', '{a}');"
          "SELECT icecat.create_table('signs', '{a}', 't', '%s', p_location => 's3://lake/signs/a/t')" % (
              json.dumps(options), json.dumps(secrets), json.dumps(SCHEMA)))
    for key in ("signs/a/t2/f", "signs/a/f", "signs/f", "f"):
        expect_equal(root.put("lake/" + key, THEIRS).status, 200)
    expect_equal(root.put("with.dots/f", THEIRS).status, 200)
    return "lake/signs/a/t"


@pytest.fixture
def signed(c, store, folder):
    """signed(method, target): a Reply of the store, or None where the request is not signed. target: as the bytes of the request have it."""
    def ask(method, target, headers=(), body=b"", told=None, host=None, sent=()):
        request = {"region": store.region, "method": method, "uri": (host or store.url) + target, "headers": {name: [value] for name, value in headers}}
        if told is not None:
            request["body"] = told
        text = c.sql("SELECT icecat.sign_request('signs', '{a}', 't', convert_from('\\x%s', 'UTF8')::json)" % json.dumps(request).encode().hex(), check=False)
        if not text.startswith("{"):
            expect("not signed" in text or "Malformed" in text or "Invalid" in text, text)
            return None
        fields = {name.lower(): ",".join(values) for name, values in json.loads(text)["headers"].items()}
        fields.update({name.lower(): value for name, value in [*headers, *sent] if name.lower() not in fields})
        fields["host"] = (host or store.url).split("://")[1]
        return send(store.url.split("://")[1], method, target, list(fields.items()), body)
    return ask


def snapshot(store):
    """All that lies outside of the table's folder."""
    found = {}
    for bucket in ("lake", "with.dots"):
        for top, _, names in os.walk(os.path.join(store.data, bucket)):
            for path in (os.path.join(top, name) for name in names):
                if not any(part in path for part in ("/signs/a/t/", "/.sgwtmp", "/.icecat/")):
                    with open(path, "rb") as file:
                        found[path] = file.read()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_written_read_listed_and_deleted(signed, folder, name):
    target = "/%s/data/%s" % (folder, urllib.parse.quote(name, safe="-_.~"))
    reply = signed("PUT", target, body=b"rows")
    expect_equal(reply and reply.status, 200, "PUT: %s" % reply)
    expect_equal(signed("GET", target).body, b"rows")
    expect_equal(signed("HEAD", target).status, 200)
    prefix = urllib.parse.quote("signs/a/t/data/" + name, safe="")
    listed = signed("GET", "/lake?list-type=2&encoding-type=url&prefix=" + prefix)
    expect(listed.status == 200 and len(listed.keys()) == 1, "%s %s" % (listed, listed.body))
    expect_equal(signed("DELETE", target).status, 204)
    expect_equal(signed("GET", target).status, 404)


def test_parts_and_many_are_the_tables(signed, folder, root):
    target = "/%s/data/big" % folder
    upload = signed("POST", target + "?uploads=").body.decode().partition("<UploadId>")[2].partition("</UploadId>")[0]
    tag = signed("PUT", target + "?partNumber=1&uploadId=" + upload, body=b"part").headers["etag"]
    done = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>" % tag
    expect_equal(signed("POST", target + "?uploadId=" + upload, body=done.encode()).status, 200)
    expect_equal(root.get(folder + "/data/big").body, b"part")
    body = "<Delete><Object><Key>signs/a/t/data/big</Key></Object><Quiet>true</Quiet></Delete>"
    reply = signed("POST", "/lake?delete=", [("Content-MD5", base64.b64encode(hashlib.md5(body.encode()).digest()).decode())], body.encode(), body)
    expect_equal(reply.status, 200, "%s" % reply.body)
    expect_equal(root.get(folder + "/data/big").status, 404)


T = "/lake/signs/a/t"
HOSTILE_TARGETS = (
    T + "2/f", T, T + "/", "/lake/signs/a/f", "/lake/f", "/with.dots/f", T + "/../t2/f", T + "/%2e%2e/t2/f", T + "/..%2Ft2/f", T + "/.%2e/t2/f",
    T + "/%252e%252e/t2/f", T + "//../t2/f", T + "/x/../../t2/f", T + "/./../t2/f", "/lake//signs/a/t2/f", "//lake/signs/a/t2/f", "/lake/signs/a/t%2F..%2Ft2/f",
    "/lake/signs/a/t/..;/t2/f", T + "/\\..\\t2\\f", T + "/%5c..%5ct2%5cf", T + "/%00/../../t2/f", T + "/a%0d%0aX:%20y", T + "/a?/../../t2/f", T + "/a#/../../t2/f",
    "/lake%2Fsigns%2Fa%2Ft2%2Ff", "/LAKE/signs/a/t2/f", T + "/f?versionId=1", T + "/f?acl", T + "/f?uploadId=x&partNumber=1&uploadId=y", T + "/f?tagging=",
    T + "/f?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0", T + "/f?response-content-type=text/html", T + "/f?x-id=GetObject&x-id=PutObject", T + "/f?torrent",
)
HOSTILE_LISTS = (
    "", "?list-type=2", "?list-type=2&prefix=", "?list-type=2&prefix=signs/", "?list-type=2&prefix=signs/a/t", "?list-type=2&prefix=signs/a/t2/",
    "?list-type=2&prefix=signs/a/t/&prefix=", "?prefix=signs/a/t/&list-type=2&Prefix=signs/a/t2/", "?list-type=2&prefix=signs/a/t/../t2/", "?list-type=1&prefix=signs/a/t/",
    "?prefix=signs/a/t/", "?versions=&prefix=signs/a/t/", "?uploads=&prefix=signs/a/t/", "?location=", "?policy=", "?list-type=2&list-type=2&prefix=signs/a/t/",
    "?list-type=2&prefix=signs%2Fa%2Ft%2F%2e%2e%2Ft2%2F", "?list-type=2&prefi%78=signs/a/t/&prefix=signs/", "?list-type=2;prefix=signs/a/t2/", "?list-type=2&prefix=+signs/a/t/",
)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "POST"])
def test_what_is_not_the_tables_is_not_reached(store, signed, folder, method):
    before = snapshot(store)
    for target in HOSTILE_TARGETS:
        reply = signed(method, target, body=b"mine" if method == "PUT" else b"")
        expect(reply is None or THEIRS not in reply.body, "%s %s: %s" % (method, target, reply))
        expect_equal(snapshot(store), before, "%s %s" % (method, target))


def test_lists_show_nothing_else(signed, folder):
    for query in HOSTILE_LISTS:
        for path in ("/lake", "/lake/", "/"):
            reply = signed("GET", path + query)
            shown = reply.body.decode() if reply is not None and reply.status == 200 else ""
            expect("t2/f" not in shown and "signs/f" not in shown and "<Key>f<" not in shown and "<Name>with" not in shown, "%s%s: %s" % (path, query, shown))


HOSTILE_HEADERS = (
    [("x-amz-copy-source", "/lake/signs/a/t2/f")], [("X-AMZ-Copy-Source", "lake/signs/a/t2/f")], [("x-amz-acl", "public-read-write")],
    [("x-amz-grant-read", "uri=http://acs.amazonaws.com/groups/global/AllUsers")], [("x-amz-website-redirect-location", "/x")],
    [("x-amz-object-lock-mode", "COMPLIANCE")], [("x-amz-rename-source", "/lake/signs/a/t2/f")], [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")],
)


def test_headers_that_copy_open_or_lock_are_not_signed(store, signed, folder, root):
    before = snapshot(store)
    for headers in HOSTILE_HEADERS:
        expect(signed("PUT", "/%s/data/h" % folder, headers, b"rows") is None, "signed with %s" % headers)
    # Not told of, and sent all the same: the store wants every header of its own to be signed.
    for headers in HOSTILE_HEADERS[:6]:
        reply = signed("PUT", "/%s/data/h" % folder, body=b"", sent=headers)
        expect(reply.status >= 400 or THEIRS not in root.get(folder + "/data/h").body, "%s: %s" % (headers, reply))
    expect_equal(snapshot(store), before)


XML = ("<Delete><Object><Key>signs/a/t/x</Key></Object><Object><Key>signs/a/t2/f</Key></Object></Delete>",
       "<Delete><Object><Key>signs/a/t/x</Key><Key>signs/a/t2/f</Key></Object></Delete>",
       "<Delete><Object><Key>signs/a/t/../t2/f</Key></Object></Delete>", "<Delete><Object><Key>signs/a/t<!-- -->2/f</Key></Object></Delete>",
       "<Delete><Object><Key><![CDATA[signs/a/t2/f]]></Key></Object></Delete>", "<Delete><Object><Key>signs/a/t&#50;/f</Key></Object></Delete>",
       "<!DOCTYPE d [<!ENTITY e \"signs/a/t2/f\">]><Delete><Object><Key>&e;</Key></Object></Delete>",
       "<Delete xmlns:a='b'><a:Object><Key>signs/a/t2/f</Key></a:Object><Object><Key>signs/a/t/x</Key></Object></Delete>",
       "<Delete><Object><Key>signs/a/t/x</Key></Object></Delete><Delete><Object><Key>signs/a/t2/f</Key></Object></Delete>",
       "<Delete><Object><Key>signs/a/t/x</Key><VersionId>1</VersionId></Object></Delete>", "<Delete></Delete>", "")


def test_bodies_that_delete_what_is_not_the_tables_are_not_signed(store, signed, folder):
    before = snapshot(store)
    for body in XML:
        expect(signed("POST", "/lake?delete=", body=body.encode(), told=body) is None, body)
    good = "<Delete><Object><Key>signs/a/t/x</Key></Object></Delete>"
    for body in XML[:9]:
        md5 = base64.b64encode(hashlib.md5(body.encode()).digest()).decode()
        reply = signed("POST", "/lake?delete=", [("Content-MD5", md5)], body.encode(), good)
        expect(reply is not None and reply.status >= 400, "another body than the one that was signed: %s" % reply)
    expect_equal(snapshot(store), before)


def test_a_signature_is_for_its_request_alone(store, signed, folder, c):
    before = snapshot(store)
    request = {"region": store.region, "method": "GET", "uri": store.url + T + "/data/x", "headers": {}}
    fields = json.loads(c.sql("SELECT icecat.sign_request('signs', '{a}', 't', '%s')" % json.dumps(request)))["headers"]
    sent = [("host", store.url.split("://")[1])] + [(name, values[0]) for name, values in fields.items() if name.lower() != "host"]
    for method, target in (("PUT", T + "/data/x"), ("GET", T + "2/f"), ("DELETE", T + "/data/x"), ("GET", T + "/data/x?acl"), ("GET", "/lake?list-type=2")):
        reply = send(store.url.split("://")[1], method, target, sent)
        expect_equal((reply.status, reply.code), (403, "SignatureDoesNotMatch"), "%s %s" % (method, target))
    expect_equal(snapshot(store), before)


def test_hosts_that_are_not_the_stores_are_not_signed_for(signed, folder, store):
    port = store.url.rsplit(":", 1)[1]
    for host in ("http://127.0.0.2:" + port, "http://localhost:" + port, "http://127.0.0.1", "https://127.0.0.1:" + port, "http://lake.127.0.0.1.evil.example:" + port,
                 "http://evil@127.0.0.1:" + port, "http://127.0.0.1:%s@evil.example" % port, "http://[::1]:" + port, "http://127.0.0.1:0" + port, "ftp://127.0.0.1:" + port):
        reply = signed("GET", T + "/data/x", host=host) if "@" not in host else signed("GET", "/lake/signs/a/t/data/x", host=host)
        expect(reply is None or reply.status in (403, 404), "%s: %s" % (host, reply))
