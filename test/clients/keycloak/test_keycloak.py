"""A real issuer: Keycloak gives out the tokens, PyIceberg gets them there, and the gateway, with TLS, takes them.

Needs ICECAT_KEYCLOAK_HOME, an unpacked distribution (test/clients/run makes it). Keycloak runs in its development mode, on
this machine alone, with a database in a file of its own.

SPDX-License-Identifier: PostgreSQL
"""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg
import pytest
from pyiceberg.exceptions import ForbiddenError, OAuthError, UnauthorizedError

import icecat_client as client

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "test/lib"), str(ROOT / "test/gateway")]

import harness  # noqa: E402  # pylint: disable=wrong-import-position
import tls  # noqa: E402  # pylint: disable=wrong-import-position

HOME = os.environ["ICECAT_KEYCLOAK_HOME"]
GATEWAY = os.environ.get("ICECAT_GATEWAY", str(ROOT / "contrib-gateway/build/icecat-gateway"))
DATABASE = os.environ.get("PGDATABASE", "icecat")
START_SECONDS = 400
REALM = "lake"
SECRETS = {"etl": "secret-of-etl", "eyes": "secret-of-eyes", "nobody": "secret-of-nobody"}
ROLES_OF = {"etl": "pipelines", "eyes": "analysts", "nobody": None}
ROLES = ("icecat_suite_analysts", "icecat_suite_pipelines", "icecat_suite_kc_gateway")
SET_UP = """
CREATE ROLE icecat_suite_analysts; CREATE ROLE icecat_suite_pipelines; CREATE ROLE icecat_suite_kc_gateway LOGIN NOINHERIT;
SELECT icecat.grant_reader('icecat_suite_analysts'), icecat.grant_writer('icecat_suite_pipelines'),
    icecat.grant_gateway('icecat_suite_kc_gateway');
GRANT icecat_suite_analysts, icecat_suite_pipelines TO icecat_suite_kc_gateway;
SELECT icecat.map_principal('kc', 'realm_access.roles', 'pipelines', 'icecat_suite_pipelines'),
    icecat.map_principal('kc', 'realm_access.roles', 'analysts', 'icecat_suite_analysts');
"""
TEAR_DOWN = """
SELECT icecat.unmap_principal('kc', 'realm_access.roles', 'pipelines'), icecat.unmap_principal('kc', 'realm_access.roles', 'analysts')
"""


