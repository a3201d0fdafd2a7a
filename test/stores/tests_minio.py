"""Vended credentials end to end: MinIO enforces the session policies that it is given. What a table's credentials can do, and cannot.

./check minio installs it; ./check stores leaves this file out, for the last test waits until credentials end.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import json
import subprocess
import time

import pytest
import stores
from expectations import expect, expect_equal
from s3_client import S3

LIFE_S = 900         # no token service gives less
SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "icecat.vended_lifetime_s = %d" % LIFE_S]
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "a", "type": "int", "required": False}]}
BASE = "lake/base"
# Below the same folder as the tables, or around it: none of it is theirs.
FOREIGN = ("base/other/t/x", "base/a", "base/x", "x")
ODD = ("plus+and&amp=1", "blank in it", "per%20cent%2F", "Straße ✓", "'quote\"", "~tilde(1)")
PATTERNS = ("*", "a*", "?", "a?b", "a$b", "${*}", "${aws:username}")


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def minio(tmp_path_factory):
    with stores.Minio(str(tmp_path_factory.mktemp("minio")), ("lake", "other")) as running:
        yield running


@pytest.fixture(scope="module")
def root(minio):
    """Who may everything."""
    return S3(minio.url, minio.access_key, minio.secret_key)


@pytest.fixture(scope="module", autouse=True)
def recorder(c, minio, root):
    """Sees what the token service is asked; by its url only the token service is reached."""
    with stores.Recorder(minio.port, [BASE]) as running:
        options = {"region": minio.region, "endpoint": minio.url, "endpoint-sts": running.url, "allow-private-endpoints": "true",
                   "role-arn": minio.role, "path-style": "true"}
        secrets = {"access-key-id": minio.access_key, "secret-access-key": minio.secret_key}
        c.sql("SELECT icecat.create_storage_profile('p', 's3://%s', '%s', '%s'); SELECT icecat.create_warehouse('w', 's3://%s', "
              "'{\"icecat.access-delegation\": \"vend\"}', 'p'); SELECT icecat.create_namespace('w', '{a}');"
              "CREATE ROLE reads; SELECT icecat.grant_user('reads'); SELECT icecat.grant('reads', 'select', 'w')"
              % (BASE, json.dumps(options), json.dumps(secrets), BASE))
        for key in FOREIGN:
            expect_equal(root.put("lake/" + key, b"not yours").status, 200)
        expect_equal(root.put("other/x", b"not yours").status, 200)
        yield running


class Table:
    """A table, its folder, and clients of S3 for who writes and who reads it."""

    def __init__(self, c, minio, name, namespace=("a",), location=None, properties=None):
        self.c, self.minio, self.name, self.namespace = c, minio, name, namespace
        self.made = json.loads(c.sql("SET icecat.access_delegation = 'vended-credentials'; SELECT icecat.create_table('w', %s, %s, %s, "
                                     "p_location => %s, p_properties => %s)" % (
                                         array(namespace), literal(name), literal(json.dumps(SCHEMA)), literal(location),
                                         literal(json.dumps(properties or {})))))
        self.location = self.made["metadata"]["location"]
        self.folder = self.location[len("s3://"):]
        self.key = self.folder[len("lake/"):]

    def load(self, role=None):
        return json.loads(self.c.sql("%s SET icecat.access_delegation = 'vended-credentials'; SELECT icecat.load_table('w', %s, %s)" % (
            "SET ROLE %s;" % role if role else "", array(self.namespace), literal(self.name))))

    def client(self, answer):
        config = answer["config"]
        return S3(self.minio.url, config["s3.access-key-id"], config["s3.secret-access-key"], config["s3.session-token"])

    def writer(self):
        return self.client(self.load())

    def reader(self):
        return self.client(self.load("reads"))


def literal(text):
    return "NULL" if text is None else "$q$%s$q$" % text


def array(names):
    return "ARRAY[%s]" % ", ".join(literal(name) for name in names)


@pytest.fixture(scope="module")
def table(c, minio):
    return Table(c, minio, "t")


@pytest.fixture(scope="module")
def sibling(c, minio, root):
    """A table beside it, with a file; its folder begins as the first one's does."""
    made = Table(c, minio, "t2", location=None)
    expect_equal(root.put(made.folder + "/data/f", b"the sibling's").status, 200)
    return made


