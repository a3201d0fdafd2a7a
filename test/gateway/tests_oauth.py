"""The token endpoint: clients and their secrets, exchanges and refreshes, and what each wrong request is told.

SPDX-License-Identifier: PostgreSQL
"""
import json
import time
import urllib.parse

import oauth
from harness import expect, expect_equal, wait_until
from issuer import Issuer
from oauth import ACCESS_TOKEN, EXCHANGE, add_client, claims_of, exchange, expect_refused, login, send, token_of
from tests_auth import INVALID, T, bearer, expect_challenge, load, prepare


def own(env, **settings):
    prepare(env)
    env.pg.sql("TRUNCATE icecat.credential, icecat.signing_key; INSERT INTO icecat.signing_key VALUES ('first', repeat('0f', 32), 0)")
    return oauth.gateway(env, **settings)


def works_as(gateway, token, role):
    answer = load(gateway, token)
    expect_equal((answer.status, answer.json().get("role")), (200, role))


def test_a_client_gets_a_token_and_works_as_its_role(env):
    with own(env) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        answer = login(gateway, "ann", secret, scope="catalog sign PRINCIPAL_ROLE:ALL and:more")
        told = answer.json()
        expect_equal({name: told[name] for name in ("token_type", "expires_in", "issued_token_type", "scope")},
                     {"token_type": "bearer", "expires_in": 3600, "issued_token_type": ACCESS_TOKEN,
                      "scope": "catalog sign PRINCIPAL_ROLE:ALL and:more"})
        expect("refresh_token" not in told, "a client that has its secret gets no refresh token")
        expect_equal((answer.headers["cache-control"], answer.headers["content-type"]), ("no-store", "application/json"))
        works_as(gateway, told["access_token"], "ann")
        expect_equal(gateway.request("POST", T + "by_client", {"a": 1}, bearer(told["access_token"])).status, 200)
        expect_equal(env.pg.sql("SELECT role || ' ' || principal FROM icecat.effect WHERE name = 'by_client'"), "ann icecat~ann")


def test_a_client_says_who_it_is_by_basic_or_in_the_body_also_beside_an_old_token(env):
    with own(env) as gateway:
        secret = add_client(env, "ann")
        old = oauth.ready(gateway, "ann", secret)
        grant = {"grant_type": "client_credentials"}
        body = {**grant, "client_id": "ann", "client_secret": secret}
        for form, headers in ((grant, [oauth.basic("ann", secret)]), (body, bearer(old)), (body, [oauth.basic("ann", secret)]),
                              (body, ["Authorization: Bearer no.token.at-all"]), (body, ["Authorization: Negotiate YII="])):
            works_as(gateway, token_of(send(gateway, form, headers)), "ann")
        expect_refused(send(gateway, body, [oauth.basic("bob", secret)]), 400, "invalid_request")
        expect_refused(send(gateway, body, [oauth.basic("ann", "other")]), 400, "invalid_request")
        for field in ("Basic !!!", "Basic", "Basic " + "QQ=="):
            expect_refused(send(gateway, grant, [f"Authorization: {field}"]), 401, "invalid_client")
        expect_refused(send(gateway, body, bearer(old) + bearer(old)), 400, "invalid_request")


def test_a_wrong_secret_is_refused_as_a_client_that_is_not_there(env):
    with own(env) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        add_client(env, "off", secret, verdict="disabled")
        add_client(env, "late", secret, until=int(time.time()) - 1)
        told = set()
        for name, text in (("ann", secret[:-1]), ("ann", secret + "0"), ("ann", "x" * 4000), ("nobody", secret), ("o'; --", secret),
                           ("x" * 64, secret), ("off", secret), ("late", secret)):
            answer = login(gateway, name, text)
            expect_refused(answer, 401, "invalid_client")
            expect_equal(answer.headers["www-authenticate"], 'Basic realm="icecat"')
            told.add(answer.body)
        expect_equal(len(told), 1, "different answers")
        expect_refused(send(gateway, {"grant_type": "client_credentials", "client_secret": secret}), 401, "invalid_client")
        expect_refused(send(gateway, {"grant_type": "client_credentials", "client_id": "ann"}), 401, "invalid_client")


def test_both_secrets_of_a_client_are_taken_while_one_replaces_the_other(env):
    with own(env) as gateway:
        add_client(env, "ann", "ics_old", "ics_new")
        oauth.ready(gateway, "ann", "ics_old")
        works_as(gateway, token_of(login(gateway, "ann", "ics_new")), "ann")


