"""Requests per second of principals and roles: who comes faster is answered 429, and nobody else notices.

SPDX-License-Identifier: PostgreSQL
"""
import time

from harness import expect, expect_equal, in_background, wait_until
from issuer import Issuer
from tests_auth import bearer, load, own


def statuses(gateway, token, count):
    return [load(gateway, token).status for _ in range(count)]


def test_a_principal_over_its_rate_is_told_when_to_come_again(env):
    with Issuer() as issuer, own(env, issuer, rate_principal_per_s=1, rate_burst_s=5) as gateway:
        token = issuer.token("ann")
        got = statuses(gateway, token, 20)
        expect(got.count(200) >= 5 and got.count(429) >= 5, f"a burst, and then 429: {got}")
        answer = next(answer for answer in (load(gateway, token) for _ in range(20)) if answer.status == 429)
        expect_equal(answer.error()["type"], "TooManyRequestsException")
        expect(1 <= int(answer.headers["retry-after"]) <= 5, "Retry-After says when")
        expect_equal(statuses(gateway, issuer.token("bob"), 5), [200] * 5, "another principal")
        expect(gateway.metric("icecat_rate_refused_total") >= got.count(429), "it is counted")
        time.sleep(1.5)
        expect_equal(load(gateway, token).status, 200, "after a pause")


def test_a_role_has_one_rate_for_all_of_its_principals(env):
    with Issuer() as issuer, own(env, issuer, rate_role_per_s=1, rate_burst_s=6) as gateway:
        env.pg.sql("INSERT INTO icecat.mapping VALUES ('amy', 'ann')")
        got = [load(gateway, issuer.token(("ann", "amy")[i % 2])).status for i in range(30)]
        expect(got.count(200) >= 6 and got.count(429) >= 6, f"both are refused: {got}")
        expect_equal(statuses(gateway, issuer.token("bob"), 6), [200] * 6, "another role")


def test_a_request_that_is_refused_does_nothing(env):
    with Issuer() as issuer, own(env, issuer, rate_principal_per_s=1, rate_burst_s=3) as gateway:
        token = issuer.token("ann")
        made = sum(gateway.request("POST", f"/v1/w/namespaces/n/tables/rate_{i}", {"a": 1}, bearer(token)).status == 200 for i in range(15))
        expect(3 <= made < 15, f"some are refused: {made}")
        expect_equal(int(env.pg.sql("SELECT count(*) FROM icecat.effect WHERE name LIKE 'rate_%'")), made, "as many effects as successes")


