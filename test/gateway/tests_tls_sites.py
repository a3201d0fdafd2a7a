"""TLS before several databases: the name of the handshake and the host of the request, and whose certificates a database believes.

SPDX-License-Identifier: PostgreSQL
"""
import os
import ssl
import subprocess
import tempfile

import oauth
import pytest
from harness import expect, expect_equal, request_bytes, wait_until
from tests_auth import T, prepare
from tests_databases import RULES, Other, Pair, write
from tests_tls import Secure, exchange
from tls import Authority, TlsSocket

LOAD = T + "same"
ACME, BETA, NONE = "acme.example.com", "beta.example.com", "elsewhere.example.com"


@pytest.fixture(scope="module", name="authority")
def fixture_authority(env):
    return Authority(env.root)


@pytest.fixture(scope="module", name="others")
def fixture_others(env):
    found = {}
    try:
        for name in RULES:
            found[name] = Other(env, name)
            prepare(Pair(env, found[name]))
            found[name].sql("INSERT INTO icecat.mapping VALUES ('CN=ann', 'ann')")
        prepare(env)
        env.pg.sql("INSERT INTO icecat.mapping VALUES ('CN=ann', 'ann')")
        yield found
    finally:
        for pg in found.values():
            pg.stop("immediate")


def sites(env, others, authority, more=None, **settings):
    """A gateway with TLS before the default database and the further ones, and the folder of their files."""
    folder = tempfile.mkdtemp(prefix="sites-", dir=env.root)
    for name, pg in others.items():
        write(folder, name, pg, (more or {}).get(name, "gate"))
    gateway = Secure(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, authority, databases_dir=folder, **settings)
    wait_until(lambda: gateway.get("/ready").json().get("databases_ready") == len(others), "all databases are ready")
    return gateway


def visit(gateway, authority, name, host, path=LOAD, headers=(), pair=None, session=None, **changes):
    """An answer, and the session: the handshake is for name (None: it says none), the request for host."""
    context = authority.client_context(pair, check_hostname=False, **changes)
    with TlsSocket(gateway.plain(), context, session, name or "127.0.0.1") as one:
        answer = exchange(one, request_bytes("GET", path, headers=[f"Host: {host}", *headers]))
        return answer, one.tls.session


def test_a_handshake_for_one_site_carries_no_request_for_another(env, others, authority):
    cases = [(None, ACME, 200), (ACME, ACME, 200), (ACME.upper(), ACME + ":8443", 200), (ACME, ACME + ".", 200), (ACME, BETA, 421), (BETA, ACME, 421),
             (NONE, ACME, 421), (ACME, NONE, 421), (ACME, "127.0.0.1", 421), (NONE, NONE, 200), (NONE, "127.0.0.1", 200)]
    settings = {"auth_anonymous_role": "ann", "auth_anonymous_anywhere": "on", "oauth_tokens": "on"}
    more = {name: "gate\nauth_anonymous = on\n" for name in others}
    with sites(env, others, authority, more, **settings) as gateway:
        for name, host, status in cases:
            answer, _ = visit(gateway, authority, name, host)
            expect_equal(answer.status, status, f"{name}, {host}")
            if status == 421:
                answer.error()
                expect_equal(visit(gateway, authority, name, host, "/ready")[0].status, 421, f"/ready: {name}, {host}")
                expect_equal(visit(gateway, authority, name, host, oauth.ENDPOINT)[0].status, 421, f"tokens: {name}, {host}")


def test_a_resumed_session_stays_that_of_its_site(env, others, authority):
    settings = {"auth_anonymous_role": "ann", "auth_anonymous_anywhere": "on"}
    more = {name: "gate\nauth_anonymous = on\n" for name in others}
    with sites(env, others, authority, more, **settings) as gateway:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = authority.client_context(check_hostname=False, maximum_version=version)

            def ask(name, host, session=None, context=context):
                with TlsSocket(gateway.plain(), context, session, name) as one:
                    return exchange(one, request_bytes("GET", LOAD, headers=[f"Host: {host}"])).status, one.tls.session, one.tls.session_reused
            status, session, _ = ask(ACME, ACME)
            expect_equal(status, 200)
            status, _, reused = ask(ACME, ACME, session)
            expect_equal((status, reused), (200, True), f"{version}: it is resumed")
            expect_equal(ask(ACME, BETA, session)[0], 421, f"{version}: for another host")


def test_a_trusted_proxy_says_which_host_was_meant(env, others, authority):
    settings = {"auth_anonymous_role": "ann", "auth_anonymous_anywhere": "on", "trusted_proxies": "127.0.0.1"}
    more = {name: "gate\nauth_anonymous = on\n" for name in others}
    with sites(env, others, authority, more, **settings) as gateway:
        answer, _ = visit(gateway, authority, NONE, "inner.example.com", headers=[f"X-Forwarded-Host: {ACME}"])
        expect_equal((answer.status, answer.json().get("of")), (200, "acme"))


def test_a_database_believes_the_certificates_of_its_own_authorities(env, others, authority):
    theirs = {name: Authority(env.root, name) for name in others}
    people = {name: one.issue("ann") for name, one in theirs.items()}
    bundle = os.path.join(env.root, "bundle.pem")
    with open(bundle, "wb") as out:
        for one in theirs.values():
            with open(one.certificate, "rb") as file:
                out.write(file.read())
    more = {name: f"gate\ntls_client_ca_file = '{one.certificate}'\n" for name, one in theirs.items()}
    with sites(env, others, authority, more, tls_client_auth="optional", tls_client_ca_file=bundle, auth_refused_cache_s=0) as gateway:
        for _ in range(2):                  # from what is remembered, too
            for name, pair in people.items():
                for host, owner in ((ACME, "acme"), (BETA, "beta"), (NONE, None)):
                    answer, _ = visit(gateway, authority, host, host, pair=pair)
                    expect_equal(answer.status, 200 if owner in (name, None) else 401, f"ann of {name} at {host}")
                    if answer.status == 401:
                        expect("authority" in answer.error()["message"], "it says why")


def test_authorities_that_cannot_be_read_are_an_error(env, others):
    folder = tempfile.mkdtemp(prefix="sites-", dir=env.root)
    write(folder, "acme", others["acme"], "gate\ntls_client_ca_file = '/nowhere.pem'\n")
    environment = dict(os.environ, ICECAT_DSN=env.pg.dsn, ICECAT_DATABASES_DIR=folder)
    done = subprocess.run([env.binary, "--check-config"], env=environment, capture_output=True, text=True, check=False)
    expect(done.returncode != 0 and "tls_client_ca_file" in done.stderr and "acme" in done.stderr, done.stderr)
