"""Vended credentials and signed requests: who gets what, what the token service is asked, and that no answer with a secret is kept."""
# SPDX-License-Identifier: PostgreSQL
import base64
import hashlib
import hmac
import json
import os
import subprocess
import threading
import time

import pytest
from expectations import expect, expect_equal
from tests_standby import Standby, caught_up
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
               "external-id": None, "session-tags": "team=blue", "path-style": "true", "flavor": "aws"}
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


def test_what_cannot_be_made_asks_for_nothing(c, service):
    """The name is a view's or a table's, or no name that is allowed: that is found out before the token service is asked."""
    c.sql("SELECT icecat.create_view('w', '{a}', 'seen', '%s', '{\"version-id\":1,\"schema-id\":0,\"timestamp-ms\":1,\"summary\":{},\"default-namespace\":[\"a\"],"
          "\"representations\":[{\"type\":\"sql\",\"sql\":\"SELECT 1\",\"dialect\":\"spark\"}]}')" % json.dumps(SCHEMA))
    c.sql("SELECT icecat.set_naming_rule('w', 'table', '[a-z0-9]+', '{a}')")
    service.asked.clear()
    for staged in (False, True):
        expect("IC201" in create(c, "seen", staged=staged, wish=WISH), "a view of this name is there")
        expect("IC201" in create(c, "t", staged=staged, wish=WISH), "so is a table")
        for name, code in (("Not_Allowed", "IC309"), ("..", "IC301")):
            said = create(c, name, staged=staged, wish=WISH)
            expect(code in said, name, said)
    c.sql("SELECT icecat.set_naming_rule('w', 'table', NULL, '{a}'); SELECT icecat.drop_view('w', '{a}', 'seen')")
    expect_equal(service.asked, [])


def test_the_first_credentials_are_for_all_its_folders(c, service):
    for staged in (False, True):
        service.asked.clear()
        folder = "base/elsewhere%d" % staged
        create(c, "split%d" % staged, staged=staged, properties={"write.data.path": "s3://bucket/" + folder}, wish=WISH)
        expect("bucket/%s/*" % folder in service.asked[-1]["Policy"], service.asked[-1]["Policy"])
    service.asked.clear()
    request = json.dumps({"name": "split2", "schema": SCHEMA, "properties": {"write.data.path": "s3://bucket/base/elsewhere2"}})
    run(c, WISH + "SELECT icecat.rest_create_table('w', '{a}', '%s')" % request)
    expect("bucket/base/elsewhere2/*" in service.asked[-1]["Policy"], service.asked)


def test_names_that_are_patterns_are_letters(c, service):
    run(c, "SELECT icecat.create_namespace('w', '{\"*\"}')")
    got = json.loads(create(c, "star", namespace="{\"*\"}", location="s3://bucket/base/*/x?${y}", wish=WISH))
    expect_equal(got["metadata"]["location"], "s3://bucket/base/*/x?${y}")
    expect("arn:aws:s3:::bucket/base/${*}/x${?}${$}{y}/*" in service.asked[-1]["Policy"], service.asked[-1]["Policy"])


