"""Credentials for clients by whatever a server logs in with: a machine's role, a container's, a web identity, and the accounts of Google."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import subprocess
import time

import pytest
from expectations import expect, expect_equal
from token_service import TokenService

SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "log_statement = 'none'", "icecat.sts_timeout_ms = 2000", "icecat.sts_pause_ms = 0"]
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "a", "type": "int", "required": False}]}
WISH = "SET icecat.access_delegation = 'vended-credentials'; "
VARIABLES = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
             "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "GCE_METADATA_HOST")


@pytest.fixture(scope="module")
def service():
    with TokenService() as running:
        yield running


def run(c, text):
    """What psql prints, or what it says of an error."""
    done = subprocess.run(c.psql_command("postgres") + ["-v", "VERBOSITY=verbose"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          input=text, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.split("ERROR:")[1].strip()


def load(c, warehouse, role=None, table="t"):
    said = run(c, "%s%sSELECT icecat.load_table('%s', '{a}', '%s')" % ("SET ROLE %s; " % role if role else "", WISH, warehouse, table))
    expect(said.startswith("{"), said)
    return json.loads(said)


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; cat >secret.keys"], input="k1 " + "1f" * 32 + "\n", text=True, cwd=c.data, user=c.user, check=True)


def make(c, warehouse, root, options, secrets=None):
    """A warehouse with a profile of its own, and a table t in it that a role may read."""
    c.sql("SELECT icecat.create_storage_profile('%s', '%s', '%s', %s);" % (
              warehouse, root, json.dumps(options), "'%s'" % json.dumps(secrets).replace("'", "''") if secrets else "NULL") +
          "SELECT icecat.create_warehouse('%s', '%s', '{\"icecat.metadata-write-mode\": \"none\", \"icecat.access-delegation\": \"vend\"}', '%s');"
          "SELECT icecat.create_namespace('%s', '{a}'); SELECT icecat.create_table('%s', '{a}', 't', '%s');"
          "SELECT icecat.grant('reads', 'select', '%s', '{a}', 't')" % (
              warehouse, root, warehouse, warehouse, warehouse, json.dumps(SCHEMA), warehouse))


@pytest.fixture(scope="module", autouse=True)
def roles(c):
    c.sql("CREATE ROLE reads; SELECT icecat.grant_user('reads')")


def restart_with(c, variables):
    """The server's environment is the one that it is started in."""
    c.stop()
    before = {name: os.environ.pop(name, None) for name in VARIABLES}
    os.environ.update(variables)
    try:
        c.start()
    finally:
        for name in VARIABLES:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})


def web_token(c):
    path = os.path.join(c.dir, "web.token")
    with open(path, "w") as file:
        file.write("eyJ.a.b\n")
    return path


# -- S3 --------------------------------------------------------------------------------------------------------

def test_the_session_of_what_the_server_runs_on_assumes_the_role(c, service):
    """Its token is signed with the rest, and what clients get is not it."""
    ways = (("instance", "instance", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url}, "ASIALOCAL", "local/token+="),
            ("container", "container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": service.url + "/container",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token"}, "ASIALOCAL", "local/token+="),
            ("web", "web-identity", {"AWS_WEB_IDENTITY_TOKEN_FILE": web_token(c), "AWS_ROLE_ARN": "arn:aws:iam::1:role/web"}, "ASIAKEY", "vended/token+"),
            ("assume", "assume-role", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url}, "ASIALOCAL", "local/token+="))
    for name, login, variables, key, token in ways:
        restart_with(c, variables)
        make(c, name, "s3://bucket/" + name, {"region": "eu-west-1", "endpoint": service.url, "allow-private-endpoints": "true", "login": login,
                                              "role-arn": "arn:aws:iam::1:role/clients"})
        service.asked.clear()
        config = load(c, name)["config"]
        asked = service.asked[-1]
        expect_equal((asked["Action"], asked["RoleArn"]), ("AssumeRole", "arn:aws:iam::1:role/clients"), login)
        headers = {n.lower(): v for n, v in asked["_headers"].items()}
        expect("Credential=" + key in headers["authorization"] and "x-amz-security-token" in headers["authorization"], headers)
        expect("/eu-west-1/sts/aws4_request" in headers["authorization"], headers["authorization"])
        expect(headers["x-amz-security-token"].startswith(token), headers)
        expect(config["s3.access-key-id"].startswith("ASIAKEY") and not config["s3.session-token"].startswith("local"), config)
        count = len(service.asked)
        expect_equal(load(c, name)["config"], config)
        expect_equal(len(service.asked), count, "kept")


def test_a_machine_that_tells_nothing_is_a_service_that_is_down(c, service):
    restart_with(c, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url})
    make(c, "quiet", "s3://bucket/quiet", {"region": "eu-west-1", "endpoint": service.url, "allow-private-endpoints": "true", "login": "instance",
                                           "role-arn": "arn:r"})
    service.error = (500, "InternalFailure")
    begun = time.monotonic()
    try:
        said = run(c, WISH + "SELECT icecat.load_table('quiet', '{a}', 't')")
    finally:
        service.error = None
    expect(said.startswith("IC506") and "cannot be asked" in said and time.monotonic() - begun < 6, said)
    expect("s3.session-token" in load(c, "quiet")["config"], "it is well again")


