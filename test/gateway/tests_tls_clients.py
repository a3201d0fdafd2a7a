"""Certificates of clients: who gets in by them, as whom, and what ends that.

SPDX-License-Identifier: PostgreSQL
"""
import ssl
import time

import pytest
from harness import Failure, expect, expect_equal, request_bytes, wait_until
from issuer import Issuer
from tests_auth import bearer, expect_challenge, prepare
from tests_tls import Secure, check_config, exchange
from tls import Authority

T = "/v1/w/namespaces/n/tables/"
LOAD = request_bytes("GET", T + "t")


@pytest.fixture(scope="module")
def authority(env):
    return Authority(env.root)


@pytest.fixture(scope="module")
def people(authority):
    """Certificates by the name of who has them."""
    return {name: authority.issue(name) for name in ("ann", "bob", "eve")}


def own(env, authority, **settings):
    prepare(env)
    env.pg.sql("INSERT INTO icecat.mapping VALUES ('CN=ann', 'ann'), ('CN=bob', 'bob'), ('spiffe://x/ann', 'ann'),"
               " ('O=Größe\\, Söhne,CN=ann', 'bob')")
    settings = {"tls_client_auth": "optional", "tls_client_ca_file": authority.certificate, **settings}
    return Secure(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, authority, **settings)


def ask(gateway, pair, data=LOAD):
    with gateway.wrap(gateway.authority.client_context(pair)) as one:
        return exchange(one, data)


def check_turned_away(gateway, context):
    try:
        with gateway.wrap(context) as one:
            answer = exchange(one)
    except (ssl.SSLError, ConnectionError, Failure):
        return
    raise Failure(f"it was answered: {answer.status}")


def test_a_certificate_works_as_its_role(env, authority, people):
    with own(env, authority) as gateway:
        for name in ("ann", "bob", "ann"):
            answer = ask(gateway, people[name])
            expect_equal((answer.status, answer.json()["role"]), (200, name))
        answer = ask(gateway, people["ann"], request_bytes("POST", T + "mtls", {"a": 1}))
        expect_equal(answer.status, 200)
        expect_equal(env.pg.sql("SELECT role || ' ' || principal FROM icecat.effect WHERE name = 'mtls'"), "ann mtls~CN=ann")
        expect_equal(gateway.metric("icecat_auth_cache_hits_total"), 2.0, "a certificate is known by its digest")
        answer = ask(gateway, people["eve"])
        expect_equal(answer.status, 403)
        expect("eve" not in answer.error()["message"], "the client is told nothing but that")
        expect_challenge(gateway.get(T + "t"), "Bearer")
        for path in ("/health", "/ready", "/metrics"):
            expect_equal(gateway.get(path).status, 200, path)


def test_a_token_beside_a_certificate_decides(env, authority, people):
    with Issuer() as issuer, own(env, authority, auth_issuers=f"test={issuer.url}", auth_audiences="icecat") as gateway:
        answer = ask(gateway, people["ann"], request_bytes("GET", T + "t", headers=bearer(issuer.token("bob"))))
        expect_equal((answer.status, answer.json()["role"]), (200, "bob"))
        answer = ask(gateway, people["ann"], request_bytes("GET", T + "t", headers=bearer("nonsense")))
        expect_challenge(answer)
        expect_equal(ask(gateway, people["ann"]).json()["role"], "ann")


def test_an_anonymous_role_is_for_who_shows_none(env, authority, people):
    with own(env, authority, auth_anonymous_role="bob") as gateway:
        expect_equal(gateway.get(T + "t").json()["role"], "bob")
        expect_equal(ask(gateway, people["ann"]).json()["role"], "ann")
        expect_equal(ask(gateway, people["eve"]).status, 403, "a certificate without a role is not nobody")


def test_the_certificate_of_a_proxy_is_not_its_clients(env, authority, people):
    with own(env, authority, trusted_proxies="127.0.0.1", auth_issuers="") as gateway:
        for more in ((), ["X-Forwarded-For: 192.0.2.7"]):
            answer = ask(gateway, people["ann"], request_bytes("GET", T + "t", headers=more))
            expect_challenge(answer, "Bearer")


