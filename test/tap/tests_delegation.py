"""Vended credentials and signed requests: who gets what, what the token service is asked, and that no answer with a secret is kept."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import subprocess
import threading
import time

import pytest
from expectations import expect, expect_equal
from token_service import TokenService

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "log_statement = 'none'", "icecat.sts_timeout_ms = 2000"]
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "a", "type": "int", "required": False}]}
WISH = "SET icecat.access_delegation = 'vended-credentials'; "
HEADER = ["X-Iceberg-Access-Delegation: vended-credentials"]
T = "/v1/w/namespaces/a/tables/t"


@pytest.fixture(scope="module")
def service():
    with TokenService() as running:
        yield running


def run(c, text, role=None):
    """What psql prints, or what it says of an error."""
    done = subprocess.run(c.psql_command("postgres") + ["-v", "VERBOSITY=verbose"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          input=("SET ROLE %s;\n" % role if role else "") + text, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.split("ERROR:")[1].strip()


def load(c, role=None, table="t", namespace="{a}", wish=WISH, call="icecat.load_table"):
    return json.loads(run(c, wish + "SELECT %s('w', '%s', '%s')" % (call, namespace, table), role))


def answer(c, role=None, table="t"):
    return load(c, role, table, call="icecat.load_credentials", wish="")["storage-credentials"]


def create(c, name, namespace="{a}", location=None, properties=None, staged=False, wish=""):
    return run(c, wish + "SELECT icecat.create_table('w', '%s', '%s', '%s', p_location => %s, p_properties => '%s', p_stage_create => %s)" % (
        namespace, name, json.dumps(SCHEMA), "'%s'" % location if location else "NULL", json.dumps(properties or {}), staged))


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; cat >secret.keys"], input="k1 " + "1f" * 32 + "\n", text=True, cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module", autouse=True)
def made(c, service):
    options = {"region": "eu-west-1", "endpoint": service.url, "allow-private-endpoints": "true", "role-arn": "arn:aws:iam::1:role/r",
               "external-id": None, "session-tags": "team=blue", "path-style": "true"}
    secrets = {"access-key-id": "AKIDEXAMPLE", "secret-access-key": SECRET, "external-id": "ext"}
    options = {k: v for k, v in options.items() if v is not None}
    c.sql("SELECT icecat.create_storage_profile('p', 's3://bucket/base', '%s', '%s');" % (json.dumps(options), json.dumps(secrets)) +
          "SELECT icecat.create_warehouse('w', 's3://bucket/base', '{\"icecat.metadata-write-mode\": \"none\", \"icecat.access-delegation\": "
          "\"vend\"}', 'p'); SELECT icecat.create_namespace('w', '{a}');"
          "CREATE ROLE reads; SELECT icecat.grant_user('reads'); CREATE ROLE writes; SELECT icecat.grant_user('writes')")
    create(c, "t")
    c.sql("SELECT icecat.grant('reads', 'select', 'w', '{a}', 't'); SELECT icecat.grant('writes', 'write', 'w', '{a}', 't')")


def test_a_writer_gets_what_writes_and_a_reader_what_reads(c, service):
    service.asked.clear()
    location = load(c)["metadata"]["location"]
    key = location[len("s3://bucket/"):]
    for role, actions in (("writes", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]),
                          ("reads", ["s3:GetObject"])):
        got = load(c, role)
        entry = got["storage-credentials"]
        expect_equal([e["prefix"] for e in entry], [location])
        expect_equal(got["config"], entry[0]["config"])
        expect(got["config"]["s3.access-key-id"].startswith("ASIAKEY"), got["config"]["s3.access-key-id"])
        expect_equal(got["config"]["client.refresh-credentials-endpoint"], "v1/w/namespaces/a/tables/t/credentials")
        expect(SECRET not in json.dumps(got), "the profile's own key is in no answer")
        asked = service.asked[-1]
        expect_equal(json.loads(asked["Policy"]), {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": ["arn:aws:s3:::bucket/%s/*" % key]},
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::bucket",
             "Condition": {"StringLike": {"s3:prefix": ["%s/*" % key]}}}]})
        expect_equal((asked["Action"], asked["RoleArn"], asked["ExternalId"], asked["DurationSeconds"], asked["Tags.member.1.Key"]),
                     ("AssumeRole", "arn:aws:iam::1:role/r", "ext", "3600", "team"))
    expect("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" in service.asked[-1]["_headers"]["authorization"], service.asked[-1]["_headers"])


def test_no_wish_no_secret(c, service):
    service.asked.clear()
    got = load(c, wish="")
    expect("storage-credentials" not in got, got)
    expect_equal(got["config"], {}, "a client with keys of its own knows its store: DuckDB takes a region without a key for all that there is")
    load(c, wish="SET icecat.access_delegation = 'client-managed, something';")
    expect_equal(service.asked, [])


def test_the_same_is_asked_once_for_all_sessions(c, service):
    create(c, "many")
    service.asked.clear()
    service.pause_s = 0.5
    try:
        threads = [threading.Thread(target=load, args=(c, None, "many")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        service.pause_s = 0
    load(c, None, "many")
    expect_equal((len(service.asked), service.at_once_max), (1, 1))
    kept = run(c, "SELECT encode(sealed, 'escape') FROM icecat_data.vended_credential")
    expect("vended" not in kept and kept != "", "the kept ones are encrypted")
    run(c, "SELECT icecat.alter_storage_profile('p', p_options => '{\"session-name\": \"cat\"}')")
    load(c, None, "many")
    expect_equal(len(service.asked), 2)
    expect(service.asked[-1]["RoleSessionName"].startswith("cat-"), service.asked[-1]["RoleSessionName"])


def test_past_half_of_their_life_new_ones_are_asked_for(c, service):
    create(c, "short")
    service.asked.clear()
    service.life_s = 4
    first = load(c, None, "short")["config"]["s3.access-key-id"]
    expect_equal(load(c, None, "short")["config"]["s3.access-key-id"], first)
    time.sleep(2.3)
    service.life_s = 3600
    expect(load(c, None, "short")["config"]["s3.access-key-id"] != first, "new ones")
    expect_equal(len(service.asked), 2)


def test_every_answer_with_credentials_is_in_the_audit_log(c):
    before = int(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'vend-credentials'") or 0)
    load(c, "reads")
    answer(c, "reads")
    c.wait_sql("SELECT count(*) - %d FROM icecat.audit_log WHERE action = 'vend-credentials'" % before, "2")
    row = json.loads(c.sql("SELECT row_to_json(a) FROM icecat.audit_log AS a WHERE action = 'vend-credentials' ORDER BY occurred_at DESC LIMIT 1"))
    expect_equal((row["role_name"], row["name"], row["object_kind"], row["details"]["access"]), ("reads", "t", "table", "read"))
    expect("vended/" not in json.dumps(row), "no secret in it")


def test_a_new_table_comes_with_credentials(c, service):
    for staged in (False, True):
        service.asked.clear()
        got = json.loads(create(c, "new%d" % staged, staged=staged, wish=WISH))
        expect(("metadata-location" in got) != staged, "staged")
        expect("s3.session-token" in got["config"], got["config"])
        expect("s3:PutObject" in service.asked[-1]["Policy"], service.asked[-1]["Policy"])
        expect(got["metadata"]["location"][len("s3://"):] + "/*" in service.asked[-1]["Policy"], service.asked[-1]["Policy"])


def test_names_that_are_patterns_are_letters(c, service):
    run(c, "SELECT icecat.create_namespace('w', '{\"*\"}')")
    got = json.loads(create(c, "star", namespace="{\"*\"}", location="s3://bucket/base/*/x?${y}", wish=WISH))
    expect_equal(got["metadata"]["location"], "s3://bucket/base/*/x?${y}")
    expect("arn:aws:s3:::bucket/base/${*}/x${?}${$}{y}/*" in service.asked[-1]["Policy"], service.asked[-1]["Policy"])


def test_where_nothing_can_be_vended_the_answer_has_none(c, service):
    long = "/".join(["*" * 30] * 20)
    service.asked.clear()
    got = json.loads(create(c, "long", location="s3://bucket/base/" + long, wish=WISH))
    expect("storage-credentials" not in got, got["config"])
    said = run(c, "SET icecat.access_delegation_strict = on; " + WISH + "SELECT icecat.load_table('w', '{a}', 'long')")
    expect(said.startswith("IC301") and "larger than a token service" in said, said)
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.access-delegation\": \"none\"}')")
    try:
        expect_equal(load(c)["config"], {}, "mode none")
        expect_equal(answer(c), [])
        said = run(c, "SET icecat.access_delegation_strict = on; " + WISH + "SELECT icecat.load_table('w', '{a}', 't')")
        expect(said.startswith("IC301"), said)
    finally:
        c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.access-delegation\": \"vend\"}')")
    expect_equal(service.asked, [])


def test_who_may_not_load_gets_none(c, service):
    c.sql("CREATE ROLE nobody; SELECT icecat.grant_user('nobody'); SELECT icecat.grant('nobody', 'usage', 'w', '{a}', 't')")
    service.asked.clear()
    for call in ("load_table", "load_credentials"):
        said = run(c, WISH + "SELECT icecat.%s('w', '{a}', 't')" % call, "nobody")
        expect(said.startswith("IC401"), said)
    expect_equal(service.asked, [])


def test_who_sees_a_part_only_gets_what_reads_and_only_as_a_trusted_engine(c, service):
    c.sql("CREATE ROLE part; SELECT icecat.grant_user('part'); SELECT icecat.grant('part', 'write', 'w', '{a}', 't');"
          "SELECT icecat.set_read_restriction('part', 'w', '{a}', 't', '{\"type\": \"eq\", \"term\": \"a\", \"value\": 1}')")
    service.asked.clear()
    said = run(c, WISH + "SELECT icecat.load_table('w', '{a}', 't')", "part")
    expect(said.startswith("IC401"), said)
    expect_equal(service.asked, [])
    c.sql("SELECT icecat.trust_engine('part')")
    got = load(c, "part")
    expect("read-restrictions" in got and "s3.access-key-id" in got["config"], got["config"])
    for asked in service.asked:
        expect("PutObject" not in asked["Policy"], asked["Policy"])


def test_a_token_service_that_fails_fails_the_call_and_tells_no_secret(c, service):
    create(c, "down")
    for change, words in (((403, "AccessDenied"), "answers 403 AccessDenied"), ((500, "InternalFailure"), "answers 500")):
        service.error = change
        try:
            said = run(c, WISH + "SELECT icecat.load_table('w', '{a}', 'down')")
        finally:
            service.error = None
        expect(said.startswith("IC501") and words in said, said)
    for body in (b"", b"<html/>", b"<AccessKeyId>a</AccessKeyId>", b"x" * 100000):
        service.body = body
        try:
            said = run(c, WISH + "SELECT icecat.load_table('w', '{a}', 'down')")
        finally:
            service.body = None
        expect(said.startswith("IC501"), said)
    service.pause_s = 30
    begun = time.monotonic()
    try:
        said = run(c, WISH + "SELECT icecat.load_table('w', '{a}', 'down')")
    finally:
        service.pause_s = 0
    expect(said.startswith("IC501") and time.monotonic() - begun < 6, "%s after %.1f s" % (said, time.monotonic() - begun))


def test_who_waits_for_a_token_service_is_cancelled_at_once(c, service):
    create(c, "hangs")
    service.pause_s = 30
    try:
        c.sql("ALTER SYSTEM SET icecat.sts_timeout_ms = 60000; SELECT pg_reload_conf()")
        thread = threading.Thread(target=run, args=(c, WISH + "SELECT icecat.load_table('w', '{a}', 'hangs') /* hangs */"))
        thread.start()
        c.wait_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%/* hangs */' AND pid <> pg_backend_pid()", "1")
        time.sleep(0.5)
        begun = time.monotonic()
        c.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%/* hangs */' AND pid <> pg_backend_pid()")
        thread.join()
        expect(time.monotonic() - begun < 1.5, "cancelled after %.1f s" % (time.monotonic() - begun))
    finally:
        service.pause_s = 0
        c.sql("ALTER SYSTEM RESET icecat.sts_timeout_ms; SELECT pg_reload_conf()")


# -- over HTTP -------------------------------------------------------------------------------------------------

def tagged(gateway, headers=(), path=T):
    return gateway.request("GET", path, headers=list(headers))


def test_answers_with_secrets_are_kept_by_nobody(c, gateway):
    plain = tagged(gateway)
    secret = tagged(gateway, HEADER)
    expect_equal((plain.status, secret.status), (200, 200))
    expect("cache-control" not in plain.headers, plain.headers)
    expect_equal(secret.headers["cache-control"], "no-store, private")
    expect("s3.secret-access-key" in secret.json()["config"], "vended")
    again = tagged(gateway)
    expect("s3.secret-access-key" not in again.json()["config"] and again.headers["etag"] == plain.headers["etag"], "the plain one is not it")
    expect(secret.headers["etag"] != plain.headers["etag"], "another tag")
    lists = ["X-Iceberg-Access-Delegation: client-managed", "X-Iceberg-Access-Delegation: remote-signing , Vended-Credentials"]
    expect("s3.secret-access-key" in tagged(gateway, lists).json()["config"], "several fields are one list")
    expect_equal(tagged(gateway, ["X-Iceberg-Access-Delegation: " + "x" * 1000]).status, 400)


def test_not_modified_never_outlives_the_credentials(c, gateway, service):
    create(c, "tag")
    path = T[:-1] + "tag"
    service.life_s = 6
    first = tagged(gateway, HEADER, path)
    same = tagged(gateway, HEADER + ["If-None-Match: " + first.headers["etag"]], path)
    expect_equal((same.status, same.headers["cache-control"]), (304, "no-store, private"))
    service.life_s = 3600
    time.sleep(3.3)
    later = tagged(gateway, HEADER + ["If-None-Match: " + first.headers["etag"]], path)
    expect_equal(later.status, 200)
    expect(later.json()["config"]["s3.access-key-id"] != first.json()["config"]["s3.access-key-id"], "new ones")


def test_credentials_endpoint(c, gateway, service):
    before = int(c.sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'vend-credentials' AND request_id = 'my-request-1'"))
    got = gateway.request("GET", T + "/credentials", headers=["X-Request-Id: my-request-1"])
    expect_equal((got.status, got.headers["cache-control"]), (200, "no-store, private"))
    expect_equal([sorted(e) for e in got.json()["storage-credentials"]], [["config", "prefix"]])
    expect_equal(gateway.request("GET", T + "x/credentials").status, 404)
    c.wait_sql("SELECT count(*) - %d FROM icecat.audit_log WHERE action = 'vend-credentials' AND request_id = 'my-request-1'" % before, "1")
    expect("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials" in gateway.get("/v1/config?warehouse=w").json()["endpoints"],
           "advertised")


# -- signing ---------------------------------------------------------------------------------------------------

def sign(gateway, uri, method="GET", path=T + "/sign", body=None, headers=None):
    request = {"region": "eu-west-1", "uri": uri, "method": method, "headers": headers or {}}
    if body is not None:
        request["body"] = body
    return gateway.request("POST", path, json.dumps(request).encode(), ["Content-Type: application/json"])


def test_requests_are_signed_only_where_that_is_the_mode(c, gateway, service):
    location = load(c)["metadata"]["location"]
    uri = service.url + location[len("s3:/"):] + "/data/a.parquet"
    expect_equal(sign(gateway, uri).status, 403)
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.access-delegation\": \"sign\"}')")
    got = tagged(gateway, HEADER).json()
    expect("storage-credentials" not in got and "s3.access-key-id" not in got["config"], got["config"])
    expect_equal((got["config"]["s3.remote-signing-enabled"], got["config"]["signer.endpoint"], got["remote-signing-config"]),
                 ("true", "v1/w/namespaces/a/tables/t/sign", {"properties": {}, "headers": {}}))
    plain = tagged(gateway).json()
    expect("s3.signer" not in plain["config"] and "remote-signing-config" not in plain, plain["config"])
    for path in (T + "/sign", "/v1/aws/s3/sign"):
        answer = sign(gateway, uri, path=path, headers={"Range": ["bytes=0-9"], "x-amz-meta-a": ["b"]})
        expect_equal((answer.status, answer.headers["cache-control"]), (200, "no-store, private"))
        signed = answer.json()
        expect_equal(signed["uri"], uri)
        names = {name.lower(): value for name, value in signed["headers"].items()}
        expect("Credential=AKIDEXAMPLE/" in names["authorization"][0] and "/eu-west-1/s3/aws4_request" in names["authorization"][0], names)
        expect("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-a," in names["authorization"][0], names)
        expect(SECRET not in answer.body.decode(), "the key itself is not told")


def test_a_reader_has_no_write_signed_and_nobody_what_is_not_the_tables(c, gateway, service):
    location = load(c, wish="")["metadata"]["location"]
    uri = service.url + location[len("s3:/"):]

    def asks(role, method, where, call="icecat.sign_request('w', '{a}', 't', '%s')"):
        request = json.dumps({"region": "eu-west-1", "uri": where, "method": method, "headers": {}})
        return run(c, "SELECT " + call % request, role)

    expect("authorization" in asks("reads", "GET", uri + "/a").lower(), "a reader reads")
    expect("authorization" in asks("writes", "PUT", uri + "/a").lower(), "a writer writes")
    for role, method, where in (("reads", "PUT", uri + "/a"), ("reads", "DELETE", uri + "/a"), ("reads", "GET", uri + "x/a"),
                                ("writes", "PUT", uri + "/../many/a"), ("writes", "GET", service.url + "/bucket?list-type=2&prefix=base"),
                                ("writes", "GET", "http://evil.example/bucket/base/a")):
        said = asks(role, method, where)
        expect(said.startswith("IC401") and "not signed" in said, said)
        expect(asks(role, method, where, "icecat.sign_any_request('%s')").startswith("IC401"), "nor by the alias")
    other = load(c, wish="", table="many")["metadata"]["location"]
    said = asks("reads", "GET", service.url + other[len("s3:/"):] + "/a", "icecat.sign_any_request('%s')")
    expect(said.startswith("IC401") and "no table that is seen" in said, said)


def test_no_secret_is_in_the_servers_log(c):
    text = c.log_text()
    for secret in (SECRET, "vended/secret", "vended/token"):
        expect(secret not in text, "the log tells " + secret)
    expect(os.path.exists(os.path.join(c.data, "secret.keys")), "the key file is there")
