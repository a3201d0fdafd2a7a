"""Logins by a token in Azure's store: against Azurite with TLS, which looks at the claims of tokens.

./check stores-adls; ./check stores leaves this file out.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import json
import os
import re
import subprocess
import time
import urllib.parse

import azure_store
import pytest
import stores
from expectations import expect, expect_equal

SETTINGS = ["icecat.secret_key_file = 'secret.keys'"]
CLAIMS = {"iss": "https://sts.windows.net/tid/", "aud": "https://storage.azure.com", "oid": "oid", "tid": "tid"}


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def azurite(tmp_path_factory, c):
    """Its certificate lies where the server can read it."""
    pair = os.path.join(c.dir, "azurite.crt"), str(tmp_path_factory.mktemp("key") / "azurite.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-days", "2", "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
    os.chmod(pair[0], 0o644)
    with stores.Azurite(str(tmp_path_factory.mktemp("azurite")), certificate=pair) as running:
        yield running


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(**more):
    now = int(time.time())
    return ".".join([part({"alg": "none", "typ": "JWT"}), part({**CLAIMS, "iat": now - 60, "nbf": now - 60, "exp": now + 3600, **more}), "c2ln"])


@pytest.fixture(scope="module")
def authority():
    running = azure_store.Recorder()
    running.answer((200, {}, json.dumps({"access_token": token(), "expires_in": 3599}).encode()))
    yield running
    running.close()


def application(azurite, authority):
    return {"login": "client-secret", "tenant-id": "tid", "client-id": "app", "authority": authority.url, "endpoint": azurite.url,
            "ca-file": azurite.certificate[0], "allow-private-endpoints": "true"}


def test_files(functions, azurite, authority):
    root = azurite.root("base")
    options = [text for pair in application(azurite, authority).items() for text in pair] + ["client-secret", "x"]
    files = functions(root, options)
    expect_equal(files.write(root + "/a", b"data", "new"), "written", "written")
    expect_equal(files.write(root + "/a", b"other", "new"), "exists", "not replaced")
    expect_equal(files.read(root + "/a"), b"data", "read")
    expect_equal(files.lines("list", root, 10), [root + "/a 4"], "listed")
    expect_equal(files.call("remove", root + "/a"), "t", "removed")
    expired = azure_store.Recorder()
    try:
        expired.answer((200, {}, json.dumps({"access_token": token(exp=1), "expires_in": 3599}).encode()))
        again = functions(root, options + ["authority", expired.url])
        expect("answers 403, AuthenticationFailed" in again.write(root + "/a", b"data"), "a token that has ended")
    finally:
        expired.close()


def test_a_user_delegation_key_of_the_store(c, azurite, authority):
    """What is signed with it, and that the store takes what the same formula gives for a container, which is all that Azurite can do."""
    root = azurite.root("vended")
    c.sql("SELECT icecat.create_storage_profile('p', '%s', '%s', '{\"client-secret\": \"x\"}');" % (root, json.dumps(application(azurite, authority))) +
          "SELECT icecat.create_warehouse('w', '%s/w', '{\"icecat.access-delegation\": \"vend\"}', 'p');" % root +
          "SELECT icecat.create_namespace('w', '{ns}');" + c.create_table_sql("t", "w"))
    answer = json.loads(c.sql("SET icecat.access_delegation = 'vended-credentials'; SELECT icecat.load_table('w', '{ns}', 't')"))
    sas = answer["config"]["adls.sas-token"]
    given = dict(urllib.parse.parse_qsl(sas))
    headers = {"authorization": "Bearer " + token(), "x-ms-version": azure_store.VERSION, "content-type": "application/xml"}
    status, body = azurite.send("POST", "/%s/?restype=service&comp=userdelegationkey" % azurite.account, headers,
                                ("<KeyInfo><Start>%s</Start><Expiry>%s</Expiry></KeyInfo>" % (given["skt"], given["ske"])).encode())
    expect_equal(status, 200, body)
    key = re.search("<Value>(.*)</Value>", body.decode()).group(1)
    folder = re.sub("^[a-z]+://[^/]+/", "", answer["metadata"]["location"])
    expect_equal(given["sig"], azure_store.sas_signature(key, azurite.account, "lake", folder, sas), "the signature")
    whole = sas.replace("sr=d", "sr=c").replace("&sdd=%s" % given["sdd"], "")
    whole = whole[:whole.index("&sig=")]
    for signature, wanted in ((azure_store.sas_signature(key, azurite.account, "lake", "", whole), 200), ("bm8=", 403)):
        status, body = azurite.send("GET", "/%s/lake?restype=container&comp=list&%s&sig=%s" % (
            azurite.account, whole, urllib.parse.quote(signature, safe="")), {})
        expect_equal(status, wanted, body)