def test_without_the_settings_nothing_is_limited(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        expect_equal(set(statuses(gateway, issuer.token("ann"), 50)), {200})


def told(gateway, token, expected):
    """Asks until the rates of the tenant are known."""
    wait_until(lambda: (load(gateway, token).status == 429) == expected, "the rates are told")


def test_a_tenant_has_one_rate_for_all_of_its_roles(env):
    with Issuer() as issuer, own(env, issuer, rate_burst_s=4, rate_refresh_s=1) as gateway:
        env.pg.sql("INSERT INTO icecat.rate VALUES ('ann', '11111111-1111-1111-1111-111111111111 1 0 0'), ('bob', '11111111-1111-1111-1111-111111111111 1 0 0')")
        try:
            told(gateway, issuer.token("ann"), True)
            told(gateway, issuer.token("bob"), True)
            answer = load(gateway, issuer.token("ann"))
            answer = answer if answer.status == 429 else load(gateway, issuer.token("ann"))
            expect_equal((answer.status, answer.error()["message"]), (429, "Too many requests: the rate of this tenant is limited"))
            expect(int(answer.headers["retry-after"]) >= 1, "Retry-After")
            env.pg.sql("UPDATE icecat.rate SET line = '22222222-2222-2222-2222-222222222222 100 0 0' WHERE role = 'bob'")
            wait_until(lambda: statuses(gateway, issuer.token("bob"), 5) == [200] * 5, "another tenant, within rate_refresh_s", 5)
            got = statuses(gateway, issuer.token("ann"), 10)
            expect(429 in got, f"the first one is still limited: {got}")
            env.pg.sql("DELETE FROM icecat.rate")
            wait_until(lambda: statuses(gateway, issuer.token("ann"), 20) == [200] * 20, "no limit any more, within rate_refresh_s", 5)
        finally:
            env.pg.sql("DELETE FROM icecat.rate")


def test_the_roles_of_a_tenant_share_one_bucket(env):
    with Issuer() as issuer, own(env, issuer, rate_burst_s=10, rate_refresh_s=1) as gateway:
        env.pg.sql("INSERT INTO icecat.rate SELECT r, '33333333-3333-3333-3333-333333333333 1 0 0' FROM (VALUES ('ann'), ('bob')) AS v (r)")
        try:
            tokens = [issuer.token("ann"), issuer.token("bob")]
            for token in tokens:
                told(gateway, token, True)      # and nothing is left
            start = time.monotonic()
            time.sleep(5)
            got = [load(gateway, tokens[i % 2]).status for i in range(40)]
            most = time.monotonic() - start + 2
            expect(3 <= got.count(200) <= most, f"at most {most:.1f} for both together: {got.count(200)}")
        finally:
            env.pg.sql("DELETE FROM icecat.rate")


def test_each_role_and_principal_of_a_tenant_may_have_a_rate(env):
    with Issuer() as issuer, own(env, issuer, rate_burst_s=3, rate_refresh_s=1) as gateway:
        env.pg.sql("INSERT INTO icecat.mapping VALUES ('amy', 'ann')"
                   "; INSERT INTO icecat.rate VALUES ('ann', '11111111-1111-1111-1111-111111111111 0 0 1'), ('bob', '11111111-1111-1111-1111-111111111111 0 1 0')")
        try:
            told(gateway, issuer.token("ann"), True)
            told(gateway, issuer.token("bob"), True)
            got = statuses(gateway, issuer.token("amy"), 2)
            expect_equal(got, [200, 200], "another principal of the role")
            messages = {load(gateway, issuer.token(name)).body for name in ("ann", "bob") for _ in range(5)}
            expect(any(b"this principal" in body for body in messages) and any(b"this role" in body for body in messages), "whose rate it is")
        finally:
            env.pg.sql("DELETE FROM icecat.rate")


def test_tables_of_one_name_in_two_tenants_have_a_gate_each(env):
    with Issuer() as issuer, own(env, issuer, commit_gate_width=1, rate_refresh_s=1) as gateway:
        env.pg.sql("INSERT INTO icecat.rate VALUES ('ann', '11111111-1111-1111-1111-111111111111 0 0 0'), ('bob', '22222222-2222-2222-2222-222222222222 0 0 0')")

        def at_once(*names):
            """How many of their commits are in the database while none is through."""
            with env.pg.held():
                commits = [in_background(lambda name=name: gateway.request(
                    "POST", "/v1/w/namespaces/n/tables/same", {"act": "hold_1", "n": name}, bearer(issuer.token(name))).status) for name in names]
                wait_until(lambda: env.pg.locks(False) + gateway.metric("icecat_gate_waiting") == len(names), "all wait, here or there")
                found = env.pg.locks(False)
            expect_equal([status() for status in commits], [200] * len(names))
            return found
        try:
            wait_until(lambda: at_once("ann", "bob") == 2, "two tenants do not wait for each other, once they are known")
            expect_equal(at_once("ann", "ann"), 1, "one does for itself")
        finally:
            env.pg.sql("DELETE FROM icecat.rate")


def test_a_database_that_does_not_tell_limits_nobody(env):
    with Issuer() as issuer, own(env, issuer, rate_refresh_s=1) as gateway:
        # In one transaction: a connection that is looked at in between would find no function.
        env.pg.sql("BEGIN; ALTER FUNCTION icecat._rates RENAME TO _rates_away; CREATE FUNCTION icecat._rates(p_roles text[]) RETURNS text LANGUAGE plpgsql"
                   " AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$; COMMIT")
        try:
            for _ in range(4):          # also when the connections are looked at again
                expect_equal(statuses(gateway, issuer.token("ann"), 5), [200] * 5)
                time.sleep(0.5)
            wait_until(lambda: "does not tell of rates" in gateway.log(), "the log says so")
        finally:
            env.pg.sql("BEGIN; DROP FUNCTION icecat._rates; ALTER FUNCTION icecat._rates_away RENAME TO _rates; COMMIT")
