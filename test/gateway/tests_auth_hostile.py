"""Tokens that are forged or confused, requests of several principals on one connection, clients that leave, issuers that change.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import random
import time

from harness import expect, expect_equal, in_parallel, request_bytes, wait_at_rest, wait_until
from issuer import Issuer, Key, b64
from tests_auth import INVALID, T, bearer, expect_challenge, load, own


@contextlib.contextmanager
def slow_answer_for_roles(env):
    """The database takes its time to say which role a principal has."""
    before = env.pg.sql("SELECT pg_get_functiondef('icecat._principal_role'::regproc)")
    env.pg.sql("CREATE OR REPLACE FUNCTION icecat._principal_role(p_issuer text, p_claims json) RETURNS text LANGUAGE plpgsql"
               " SECURITY DEFINER AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN 'role ' || (p_claims ->> 'sub'); END $$")
    try:
        yield
    finally:
        env.pg.sql(before)


def test_forged_and_confused_tokens(env):
    with Issuer() as issuer, Issuer("two") as other, \
            own(env, issuer, auth_issuers=f"a={issuer.url}, b={other.url}") as gateway:
        good = issuer.token("ann")
        head, body, signature = good.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        secret = b64(b'{"alg": "HS256", "typ": "JWT", "kid": "one"}') + "." + body
        by_public_key = hmac.new(json.dumps(issuer.keys[0].jwk).encode(), secret.encode(), hashlib.sha256).digest()
        none = b64(b'{"alg": "none", "kid": "one"}') + "." + body
        bob = b64(json.dumps({**claims, "sub": "bob"}).encode())
        for i, token in enumerate((
                f"{secret}.{b64(by_public_key)}", f"{none}.", f"{none}.{signature}", f"{head}.{body}.", f"{head}.{bob}.{signature}",
                other.token("ann", iss=issuer.url), other.token("ann", iss=issuer.url, kid="one"), issuer.token("ann", iss=other.url),
                issuer.token("ann", iss=other.url, kid="two"), issuer.token("ann", iss=issuer.url + "/"), issuer.token("ann", iss=None),
                issuer.token("ann", aud=["icecat", 1]), issuer.token("ann", aud=None), f".{good}", f"{good}.", f"{good}=", good[:-1],
                f"{signature}.{body}.{head}", good.replace(".", "..", 1))):
            answer = load(gateway, token)
            expect_equal((i, answer.status, answer.headers.get("www-authenticate")), (i, 401, INVALID))
        expect_equal([load(gateway, token).status for token in (good, other.token("ann"))], [200, 200])


def test_one_field_brings_one_token(env):
    """However it is spelt, what is not exactly one field with Bearer and a token brings none."""
    with Issuer() as issuer, own(env, issuer) as gateway:
        ann, bob = issuer.token("ann"), issuer.token("bob")
        for fields, status in (
                ([f"Authorization: Bearer {ann}", f"AUTHORIZATION: Bearer {bob}"], 400), ([f"Authorization: Bearer {ann}", "authorization:"], 400),
                (["Authorization:"], 401), ([f"Authorization: Bearer {ann}, Bearer {bob}"], 401), ([f"Authorization: Bearer\t{ann}"], 401),
                ([f"Authorization: Bearer {ann} x"], 401), ([f"Authorization: Bearer {ann}\0"], 400), ([f"Authorization : Bearer {ann}"], 400),
                (["Authorization: Bearer", f" {ann}"], 400), ([f"Authorization: Bearer {'A' * 30000}"], 401),
                ([f"Authorization: Bearer {'A' * 40000}"], 431), ([f"Proxy-Authorization: Bearer {ann}"], 401),
                ([f"Authorization_: Bearer {ann}"], 401), ([f"Cookie: token={ann}"], 401),
                ([f"Authorization:\tBearer {ann}\t"], 200), ([f"Authorization: bearer  {ann}  "], 200)):
            expect_equal((fields[0][:30], gateway.request("GET", T + "t", headers=fields).status), (fields[0][:30], status))
        with gateway.connect() as client:
            client.send(f"POST {T}t HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                        f"2\r\n{{}}\r\n0\r\nAuthorization: Bearer {ann}\r\n\r\n".encode())
            expect_challenge(client.answer(), "Bearer")
        expect_equal(gateway.request("HEAD", T + "t").status, 401)
        expect_equal(gateway.get(f"/v1/w/namespaces?access_token={ann}").status, 401)
        expect(ann not in gateway.log(), "the query is not in the log")


def test_principals_take_turns_on_one_connection(env):
    env.pg.sql("INSERT INTO icecat.version VALUES ('auth_cached', 1) ON CONFLICT DO NOTHING")
    with Issuer() as issuer, own(env, issuer, auth_cache_s=0) as gateway:
        tokens = {"ann": issuer.token("ann"), "bob": issuer.token("bob"), "eve": issuer.token("eve"), "bad": "a.b.c"}

        def use(seed):
            dice = random.Random(seed)
            asked = [(dice.choice(("ann", "bob", "eve", "bad", "none")), dice.choice(("t", "auth_cached", "large_2", "error_IC103", "sleep_5")))
                     for _ in range(80)]
            with gateway.connect() as client:
                client.send(b"".join(request_bytes("GET", T + table, headers=bearer(tokens[who]) if who in tokens else [])
                                     for who, table in asked))
                for who, table in asked:
                    answer = client.answer()
                    if who not in ("ann", "bob"):
                        expect_equal(answer.status, 403 if who == "eve" else 401, who)
                    elif table not in ("large_2", "error_IC103"):
                        expect_equal((answer.status, answer.json()["role"]), (200, who))

        in_parallel([lambda seed=seed: use(seed) for seed in range(6)])
        wait_at_rest(gateway)


def test_turns_that_wait_for_keys(env):
    """Each of three requests on a connection waits for keys; a third of the clients leave."""
    with Issuer() as issuer:
        issuer.delay_s = 0.3
        with own(env, issuer, auth_cache_s=0) as gateway:
            ann, bob = issuer.token("ann"), issuer.token("bob")
            clients = [gateway.connect() for _ in range(15)]
            for i, client in enumerate(clients):
                client.send(request_bytes("GET", T + "t", headers=bearer(ann)) +
                            request_bytes("GET", T + "t", headers=bearer(issuer.token("ann", kid=f"unknown-{i}"))) +
                            request_bytes("GET", T + "t", headers=bearer(bob)))
            for client in clients[10:]:
                client.socket.close()
            for client in clients[:10]:
                answers = [client.answer() for _ in range(3)]
                expect_equal([answer.status for answer in answers], [200, 401, 200])
                expect_equal(answers[2].json()["role"], "bob")
                client.socket.close()
            wait_at_rest(gateway)


def test_who_leaves_before_the_role_is_known_changes_nothing(env):
    with Issuer() as issuer, own(env, issuer, auth_cache_s=0) as gateway, slow_answer_for_roles(env):
        clients = [gateway.connect() for _ in range(3)]
        for client in clients:
            client.send(request_bytes("POST", T + "auth_gone", {"a": 1}, bearer(issuer.token("ann"))))
        wait_until(lambda: gateway.metric('icecat_pool_calls_in_flight{pool="read"}') == 3, "the question is asked")
        for client in clients[:2]:
            client.socket.close()
        expect_equal(clients[2].answer().status, 200)
        clients[2].socket.close()
        wait_at_rest(gateway)
        expect_equal(env.pg.effects("auth_gone"), 1)


def test_a_repeated_call_has_the_role_too(env):
    """Lost twice and sent again with its key; a final error, stored under the key; a second try with spaces."""
    key = "Idempotency-Key: 017F22E2-79B0-7CC3-98C4-DC0C0C0739AF"
    with Issuer() as issuer, own(env, issuer) as gateway:
        env.pg.sql("GRANT pg_signal_backend TO ann, bob; ALTER SEQUENCE icecat.once RESTART")
        for who, act in (("ann", "once_2"), ("bob", "error_IC203")):
            gateway.request("POST", f"{T}auth_{act}", {"act": act}, [*bearer(issuer.token(who)), key])
        env.pg.sql("REVOKE pg_signal_backend FROM ann, bob")
        expect_equal(env.pg.sql("SELECT string_agg(concat_ws(' ', name, role, principal, left(error, 5)), ', ' ORDER BY id) FROM icecat.effect"
                                " WHERE name IN ('auth_once_2', 'auth_error_IC203')"),
                     "auth_once_2 ann test~ann , auth_error_IC203 bob test~bob IC203")
        expect(gateway.metric("icecat_keyed_repeats_total") >= 1, "it was sent again")
        for who in ("ann", "bob"):
            answer = load(gateway, issuer.token(who), "no+table")
            expect_equal((answer.status, answer.json()["role"]), (200, who))


def test_what_a_role_may_not_load_it_does_not_get_by_a_tag(env):
    env.pg.sql("INSERT INTO icecat.version VALUES ('auth_cached', 1) ON CONFLICT DO NOTHING")
    with Issuer() as issuer, own(env, issuer) as gateway:
        ann, bob = issuer.token("ann"), issuer.token("bob")
        tag = load(gateway, ann, "auth_cached").headers["etag"]
        env.pg.sql("REVOKE EXECUTE ON FUNCTION icecat.rest_load_table FROM PUBLIC;"
                   " GRANT EXECUTE ON FUNCTION icecat.rest_load_table TO ann, reader")
        try:
            for fields in ([], [f"If-None-Match: {tag}"], ["If-None-Match: *"]):
                for _ in range(7):                  # more often than plans of statements are made anew
                    expect_equal(load(gateway, ann, "auth_cached").status, 200)
                    expect_equal(load(gateway, bob, "auth_cached", headers=fields).status, 403)
        finally:
            env.pg.sql("GRANT EXECUTE ON FUNCTION icecat.rest_load_table TO PUBLIC")


def test_bad_tokens_leave_nothing_behind(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        signed = issuer.token("ann").rsplit(".", 1)[0]

        def resident_kb():
            with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as file:
                return int(next(line for line in file if line.startswith("VmRSS")).split()[1])

        def send(count):
            with gateway.connect() as client:
                for _ in range(count):
                    client.send(request_bytes("GET", T + "t", headers=bearer(f"{signed}.{b64(os.urandom(256))}")))
                    expect_equal(client.answer().status, 401)

        send(500)
        before = resident_kb()
        send(4000)
        expect(resident_kb() - before < 4096, f"{before} kB grew to {resident_kb()} kB")
        expect_equal(gateway.metric("icecat_auth_cache_entries"), 0.0)


# -- issuers ------------------------------------------------------------------------------------------------

def test_keys_without_names_are_rotated(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        def rotate(name):
            issuer.keys = [Key(name)]
            issuer.keys[0].jwk = {k: v for k, v in issuer.keys[0].jwk.items() if k != "kid"}

        rotate("one")
        for name in ("second", "third"):
            expect_equal(load(gateway, issuer.token("ann", kid="")).status, 200)
            old = issuer.token("bob", kid="")
            rotate(name)
        expect_equal(load(gateway, issuer.token("ann", kid="")).status, 200)
        expect_challenge(load(gateway, old))
        expect_equal(gateway.metric('icecat_auth_refusals_total{reason="signature"}'), 1.0)


def test_keys_are_fetched_before_they_are_too_old(env):
    """Also where the settings let them grow too old before they are refreshed."""
    with Issuer() as issuer, own(env, issuer, auth_keys_max_age_s=2, auth_keys_refresh_s=600, auth_cache_s=0) as gateway:
        token = issuer.token("ann")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            expect_equal(load(gateway, token).status, 200)
            time.sleep(0.1)


def test_an_issuer_moves_its_keys(env):
    """The old place goes on to answer with the old keys, and unknown keys are asked for all the time."""
    with Issuer() as issuer, own(env, issuer, auth_keys_refresh_s=3, auth_cache_s=0) as gateway:
        expect_equal(load(gateway, issuer.token("ann")).status, 200)
        issuer.documents["/keys"] = json.dumps({"keys": [key.jwk for key in issuer.keys]}).encode()
        key = Key("moved")
        issuer.documents["/keys2"] = json.dumps({"keys": [key.jwk]}).encode()
        issuer.documents["/.well-known/openid-configuration"] = \
            json.dumps({"issuer": issuer.url, "jwks_uri": issuer.url + "/keys2"}).encode()
        token = issuer.token("ann", key=key)
        wait_until(lambda: load(gateway, token).status == 200, "the new place is found", 8)


# -- anonymous requests --------------------------------------------------------------------------------------

def test_a_proxy_on_this_machine_is_no_local_client(env):
    with Issuer() as issuer, own(env, issuer, auth_anonymous_role="bob") as gateway:
        for field in ("X-Forwarded-Proto: https", "x-forwarded-host: a", "X-Forwarded-Server: a", "X-Envoy-External-Address: 192.0.2.1",
                      "X-Client-IP: 192.0.2.1", "True-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1"):
            expect_challenge(gateway.request("GET", T + "t", headers=[field]), "Bearer")
        expect_equal(gateway.request("GET", T + "t", headers=["X-Forward: 1"]).status, 200)


def test_bodies_of_strangers_are_not_held(env):
    """Who brings a token that is certainly bad, or none, makes the gateway hold nothing, however the body is framed and however slowly it comes."""
    with Issuer() as issuer, Issuer("two") as other, own(env, issuer) as gateway:
        good = issuer.token("ann")
        expect_equal(load(gateway, good).status, 200)
        forged = good[:-8] + "AAAAAAAA"
        size, piece = 1 << 20, b" " * 200000
        for name, fields, held in (("none", [], False), ("garbage", bearer("x" * 50), False), ("forged", bearer(forged), False),
                                   ("expired", bearer(issuer.token("ann", exp=int(time.time()) - 600)), False),
                                   ("foreign", bearer(other.token("ann")), False), ("good", bearer(good), True)):
            for framing, head, begin in (("length", f"Content-Length: {size}", b""), ("chunks", "Transfer-Encoding: chunked", b"%x\r\n" % size)):
                with gateway.connect() as client:
                    client.send("\r\n".join(["POST " + T + "held HTTP/1.1", "Host: localhost", head, *fields]).encode() + b"\r\n\r\n" + begin + piece)
                    if held:
                        wait_until(lambda: gateway.metric("icecat_buffered_bytes") >= len(piece), "a good one is held")
                    else:
                        time.sleep(0.1)
                        expect_equal(gateway.metric("icecat_buffered_bytes"), 0.0, f"{name}, {framing}: held")
                    client.send(b" " * (size - len(piece) - 2) + b"{}" + (b"\r\n0\r\n\r\n" if begin else b""))
                    expect_equal(client.answer().status, 200 if held else 401, f"{name}, {framing}")


def test_a_token_that_was_refused_at_a_look_is_counted_once(env):
    with Issuer() as issuer, own(env, issuer, auth_refused_cache_s=0) as gateway:
        token = issuer.token("ann", exp=int(time.time()) - 600)
        before = gateway.metric('icecat_auth_refusals_total{reason="expired"}')
        answer = gateway.request("POST", T + "looked", b"{" + b" " * 100000 + b"}", bearer(token))
        expect_challenge(answer, INVALID)
        expect_equal(gateway.metric('icecat_auth_refusals_total{reason="expired"}') - before, 1.0)