def test_who_logs_in_as_nobody_vends_nothing(c, service):
    make(c, "nobody", "s3://bucket/nobody", {"region": "eu-west-1", "endpoint": service.url, "allow-private-endpoints": "true", "login": "none"})
    service.seen.clear()
    expect("storage-credentials" not in load(c, "nobody"), "none")
    said = run(c, "SET icecat.access_delegation_strict = on; " + WISH + "SELECT icecat.load_table('nobody', '{a}', 't')")
    expect(said.startswith("IC301") and "logs in as nobody" in said, said)
    expect_equal(service.seen, [])


# -- GCS -------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def account():
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True, text=True).stdout
    return json.dumps({"type": "service_account", "client_email": "icecat@p.iam.gserviceaccount.com", "private_key": key, "private_key_id": "1"})


def boundary_of(location, role):
    bucket, _, key = location[len("gs://"):].partition("/")
    return {"accessBoundary": {"accessBoundaryRules": [{
        "availableResource": "//storage.googleapis.com/projects/_/buckets/" + bucket,
        "availablePermissions": ["inRole:roles/storage." + role],
        "availabilityCondition": {"expression":
                                  "resource.name.startsWith('projects/_/buckets/%s/objects/%s/') || "
                                  "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('%s/')" % (bucket, key, key)}}]}}


def gcs_options(service, **more):
    given = {"endpoint": service.url, "endpoint-sts": service.url, "token-uri": service.url, "allow-private-endpoints": "true", "project": "p"}
    given.update({name.replace("_", "-"): value for name, value in more.items()})
    return given


def test_a_token_of_google_is_narrowed_to_the_table(c, service, account):
    make(c, "g", "gs://bucket/g", gcs_options(service), {"service-account-json": account})
    for role, google in ((None, "objectUser"), ("reads", "objectViewer")):
        service.asked.clear()
        service.seen.clear()
        got = load(c, "g", role)
        location = got["metadata"]["location"]
        expect_equal(service.seen, ["POST /token", "POST /v1/token"])
        asked = service.asked[1]
        expect_equal(json.loads(asked["options"]), boundary_of(location, google))
        expect_equal({n: asked[n] for n in ("grant_type", "requested_token_type", "subject_token_type", "subject_token")},
                     {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                      "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
                      "subject_token_type": "urn:ietf:params:oauth:token-type:access_token", "subject_token": "ya29.server-1"})
        expect("authorization" not in {n.lower() for n in asked["_headers"]}, "the exchange needs none")
        entry = got["storage-credentials"]
        expect_equal([e["prefix"] for e in entry], [location])
        expect_equal(got["config"], entry[0]["config"])
        expires = int(got["config"].pop("gcs.oauth2.token-expires-at"))
        expect(abs(expires / 1000 - time.time() - 3600) < 60, "with the server's own token: %d" % expires)
        expect_equal(got["config"], {"gcs.project-id": "p", "gcs.service.host": service.url, "gcs.oauth2.token": "ya29.vended/token-2",
                                     "gcs.oauth2.refresh-credentials-endpoint": "v1/g/namespaces/a/tables/t/credentials"})
        load(c, "g", role)
        expect_equal(len(service.seen), 2, "kept")


def test_quotes_in_a_location_end_no_text_of_the_condition(c, service):
    location = "gs://bucket/g/x') || true || ('\"\\`"
    run(c, WISH + "SELECT icecat.create_table('g', '{a}', 'quotes', '%s', p_location => '%s')" % (json.dumps(SCHEMA), location.replace("'", "''")))
    expression = json.loads(service.asked[-1]["options"])["accessBoundary"]["accessBoundaryRules"][0]["availabilityCondition"]["expression"]
    expect("startsWith('g/x\\') || true || (\\'\\\"\\\\\\`/')" in expression, expression)


def test_the_token_of_a_machine_of_google(c, service):
    restart_with(c, {"GCE_METADATA_HOST": service.url[len("http://"):]})
    make(c, "gm", "gs://bucket/gm", gcs_options(service, login="metadata-server"))
    service.asked.clear()
    service.seen.clear()
    config = load(c, "gm")["config"]
    expect_equal(service.asked[-1]["subject_token"], "ya29.machine")
    expect(config["gcs.oauth2.token"].startswith("ya29.vended"), config)
    expect(any("service-accounts" in line for line in service.seen), service.seen)


def test_what_google_refuses_or_garbles_is_told_without_a_secret(c, service):
    for number, (error, body, state, words) in enumerate((
            ((400, "invalid_scope"), None, "IC501", "answers 400 invalid_scope"), ((503, "unavailable"), None, "IC506", "answers 503 unavailable"),
            (None, b"[]", "IC506", "fails"), (None, b'{"access_token": "ya29.a\\nb"}', "IC506", "has no token"), (None, b"x" * 100000, "IC506", ""),
            (None, b'{"expires_in": 10}', "IC506", "fails"))):
        run(c, "SELECT icecat.create_table('g', '{a}', 'e%d', '%s')" % (number, json.dumps(SCHEMA)))
        service.error, service.only_at, service.body = error, "/v1/token", body
        try:
            said = run(c, WISH + "SELECT icecat.load_table('g', '{a}', 'e%d')" % number)
        finally:
            service.error = service.only_at = service.body = None
        expect(said.startswith(state) and words in said and "ya29" not in said, "%d: %s" % (number, said))
    text = c.log_text()
    for secret in ("ya29.", "PRIVATE KEY", "local/secret", "vended/token", "vended/secret"):
        expect(secret not in text, "the log tells " + secret)