class Keycloak:
    """The server, and its administration by REST."""

    def __init__(self, log_path):
        shutil.rmtree(os.path.join(HOME, "data"), ignore_errors=True)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.issuer = f"{self.url}/realms/{REALM}"
        self.log = open(log_path, "wb")  # pylint: disable=consider-using-with
        environment = dict(os.environ, KC_BOOTSTRAP_ADMIN_USERNAME="admin", KC_BOOTSTRAP_ADMIN_PASSWORD="admin",
                           JAVA_OPTS_APPEND="-Xmx512m")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [os.path.join(HOME, "bin/kc.sh"), "start-dev", "--http-host=127.0.0.1", f"--http-port={self.port}", "--cache=local"],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.administrator = None

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/realms/master", timeout=5).close()
                return
            except OSError:
                time.sleep(1)
        raise RuntimeError("Keycloak did not start")

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def form(self, path, **fields):
        data = urllib.parse.urlencode(fields).encode()
        with urllib.request.urlopen(f"{self.url}{path}", data, timeout=60) as answer:
            return json.loads(answer.read())

    def admin(self, method, path, body=None):
        """The answer's JSON, or the id of what was made."""
        for fresh in (self.administrator is None, True):
            if fresh:
                self.administrator = self.form("/realms/master/protocol/openid-connect/token", grant_type="password",
                                               client_id="admin-cli", username="admin", password="admin")["access_token"]
            request = urllib.request.Request(f"{self.url}/admin/realms{path}", method=method,
                                             data=None if body is None else json.dumps(body).encode(),
                                             headers={"Authorization": f"Bearer {self.administrator}",
                                                      "Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    text = answer.read()
                    return json.loads(text) if text else answer.headers.get("Location", "").rsplit("/", 1)[-1]
            except urllib.error.HTTPError as error:
                if error.code != 401 or fresh:
                    raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from None
        return None

    def make_realm(self):
        self.admin("POST", "", {"realm": REALM, "enabled": True, "accessTokenLifespan": 300})
        for role in ("pipelines", "analysts"):
            self.admin("POST", f"/{REALM}/roles", {"name": role})
        for name, secret in SECRETS.items():
            identity = self.admin("POST", f"/{REALM}/clients", {
                "clientId": name, "secret": secret, "serviceAccountsEnabled": True, "standardFlowEnabled": False,
                "publicClient": False, "protocolMappers": [{
                    "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
                    "config": {"included.custom.audience": "icecat", "access.token.claim": "true"}}]})
            if ROLES_OF[name] is not None:
                user = self.admin("GET", f"/{REALM}/clients/{identity}/service-account-user")["id"]
                role = self.admin("GET", f"/{REALM}/roles/{ROLES_OF[name]}")
                self.admin("POST", f"/{REALM}/users/{user}/role-mappings/realm", [role])

    def add_key(self, provider, priority, **config):
        return self.admin("POST", f"/{REALM}/components", {
            "name": f"{provider}-{priority}", "providerId": provider, "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(priority)], **{name: [value] for name, value in config.items()}}})

    def sign_with(self, name, algorithm):
        one = self.admin("GET", f"/{REALM}/clients?clientId={name}")[0]
        one["attributes"]["access.token.signed.response.alg"] = algorithm
        self.admin("PUT", f"/{REALM}/clients/{one['id']}", one)

    @property
    def token_url(self):
        return f"{self.issuer}/protocol/openid-connect/token"

    def token(self, name):
        return self.form(f"/realms/{REALM}/protocol/openid-connect/token", grant_type="client_credentials", client_id=name,
                         client_secret=SECRETS[name])["access_token"]


def remove():
    with psycopg.connect(f"user=postgres dbname={DATABASE}", autocommit=True) as connection:
        connection.execute(TEAR_DOWN)
        for role in ROLES:
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount > 0:
                connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture(scope="module", name="keycloak")
def fixture_keycloak(tmp_path_factory):
    path = tmp_path_factory.mktemp("keycloak") / "log"
    server = Keycloak(path)
    try:
        try:
            server.wait()
            server.make_realm()
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{path.read_text(errors='replace')[-3000:]}") from None
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module", name="gateway")
def fixture_gateway(keycloak, tmp_path_factory):
    """One that speaks TLS and takes Keycloak's tokens."""
    remove()
    with psycopg.connect(f"user=postgres dbname={DATABASE}", autocommit=True) as connection:
        connection.execute(SET_UP)
    folder = str(tmp_path_factory.mktemp("gateway"))
    harness.TLS = tls.Authority(folder)
    try:
        with harness.Gateway(GATEWAY, f"user=icecat_suite_kc_gateway dbname={DATABASE}", folder, auth_issuers=f"kc={keycloak.issuer}",
                             auth_audiences="icecat", auth_keys_pause_s=1) as one:
            yield one
    finally:
        harness.TLS = None
        remove()


@pytest.fixture(name="connect")
def fixture_connect(gateway, keycloak, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):   # the library prefers these to its property
        monkeypatch.delenv(name, raising=False)

    def connect(name, **properties):
        return client.connect(uri=f"https://127.0.0.1:{gateway.port}", ssl={"cabundle": gateway.tls.certificate},
                              **{"credential": f"{name}:{SECRETS[name]}", "oauth2-server-uri": keycloak.token_url, "scope": "openid",
                                 **properties})
    return connect


def status(gateway, token):
    return gateway.request("GET", "/v1/config", headers=[f"Authorization: Bearer {token}"]).status


def test_pyiceberg_gets_its_tokens_there(connect):
    writer, reader = connect("etl"), connect("eyes")
    namespace = (client.unique("k"),)
    writer.create_namespace(namespace)
    try:
        table = writer.create_table((*namespace, "t"), schema=client.SCHEMA)
        table.append(client.rows(1, 3))
        assert client.ids(reader.load_table((*namespace, "t"))) == [1, 2, 3]
        with pytest.raises(ForbiddenError):
            reader.load_table((*namespace, "t")).append(client.rows(4, 1))
        with pytest.raises(ForbiddenError):
            reader.create_namespace((client.unique("k"),))
    finally:
        client.remove_namespace(writer, namespace)


def test_who_has_no_role_or_no_secret_is_refused(connect, gateway, keycloak):
    with pytest.raises(ForbiddenError):
        connect("nobody")
    with pytest.raises((OAuthError, UnauthorizedError)):
        connect("etl", credential="etl:wrong")
    good = keycloak.token("etl")
    assert status(gateway, good) == 200
    assert status(gateway, good[:-8] + "AAAAAAAA") == 401
    elsewhere = keycloak.form("/realms/master/protocol/openid-connect/token", grant_type="password", client_id="admin-cli",
                              username="admin", password="admin")["access_token"]
    assert status(gateway, elsewhere) == 401, "a token of another realm"


def test_keys_change_without_a_refused_request(connect, gateway, keycloak):
    before = keycloak.token("etl")
    old_keys = [one["id"] for one in keycloak.admin("GET", f"/{REALM}/components?type=org.keycloak.keys.KeyProvider")
                if one["providerId"] == "rsa-generated"]
    keycloak.add_key("rsa-generated", 200, keySize="2048")
    after = keycloak.token("etl")
    assert header(before)["kid"] != header(after)["kid"]
    assert [status(gateway, token) for token in (before, after, before)] == [200, 200, 200]
    assert connect("eyes").list_namespaces() is not None
    for one in old_keys:            # the key of the old token is withdrawn
        keycloak.admin("DELETE", f"/{REALM}/components/{one}")
    assert status(gateway, keycloak.token("etl")) == 200


@pytest.mark.parametrize("algorithm, provider, config", [
    ("ES256", "ecdsa-generated", {"ecdsaEllipticCurveKey": "P-256"}), ("EdDSA", "eddsa-generated", {"eddsaEllipticCurveKey": "Ed25519"}),
    ("PS256", "rsa-generated", {"algorithm": "PS256", "keySize": "2048"}), ("RS512", "rsa-generated", {"algorithm": "RS512", "keySize": "2048"})])
def test_its_algorithms(gateway, keycloak, algorithm, provider, config):
    time.sleep(1.1)                 # auth_keys_pause_s
    keycloak.add_key(provider, 300 + len(algorithm) + ord(algorithm[0]), **config)
    keycloak.sign_with("eyes", algorithm)
    token = keycloak.token("eyes")
    assert header(token)["alg"] == algorithm
    assert status(gateway, token) == 200, gateway.log()[-2000:]


def test_it_is_gone(gateway, keycloak):
    """What was fetched goes on; no token is in the log."""
    token = keycloak.token("etl")
    assert status(gateway, token) == 200
    keycloak.stop()
    assert status(gateway, token) == 200
    log = gateway.log()
    assert token.split(".", maxsplit=1)[1] not in log
    assert not re.search("secret-of", log)


def header(token):
    text = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