def test_required(env, authority, people):
    stranger = Authority(env.root, "stranger")
    with required(env, authority, people) as gateway:
        check_turned_away(gateway, authority.client_context())
        check_turned_away(gateway, authority.client_context(stranger.issue("ann")))
        check_turned_away(gateway, authority.client_context(authority.issue("ann", usage="serverAuth")))
        check_turned_away(gateway, authority.client_context(authority.issue("ann", days=-1)))
        expect_equal(ask(gateway, people["ann"]).json()["role"], "ann")
        expect(gateway.metric('icecat_tls_handshake_failures_total{reason="certificate"}') >= 3, "they are counted")
        expect("the certificate of a client was refused" in gateway.log(), "and logged")


class Required(Secure):
    """Even its own pages want a certificate."""

    def __init__(self, *arguments, pair, **settings):
        self.pair = pair
        super().__init__(*arguments, **settings)

    def request(self, method, path, body=None, headers=()):
        return ask(self, self.pair, request_bytes(method, path, body, headers))


def required(env, authority, people):
    prepare(env)
    env.pg.sql("INSERT INTO icecat.mapping VALUES ('CN=ann', 'ann')")
    return Required(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, authority, pair=people["ann"],
                    tls_client_auth="required", tls_client_ca_file=authority.certificate)


def test_names_in_certificates(env, authority):
    with own(env, authority) as gateway:
        good = authority.issue(subject="/CN=ann/O=Größe, Söhne")
        expect_equal(ask(gateway, good).json()["role"], "bob", "by RFC 4514, in UTF-8")
        good = authority.issue(subject="/", extension="subjectAltName=critical,URI:spiffe://x/ann")
        expect_equal(ask(gateway, good).json()["role"], "ann", "by the only URI")
        for why, pair in (("certificate_unnamed", authority.issue(subject="/")),
                          ("certificate_unnamed", authority.issue(subject="/", extension="subjectAltName=URI:a:b,URI:c:d")),
                          ("certificate_names", authority.issue(subject="/" + "/".join(f"OU={'x' * 60}{i}" for i in range(5)))),
                          ("certificate_names", authority.issue(subject="/CN=ann", extension="subjectAltName=DER:3009820761"
                                                                "6E6E006576"  "65"))):
            answer = ask(gateway, pair)
            expect_challenge(answer)
            expect(gateway.metric(f'icecat_auth_refusals_total{{reason="{why}"}}') >= 1, f"{why}: {answer.error()}")


def test_a_revoked_certificate_is_refused_on_the_connection_that_it_has(env, authority, people):
    crl = authority.crl()
    with own(env, authority, tls_crl_file=crl) as gateway:
        with gateway.wrap(authority.client_context(people["ann"])) as one, \
                gateway.wrap(authority.client_context(people["bob"])) as other:
            expect_equal((exchange(one).json()["role"], exchange(other).json()["role"]), ("ann", "bob"))
            authority.crl(people["ann"][0])
            wait_until(lambda: gateway.metric("icecat_tls_reloads_total") == 1, "the list is read again", 20)
            answer = exchange(one)
            expect_challenge(answer, "Bearer")
            expect("not accepted any more" in answer.error()["message"], answer.error())
            expect_equal(answer.headers["connection"], "close")
            expect_equal(exchange(other).json()["role"], "bob", "another is not disturbed")
            expect_equal(one.recv(1), b"", "it is over")
        check_turned_away(gateway, authority.client_context(people["ann"]))
        authority.crl()


def test_sessions_with_certificates_are_not_resumed(env, authority, people):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.client_context(people["ann"], minimum_version=version, maximum_version=version)
        with own(env, authority) as gateway:
            with gateway.wrap(context) as one:
                expect_equal(exchange(one).status, 200)
                session = one.tls.session
            if session is not None:
                with gateway.wrap(context, session) as one:
                    expect(not one.tls.session_reused, f"{version}")
                    expect_equal(exchange(one).json()["role"], "ann")


def test_a_certificate_that_expires_meanwhile(env, authority):
    """The connection stays; what it may do ends."""
    until = time.gmtime(time.time() + 4)
    pair = authority.issue("ann", until=time.strftime("%Y%m%d%H%M%SZ", until))
    with own(env, authority, auth_cache_s=0) as gateway:
        with gateway.wrap(authority.client_context(pair)) as one:
            expect_equal(exchange(one).json()["role"], "ann")
            time.sleep(5)
            answer = exchange(one)
            expect_challenge(answer)
            expect("expired" in answer.error()["message"], answer.error())


def test_the_alias_is_not_an_issuers(env):
    status, said = check_config(env, auth_issuers="mtls=https://x.example", auth_audiences="icecat")
    expect(status == 1 and "auth_issuers" in said, said)