def test_only_forms_are_taken_and_secrets_in_a_query_are_refused(env):
    with own(env) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        good = {"grant_type": "client_credentials", "client_id": "ann", "client_secret": secret}
        for kind in ("application/json", "text/plain", "multipart/form-data", None):
            expect_refused(send(gateway, good, content_type=kind), 400, "invalid_request")
        token_of(send(gateway, good, content_type="Application/X-WWW-Form-UrlEncoded ; charset=UTF-8"))
        for name in ("client_secret", "subject_token", "refresh_token", "client%5Fsecret"):
            answer = send(gateway, good, path=f"{oauth.ENDPOINT}?a=1&{name}=Secret1InTheQuery")
            expect_refused(answer, 400, "invalid_request")
            expect("query" in answer.json()["error_description"], "it says what is wrong")
        token_of(send(gateway, good, path=oauth.ENDPOINT + "?warehouse=w"))
        expect("Secret1InTheQuery" not in gateway.log() and secret not in gateway.log(), "no secret is in the log")
        cases = {"invalid_request": ["", "client_id=ann", urllib.parse.urlencode(good) + "&client_id=ann", "grant_type=%zz", "a=%00"],
                 "unsupported_grant_type": [{**good, "grant_type": kind} for kind in ("password", "authorization_code", "implicit")],
                 "invalid_scope": [{**good, "scope": scope} for scope in ("a\tb", "x" * 1001, "PRINCIPAL_ROLE:", "PRINCIPAL_ROLE:a "
                                                                          "PRINCIPAL_ROLE:b", "PRINCIPAL_ROLE:" + "r" * 64)]}
        for error, forms in cases.items():
            for form in forms:
                expect_refused(send(gateway, form), 400, error)
        expect_refused(send(gateway, "a=" + "x" * 70000), 413, "invalid_request")


def test_the_endpoint_stands_below_the_base_path_and_takes_posts(env):
    with own(env, base_path="/lake", cors_origins="https://page.example") as gateway:
        secret = add_client(env, "ann")
        good = {"grant_type": "client_credentials", "client_id": "ann", "client_secret": secret}
        wait_until(lambda: send(gateway, good, path="/lake" + oauth.ENDPOINT).status == 200, "a token")
        expect_refused(send(gateway, good), 404, "invalid_request")
        answer = send(gateway, good, path="/lake" + oauth.ENDPOINT, method="GET")
        expect_equal((answer.status, answer.headers["allow"]), (405, "POST"))
        ask = ["Origin: https://page.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"]
        answer = gateway.request("OPTIONS", "/lake" + oauth.ENDPOINT, headers=ask)
        expect_equal((answer.status, answer.headers["access-control-allow-methods"]), (204, "POST"))
        answer = send(gateway, good, ["Origin: https://page.example"], path="/lake" + oauth.ENDPOINT)
        expect_equal((answer.status, answer.headers["access-control-allow-origin"]), (200, "https://page.example"))
        expect_refused(send(gateway, good, ["Origin: https://evil.example"], path="/lake" + oauth.ENDPOINT), 403, "invalid_request")


def test_a_gateway_that_issues_none_says_so(env):
    with Issuer() as issuer, own(env, oauth_tokens="off", auth_issuers=f"test={issuer.url}", auth_audiences="icecat") as gateway:
        answer = login(gateway, "ann", "x")
        expect_refused(answer, 404, "invalid_request")
        expect("oauth2-server-uri" in answer.json()["error_description"], "it says what to do")


def test_a_client_without_a_role_is_told_that_and_the_log_why(env):
    with own(env) as gateway:
        secret = add_client(env, "ann", verdict="foreign stranger")
        wait_until(lambda: login(gateway, "ann", secret).status != 503, "keys")
        answer = login(gateway, "ann", secret)
        expect_refused(answer, 400, "unauthorized_client")
        expect("stranger" not in answer.body.decode(), "no role is named")
        wait_until(lambda: 'GRANT \\"stranger\\" to it' in gateway.log(), "the log says what to do")
        add_client(env, "ann", secret, verdict="narrower other")
        expect_refused(login(gateway, "ann", secret, scope="PRINCIPAL_ROLE:other"), 400, "invalid_scope")


def test_a_token_is_exchanged_for_the_next_one(env):
    """As Java does: with the token itself as bearer, and without the client's secret."""
    with own(env) as gateway:
        secret = add_client(env, "ann")
        token = oauth.ready(gateway, "ann", secret)
        answer = exchange(gateway, token, bearer(token), scope="catalog")
        expect_equal((answer.json()["token_type"], answer.json()["issued_token_type"]), ("bearer", ACCESS_TOKEN))
        works_as(gateway, token_of(answer), "ann")
        expect_equal(claims_of(token_of(answer))["auth_time"], claims_of(token)["auth_time"])
        expect("refresh_token" not in answer.json(), "a token of our own needs none")


