"""Tokens of the gateways' own with the extension: keys that are rotated under load, sessions that end, and copies of the database."""
# SPDX-License-Identifier: PostgreSQL
import json
import threading

import harness
import pytest
from expectations import expect, expect_equal
from oauth import decode, exchange, login, token_of

SETUP = """
CREATE ROLE writers; CREATE ROLE small; GRANT small TO writers; CREATE ROLE gate LOGIN NOINHERIT;
SELECT icecat.grant_writer('writers'), icecat.grant_reader('small'), icecat.grant_gateway('gate');
GRANT writers TO gate;
"""
SETTINGS_OF_GATEWAY = {"oauth_tokens": "on", "auth_api_keys": "on", "auth_cache_s": 1, "auth_keys_pause_s": 1, "auth_refused_cache_s": 0,
                       "auth_failures_max": 0, "audit_repeats_window_s": 1}


def prepare(c):
    c.make_warehouse()
    c.sql(SETUP)


def start(c, program, database="postgres"):
    return harness.Gateway(program, f"host={c.dir} port=5432 user=gate dbname={database}", c.dir, **SETTINGS_OF_GATEWAY)


@pytest.fixture(scope="module", name="gateways")
def fixture_gateways(c, program):
    """Two, of one database."""
    with start(c, program) as one, start(c, program) as two:
        yield one, two


def make_client(c, name, role="writers"):
    return c.sql(f"SELECT client_secret FROM icecat.create_client('{name}', '{role}')").strip()


def first_token(gateway, name, secret):
    return token_of(harness.wait_until(lambda: (a := login(gateway, name, secret)).status != 503 and a, "keys"))


def call(gateway, token, method="GET", path="/namespaces", body=None):
    return gateway.request(method, "/v1/w" + path, body, [f"Authorization: Bearer {token}"])


def works(gateway, token):
    return call(gateway, token).status == 200


def ends(gateway, token, what):
    answer = harness.wait_until(lambda: (a := call(gateway, token)).status == 401 and a, what, 5)
    expect_equal(answer.headers["www-authenticate"], 'Bearer error="invalid_token"')


