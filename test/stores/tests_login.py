"""How the server logs in to a store: against mocks of the token services, the instance's metadata and a container's agent.

The environment is the server's, so the mock listens before it starts.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.parse

import pytest
from expectations import expect, expect_equal

ROOT = "s3://lake/base"
GCS_ROOT = "gs://lake/base"
EXPIRED_S = 120        # in so many seconds: nearer than a key is kept
LASTING_S = 3600


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Mock:
    """Answers what the three services do; requests has what was asked: (method, path, headers, body)."""

    def __init__(self):
        self.requests = []
        self.lasts_s = LASTING_S
        self.keys = 0
        self.broken = None
        mock = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused):
                pass

            def do_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                mock.requests.append((self.command, self.path, self.headers, body))
                status, text = mock.answer(self.command, self.path, self.headers, body)
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = do_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def key(self, prefix):
        self.keys += 1
        return "%s%d" % (prefix, self.keys)

    def answer(self, method, path, headers, body):
        if self.broken is not None:
            return self.broken
        if path == "/" and method == "POST":
            form = urllib.parse.parse_qs(body)
            action = form["Action"][0]
            return 200, ("<{0}Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><{0}Result><Credentials><AccessKeyId>{1}</AccessKeyId>"
                         "<SecretAccessKey>s</SecretAccessKey><SessionToken>a+b/c=</SessionToken><Expiration>{2}</Expiration></Credentials>"
                         "</{0}Result></{0}Response>").format(action, self.key("STS"), stamp(self.lasts_s))
        if path == "/latest/api/token" and method == "PUT" and headers["x-aws-ec2-metadata-token-ttl-seconds"]:
            return 200, "the-token"
        if path.startswith("/latest/meta-data/iam/security-credentials/"):
            if headers["x-aws-ec2-metadata-token"] != "the-token":
                return 401, ""
            if path.endswith("/"):
                return 200, "my role"
            if path.endswith("/my%20role"):
                return 200, self.json_key("EC2")
        if path == "/computeMetadata/v1/instance/service-accounts/default/token":
            return 200, json.dumps({"access_token": "ya29.m", "expires_in": 3599, "token_type": "Bearer"})
        if path == "/container" and headers["authorization"] == "container-token":
            return 200, self.json_key("ECS")
        return 404, ""

    def json_key(self, prefix):
        return json.dumps({"Code": "Success", "AccessKeyId": self.key(prefix), "SecretAccessKey": "s", "Token": "t",
                           "Expiration": stamp(self.lasts_s)})


MOCK = Mock()


@pytest.fixture(autouse=True, scope="module")
def stop_mock():
    yield
    MOCK.close()


@pytest.fixture(autouse=True)
def fresh():
    MOCK.requests.clear()
    MOCK.lasts_s, MOCK.broken = LASTING_S, None


def restart_with(c, **variables):
    """The server's environment is the one that it is started in."""
    c.stop()
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update({name: value for name, value in variables.items() if value is not None})
    try:
        c.start()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def options(**more):
    given = {"endpoint": MOCK.url, "region": "eu-x-1", "allow-private-endpoints": "true"}
    given.update({name.replace("_", "-"): value for name, value in more.items()})
    return [text for pair in given.items() for text in pair]


def login(s3):
    return s3.call("login", check=False)


def form_of(request):
    return {name: values[0] for name, values in urllib.parse.parse_qs(request[3]).items()}


def test_a_key_of_the_profile(functions):
    expect_equal(login(functions(ROOT, options(access_key_id="AK", secret_access_key="x"))), "AK", "its own")
    expect_equal(login(functions(ROOT, options(login="none"))), "", "none")
    expect_equal(MOCK.requests, [], "nobody was asked")


def test_a_role_is_assumed(functions):
    s3 = functions(ROOT, options(login="assume-role", access_key_id="AK", secret_access_key="x", role_arn="arn:aws:iam::1:role/r",
                                 external_id="e x", session_name="me", session_tags="team=a b,x=y"))
    expect_equal(login(s3)[:3], "STS", "the role's key")
    method, path, headers, _ = MOCK.requests[0]
    form = form_of(MOCK.requests[0])
    expect_equal((method, path), ("POST", "/"), "one request")
    expect_equal(form, {"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": "3600", "RoleArn": "arn:aws:iam::1:role/r",
                        "RoleSessionName": "me", "ExternalId": "e x", "Tags.member.1.Key": "team", "Tags.member.1.Value": "a b",
                        "Tags.member.2.Key": "x", "Tags.member.2.Value": "y"}, "what was asked")
    expect("Credential=AK/" in headers["authorization"] and "/eu-x-1/sts/aws4_request" in headers["authorization"], "signed for sts")