def test_what_is_wrong_with_an_exchange_is_said(env):
    with own(env) as gateway:
        token = oauth.ready(gateway, "ann", add_client(env, "ann"))
        head, body, signature = token.split(".")
        unsigned = "eyJhbGciOiJub25lIn0." + body + "."
        for bad in ("x", unsigned, unsigned + signature, f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body[:-2]}.{signature}"):
            expect_refused(exchange(gateway, bad), 400, "invalid_request")
        form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
        for change in ({"subject_token": ""}, {"subject_token_type": ""}, {"subject_token_type": "urn:x"}, {"actor_token": "x"},
                       {"requested_token_type": "urn:ietf:params:oauth:token-type:saml2"}):
            expect_refused(send(gateway, {**form, **change}), 400, "invalid_request")
        token_of(send(gateway, {**form, "requested_token_type": ACCESS_TOKEN}))


def test_an_expired_token_beside_the_clients_secret_is_a_log_in(env):
    """As Java refreshes a token that has expired already."""
    with own(env, oauth_token_lifetime_s=1, auth_leeway_s=0) as gateway:
        secret = add_client(env, "ann")
        bob = add_client(env, "bob")
        token = oauth.ready(gateway, "ann", secret)
        wait_until(lambda: load(gateway, token).status == 401, "it expires", 5)
        expect_challenge(load(gateway, token))
        expect_refused(exchange(gateway, token), 400, "invalid_request")
        answer = exchange(gateway, token, [oauth.basic("ann", secret)])
        works_as(gateway, token_of(answer), "ann")
        expect_refused(exchange(gateway, token, [oauth.basic("ann", "wrong")]), 401, "invalid_client")
        expect_refused(exchange(gateway, token, [oauth.basic("bob", bob)]), 400, "invalid_request")
        expect_refused(exchange(gateway, "not.a.token", [oauth.basic("ann", secret)]), 400, "invalid_request")


def test_a_token_of_an_issuer_is_exchanged_and_refreshed(env):
    with Issuer() as issuer, own(env, auth_issuers=f"test={issuer.url}", auth_audiences="icecat", auth_cache_s=1) as gateway:
        first = issuer.token("bob", groups=["x"])
        wait_until(lambda: exchange(gateway, first).status != 503, "keys")
        answer = exchange(gateway, first)
        token = token_of(answer)
        works_as(gateway, token, "bob")
        gateway.request("POST", T + "exchanged", {"a": 1}, bearer(token))
        expect_equal(env.pg.sql("SELECT principal FROM icecat.effect WHERE name = 'exchanged'"), "test~bob")
        expect_equal(claims_of(token)["claims"]["groups"], ["x"])
        works_as(gateway, token_of(exchange(gateway, token)), "bob")
        refresh = answer.json()["refresh_token"]
        again = send(gateway, {"grant_type": "refresh_token", "refresh_token": refresh})
        works_as(gateway, token_of(again), "bob")
        expect("refresh_token" in again.json(), "and so on")
        expect_refused(exchange(gateway, issuer.token("bob", exp=int(time.time()) - 60)), 400, "invalid_request")
        expect_refused(exchange(gateway, issuer.token("eve")), 400, "unauthorized_client")


def test_what_came_of_an_issuers_token_ends_with_the_trust_in_it(env):
    with Issuer() as issuer:
        with own(env, auth_issuers=f"test={issuer.url}", auth_audiences="icecat") as gateway:
            first = issuer.token("bob")
            told = wait_until(lambda: (a := exchange(gateway, first)).status != 503 and a, "keys").json()
            expect_equal(load(gateway, told["access_token"]).status, 200)
        with own(env, auth_issuers=f"another={issuer.url}", auth_audiences="icecat") as gateway:
            secret = add_client(env, "ann")
            oauth.ready(gateway, "ann", secret)
            expect_challenge(load(gateway, told["access_token"]))
            expect_refused(exchange(gateway, told["access_token"]), 400, "invalid_request")
            expect_refused(send(gateway, {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}), 400, "invalid_grant")


def test_a_session_of_an_issuers_token_has_an_end(env):
    with Issuer() as issuer, own(env, auth_issuers=f"test={issuer.url}", auth_audiences="icecat", oauth_session_max_s=2,
                                 auth_leeway_s=0) as gateway:
        first = issuer.token("bob")
        wait_until(lambda: exchange(gateway, first).status != 503, "keys")
        answer = exchange(gateway, first)
        expect(answer.json()["expires_in"] <= 2, "the token ends with it")
        refresh = answer.json()["refresh_token"]
        again = {"grant_type": "refresh_token", "refresh_token": refresh}
        wait_until(lambda: send(gateway, again).status == 400, "its end", 5)
        expect_refused(send(gateway, again), 400, "invalid_grant")