@pytest.fixture(scope="module")
def early(table):
    """Credentials from the beginning, and when they were asked for."""
    return time.time(), table.load()


def denied(reply):
    expect_equal((reply.status, reply.code), (403, "AccessDenied"))


def test_a_writer_can_do_all_that_writing_needs(table, early):
    client, file = table.writer(), table.folder + "/data/f"
    expect_equal(client.put(file, b"rows").status, 200)
    expect_equal(client.get(file).body, b"rows")
    expect_equal(client.list("lake", table.key + "/").keys()[0], table.key + "/data/f")
    begun = client.ask("POST", file + "2", {"uploads": ""})
    upload = begun.body.decode().partition("<UploadId>")[2].partition("</UploadId>")[0]
    part = client.ask("PUT", file + "2", {"partNumber": "1", "uploadId": upload}, b"part")
    expect_equal(client.ask("GET", file + "2", {"uploadId": upload}).status, 200, "its parts are listed")
    done = ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>" % part.headers["etag"]).encode()
    expect_equal(client.ask("POST", file + "2", {"uploadId": upload}, done).status, 200)
    expect_equal(client.ask("DELETE", file + "3", {"uploadId": client.ask("POST", file + "3", {"uploads": ""}).body.decode().partition(
        "<UploadId>")[2].partition("</UploadId>")[0]}).status, 204, "given up")
    expect_equal(client.delete(file).status, 204)
    expect("<Deleted>" in client.delete_many("lake", [table.key + "/data/f2"]).body.decode(), "many")
    expect_equal(client.get(file).status, 404)


def test_nothing_beside_the_table_is_reached(table, sibling, root):
    for client in (table.writer(), table.reader()):
        for path in (sibling.folder + "/data/f", "other/x", *("lake/" + key for key in FOREIGN), table.folder + "2/f", table.folder):
            denied(client.get(path))
            denied(client.put(path, b"mine"))
            denied(client.delete(path))
        for prefix in ("", "base", "base/", "base/a/", table.key, sibling.key + "/", table.key[:-1]):
            denied(client.list("lake", prefix))
        denied(client.list("other", ""))
        denied(client.ask("GET", "lake"))
        denied(client.ask("GET", "lake", {"uploads": ""}))
        denied(client.ask("GET", "lake", {"versions": "", "prefix": sibling.key + "/"}))
        denied(client.ask("GET", "lake", {"policy": ""}))
        denied(client.ask("PUT", "new-bucket"))
    denied(table.writer().put(table.folder + "/copy", b"", [("x-amz-copy-source", "/%s/data/f" % sibling.folder)]))
    said = table.writer().delete_many("lake", [sibling.key + "/data/f"]).body.decode()
    expect("<Deleted>" not in said and "AccessDenied" in said, said)
    expect_equal(root.get(sibling.folder + "/data/f").body, b"the sibling's")
    expect_equal(root.get("lake/base/x").body, b"not yours")


def test_a_reader_reads_and_changes_nothing(table, root):
    file = table.folder + "/data/read"
    expect_equal(root.put(file, b"rows").status, 200)
    client = table.reader()
    expect_equal(client.get(file).body, b"rows")
    expect(table.key + "/data/read" in client.list("lake", table.key + "/").keys(), "it lists")
    denied(client.put(file, b"changed"))
    denied(client.put(table.folder + "/data/new", b"new"))
    denied(client.delete(file))
    denied(client.ask("POST", file, {"uploads": ""}))
    said = client.delete_many("lake", [table.key + "/data/read"]).body.decode()
    expect("<Deleted>" not in said, said)
    expect_equal(root.get(file).body, b"rows")


