"""A profile without path style: the bucket is in the host. What the server asks, what clients are told, and what is signed for them.

SPDX-License-Identifier: PostgreSQL
"""
import json
import os
import subprocess

import pytest
import stores
from expectations import expect, expect_equal
from s3_client import S3, send

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
SCHEMA = '{"type":"struct","fields":[{"id":1,"name":"a","type":"int","required":false}]}'
THEIRS = b"not yours"


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """A store that finds the bucket in the host, too."""
    with stores.Versitygw(str(tmp_path_factory.mktemp("hosts")), ("lake", "pond", "with.dots"), host_style=True) as running:
        yield running


@pytest.fixture(scope="module")
def table(c, hosts):
    """One in a warehouse that signs; other files lie beside it. Its location."""
    options = {"endpoint": "http://localhost:%d" % hosts.port, "region": hosts.region, "allow-private-endpoints": "true", "path-style": "false"}
    c.sql("SELECT icecat.create_storage_profile('hosts', 's3://lake/hosts', '%s', '%s')" % (
        json.dumps(options), json.dumps({"access-key-id": hosts.access_key, "secret-access-key": hosts.secret_key})))
    c.sql("SELECT icecat.create_warehouse('hosts', 's3://lake/hosts/w', '{\"icecat.access-delegation\": \"sign\"}', 'hosts'); SELECT icecat.create_namespace('hosts', '{a}')")
    root = S3(hosts.url, hosts.access_key, hosts.secret_key)
    for name in ("lake/hosts/w/a/t2/f", "lake/f", "pond/hosts/w/a/t/f", "with.dots/f"):
        expect_equal(root.put(name, THEIRS).status, 200)
    return c.sql("SELECT icecat.create_table('hosts', '{a}', 't', '%s', p_location => 's3://lake/hosts/w/a/t') #>> '{metadata,location}'" % SCHEMA)


def sign(c, hosts, method, host, target, body=None):
    """The fields that are signed; None: the request is refused."""
    request = {"region": hosts.region, "method": method, "uri": "http://%s%s" % (host, target), "headers": {}}
    if body is not None:
        request["body"] = body
    text = c.sql("SELECT icecat.sign_request('hosts', '{a}', 't', '%s')" % json.dumps(request), check=False)
    if not text.startswith("{"):
        expect("not signed" in text or "Malformed" in text or "Invalid" in text, text)
        return None
    return {name.lower(): ",".join(values) for name, values in json.loads(text)["headers"].items()}


def ask(c, hosts, method, host, target, body=b""):
    """What is signed for a host is sent to it; None: it is refused."""
    fields = sign(c, hosts, method, host, target)
    return fields and send("127.0.0.1:%d" % hosts.port, method, target, [*fields.items(), ("host", host)], body)


def test_the_server_asks_the_host_of_the_bucket(c, hosts, table):
    expect_equal(c.sql("SELECT string_agg(step || ': ' || error, ' ') FROM icecat.validate_storage_profile('hosts') WHERE NOT ok"), "")
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=30), "files are written: " + c.sql("SELECT last_error FROM icecat_data.metadata_task"))
    expect_equal(len(os.listdir(os.path.join(hosts.data, "lake/hosts/w/a/t/metadata"))), 1)
    c.sql("SELECT icecat.create_table('hosts', '{a}', 'gone', '%s'); SELECT icecat.drop_table('hosts', '{a}', 'gone', true)" % SCHEMA)
    expect(c.wait_sql("SELECT count(*) FROM icecat_data.metadata_task", "0", seconds=30), "and deleted: " + c.sql("SELECT last_error FROM icecat_data.metadata_task"))


def test_clients_are_told(c, hosts, table):
    config = json.loads(c.sql("SET icecat.access_delegation = 'remote-signing'; SELECT icecat.load_table('hosts', '{a}', 't') -> 'config'"))
    expect_equal({name: config.get(name) for name in ("s3.endpoint", "s3.path-style-access", "s3.force-virtual-addressing", "s3.region", "s3.remote-signing-enabled")},
                 {"s3.endpoint": "http://localhost:%d" % hosts.port, "s3.path-style-access": "false", "s3.force-virtual-addressing": "true",
                  "s3.region": hosts.region, "s3.remote-signing-enabled": "true"})


def test_a_file_of_the_table_is_signed_for_both_hosts(c, hosts, table):
    for host, path in (("lake.localhost:%d", "/hosts/w/a/t/data/f"), ("localhost:%d", "/lake/hosts/w/a/t/data/f")):
        host = host % hosts.port
        expect_equal(ask(c, hosts, "PUT", host, path, b"rows").status, 200)
        expect_equal(ask(c, hosts, "GET", host, path).body, b"rows")
        listing = ask(c, hosts, "GET", host, ("/" if host.startswith("lake") else "/lake") + "?list-type=2&prefix=hosts%2Fw%2Fa%2Ft%2Fdata%2F")
        expect_equal((listing.status, listing.keys()), (200, ["hosts/w/a/t/data/f"]))
        expect_equal(ask(c, hosts, "DELETE", host, path).status, 204)
        expect_equal(ask(c, hosts, "GET", host, path).status, 404)


HOSTS = ("pond.localhost", "with.dots.localhost", "x.lake.localhost", "lake.localhost.localhost", "lake.localhost.", "lake..localhost", ".localhost",
         "lake%2elocalhost", "lake@pond.localhost", "lake.localhost:1@pond.localhost", "pond.localhost#@lake.localhost", "lakelocalhost", "127.0.0.1", "lake.127.0.0.1",
         "lake.localhost.example.com", "169.254.169.254")
TARGETS = ("/hosts/w/a/t2/f", "/f", "/lake/f", "/lake/hosts/w/a/t/data/f", "/hosts/w/a/t/../t2/f", "/hosts/w/a/t/%2e%2e/t2/f", "//hosts/w/a/t/f", "/hosts/w/a/t", "/hosts/w/a/t/f?acl",
           "/?list-type=2&prefix=hosts/w/a/t", "/?list-type=2&prefix=", "/?list-type=2", "/?location=", "/")


def test_what_is_another_host_or_key_is_not_signed(c, hosts, table):
    for method in ("GET", "PUT", "DELETE"):
        for host in HOSTS:
            expect(sign(c, hosts, method, "%s:%d" % (host, hosts.port), "/hosts/w/a/t/data/f") is None, "%s %s" % (method, host))
        for target in TARGETS:
            reply = ask(c, hosts, method, "lake.localhost:%d" % hosts.port, target, b"mine" if method == "PUT" else b"")
            expect(reply is None, "%s %s: %s" % (method, target, reply))
    for port in ("", ":1", ":%d" % (hosts.port + 1)):
        expect(sign(c, hosts, "GET", "lake.localhost" + port, "/hosts/w/a/t/data/f") is None, "port " + port)
    for keys, signed in ((["hosts/w/a/t/x"], True), (["hosts/w/a/t/x", "hosts/w/a/t2/f"], False), (["lake/hosts/w/a/t/x"], False)):
        body = "<Delete>%s</Delete>" % "".join("<Object><Key>%s</Key></Object>" % key for key in keys)
        expect_equal(sign(c, hosts, "POST", "lake.localhost:%d" % hosts.port, "/?delete=", body) is not None, signed, str(keys))


def test_what_others_have_is_as_it_was(hosts):
    for name in ("lake/hosts/w/a/t2/f", "lake/f", "pond/hosts/w/a/t/f", "with.dots/f"):
        with open(os.path.join(hosts.data, name), "rb") as file:
            expect_equal(file.read(), THEIRS)