def test_a_key_is_kept_until_shortly_before_its_end(functions):
    s3 = functions(ROOT, options(login="assume-role", access_key_id="AK", secret_access_key="x", role_arn="arn:r"))
    twice = s3.statement("login") + ";" + s3.statement("login") + ";"
    first, second = s3.cluster.sql(twice).split("\n")
    expect_equal(first, second, "kept")
    expect_equal(len(MOCK.requests), 1, "asked once")
    MOCK.lasts_s = EXPIRED_S
    first, second = s3.cluster.sql(twice).split("\n")
    expect(first != second, "another one when the end is near")
    one = functions(ROOT, options(login="assume-role", access_key_id="AK", secret_access_key="x", role_arn="arn:other"))
    MOCK.lasts_s = LASTING_S
    first, second = s3.cluster.sql(s3.statement("login") + ";" + one.statement("login") + ";").split("\n")
    expect(first != second, "a key for each profile")


def test_the_instance(functions, c):
    restart_with(c, AWS_EC2_METADATA_SERVICE_ENDPOINT=MOCK.url + "/")
    expect_equal(login(functions(ROOT, options(login="instance")))[:3], "EC2", "its key")
    expect_equal([(m, p) for m, p, _, _ in MOCK.requests],
                 [("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/"),
                  ("GET", "/latest/meta-data/iam/security-credentials/my%20role")], "a token, the role, its key")
    # The metadata of the machine is asked also where the profile may not reach such addresses itself.
    expect_equal(login(functions(ROOT, ["region", "x", "login", "instance"]))[:3], "EC2", "without allow-private-endpoints")


def test_the_container(functions, c, tmp_path):
    restart_with(c, AWS_CONTAINER_CREDENTIALS_FULL_URI=MOCK.url + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN="container-token")
    expect_equal(login(functions(ROOT, options(login="container")))[:3], "ECS", "its key")
    token = os.path.join(c.dir, "container.token")
    with open(token, "w") as file:
        file.write("container-token\n")
    restart_with(c, AWS_CONTAINER_CREDENTIALS_FULL_URI=MOCK.url + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token)
    expect_equal(login(functions(ROOT, options(login="container")))[:3], "ECS", "with a token in a file")
    expect_equal(login(functions(ROOT, options(login="assume-role", role_arn="arn:r")))[:3], "STS", "and a role with that")
    expect("Credential=ECS" in MOCK.requests[-1][2]["authorization"], "signed by the container's key")


def test_a_web_identity(functions, c):
    token = os.path.join(c.dir, "web.token")
    with open(token, "w") as file:
        file.write("eyJ.a.b\n")
    restart_with(c, AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ROLE_ARN="arn:of-the-environment")
    expect_equal(login(functions(ROOT, options(login="web-identity")))[:3], "STS", "a key")
    form = form_of(MOCK.requests[0])
    expect_equal((form["Action"], form["RoleArn"], form["WebIdentityToken"]), ("AssumeRoleWithWebIdentity", "arn:of-the-environment", "eyJ.a.b"),
                 "what was asked")
    expect_equal(MOCK.requests[0][2]["authorization"], None, "not signed")
    with open(token, "w") as file:
        file.write("with a blank")
    expect("does not hold a token" in login(functions(ROOT, options(login="web-identity", session_name="y"))), "no token")