def test_a_new_table_comes_with_credentials_that_work(c, minio):
    made = Table(c, minio, "fresh")
    expect_equal(made.client(made.made).put(made.folder + "/data/f", b"rows").status, 200)


def test_folders_for_data_and_metadata_are_the_tables(c, minio):
    properties = {"write.data.path": "s3://%s/data-of-split" % BASE}
    made = Table(c, minio, "split", properties=properties)
    for client in (made.client(made.made), made.writer()):
        expect_equal(client.put(BASE + "/data-of-split/f", b"rows").status, 200)
        expect_equal(client.put(made.folder + "/metadata/f", b"rows").status, 200)
        denied(client.put(BASE + "/data-of-split2/f", b"rows"))
        denied(client.put(BASE + "/f", b"rows"))


@pytest.mark.parametrize("name", ODD)
def test_odd_names_get_what_is_theirs(c, minio, name):
    made = Table(c, minio, name, location="s3://%s/odd/%s/t" % (BASE, name))
    client, file = made.writer(), made.folder + "/data/" + name
    expect_equal(client.put(file, b"rows").status, 200, name)
    expect_equal(client.get(file).body, b"rows")
    expect_equal(client.list("lake", made.key + "/").status, 200)
    denied(client.put(BASE + "/odd/x", b"rows"))


@pytest.mark.parametrize("name", PATTERNS)
def test_a_name_that_is_a_pattern_reaches_no_other(c, minio, root, recorder, name):
    """MinIO knows no escapes of stars in policies, so nothing can be vended that fits."""
    for other in ("b", "ab", "abc", "aXb", "${x}", "${xyz}", minio.access_key):
        expect_equal(root.put("%s/names/%s/t/f" % (BASE, other), b"theirs").status, 200)
    made = Table(c, minio, "t" + base64.b16encode(name.encode()).decode(), location="s3://%s/names/%s/t" % (BASE, name))
    got = made.load()
    if "s3.access-key-id" in got["config"]:
        client = made.client(got)
        for other in ("b", "ab", "abc", "aXb", "${x}", "${xyz}", minio.access_key):
            if other != name:
                denied(client.get("%s/names/%s/t/f" % (BASE, other)))
        expect_equal(client.put(made.folder + "/f", b"rows").status, 200, "what was vended works")


def test_deep_namespaces_fit(c, minio):
    names = ["n%02d%s" % (i, "x" * 29) for i in range(14)]
    for depth in range(1, 15):
        c.sql("SELECT icecat.create_namespace('w', %s)" % array(names[:depth]))
    made = Table(c, minio, "t", namespace=names)
    expect_equal(made.writer().put(made.folder + "/data/f", b"rows").status, 200)


def test_the_answer_tells_when_they_expire(early):
    begun, answer = early
    config = answer["config"]
    told = int(config["s3.session-token-expires-at-ms"]) / 1000
    payload = config["s3.session-token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    expect(abs(told - claims["exp"]) <= 1, "%s and %s" % (told, claims["exp"]))
    expect(told <= begun + LIFE_S + 60, "told %d s after" % (told - begun))


def test_every_request_for_a_table_was_no_more_than_it(recorder):
    expect(len(recorder.forms) > 10, "requests")
    expect_equal(recorder.broader, [])


def test_they_expire(table, early):
    """The last test: what was given at the beginning lives until then."""
    _, answer = early
    client = table.client(answer)
    expires = int(answer["config"]["s3.session-token-expires-at-ms"]) / 1000
    if time.time() < expires - 5:
        expect_equal(client.put(table.folder + "/data/late", b"rows").status, 200, "still good")
    time.sleep(max(0, expires - time.time()) + 5)
    for reply in (client.get(table.folder + "/data/late"), client.put(table.folder + "/data/late2", b"rows"), client.list("lake", table.key + "/")):
        expect(reply.status in (400, 403), "%s" % reply)
    expect(table.load()["config"]["s3.access-key-id"] != answer["config"]["s3.access-key-id"], "a load gives new ones")
    expect_equal(table.writer().get(table.folder + "/data/late").body, b"rows")
