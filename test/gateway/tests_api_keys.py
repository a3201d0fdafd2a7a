"""API keys: which are taken, as which role, and for how long after they were revoked. And tokens that have expired, by client.

SPDX-License-Identifier: PostgreSQL
"""
import secrets
import time

import oauth
from harness import expect, expect_equal, wait_until
from issuer import Issuer
from tests_auth import INVALID, T, bearer, expect_challenge, load, prepare
from tests_oauth import own


def add_key(env, name, role=None, until=None, verdict=None, prefix=None):
    """A key of the mock."""
    prefix = prefix or secrets.token_hex(8)
    text = f"ice_{prefix}_{secrets.token_hex(32)}"
    oauth.put(env, "key", prefix, {"name": name, "session": None, "verdict": verdict or f"role {role or name}",
                                   "secrets": [oauth.verifier(text, until)]})
    return prefix, text


def gateway_of(env, **settings):
    settings.setdefault("oauth_tokens", "off")
    settings.setdefault("auth_api_keys", "on")
    return own(env, **settings)


def test_a_key_works_as_its_role_by_either_field(env):
    with gateway_of(env) as gateway:
        _, key = add_key(env, "nightly", "ann")
        for headers in (bearer(key), [f"X-Api-Key: {key}"], [f"x-api-key:   {key}"]):
            answer = gateway.request("GET", T + "t", headers=headers)
            expect_equal((answer.status, answer.json()["role"]), (200, "ann"))
        expect_equal(gateway.metric("icecat_auth_cache_hits_total"), 2.0)
        expect_equal(gateway.request("POST", T + "by_key", {"a": 1}, bearer(key)).status, 200)
        expect_equal(env.pg.sql("SELECT role || ' ' || principal FROM icecat.effect WHERE name = 'by_key'"), "ann icecat-key~nightly")
        for headers in (bearer(key) + [f"X-Api-Key: {key}"], [f"X-Api-Key: {key}"] * 2):
            expect_equal(gateway.request("GET", T + "t", headers=headers).status, 400)


def test_other_keys_are_refused(env):
    with gateway_of(env, auth_failures_max=0) as gateway:
        prefix, key = add_key(env, "nightly", "ann")
        _, revoked = add_key(env, "gone", verdict="disabled")
        _, late = add_key(env, "late", "ann", until=int(time.time()) - 1)
        for bad in (key[:-1], key + "0", f"ice_{prefix}_", f"ice_{prefix}", "ice_", "ice__x", f"ice_no'such_{key}", revoked, late,
                    f"ice_{prefix}_" + "x" * 5000, key.upper(), "ice_" + "0" * 16 + "_" + "0" * 64):
            expect_challenge(load(gateway, bad))
            expect_equal(gateway.request("GET", T + "t", headers=[f"X-Api-Key: {bad}"]).status, 401)
        expect_challenge(gateway.request("GET", T + "t", headers=["X-Api-Key: a.b.c"]))
        expect_equal(load(gateway, key).status, 200)
        _, nobody = add_key(env, "x", verdict="foreign stranger")
        answer = load(gateway, nobody)
        expect_equal((answer.status, "stranger" in answer.body.decode()), (403, False))
        wait_until(lambda: 'GRANT \\"stranger\\"' in gateway.log(), "the log says what to do")
        expect(key not in gateway.log() and key.split("_")[2] not in gateway.log(), "no key is in the log")


def test_a_key_that_is_revoked_or_expires_is_out_in_time(env):
    with gateway_of(env, auth_cache_s=1) as gateway:
        prefix, key = add_key(env, "nightly", "ann")
        _, short = add_key(env, "short", "ann", until=int(time.time()) + 2)
        expect_equal((load(gateway, key).status, load(gateway, short).status), (200, 200))
        env.pg.sql(f"DELETE FROM icecat.credential WHERE id = '{prefix}'")
        wait_until(lambda: load(gateway, key).status == 401, "it is out", 3)
        wait_until(lambda: load(gateway, short).status == 401, "it has expired", 4)


def test_keys_are_no_tokens_where_they_are_off(env):
    with Issuer() as issuer, gateway_of(env, auth_api_keys="off", auth_issuers=f"test={issuer.url}", auth_audiences="icecat") as gateway:
        _, key = add_key(env, "nightly", "ann")
        expect_challenge(load(gateway, key))
        expect_challenge(gateway.request("GET", T + "t", headers=[f"X-Api-Key: {key}"]), "Bearer")
        expect_equal(gateway.request("GET", T + "t", headers=[f"X-Api-Key: {key}", *bearer(issuer.token("ann"))]).status, 200)


def test_an_expired_token_is_401_or_419_by_client(env):
    prepare(env)
    with Issuer() as issuer, own(env, oauth_tokens="off", auth_issuers=f"test={issuer.url}", auth_audiences="icecat",
                                 auth_expired_419="Old-Engine/, other") as gateway:
        old = issuer.token("ann", exp=int(time.time()) - 60)
        for agent, status in (("Old-Engine/1.2", 419), ("old-engine/3", 419), ("Other", 419), ("Engine Old-Engine/1", 401), ("", 401)):
            answer = load(gateway, old, headers=[f"User-Agent: {agent}"])
            expect_equal(answer.status, status, agent)
            if status == 419:
                expect_equal(answer.error()["type"], "AuthenticationTimeoutException")
            else:
                expect_challenge(answer, INVALID)
        expect_challenge(load(gateway, "a.b.c", headers=["User-Agent: Old-Engine/1"]))


def test_a_bad_token_is_remembered_for_a_while(env):
    with Issuer() as issuer, own(env, oauth_tokens="off", auth_issuers=f"test={issuer.url}", auth_audiences="icecat",
                                 auth_refused_cache_s=2) as gateway:
        bad = issuer.token("ann", aud="other")
        for _ in range(3):
            expect_challenge(load(gateway, bad))
        expect_equal(gateway.metric('icecat_auth_refusals_total{reason="audience"}'), 3.0)
        expect_equal(load(gateway, issuer.token("ann")).status, 200)
        env.pg.sql("UPDATE icecat.mapping SET role = '!ended' WHERE sub = 'bob'")
        ended = issuer.token("bob")
        expect_challenge(load(gateway, ended))
        env.pg.sql("UPDATE icecat.mapping SET role = 'bob' WHERE sub = 'bob'")
        wait_until(lambda: load(gateway, ended).status == 200, "it is looked at again", 5)