def test_names_that_are_patterns_are_for_aws_alone(c, service):
    """What a policy says of them is known for AWS only: MinIO takes the star of "${*}" for a wildcard (test/stores/tests_minio.py)."""
    c.sql("SELECT icecat.alter_storage_profile('p', p_options => '{\"flavor\": \"compatible\"}')")
    service.asked.clear()
    try:
        for name in ("*", "a?", "a$"):
            got = json.loads(create(c, "odd" + name, location="s3://bucket/base/odd/" + name, wish=WISH))
            expect("storage-credentials" not in got and got["config"] == {}, got["config"])
        got = json.loads(create(c, "even", location="s3://bucket/base/even", properties={"write.data.path": "s3://bucket/base/a*"}, wish=WISH))
        expect("storage-credentials" not in got, "nor where its data lie in one")
        said = run(c, "SET icecat.access_delegation_strict = on; " + WISH + "SELECT icecat.load_table('w', '{a}', 'odd*')")
        expect(said.startswith("IC301") and "only AWS" in said, said)
    finally:
        c.sql("SELECT icecat.alter_storage_profile('p', p_options => '{\"flavor\": \"aws\"}')")
    expect_equal(service.asked, [])


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
    asks = "SET icecat.sts_pause_ms = 0; " + WISH + "SELECT icecat.load_table('w', '{a}', 'down')"
    for change, state, words in (((403, "AccessDenied"), "IC501", "answers 403 AccessDenied"), ((500, "InternalFailure"), "IC506", "answers 500"),
                                 ((503, "SlowDown"), "IC506", "answers 503 SlowDown"), ((429, "Throttling"), "IC506", "answers 429")):
        service.error = change
        try:
            said = run(c, asks)
        finally:
            service.error = None
        expect(said.startswith(state) and words in said, said)
    for body in (b"", b"<html/>", b"<AccessKeyId>a</AccessKeyId>", b"x" * 100000):
        service.body = body
        try:
            said = run(c, asks)
        finally:
            service.body = None
        expect(said.startswith("IC506"), said)
    service.pause_s = 30
    begun = time.monotonic()
    try:
        said = run(c, asks)
    finally:
        service.pause_s = 0
    expect(said.startswith("IC506") and time.monotonic() - begun < 6, "%s after %.1f s" % (said, time.monotonic() - begun))


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
        expect(time.monotonic() - begun < 15, "cancelled after %.1f s" % (time.monotonic() - begun))
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


def staged_endpoint(c, name, role=None, **more):
    """Stages a table: its location, and the path that signs for it."""
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.access-delegation\": \"sign\"}')")
    text = ("SET icecat.access_delegation = 'remote-signing'; SELECT icecat.create_table('w', '{a}', '%s', '%s', p_location => %s, p_stage_create => true)"
            % (name, json.dumps(SCHEMA), "'%s'" % more["location"] if "location" in more else "NULL"))
    got = json.loads(run(c, text, role))
    return got["metadata"]["location"], "/" + got["config"]["signer.endpoint"]


def test_files_of_a_staged_table_are_signed_for_who_staged_it(c, gateway, service):
    location, path = staged_endpoint(c, "staged")
    uri = service.url + location[len("s3:/"):]
    expect_equal(sign(gateway, uri + "/data/a", "PUT", path=path).status, 200)
    expect_equal(sign(gateway, uri + "/data/a", "DELETE", path=path).status, 200)
    for where in (uri + "x/a", uri, service.url + "/bucket/base/a", uri + "/../t/a", service.url + "/other/a"):
        expect_equal(sign(gateway, where, "PUT", path=path).status, 403, where)
    for other in (path.partition("?")[0], path.replace("/staged/", "/staged2/"), path.replace("/tables/", "/tables/%20"), path[:-1],
                  path[:-3] + ("AAA" if not path.endswith("AAA") else "BBB"), path.partition("=")[0] + "=", path.partition("=")[0] + "=x"):
        expect_equal(sign(gateway, uri + "/data/a", "PUT", path=other).status, 404, other)


def test_a_ticket_is_good_for_its_role_its_time_and_while_the_place_is_free(c, service):
    c.sql("CREATE ROLE makes; SELECT icecat.grant_user('makes'); SELECT icecat.grant('makes', 'create', 'w', '{a}');"
          "CREATE ROLE makes2; SELECT icecat.grant_user('makes2'); SELECT icecat.grant('makes2', 'create', 'w', '{a}')")
    location, path = staged_endpoint(c, "mine", "makes")
    ticket = path.partition("=")[2]
    request = json.dumps({"region": "eu-west-1", "uri": service.url + location[len("s3:/"):] + "/a", "method": "PUT", "headers": {}})

    def asks(role, given=ticket, name="mine"):
        return run(c, "SELECT icecat.sign_request('w', '{a}', '%s', '%s', '%s')" % (name, request, given), role)

    expect("authorization" in asks("makes").lower(), "who staged it: " + asks("makes"))
    expect(asks("makes2").startswith("IC103"), "another role: " + asks("makes2"))
    expect(asks("makes", name="other").startswith("IC103"), "another name")
    c.sql("SELECT icecat.revoke('makes', 'create', 'w', '{a}')")
    expect(asks("makes").startswith("IC4") or asks("makes").startswith("IC1"), "who may not create any more: " + asks("makes"))
    c.sql("SELECT icecat.grant('makes', 'create', 'w', '{a}')")
    create(c, "mine")
    expect("authorization" in asks("makes").lower(), "another table has the name now; what was staged can still be cleaned up")
    run(c, "SELECT icecat.drop_table('w', '{a}', 'mine')")
    taken, path = staged_endpoint(c, "first", location="s3://bucket/base/a/taken")
    ticket = path.partition("=")[2]
    request = json.dumps({"region": "eu-west-1", "uri": service.url + taken[len("s3:/"):] + "/a", "method": "PUT", "headers": {}})
    expect("authorization" in asks(None, ticket, "first").lower(), "free: " + asks(None, ticket, "first"))
    create(c, "second", location="s3://bucket/base/a/taken")
    said = asks(None, ticket, "first")
    expect("authorization" not in said.lower() and said.startswith("IC"), "the place is another table's now: " + said)