def test_refresh_tokens_and_tokens_are_not_taken_for_each_other(env):
    with own(env) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        told = login(gateway, "ann", secret, scope="offline_access").json()
        expect_challenge(load(gateway, told["refresh_token"]))
        expect_refused(exchange(gateway, told["refresh_token"]), 400, "invalid_request")
        refresh = {"grant_type": "refresh_token", "refresh_token": told["access_token"]}
        expect_refused(send(gateway, refresh), 400, "invalid_grant")
        refresh["refresh_token"] = told["refresh_token"]
        works_as(gateway, token_of(send(gateway, refresh)), "ann")
        expect_refused(send(gateway, {"grant_type": "refresh_token"}), 400, "invalid_request")
        expect_equal(gateway.metric('icecat_oauth_tokens_total{grant="refresh_token"}'), 1.0)


def test_a_token_keeps_the_role_that_it_was_narrowed_to(env):
    with own(env) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        token = token_of(login(gateway, "ann", secret, scope="PRINCIPAL_ROLE:small"))
        expect_equal(claims_of(token)["role"], "small")
        for scope in ("catalog", "PRINCIPAL_ROLE:small", "PRINCIPAL_ROLE:ALL"):
            expect_equal(claims_of(token_of(exchange(gateway, token, scope=scope)))["role"], "small")
        expect_refused(exchange(gateway, token, scope="PRINCIPAL_ROLE:other"), 400, "invalid_scope")


def test_the_tokens_of_a_session_that_has_ended_are_refused(env):
    with own(env, auth_cache_s=1) as gateway:
        secret = add_client(env, "ann")
        token = oauth.ready(gateway, "ann", secret)
        works_as(gateway, token, "ann")
        env.pg.sql("UPDATE icecat.mapping SET role = '!ended' WHERE sub = 'ann'")
        wait_until(lambda: load(gateway, token).status == 401, "it has ended", 3)
        expect_challenge(load(gateway, token), INVALID)
        expect_refused(exchange(gateway, token), 400, "invalid_grant")
        token_of(exchange(gateway, token, [oauth.basic("ann", secret)]))


def test_tokens_survive_a_rotation_of_keys(env):
    with own(env, auth_cache_s=1) as gateway, own(env, auth_cache_s=1) as other:
        secret = add_client(env, "ann")
        token = oauth.ready(gateway, "ann", secret)
        works_as(other, token, "ann")
        env.pg.sql("INSERT INTO icecat.signing_key VALUES ('second', repeat('1e', 32), 1)")
        wait_until(lambda: "second" in kid_of(token_of(login(gateway, "ann", secret))), "the new key signs", 5)
        works_as(other, token_of(login(gateway, "ann", secret)), "ann")
        works_as(gateway, token, "ann")
        env.pg.sql("DELETE FROM icecat.signing_key WHERE kid = 'first'")
        wait_until(lambda: load(gateway, token).status == 401, "the old key is gone", 5)


def kid_of(token):
    return token.split(".")[0] and json.loads(oauth.decode(token.split(".")[0]))["kid"]


def test_a_refresh_works_while_the_database_does_not(env):
    with own(env, auth_cache_s=1, pool_wait_ms=200) as gateway:
        secret = add_client(env, "ann")
        token = oauth.ready(gateway, "ann", secret)
        env.pg.stop()
        try:
            again = token_of(exchange(gateway, token, bearer(token)))
            expect_refused(login(gateway, "nobody", secret), 503, "temporarily_unavailable")
        finally:
            env.pg.start()
        wait_until(lambda: load(gateway, again).status == 200, "the database is back")


def test_a_gateway_that_has_just_started_gives_tokens(env):
    """Its keys may not have come yet: a request for a token waits for them, because some clients never try again."""
    own(env).stop()
    secret = add_client(env, "ann")
    env.pg.sql("ALTER FUNCTION icecat._signing_keys RENAME TO _quick_keys; CREATE FUNCTION icecat._signing_keys() RETURNS json LANGUAGE sql VOLATILE SECURITY DEFINER AS"
               " $$ SELECT pg_sleep(0.7); SELECT icecat._quick_keys() $$")
    try:
        with oauth.gateway(env) as gateway:
            answer = login(gateway, "ann", secret)
            expect_equal(answer.status, 200, f"{answer.body[:200]}")
            lines = wait_until(lambda: [line for line in gateway.log_lines() if line.get("operation") == "getToken"], "its line of the log")
            expect(lines[-1]["duration_ms"] > 100, "it has waited")
        with oauth.gateway(env, auth_wait_ms=100) as gateway:
            expect_equal(login(gateway, "ann", secret).status, 503, "at most so long")
    finally:
        env.pg.sql("DROP FUNCTION icecat._signing_keys; ALTER FUNCTION icecat._quick_keys RENAME TO _signing_keys")