def test_a_rotation_of_keys_under_load_is_not_noticed(c, gateways):
    secret = make_client(c, "loaded")
    tokens = [first_token(g, "loaded", secret) for g in gateways]
    over, failures, counts = threading.Event(), [], [0, 0]

    def work(number):
        """Loads at one gateway with tokens of the other; every tenth time it refreshes, or logs in."""
        mine, other = gateways[number % 2], gateways[1 - number % 2]
        token = tokens[number % 2]
        while not over.is_set():
            counts[0] += 1
            answer = call(other, token)
            if answer.status == 200 and counts[0] % 10 == 0:
                counts[1] += 1
                answer = exchange(mine, token) if number < 2 else login(mine, "loaded", secret)
                token = answer.json().get("access_token")
            if answer.status != 200:
                failures.append((answer.status, answer.body[:200]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for delay in ("2 seconds", "0", "1 second"):
        before = c.sql("SELECT max(created_at) FROM icecat.signing_keys")
        c.sql(f"SELECT icecat.rotate_signing_key('1 hour', '{delay}')")
        expect(before != c.sql("SELECT max(created_at) FROM icecat.signing_keys"), "there is a new key")
        threading.Event().wait(3)
    over.set()
    for thread in threads:
        thread.join()
    expect_equal(failures, [])
    expect(counts[1] > 3, f"tokens were made: {counts}")
    for gateway in gateways:
        kid = c.sql("SELECT key_id FROM icecat.signing_keys ORDER BY signs_from_at DESC LIMIT 1").strip()
        expect(kid != "" and works(gateway, token_of(login(gateway, "loaded", secret))), "the new key signs")


def test_a_client_that_logs_in_at_401_survives_a_key_that_became_known(c, gateways):
    secret = make_client(c, "careful")
    token = first_token(gateways[0], "careful", secret)
    expect(works(gateways[1], token), "before")
    c.sql("SELECT icecat.rotate_signing_key('0')")
    for gateway in gateways:
        ends(gateway, token, "tokens of the old key end")
    fresh = token_of(login(gateways[0], "careful", secret))
    expect(works(gateways[0], fresh) and works(gateways[1], fresh), "after it has logged in again")


def test_what_ends_a_session(c, gateways):
    gateway = gateways[0]
    secret = make_client(c, "mortal")
    for change in ("alter_client('mortal', p_end_sessions => true)", "rotate_client_secret('mortal', '0')", "alter_client('mortal', p_disabled => true)"):
        token = first_token(gateway, "mortal", secret)
        expect(works(gateway, token), "before")
        if change.startswith("rotate"):
            secret = c.sql(f"SELECT client_secret FROM icecat.{change}").strip()
        else:
            c.sql(f"SELECT icecat.{change}")
        ends(gateway, token, change)
        expect_equal(exchange(gateway, token).status, 400)
    expect_equal(login(gateway, "mortal", secret).status, 401, "of a client that is disabled")
    c.sql("SELECT icecat.alter_client('mortal', 'small', false)")
    token = token_of(login(gateway, "mortal", secret))
    expect_equal(call(gateway, token, "POST", "", {}).status, 404)
    expect_equal(call(gateway, token, "POST", "/namespaces", {"namespace": ["no"]}).status, 403, "as the role that it has now")
    c.sql("SELECT icecat.drop_client('mortal')")
    again = make_client(c, "mortal")
    ends(gateway, token, "the token of a client that was dropped, and made again")
    expect(works(gateway, token_of(login(gateway, "mortal", again))), "the new one")


def test_a_token_is_narrowed_and_stays_so(c, gateways):
    secret = make_client(c, "modest")
    first_token(gateways[0], "modest", secret)
    token = token_of(login(gateways[0], "modest", secret, scope="PRINCIPAL_ROLE:small"))
    for text in (token, token_of(exchange(gateways[0], token, scope="PRINCIPAL_ROLE:ALL"))):
        expect_equal((call(gateways[0], text).status, call(gateways[0], text, "POST", "/namespaces", {"namespace": ["m"]}).status), (200, 403))
    expect_equal(login(gateways[0], "modest", secret, scope="PRINCIPAL_ROLE:gate").json()["error"], "invalid_scope")
    c.sql("REVOKE small FROM writers")
    harness.wait_until(lambda: call(gateways[0], token).status == 403, "the role may not become it any more", 5)
    c.sql("GRANT small TO writers")


def test_a_key_works_and_is_revoked(c, gateways):
    prefix, key = c.sql("SELECT prefix, api_key FROM icecat.create_api_key('nightly', 'writers')").strip().split("|")
    expect_equal(call(gateways[0], key, "POST", "/namespaces", {"namespace": ["by_key"]}).status, 200)
    expect_equal(c.sql("SELECT principal FROM icecat.audit_log WHERE namespace = '{by_key}' AND outcome = '00000'").strip(), "icecat-key~nightly")
    c.sql(f"SELECT icecat.revoke_api_key('{prefix}')")
    ends(gateways[0], key, "it is revoked")


def test_tokens_of_a_database_are_worth_nothing_in_its_copy(c, program, gateways):
    secret = make_client(c, "copied")
    token = first_token(gateways[0], "copied", secret)
    dump = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "-f", "dump.sql", "postgres", check=False)
    expect_equal(dump.returncode, 0, dump.stdout[-500:])
    c.sql("CREATE DATABASE copy")
    restored = c.run("psql", "-X", "-q", "-h", c.dir, "-p", "5432", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-f", "dump.sql", "copy", check=False)
    expect_equal(restored.returncode, 0, restored.stdout[-500:])
    expect_equal(c.sql("SELECT count(*) FROM icecat_data.signing_key", "copy").strip(), "0", "keys are not in the dump")
    with start(c, program, "copy") as gateway:
        other = first_token(gateway, "copied", secret)
        expect(works(gateway, other), "the copy has the client, and made a key")
        expect_equal((call(gateway, token).status, call(gateways[0], other).status), (401, 401))
        keys = c.sql("SELECT json_agg(k) FROM icecat_data.signing_key AS k").strip()
        c.sql("TRUNCATE icecat_data.signing_key; INSERT INTO icecat_data.signing_key"
              f" SELECT * FROM json_populate_recordset(NULL::icecat_data.signing_key, '{keys}')", "copy")
        kid = json.loads(decode(token.split(".")[0]))["kid"]
        other = harness.wait_until(lambda: same_kid(login(gateway, "copied", secret), kid), "the copy signs with the same key", 10)
        expect(works(gateway, other), "a token of the copy, by the original's key")
        expect_equal((call(gateway, token).status, call(gateways[0], other).status), (401, 401), "keys that were copied, too")
        expect(b"not for this catalog" in call(gateway, token).body, "because it is for another database")


def same_kid(answer, kid):
    token = token_of(answer)
    return token if json.loads(decode(token.split(".")[0]))["kid"] == kid else None


def test_refused_log_ins_are_in_the_audit_log_once_for_each_kind_and_counted(c, gateways):
    """The client is named where the database knows it; an id that a stranger says may be a secret."""
    gateway, calls = gateways[0], 50
    secret = make_client(c, "watched")
    first_token(gateway, "watched", secret)
    harness.wait_until(lambda: gateway.metric("icecat_audit_waiting") == 0, "what was before is written", 10)
    since = c.sql("SELECT clock_timestamp()")
    for number in range(calls):
        expect_equal(login(gateway, "watched", "wrong").status, 401)
        expect_equal(login(gateway, "pasted-secret-%d" % number, "wrong").status, 401)
    harness.wait_until(lambda: gateway.metric("icecat_audit_waiting") == 0, "all is written or counted", 10)
    rows = [line.split("|") for line in c.sql(
        "SELECT coalesce(principal, ''), status, details ->> 'reason', count(*) FILTER (WHERE details ->> 'repeated' IS NULL), "
        "sum(coalesce((details ->> 'repeated')::int, 1)) FROM icecat.audit_log WHERE action = 'log-in' AND occurred_at > '%s' GROUP BY 1, 2, 3 ORDER BY 1" % since).split("\n")]
    expect_equal([row[:3] + row[4:] for row in rows], [["", "401", "invalid_client", str(calls)], ["icecat~watched", "401", "invalid_client", str(calls)]])
    expect(all(int(row[3]) <= 10 for row in rows), f"few rows: {rows}")
    text = c.sql("SELECT string_agg(a::text, ' ') FROM icecat.audit_log AS a WHERE action = 'log-in'")
    expect("pasted" not in text and "wrong" not in text and secret not in text, "no id of a stranger, and no secret")
    expect_equal(c.sql("SELECT DISTINCT split_part(client_address, ':', 1) FROM icecat.audit_log WHERE action = 'log-in'"), "127.0.0.1")


def test_what_was_counted_is_in_the_audit_log_at_the_time_of_its_end(c, program):
    """The count is made, and sent, in the same moment."""
    secret = make_client(c, "counted")
    with harness.Gateway(program, f"host={c.dir} port=5432 user=gate dbname=postgres", c.dir, **{**SETTINGS_OF_GATEWAY, "audit_repeats_window_s": 2}) as gateway:
        first_token(gateway, "counted", secret)
        since = c.sql("SELECT clock_timestamp()").strip()
        for _ in range(3):
            expect_equal(login(gateway, "counted", "wrong").status, 401)
        harness.wait_until(lambda: gateway.metric("icecat_audit_waiting") == 0, "all is written or counted", 10)
    ages = c.sql("SELECT occurred_at >= '%s', occurred_at <= clock_timestamp() FROM icecat.audit_log"
                 " WHERE action = 'log-in' AND principal = 'icecat~counted' ORDER BY occurred_at" % since).strip().split("\n")
    expect_equal(set(ages), {"t|t"})
    expect(len(ages) >= 2, f"one that is written, and a count: {ages}")


def test_a_gateway_that_stops_writes_what_it_refused_last(c, program):
    secret = make_client(c, "last")
    count = ("SELECT coalesce(sum(coalesce((details ->> 'repeated')::int, 1)), 0) FROM icecat.audit_log"
             " WHERE action = 'log-in' AND principal = 'icecat~last' AND status = 401")
    for before, wait_ms in ((0, 2000), (7, 0)):
        with harness.Gateway(program, f"host={c.dir} port=5432 user=gate dbname=postgres", c.dir,
                             **{**SETTINGS_OF_GATEWAY, "audit_repeats_window_s": 3600, "audit_stop_wait_ms": wait_ms}) as gateway:
            first_token(gateway, "last", secret)
            harness.wait_until(lambda gateway=gateway: gateway.metric("icecat_audit_waiting") == 0, "nothing waits", 10)
            for _ in range(7):
                expect_equal(login(gateway, "last", "wrong").status, 401)
        written = int(c.sql(count))
        if wait_ms > 0:
            expect_equal(written - before, 7, "all are counted")
        else:
            expect(written - before < 7, "without the wait some are lost, or this test proves nothing")