def seal(c, name, said):
    """The ticket of a staged table that the server would make of this text."""
    secret = bytes.fromhex(c.sql("SELECT encode(s.secret, 'hex') FROM icecat_data.warehouse_secret AS s JOIN icecat.warehouses AS w USING (warehouse_id) "
                                 "WHERE w.warehouse = 'w' AND s.purpose = 'page-token'"))
    warehouse = bytes.fromhex(c.sql("SELECT replace(warehouse_id::text, '-', '') FROM icecat.warehouses WHERE warehouse = 'w'"))
    mac = hmac.new(secret, b"\1staged\0" + warehouse + b"a\0" + name.encode() + b"\0" + said.encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(b"\1" + mac + said.encode()).decode().rstrip("=")


def test_a_ticket_ends(c, service):
    location, path = staged_endpoint(c, "ends")
    ticket = path.partition("=")[2]
    request = json.dumps({"region": "eu-west-1", "uri": service.url + location[len("s3:/"):] + "/a", "method": "PUT", "headers": {}})
    said = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))[17:].decode()
    expect_equal(seal(c, "ends", said), ticket, "the test seals as the server does")
    until = json.loads(said)["until-ms"]
    now = int(c.sql("SELECT (extract(epoch FROM now()) * 1000)::bigint"))
    expect(now + 3000 * 1000 < until <= now + 3600 * 1000, "it is good for icecat.vended_lifetime_s: %d of %d" % (until, now))

    def asks(until_ms):
        given = seal(c, "ends", said.replace('"until-ms":%d' % until, '"until-ms":%d' % until_ms))
        return run(c, "SELECT icecat.sign_request('w', '{a}', 'ends', '%s', '%s')" % (request, given))

    expect("authorization" in asks(now + 600000).lower(), asks(now + 600000))
    expect(asks(now - 1).startswith("IC103"), asks(now - 1))


def test_a_standby_vends_and_signs(c, service):
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.access-delegation\": \"vend\"}')")
    standby = Standby(c)
    try:
        expect(caught_up(c, standby), "the standby follows")
        asked = len(service.asked)
        for n in (1, 2):
            given = load(standby)["storage-credentials"][0]["config"]
            expect_equal((bool(given["s3.session-token"]), len(service.asked) - asked), (True, n), "only the session keeps them")
        c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.access-delegation\": \"sign\"}')")
        expect(caught_up(c, standby), "the standby follows")
        request = json.dumps({"region": "eu-west-1", "uri": service.url + load(standby)["metadata"]["location"][len("s3:/"):] + "/a", "method": "GET", "headers": {}})
        expect("authorization" in run(standby, "SELECT icecat.sign_request('w', '{a}', 't', '%s')" % request).lower(), "a request is signed")
    finally:
        standby.run("pg_ctl", "-D", standby.data, "-m", "immediate", "-w", "stop", check=False)


def test_no_secret_is_in_the_servers_log(c):
    text = c.log_text()
    for secret in (SECRET, "vended/secret", "vended/token"):
        expect(secret not in text, "the log tells " + secret)
    expect(os.path.exists(os.path.join(c.data, "secret.keys")), "the key file is there")
