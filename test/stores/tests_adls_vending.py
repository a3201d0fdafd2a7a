"""What clients get for tables in a store of Azure's: signatures for the table's folder. Against a recorder.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import json
import re
import subprocess
import time
import urllib.parse

import azure_store
import pytest
from expectations import expect, expect_equal

SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "icecat.sts_timeout_ms = 2000"]
ACCOUNT_KEY = base64.b64encode(b"the account's key of the tests").decode()
DELEGATED = base64.b64encode(b"a user delegation key").decode()
ROOT = "abfss://lake@acct.dfs.core.windows.net/"
WISH = "SET icecat.access_delegation = 'vended-credentials'; "
TOKEN = (200, {}, b'{"access_token":"eyJ.a.b","expires_in":3599}')


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module")
def recorder():
    running = azure_store.Recorder()
    yield running
    running.close()


def make(c, name, options, secrets, root=None):
    """A profile, a warehouse whose tables are vended credentials, and one table: all of one name."""
    root = root or ROOT + name
    c.sql("SELECT icecat.create_storage_profile('%s', '%s', '%s', '%s');" % (
        name, root, json.dumps({"allow-private-endpoints": "true", "retries-max": "0", **options}), json.dumps(secrets)) +
        "SELECT icecat.create_warehouse('%s', '%s/w', '{\"icecat.metadata-write-mode\": \"none\", \"icecat.access-delegation\": \"vend\"}', '%s');"
        % (name, root, name) + "SELECT icecat.create_namespace('%s', '{ns}');" % name + c.create_table_sql("t", name))


def application(c, recorder, name, **options):
    make(c, name, {"login": "client-secret", "tenant-id": "mine", "client-id": "app", "authority": recorder.url, "endpoint": recorder.url, **options},
         {"client-secret": "x"})


def load(c, warehouse, role=None, check=True):
    text = c.sql(WISH + ("SET ROLE %s; " % role if role else "") + "SELECT icecat.load_table('%s', '{ns}', 't')" % warehouse, check=check)
    return json.loads(text) if text.startswith("{") else text


def delegation(seconds=90000):
    stamp = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + s)) for s in (-300, seconds)]
    return (200, {}, ("<?xml version=\"1.0\"?><UserDelegationKey><SignedOid>oid</SignedOid><SignedTid>tid</SignedTid><SignedStart>%s</SignedStart>"
                      "<SignedExpiry>%s</SignedExpiry><SignedService>b</SignedService><SignedVersion>2021-12-02</SignedVersion><Value>%s</Value>"
                      "</UserDelegationKey>" % (stamp[0], stamp[1], DELEGATED)).encode())


def check_sas(answer, key, access):
    """It is for the table's folder and no more; gives its parameters."""
    location = answer["metadata"]["location"]
    folder = location[len(ROOT):]
    config = answer["config"]
    token = config["adls.sas-token"]
    given = dict(urllib.parse.parse_qsl(token))
    expect_equal((given["sr"], given["sdd"], given["sp"]), ("d", str(folder.count("/") + 1), access), "a folder, so deep, for that")
    expect_equal(given["sig"], azure_store.sas_signature(key, "acct", "lake", folder, token), "the signature")
    expect_equal([e["prefix"] for e in answer["storage-credentials"]], [location], "its prefix")
    expect_equal(answer["storage-credentials"][0]["config"], config, "the same in both places")
    for name in ("adls.sas-token.acct.dfs.core.windows.net", "adls.sas-token.acct.blob.core.windows.net", "adls.sas-token.acct"):
        expect_equal(config[name], token, name)
    expect_equal((config["adls.account-name"], config["adls.account-host"]), ("acct", "acct.dfs.core.windows.net"), "the account, as its root names it")
    ends = time.mktime(time.strptime(given["se"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    expect_equal(config["adls.sas-token-expires-at-ms"], "%d" % (ends * 1000), "its end")
    expect(key not in json.dumps(answer), "no key is in it")
    return given


def test_by_the_accounts_key(c, recorder):
    make(c, "shared", {}, {"shared-key": ACCOUNT_KEY})
    recorder.answer((500, {}, b""))
    check_sas(load(c, "shared"), ACCOUNT_KEY, "racwdl")
    c.sql("CREATE ROLE reads; SELECT icecat.grant_user('reads'); SELECT icecat.grant('reads', 'select', 'shared', '{ns}', 't')")
    check_sas(load(c, "shared", "reads"), ACCOUNT_KEY, "rl")
    expect_equal(recorder.requests, [], "nobody was asked")


def test_by_a_user_delegation_key(c, recorder):
    application(c, recorder, "delegated")
    recorder.answer(TOKEN, delegation())
    given = check_sas(load(c, "delegated"), DELEGATED, "racwdl")
    expect_equal((given["skoid"], given["sktid"], given["sks"], given["skv"]), ("oid", "tid", "b", "2021-12-02"), "who gave the key")
    (_, path, _, _), (method, target, headers, body) = recorder.requests
    expect_equal((path, method, target), ("/mine/oauth2/v2.0/token", "POST", "/acct/?restype=service&comp=userdelegationkey"), "what was asked")
    expect_equal((headers["authorization"], headers["x-ms-version"]), ("Bearer eyJ.a.b", azure_store.VERSION), "its headers")
    starts, ends = re.fullmatch(r'<\?xml version="1.0" encoding="utf-8"\?><KeyInfo><Start>(.*)</Start><Expiry>(.*)</Expiry></KeyInfo>', body.decode()).groups()
    expect(starts < given["st"] or starts == given["st"], "it begins before what it signs")
    expect(given["se"] <= ends, "and ends after it")


def test_the_key_is_kept(c, recorder):
    """In one process: until it would end before what it signs."""
    application(c, recorder, "kept")
    again = "SELECT icecat.load_table('kept', '{ns}', 't') -> 'config' ->> 'adls.sas-token';"
    recorder.answer(TOKEN, delegation())
    c.sql(WISH + again + "SET icecat.vended_lifetime_s = 1000; " + again)
    expect_equal(len(recorder.requests), 2, "the token and one key")
    recorder.answer(TOKEN, delegation(4000), delegation())
    c.sql(WISH + "SET icecat.vended_lifetime_s = 1100; " + again + "SET icecat.vended_lifetime_s = 5000; " + again)
    expect_equal(len(recorder.requests), 3, "another key where the first one ends too early")


@pytest.mark.parametrize("answers, words", [
    ([(401, {}, b'{"error":"invalid_client"}')], "invalid_client"),
    ([TOKEN, (403, {"x-ms-error-code": "AuthorizationPermissionMismatch"}, b"")], "AuthorizationPermissionMismatch"),
    ([TOKEN, (200, {}, b"<UserDelegationKey><Value>x</Value></UserDelegationKey>")], "no such key"),
    ([TOKEN, (200, {}, b"no xml")], "no such key"),
    ([TOKEN, delegation(60)], "ends too soon")])
def test_what_goes_wrong_is_said(c, recorder, answers, words):
    name = "wrong-" + hashlib.md5(repr(answers).encode()).hexdigest()
    application(c, recorder, name)
    recorder.answer(*answers)
    said = load(c, name, check=False)
    expect(words in said and DELEGATED not in said and "eyJ" not in said, said)


def test_a_flat_account_gets_nothing(c, recorder):
    """Nothing is narrower than a container there."""
    make(c, "flat", {"hierarchical-namespace": "false"}, {"shared-key": ACCOUNT_KEY})
    answer = load(c, "flat")
    expect("storage-credentials" not in answer and "adls.sas-token" not in json.dumps(answer), "no credentials")
    said = c.sql("SET icecat.access_delegation_strict = on; " + WISH + "SELECT icecat.load_table('flat', '{ns}', 't')", check=False)
    expect("no hierarchical namespace" in said, said)
