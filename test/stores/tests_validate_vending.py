"""A profile that vends is tried with what clients get: credentials are asked for, and used.

SPDX-License-Identifier: PostgreSQL
"""
import json
import subprocess

import azure_store
import pytest
from expectations import expect, expect_equal
from memory_store import MemoryStore
from session_policy import folders
from token_service import TokenService

SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "icecat.sts_timeout_ms = 1500", "log_statement = 'none'"]
ROLE = "arn:aws:iam::1:role/clients"
SECRET = "the-secret-of-the-tests"
FIRST = ["open", "write", "not-overwrite", "read", "read-range", "list", "delete", "look"]


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; echo 'k1 %s' >secret.keys" % ("5a" * 32)], cwd=c.data, user=c.user, check=True)


@pytest.fixture
def service():
    with TokenService() as running:
        yield running


@pytest.fixture
def memory():
    with MemoryStore() as running:
        yield running


def profile(c, name, root, options, secrets, mode=None):
    """With a warehouse where mode says how its clients get at files."""
    c.sql("SELECT icecat.create_storage_profile('%s', '%s', '%s', '%s')" % (
        name, root, json.dumps({"allow-private-endpoints": "true", "request-timeout-ms": "3000", "retries-max": "0", **options}),
        json.dumps(secrets).replace("'", "''")))
    if mode is not None:
        c.sql("SELECT icecat.create_warehouse('%s', '%s', '{\"icecat.access-delegation\": \"%s\"}', '%s')" % (name, root, mode, name))


def s3(c, name, memory, sts, mode=None, **more):
    profile(c, name, "s3://lake/base", {"endpoint": memory.url, "endpoint-sts": sts, "region": "eu-x-1", **more},
            {"access-key-id": "OWNKEY", "secret-access-key": SECRET}, mode)


def tried(c, name):
    """What becomes of each step: True, what is wrong with it, or None where it was not tried."""
    rows = c.sql("SELECT step, coalesce(ok::text, ''), coalesce(error, '') FROM icecat.validate_storage_profile('%s')" % name).splitlines()
    expect(SECRET not in str(rows) and "vended/token" not in str(rows) and "vended/secret" not in str(rows), "no secret is in it: %s" % rows)
    found = {}
    for row in rows:
        step, ok, error = row.split("|", 2)
        found[step] = True if ok == "true" else error if ok == "false" else None
    return found


def test_a_role_is_assumed_for_a_folder_and_its_key_is_used(c, service, memory):
    s3(c, "works", memory, service.url, **{"role-arn": ROLE})
    expect_equal(tried(c, "works"), {step: True for step in [*FIRST, "vend", "use-vended"]})
    (asked,) = service.asked
    expect_equal((asked["Action"], asked["RoleArn"]), ("AssumeRole", ROLE))
    ((bucket, folder),) = folders(json.loads(asked["Policy"]))
    expect(bucket == "lake" and folder.startswith("base/.icecat/probe-") and folder.endswith("-vended"), folder)
    by_it = [r for r in memory.requests if "Credential=ASIAKEY" in r.headers["authorization"]]
    expect_equal([(r.kind, r.key) for r in by_it], [("PUT", "lake/%s/probe" % folder), ("DELETE", "lake/%s/probe" % folder)], "what was done with it")
    expect_equal({r.headers["x-amz-security-token"] for r in by_it}, {"vended/token+1=="}, "with its token")
    expect_equal(memory.objects, {}, "nothing stays")


def test_what_is_wrong_is_said_in_a_row_of_its_own(c, service, memory):
    s3(c, "refused", memory, service.url, **{"role-arn": ROLE})
    service.error = (403, "AccessDenied")
    found = tried(c, "refused")
    expect_equal([found[step] for step in FIRST], [True] * len(FIRST), "the store itself works")
    expect_equal((found["vend"], found["use-vended"]), ("The token service of storage profile refused answers 403 AccessDenied", None))
    service.error = (503, "ServiceUnavailable")
    expect("answers 503 ServiceUnavailable" in tried(c, "refused")["vend"], "down")
    service.error, service.body = None, b"<a/>"
    expect("answers, but" in tried(c, "refused")["vend"], "no credentials in the answer")
    s3(c, "silent", memory, "http://127.0.0.1:1", **{"role-arn": ROLE})
    found = tried(c, "silent")
    expect("does not answer" in found["vend"] and found["look"] is True, found)
    service.body, service.pause_s = None, 3
    expect("does not answer" in tried(c, "refused")["vend"], "it hangs")


def test_credentials_that_the_store_does_not_take_are_told(c, service, memory):
    s3(c, "useless", memory, service.url, **{"role-arn": ROLE})
    memory.refuses = lambda method, key: (403, "AccessDenied") if "-vended/" in key else None
    found = tried(c, "useless")
    expect(found["vend"] is True and "/probe: the store answers 403, AccessDenied" in found["use-vended"], found)


def test_what_failed_before_does_not_keep_it_from_being_tried(c, service, memory):
    s3(c, "unwritable", memory, service.url, **{"role-arn": ROLE})
    memory.refuses = lambda method, key: (403, "AccessDenied") if "-vended/" not in key else None
    found = tried(c, "unwritable")
    expect("AccessDenied" in found["write"] and found["read"] is None, found)
    expect_equal((found["vend"], found["use-vended"]), (True, True))


def test_who_vends_nothing_is_asked_nothing(c, service, memory):
    s3(c, "plain", memory, service.url)
    s3(c, "signs", memory, service.url, "sign")
    for name in ("plain", "signs"):
        expect_equal(list(tried(c, name)), FIRST)
    expect_equal(service.asked, [])
    s3(c, "vends", memory, service.url, "vend")        # of a store that needs no role
    expect_equal(tried(c, "vends")["use-vended"], True)
    s3(c, "nobody", memory, service.url, "vend", login="none")
    expect_equal(tried(c, "nobody")["vend"], "clients get no credentials: the storage profile logs in as nobody, and so cannot ask its token service")


def test_a_token_of_google(c, service):
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True, text=True).stdout
    account = json.dumps({"type": "service_account", "client_email": "icecat@p.iam.gserviceaccount.com", "private_key": key, "private_key_id": "1"})
    profile(c, "google", "gs://lake/base", {"endpoint": "http://127.0.0.1:1", "endpoint-sts": service.url, "token-uri": service.url},
            {"service-account-json": account}, "vend")
    found = tried(c, "google")
    expect(found["vend"] is True and "could not write" in found["use-vended"], found)
    service.error, service.only_at = (403, "access_denied"), "/v1/token"
    expect("answers 403 access_denied" in tried(c, "google")["vend"], "refused")


def test_a_signature_of_azure(c):
    recorder = azure_store.Recorder()
    try:
        profile(c, "azure", "abfss://lake@acct.dfs.core.windows.net/base",
                {"endpoint": recorder.url, "login": "client-secret", "tenant-id": "t", "client-id": "app", "authority": recorder.url}, {"client-secret": SECRET}, "vend")
        recorder.answer((200, {}, b'{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.a.b"}'),
                        (403, {"x-ms-error-code": "AuthorizationPermissionMismatch"}, b""))
        found = tried(c, "azure")
        expect("user delegation key" in found["vend"] and "AuthorizationPermissionMismatch" in found["vend"], found)
        expect("use-vended" not in found, "the server cannot use one")
    finally:
        recorder.close()