def test_what_is_missing_or_refused(functions, c):
    restart_with(c)
    expect("AWS_WEB_IDENTITY_TOKEN_FILE" in login(functions(ROOT, options(login="web-identity"))), "web-identity")
    expect("AWS_CONTAINER_CREDENTIALS_FULL_URI" in login(functions(ROOT, options(login="container"))), "container")
    role = functions(ROOT, options(login="assume-role", access_key_id="AK", secret_access_key="hidden", role_arn="arn:r", retries_max="0"))
    MOCK.broken = 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    message = login(role)
    expect("could not get a key for s3://lake/base: the store answers 403, AccessDenied: not you" in message, message)
    expect("hidden" not in message, "no secret")
    expect("could not get a key for s3://lake/base" in role.write(ROOT + "/x", b"x", "batch"), "a batch gives it as the file's error")
    for text, words in (("<a/>", "no temporary key"), ("no xml", "not well-formed XML"), ("", "not well-formed XML"),
                        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "not well-formed XML")):
        MOCK.broken = 200, text
        expect(words in login(role), text)


# -- Google's store -------------------------------------------------------------------------------------------

class Tokens:
    """Answers requests for tokens; assertions has what was shown."""

    def __init__(self):
        self.assertions = []
        mock = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *unused):
                pass

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                mock.assertions.append((self.path, form["grant_type"][0], form["assertion"][0]))
                text = json.dumps({"access_token": "ya29.test", "expires_in": 3599, "token_type": "Bearer"}).encode()
                self.send_response_only(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_metadata_server(functions, c):
    restart_with(c, GCE_METADATA_HOST=MOCK.url.removeprefix("http://"))
    expect_equal(login(functions(GCS_ROOT, ["login", "metadata-server"])), "token", "a token")
    expect_equal(MOCK.requests[0][2]["metadata-flavor"], "Google", "with the header that a forged request lacks")


def test_a_service_account(functions, tmp_path):
    """It asks for a token by what its private key has signed; never where its own JSON says."""
    key, public = str(tmp_path / "key.pem"), str(tmp_path / "public.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    with open(key) as file:
        account = json.dumps({"client_email": "me@test", "private_key_id": "k1", "private_key": file.read(), "token_uri": "http://127.0.0.1:1/"})
    tokens = Tokens()
    try:
        files = functions(GCS_ROOT, ["service-account-json", account, "token-uri", tokens.url, "allow-private-endpoints", "true"])
        expect_equal(files.call("login"), "token", "a token")
    finally:
        tokens.server.shutdown()
        tokens.server.server_close()
    path, grant, assertion = tokens.assertions[0]
    head, claims, signature = assertion.split(".")
    expect_equal((path, grant), ("/token", "urn:ietf:params:oauth:grant-type:jwt-bearer"), "what is asked")
    expect_equal(json.loads(decoded(head)), {"alg": "RS256", "typ": "JWT", "kid": "k1"}, "its head")
    said = json.loads(decoded(claims))
    expect_equal((said["iss"], said["aud"], said["exp"] - said["iat"]), ("me@test", tokens.url + "/token", 3600), "its claims")
    for name, data in (("signature", decoded(signature)), ("text", ("%s.%s" % (head, claims)).encode())):
        (tmp_path / name).write_bytes(data)
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", str(tmp_path / "signature"), str(tmp_path / "text")],
                   check=True, capture_output=True)
    broken = functions(GCS_ROOT, ["service-account-json", json.dumps({"client_email": "a", "private_key": "none"}), "token-uri", tokens.url])
    expect("is no RSA key" in broken.call("login", check=False), "no key")


# -- Azure's store --------------------------------------------------------------------------------------------

ADLS_ROOT = "abfss://lake@acct.dfs.core.windows.net/base"
APPLICATION = ["login", "client-secret", "tenant-id", "the tenant", "client-id", "app", "client-secret", "s&cret", "allow-private-endpoints", "true"]


def azure(path_of_token, text='{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ.a.b"}', status=200):
    """MOCK answers this to a request for a token, and takes what is written."""
    def answer(method, path, headers, body):
        if path.partition("?")[0] == path_of_token:
            return status, text
        return (201, "") if headers["authorization"] == "Bearer eyJ.a.b" else (401, "")
    return answer


@pytest.fixture
def azure_answers(monkeypatch):
    def answers(*given, **named):
        monkeypatch.setattr(MOCK, "answer", azure(*given, **named))
    return answers


def test_an_application_of_azure(functions, azure_answers):
    azure_answers("/the%20tenant/oauth2/v2.0/token")
    files = functions(ADLS_ROOT, APPLICATION + ["authority", MOCK.url + "/", "endpoint", MOCK.url])
    expect_equal(login(files), "token", "a token")
    method, _, headers, _ = MOCK.requests[0]
    expect_equal((method, headers["content-type"]), ("POST", "application/x-www-form-urlencoded"), "one request")
    expect_equal(form_of(MOCK.requests[0]), {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s&cret",
                                             "scope": "https://storage.azure.com/.default"}, "what was asked")
    MOCK.requests.clear()
    files.write(ADLS_ROOT + "/x", b"data")
    expect_equal([(m, p, h["authorization"]) for m, p, h, _ in MOCK.requests][1:], [("PUT", "/acct/lake/base/x", "Bearer eyJ.a.b")], "it is shown")


def test_a_token_that_azure_takes_no_more_is_replaced_once(functions, monkeypatch):
    tokens = []

    def answer(method, path, headers, body):
        if path.endswith("/token"):
            tokens.append("t%d" % len(tokens))
            return 200, json.dumps({"access_token": tokens[-1], "expires_in": "3599"})
        return 401, "<Error><Code>InvalidAuthenticationInfo</Code><Message>expired</Message></Error>"
    monkeypatch.setattr(MOCK, "answer", answer)
    files = functions(ADLS_ROOT, APPLICATION + ["authority", MOCK.url, "endpoint", MOCK.url])
    message = files.write(ADLS_ROOT + "/x", b"data")
    expect("answers 401, InvalidAuthenticationInfo: expired" in message, message)
    expect_equal([h["authorization"] for m, _, h, _ in MOCK.requests if m == "PUT"], ["Bearer t0", "Bearer t1"], "asked twice, each time with another")


def test_what_an_authority_says_is_told_without_what_was_sent(functions, azure_answers):
    said = {"error": "invalid_client", "error_description": "AADSTS7000215: s&cret is not right. Trace ID: 1"}
    for text, words in ((json.dumps(said), "the store answers 401, invalid_client, AADSTS7000215"),
                        (json.dumps({"error": "s&cret"}), "the store answers 401"), ("s&cret", "the store answers 401")):
        azure_answers("/the%20tenant/oauth2/v2.0/token", text, 401)
        message = login(functions(ADLS_ROOT, APPLICATION + ["authority", MOCK.url]))
        expect(words in message and "s&cret" not in message, message)


def test_the_identity_of_the_machine(functions, c, azure_answers):
    azure_answers("/metadata/identity/oauth2/token", '{"access_token":"eyJ.a.b","expires_in":"86399","resource":"x"}')
    restart_with(c, AZURE_POD_IDENTITY_AUTHORITY_HOST=MOCK.url + "/")
    expect_equal(login(functions(ADLS_ROOT, ["login", "managed-identity", "client-id", "mine"])), "token", "a token")
    method, path, headers, _ = MOCK.requests[0]
    expect_equal((method, path, headers["metadata"]), (
        "GET", "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=mine", "true"),
        "with the header that a forged request lacks")


def test_the_identity_of_an_app(functions, c, azure_answers):
    azure_answers("/msi/token", json.dumps({"access_token": "eyJ.a.b", "expires_on": str(int(time.time()) + 3000)}))
    restart_with(c, IDENTITY_ENDPOINT=MOCK.url + "/msi/token", IDENTITY_HEADER="proof")
    expect_equal(login(functions(ADLS_ROOT, ["login", "managed-identity"])), "token", "a token")
    _, path, headers, _ = MOCK.requests[0]
    expect_equal((path, headers["x-identity-header"]),
                 ("/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F", "proof"), "with the header of the environment")


def test_a_federated_identity(functions, c, azure_answers):
    azure_answers("/mine/oauth2/v2.0/token")
    token = os.path.join(c.dir, "azure.token")
    with open(token, "w") as file:
        file.write("eyJ.f.g\n")
    restart_with(c, AZURE_FEDERATED_TOKEN_FILE=token, AZURE_CLIENT_ID="app", AZURE_TENANT_ID="mine", AZURE_AUTHORITY_HOST=MOCK.url + "/")
    expect_equal(login(functions(ADLS_ROOT, ["login", "managed-identity"])), "token", "a token")
    form = form_of(MOCK.requests[0])
    expect_equal((form["client_id"], form["client_assertion"], form["client_assertion_type"], "client_secret" in form),
                 ("app", "eyJ.f.g", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", False), "what was asked")
