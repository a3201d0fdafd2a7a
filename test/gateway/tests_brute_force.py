"""Many wrong secrets: who is slowed, and that nobody else is.

SPDX-License-Identifier: PostgreSQL
"""
import oauth
from harness import expect, expect_equal, wait_until
from oauth import add_client, exchange, expect_refused, login, send, token_of
from tests_api_keys import add_key
from tests_auth import load
from tests_oauth import own

MAX = 5


def guarded(env, **settings):
    settings.setdefault("auth_failures_window_s", 600)
    return own(env, auth_failures_max=MAX, auth_api_keys="on", trusted_proxies="127.0.0.1", **settings)


def at(address):
    """A client there, as a trusted proxy says."""
    return [f"X-Forwarded-For: {address}"]


def try_secret(gateway, client, secret, address):
    return send(gateway, {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}, at(address))


def expect_slowed(answer, window=600):
    expect_equal(answer.status, 429)
    expect(0 < int(answer.headers["retry-after"]) <= window, "Retry-After")


def attack(gateway, client, address):
    """Until it is slowed."""
    for _ in range(MAX):
        expect_refused(try_secret(gateway, client, "wrong", address), 401, "invalid_client")
    answer = try_secret(gateway, client, "wrong", address)
    expect_refused(answer, 429, "temporarily_unavailable")
    expect_slowed(answer)


def test_who_contradicts_its_proxy_is_counted_as_the_proxy(env):
    """A proxy that writes Forwarded passes on the client's own X-Forwarded-For: that may be another one each time."""
    with guarded(env) as gateway:
        oauth.ready(gateway, "ann", add_client(env, "ann"))
        statuses = [oauth.send(gateway, {"grant_type": "client_credentials", "client_id": f"guess{n}", "client_secret": "ics_" + "0" * 64},
                               [f"X-Forwarded-For: 203.0.{n}.1", "Forwarded: for=192.0.2.66"]).status for n in range(MAX + 3)]
        expect_equal(statuses, [401] * MAX + [429] * 3)


def test_who_guesses_is_slowed_for_one_client_and_for_all(env):
    with guarded(env) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        attack(gateway, "ann", "192.0.2.1")
        expect_slowed(try_secret(gateway, "ann", secret, "192.0.2.1"))
        expect_slowed(try_secret(gateway, "nobody", secret, "192.0.2.1"))
        asked = gateway.metric("icecat_auth_throttled_total")
        expect(asked >= 3, "it is counted")
        token_of(login(gateway, "ann", secret))


def test_many_names_from_one_address_are_slowed(env):
    with guarded(env) as gateway:
        add_client(env, "ann")
        for i in range(MAX):
            expect_refused(try_secret(gateway, f"name{i}", "x", "192.0.2.1"), 401, "invalid_client")
        expect_slowed(try_secret(gateway, "name99", "x", "192.0.2.1"))
        expect_refused(try_secret(gateway, "name99", "x", "192.0.2.2"), 401, "invalid_client")


def test_an_attacker_locks_nobody_out(env):
    """Not the client's own address, not other addresses of it, and not who shares the attacker's."""
    with guarded(env) as gateway:
        secret = add_client(env, "ann")
        other = add_client(env, "bob")
        token_of(wait_until(lambda: (a := try_secret(gateway, "ann", secret, "198.51.100.7")).status == 200 and a, "a token"))
        bob = token_of(try_secret(gateway, "bob", other, "192.0.2.1"))
        for i in range(5 * MAX):
            expect(try_secret(gateway, "ann", "wrong", f"192.0.2.{i % 5 + 1}").status in (401, 429), "it is wrong")
        token_of(try_secret(gateway, "ann", secret, "198.51.100.7"))
        token_of(try_secret(gateway, "ann", secret, "203.0.113.9"))
        expect_slowed(try_secret(gateway, "ann", "wrong", "203.0.113.10"))
        token_of(try_secret(gateway, "bob", other, "192.0.2.1"))
        expect_equal(load(gateway, bob, headers=at("192.0.2.1")).status, 200)
        token_of(exchange(gateway, bob, at("192.0.2.1")))


def test_a_client_beside_an_attacker_that_uses_its_name_still_gets_in(env):
    with guarded(env) as gateway:
        secret = add_client(env, "ann")
        token_of(wait_until(lambda: (a := try_secret(gateway, "ann", secret, "192.0.2.1")).status == 200 and a, "a token"))
        for _ in range(2 * MAX):
            expect(try_secret(gateway, "ann", "wrong", "192.0.2.1").status in (401, 429), "it is wrong")
        expect_slowed(try_secret(gateway, "ann", "wrong", "192.0.2.1"))
        token_of(try_secret(gateway, "ann", secret, "192.0.2.1"))


def test_the_window_ends(env):
    with guarded(env, auth_failures_window_s=2) as gateway:
        secret = add_client(env, "ann")
        attack(gateway, "ann", "192.0.2.1")
        wait_until(lambda: try_secret(gateway, "ann", secret, "192.0.2.1").status == 200, "its end", 6)


def test_the_networks_of_version_6_are_counted_as_one_address(env):
    with guarded(env) as gateway:
        add_client(env, "ann")
        for i in range(MAX):
            expect_refused(try_secret(gateway, "ann", "wrong", f"2001:db8:1:2::{i:x}"), 401, "invalid_client")
        expect_slowed(try_secret(gateway, "ann", "wrong", "2001:db8:1:2:ffff::1"))
        expect_slowed(try_secret(gateway, "ann", "wrong", "192.0.2.77"))    # the client itself, by now


def test_keys_are_slowed_as_clients_are(env):
    with guarded(env) as gateway:
        prefix, key = add_key(env, "nightly", "ann")
        wrong = f"ice_{prefix}_{'0' * 64}"
        expect_equal(load(gateway, key, headers=at("198.51.100.7")).status, 200)
        for _ in range(MAX):
            expect_equal(load(gateway, wrong, headers=at("192.0.2.1")).status, 401)
        answer = load(gateway, wrong + "1", headers=at("192.0.2.1"))
        expect_slowed(answer)
        expect_equal(answer.error()["type"], "TooManyRequestsException")
        expect_equal(load(gateway, key, headers=at("198.51.100.7")).status, 200)
        expect_equal(load(gateway, key, headers=at("192.0.2.1")).status, 200)   # it is known


def test_the_table_of_failures_is_bounded(env):
    with guarded(env, auth_failures_entries=16) as gateway:
        for i in range(60):
            try_secret(gateway, f"n{i}", "x", f"192.0.2.{i}")
        expect_equal(gateway.metric("icecat_auth_failures_entries"), 16.0)


def test_a_client_that_is_known_logs_in_while_the_database_is_away(env):
    with guarded(env, pool_wait_ms=200) as gateway:
        secret = add_client(env, "ann")
        oauth.ready(gateway, "ann", secret)
        env.pg.stop()
        try:
            token_of(login(gateway, "ann", secret))
            expect_refused(login(gateway, "ann", "wrong"), 503, "temporarily_unavailable")
            expect_refused(login(gateway, "bob", secret), 503, "temporarily_unavailable")
        finally:
            env.pg.start()
