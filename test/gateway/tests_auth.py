"""Tokens: who gets in, as which role, what is told to whom, and what happens when keys change or are not to be had.

SPDX-License-Identifier: PostgreSQL
"""
import os
import subprocess
import threading
import time

from harness import Failure, Gateway, expect, expect_equal, in_parallel, request_bytes, wait_at_rest, wait_until
from issuer import Issuer, Key, certificate

T = "/v1/w/namespaces/n/tables/"
INVALID = 'Bearer error="invalid_token"'
ROLES = ("ann", "bob")


def prepare(env):
    """A login role that may become ann and bob, who may use the catalog; it may not itself."""
    if env.pg.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'gate'") == "0":
        env.pg.sql("CREATE ROLE gate LOGIN NOINHERIT; CREATE ROLE ann; CREATE ROLE bob; CREATE ROLE stranger;"
                   " GRANT USAGE ON SCHEMA icecat TO gate, ann, bob; GRANT ann, bob TO gate;"
                   " REVOKE EXECUTE ON FUNCTION icecat._principal_role, icecat.rest_load_table_pieces FROM PUBLIC;"
                   " GRANT EXECUTE ON FUNCTION icecat.rest_load_table_pieces TO reader, ann, bob;"
                   " GRANT EXECUTE ON FUNCTION icecat._principal_role TO gate;"
                   " GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA icecat TO ann, bob;"
                   " GRANT USAGE ON ALL SEQUENCES IN SCHEMA icecat TO ann, bob;"
                   " REVOKE ALL ON icecat.mapping FROM ann, bob")
    env.pg.sql("TRUNCATE icecat.mapping; INSERT INTO icecat.mapping VALUES ('ann', 'ann'), ('bob', 'bob'), ('zoe', 'stranger'),"
               " ('max', 'nobody_at_all')")


def own(env, issuer, **settings):
    """A gateway that takes the tokens of the issuer."""
    prepare(env)
    settings.setdefault("auth_issuers", f"test={issuer.url}")
    settings.setdefault("auth_audiences", "icecat")
    settings.setdefault("auth_keys_pause_s", 1)
    return Gateway(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, **settings)


def bearer(token):
    return [f"Authorization: Bearer {token}"]


def load(gateway, token, table="t", headers=()):
    return gateway.request("GET", T + table, headers=[*bearer(token), *headers])


def expect_challenge(answer, challenge=INVALID):
    expect_equal(answer.status, 401)
    expect_equal(answer.headers.get("www-authenticate"), challenge, "WWW-Authenticate")
    expect_equal(answer.error()["type"], "NotAuthorizedException")


def test_a_token_works_as_its_role(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        for name in ROLES:
            for _ in range(2):
                answer = load(gateway, issuer.token(name))
                expect_equal((answer.status, answer.json()["role"]), (200, name))
            expect_equal(gateway.request("POST", T + "auth_" + name, {"a": 1}, bearer(issuer.token(name))).status, 200)
            expect_equal(env.pg.sql(f"SELECT role || ' ' || principal FROM icecat.effect WHERE name = 'auth_{name}'"),
                         f"{name} test~{name}")
        expect_equal(issuer.fetches(), 1)


def test_a_token_that_is_known_is_not_asked_for_again(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        token = issuer.token("ann")
        expect_equal([load(gateway, token).status for _ in range(5)], [200] * 5)
        expect_equal(gateway.metric("icecat_auth_cache_hits_total"), 4.0)
        expect_equal(gateway.metric("icecat_auth_cache_entries"), 1.0)


def test_who_brings_no_token_is_told_how(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        expect_challenge(gateway.get(T + "t"), "Bearer")
        expect_challenge(gateway.get("/v1/config"), "Bearer")
        expect_challenge(gateway.request("POST", T + "t", {"a": 1}), "Bearer")
        for value in ("Basic YTpi", "Bearer", "Bearer ", "Token abc"):
            expect_challenge(gateway.request("GET", T + "t", headers=[f"Authorization: {value}"]), "Bearer")
        answer = gateway.request("GET", T + "t", headers=bearer(issuer.token("ann")) * 2)
        expect_equal(answer.status, 400)
        answer = gateway.request("GET", T + "t", headers=[f"authorization:  bEaReR   {issuer.token('ann')}"])
        expect_equal(answer.status, 200)


def test_pages_and_preflights_need_no_token(env):
    with Issuer() as issuer, own(env, issuer, cors_origins="https://page.example") as gateway:
        for path in ("/health", "/ready", "/metrics"):
            expect_equal(gateway.get(path).status, 200, path)
        answer = gateway.request("OPTIONS", T + "t", headers=["Origin: https://page.example", "Access-Control-Request-Method: GET",
                                                              "Access-Control-Request-Headers: authorization"])
        expect_equal((answer.status, answer.headers["access-control-allow-headers"]), (204, "authorization"))
        expect_equal(gateway.get("/nothing").status, 404)


def test_bad_tokens_are_refused(env):
    now = int(time.time())
    with Issuer() as issuer, Issuer("two") as other, own(env, issuer) as gateway:
        good = issuer.token("ann")
        head, body, signature = good.split(".")
        cases = {
            "form": "abc", "base64": f"{head}.{body}.{signature}=", "expired": issuer.token("ann", exp=now - 60),
            "audience": issuer.token("ann", aud="other"), "issuer": other.token("ann"), "early": issuer.token("ann", nbf=now + 60),
            "no_expiry": issuer.token("ann", exp=None), "subject": issuer.token("", exp=now + 60),
            "signature": issuer.token("ann", key=other.keys[0], kid="one"), "too_long": issuer.token("ann", pad="x" * 17000)}
        for why, token in cases.items():
            answer = load(gateway, token)
            expect_challenge(answer)
            expect(token not in answer.body.decode(), "the token is not in the answer")
            expect_equal(gateway.metric(f'icecat_auth_refusals_total{{reason="{why}"}}'), 1.0, why)
        expect_challenge(load(gateway, good[:-8] + "AAAAAAAA"))
        expect_equal(load(gateway, good).status, 200)
        expect_equal(issuer.fetches(), 1)


def test_a_token_that_expires_is_refused_from_then_on(env):
    with Issuer() as issuer, own(env, issuer, auth_leeway_s=0) as gateway:
        token = issuer.token("ann", exp=int(time.time()) + 2)
        expect_equal(load(gateway, token).status, 200)
        wait_until(lambda: load(gateway, token).status == 401, "it expires", 5)
        expect_challenge(load(gateway, token))


def test_a_principal_without_a_role_is_refused(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        for sub, hint in (("eve", "icecat.map_principal"), ("zoe", 'GRANT \\"stranger\\"'), ("max", "no such role")):
            answer = load(gateway, issuer.token(sub))
            expect_equal((answer.status, answer.error()["type"]), (403, "ForbiddenException"))
            expect("stranger" not in answer.body.decode() and "nobody" not in answer.body.decode(), "no role is named")
            wait_until(lambda hint=hint, gateway=gateway: hint in gateway.log(), f"the log says what to do: {hint}")


def test_a_change_of_the_mapping_takes_effect_in_time(env):
    with Issuer() as issuer, own(env, issuer, auth_cache_s=1) as gateway:
        token = issuer.token("ann")
        expect_equal(load(gateway, token).json()["role"], "ann")
        env.pg.sql("UPDATE icecat.mapping SET role = 'bob' WHERE sub = 'ann'")
        wait_until(lambda: load(gateway, token).json()["role"] == "bob", "the new role", 3)
        env.pg.sql("DELETE FROM icecat.mapping WHERE sub = 'ann'")
        wait_until(lambda: load(gateway, token).status == 403, "no role", 3)


def test_a_role_that_is_taken_away_is_refused_at_once(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        token = issuer.token("bob")
        expect_equal(load(gateway, token).status, 200)
        env.pg.sql("REVOKE bob FROM gate")
        try:
            answer = load(gateway, token)
            expect_equal(answer.status, 403)
            expect("bob" not in answer.error()["message"], "no role is named")
        finally:
            env.pg.sql("GRANT bob TO gate")
        expect_equal(load(gateway, token).status, 200)


def test_a_kept_answer_is_its_roles_own(env):
    """The mock's answer names the role, and its tag does not."""
    env.pg.sql("INSERT INTO icecat.version VALUES ('auth_cached', 1) ON CONFLICT DO NOTHING")
    with Issuer() as issuer, own(env, issuer) as gateway:
        tokens = {name: issuer.token(name) for name in ROLES}
        for _ in range(3):
            for name, token in tokens.items():
                expect_equal(load(gateway, token, "auth_cached").json()["role"], name)
        expect_equal(gateway.metric('icecat_cache_loads_total{found="miss"}'), 2.0)
        expect_equal(gateway.metric('icecat_cache_loads_total{found="hit"}'), 4.0)


def test_a_key_comes_with_its_principal(env):
    key = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"
    with Issuer() as issuer, own(env, issuer) as gateway:
        for name in ROLES:
            answer = gateway.request("POST", T + "auth_keyed", {"a": 1}, [*bearer(issuer.token(name)), f"Idempotency-Key: {key}"])
            expect_equal(answer.status, 200)
        expect_equal(env.pg.sql("SELECT string_agg(key || ' ' || role || ' ' || principal, ',' ORDER BY id) FROM icecat.effect"
                                " WHERE name = 'auth_keyed'"), f"{key} ann test~ann,{key} bob test~bob")


def test_answers_in_pieces_are_the_roles_too(env):
    with Issuer() as issuer, own(env, issuer) as gateway:
        expect_equal(len(load(gateway, issuer.token("ann"), "large_3").body), 3 * 262144)
        env.pg.sql("REVOKE EXECUTE ON FUNCTION icecat.rest_load_table_pieces FROM ann")
        expect_equal(load(gateway, issuer.token("ann"), "large_3").status, 403)
        env.pg.sql("GRANT EXECUTE ON FUNCTION icecat.rest_load_table_pieces TO ann")


def test_keys_are_rotated_under_load(env):
    """Tokens of the new key come before the gateway has seen it; the old ones go on until their key is withdrawn."""
    with Issuer() as issuer, own(env, issuer, auth_cache_s=0) as gateway:
        tokens = [issuer.token("ann")]
        wrong = []
        stop = threading.Event()

        def use():
            with gateway.connect() as client:
                while not stop.is_set():
                    client.send(request_bytes("GET", T + "t", headers=bearer(tokens[-1])))
                    answer = client.answer()
                    if answer.status != 200:
                        wrong.append((answer.status, answer.body))

        threads = [threading.Thread(target=use) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            for name in ("second", "third", "fourth"):
                time.sleep(0.3)
                key = Key(name)
                issuer.keys.append(key)
                tokens.append(issuer.token("ann"))
                time.sleep(1.5)
                issuer.keys.pop(0)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        expect_equal(wrong, [])
        expect(issuer.fetches() <= 6, f"{issuer.fetches()} fetches")
        expect_equal(load(gateway, tokens[-1]).status, 200)


def test_unknown_keys_are_looked_for_now_and_then(env):
    """A storm of tokens with made-up key names: few fetches, and good tokens are not held up."""
    with Issuer() as issuer, own(env, issuer, auth_waiting_max=20, auth_keys_pause_s=1) as gateway:
        good = issuer.token("ann")
        expect_equal(load(gateway, good).status, 200)
        bad = [issuer.token("ann", kid=f"made-up-{i}") for i in range(40)]
        began = time.monotonic()
        storm = threading.Thread(target=lambda: statuses.extend(in_parallel([lambda t=t: load(gateway, t).status for t in bad])))
        statuses = []
        storm.start()
        taken = []
        while storm.is_alive():
            at = time.monotonic()
            expect_equal(load(gateway, good).status, 200)
            taken.append(time.monotonic() - at)
            time.sleep(0.02)
        storm.join()
        expect_equal(len(statuses), 40)
        expect(set(statuses) <= {401, 503}, f"{set(statuses)}")
        expect(statuses.count(401) >= 20, f"{statuses.count(401)} were told 401")
        expect(sorted(taken)[len(taken) // 2] < 0.5, f"how long good requests took: {taken}")
        expect(issuer.fetches() <= 2 + time.monotonic() - began, f"{issuer.fetches()} fetches")


def test_an_issuer_that_is_gone(env):
    """Its keys go on for their time; then 503; and all is well when it is back."""
    with Issuer() as issuer, own(env, issuer, auth_keys_refresh_s=1, auth_keys_max_age_s=4, auth_cache_s=0) as gateway:
        token = issuer.token("ann")
        expect_equal(load(gateway, token).status, 200)
        issuer.stop()
        end = time.monotonic() + 2
        while time.monotonic() < end:
            expect_equal(load(gateway, token).status, 200)
            time.sleep(0.1)
        answer = wait_until(lambda: next((a for a in [load(gateway, token)] if a.status == 503), None), "503", 8)
        expect("retry-after" in answer.headers, "Retry-After")
        expect_equal(gateway.get("/health").status, 200)
        expect_equal(gateway.metric("icecat_auth_issuers_usable"), 0.0)
        issuer.start()
        wait_until(lambda: load(gateway, token).status == 200, "the issuer is back", 8)


def test_a_slow_issuer_holds_up_nobody_else(env):
    with Issuer() as slow, Issuer("two") as quick:
        slow.delay_s = 3.0
        with own(env, quick, auth_issuers=f"slow={slow.url}, quick={quick.url}") as gateway:
            waiting = threading.Thread(target=lambda: answers.append(load(gateway, slow.token("ann"))))
            answers = []
            waiting.start()
            wait_until(lambda: gateway.metric("icecat_auth_waiting") == 1, "it waits")
            expect_equal(load(gateway, quick.token("bob")).status, 200)
            expect_equal(gateway.get("/health").status, 200)
            expect(waiting.is_alive(), "others are answered while it waits")
            waiting.join()
            expect_equal((answers[0].status, answers[0].json()["role"]), (200, "ann"))


def test_clients_that_leave_while_they_wait_for_keys(env):
    with Issuer() as issuer:
        issuer.delay_s = 0.7
        with own(env, issuer) as gateway:
            token = issuer.token("ann")
            clients = [gateway.connect() for _ in range(10)]
            for client in clients:
                client.send(request_bytes("GET", T + "t", headers=bearer(token)))
            wait_until(lambda: gateway.metric("icecat_auth_waiting") == 10, "they wait")
            for client in clients[:8]:
                client.socket.close()
            wait_until(lambda: gateway.metric("icecat_auth_waiting") == 2, "the others are forgotten")
            expect_equal([client.answer().status for client in clients[8:]], [200, 200])
            for client in clients[8:]:
                client.socket.close()
            wait_at_rest(gateway)


def test_waiting_for_keys_is_bounded(env):
    with Issuer() as issuer:
        issuer.delay_s = 8.0
        with own(env, issuer, auth_waiting_max=3, auth_wait_ms=1000, auth_fetch_timeout_ms=60000) as gateway:
            token = issuer.token("ann")
            at = time.monotonic()
            answers = in_parallel([lambda: load(gateway, token)] * 6)
            expect_equal([a.status for a in answers], [503] * 6)
            expect(all("retry-after" in a.headers for a in answers), "Retry-After")
            expect(time.monotonic() - at < 7, "no one waits longer than auth_wait_ms")
            expect(sum("Too many" in a.error()["message"] for a in answers) >= 3, "three were too many")


def test_an_issuer_that_is_too_slow(env):
    """A fetch ends after auth_fetch_timeout_ms; the next one is quick."""
    with Issuer() as issuer:
        issuer.delay_s = 10.0
        with own(env, issuer, auth_fetch_timeout_ms=500, auth_wait_ms=8000, auth_keys_pause_s=1) as gateway:
            token = issuer.token("ann")
            at = time.monotonic()
            expect_equal(load(gateway, token).status, 503)
            expect(time.monotonic() - at < 5, "no one waits longer than for the fetch")
            expect(gateway.metric("icecat_auth_fetch_failures_total") >= 1, "it counts")
            issuer.delay_s = 0
            wait_until(lambda: load(gateway, token).status == 200, "the issuer is quick again", 8)


def test_an_issuer_that_is_not_right(env):
    for documents, status, word in (
            ({"/.well-known/openid-configuration": b'{"issuer": "https://other", "jwks_uri": "https://other/keys"}'}, 200, "another issuer"),
            ({"/.well-known/openid-configuration": b"hello"}, 200, "not a JSON object"),
            ({"/keys": b'{"keys": []}'}, 200, "no key"), ({"/keys": b"x" * 300000}, 200, "larger"),
            ({"/keys": b"[]"}, 200, "not a set of keys"), ({}, 500, "status 500")):
        with Issuer() as issuer:
            issuer.documents, issuer.status = documents, status
            with own(env, issuer) as gateway:
                expect_equal(load(gateway, issuer.token("ann")).status, 503, word)
                wait_until(lambda word=word, gateway=gateway: word in gateway.log(), word)
    with Issuer() as issuer:
        issuer.documents["/.well-known/openid-configuration"] = \
            b'{"issuer": "%s", "jwks_uri": "http://192.0.2.1/keys"}' % issuer.url.encode()
        with own(env, issuer) as gateway:
            expect_equal(load(gateway, issuer.token("ann")).status, 503)
            wait_until(lambda gateway=gateway: "by https" in gateway.log(), "plain http elsewhere")


def test_certificates_of_issuers_are_checked(env):
    file = certificate(env.root)
    os.chmod(file, 0o644)
    with Issuer(certificate=file) as issuer:
        with own(env, issuer, auth_ca_file=file) as gateway:
            expect_equal(load(gateway, issuer.token("ann")).status, 200)
        with own(env, issuer) as gateway:
            expect_equal(load(gateway, issuer.token("ann")).status, 503)
            wait_until(lambda gateway=gateway: "certificate" in gateway.log(), "the log says why")


def test_anonymous_requests_have_a_role_where_they_may(env):
    with Issuer() as issuer:
        with own(env, issuer, auth_anonymous_role="bob") as gateway:
            answer = gateway.get(T + "t")
            expect_equal((answer.status, answer.json()["role"]), (200, "bob"))
            expect_equal(load(gateway, issuer.token("ann")).json()["role"], "ann")
            expect_challenge(load(gateway, "abc"))
            for field in ("X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 127.0.0.1", "Via: 1.1 proxy"):
                expect_challenge(gateway.request("GET", T + "t", headers=[field]), "Bearer")
        with own(env, issuer, auth_anonymous_role="bob", auth_anonymous_anywhere="on") as gateway:
            expect_equal(gateway.request("GET", T + "t", headers=["Via: 1.1 proxy"]).status, 200)
        with own(env, issuer, auth_issuers="", auth_audiences="", auth_anonymous_role="ann") as gateway:
            expect_equal(gateway.get(T + "t").json()["role"], "ann")
            expect_challenge(load(gateway, issuer.token("ann")))


def test_tokens_mean_nothing_where_nothing_is_set(env):
    answer = env.gateway.request("GET", T + "t", headers=bearer("abc"))
    expect_equal((answer.status, answer.json()["role"]), (200, "tester"))


def failing_start(env, **settings):
    environment = dict(os.environ, ICECAT_DSN=env.pg.dsn, ICECAT_PORT="0",
                       **{"ICECAT_" + name.upper(): value for name, value in settings.items()})
    done = subprocess.run([env.binary, "--check-config"], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_settings_that_are_not_safe_are_refused(env):
    status, error = failing_start(env, auth_issuers="kc=https://issuer.example")
    expect(status != 0 and "auth_audiences" in error, f"no audience: {error}")
    status, error = failing_start(env, auth_anonymous_role="none")
    expect(status != 0 and "auth_anonymous_role" in error, f"none: {error}")
    for issuers in ("https://issuer.example", "KC=https://issuer.example", "kc=http://issuer.example", "kc=ftp://issuer.example",
                    "kc=https://user@issuer.example", "kc=https://issuer.example?x", "kc=", "kc=https://a, kc=https://b",
                    "a=https://a, b=https://a", "kc=http://127.0.0.1.example", "kc=http://localhost@evil.example"):
        status, error = failing_start(env, auth_issuers=issuers, auth_audiences="icecat")
        expect(status != 0 and "auth_issuers" in error, f"{issuers}: {error}")
    for issuers in ("", "kc=https://issuer.example/realms/a", "kc=https://a, k2=http://localhost:8080/", "kc=http://[::1]:80"):
        expect_equal(failing_start(env, auth_issuers=issuers, auth_audiences="icecat")[0], 0, issuers)


def test_an_open_gateway_is_warned_of(env):
    with Gateway(env.binary, env.pg.dsn, env.root, listen="0.0.0.0") as gateway:
        wait_until(lambda gateway=gateway: "nothing is authenticated" in gateway.log(), "the log warns")
    with Issuer() as issuer:
        with own(env, issuer, listen="0.0.0.0") as gateway:
            expect("nothing is authenticated" not in gateway.log(), "no warning of that")
            wait_until(lambda gateway=gateway: "tokens can be read on the network" in gateway.log(), "but of tokens without TLS")
        with own(env, issuer, listen="0.0.0.0", trusted_proxies="192.0.2.1") as gateway:
            expect("tokens can be read" not in gateway.log(), "the proxy has TLS")
    expect("nothing is authenticated" not in env.gateway.log(), "no warning on loopback")


def test_a_login_role_that_may_not_ask_is_named(env):
    with Issuer() as issuer:
        prepare(env)
        env.pg.sql("REVOKE EXECUTE ON FUNCTION icecat._principal_role FROM gate")
        try:
            with own(env, issuer, ready=False) as gateway:
                answer = wait_until(lambda: next((a for a in [gateway.get("/ready")] if b"grant_gateway" in a.body), None), "a reason")
                expect_equal(answer.status, 503)
        finally:
            env.pg.sql("GRANT EXECUTE ON FUNCTION icecat._principal_role TO gate")


def test_no_token_is_written_anywhere(env):
    """Logs of gateway and server at their most talkative, metrics, answers, pg_stat_activity."""
    for setting in ("log_min_duration_statement = 0", "log_parameter_max_length = -1"):
        env.pg.sql(f"ALTER SYSTEM SET {setting}")
    env.pg.sql("SELECT pg_reload_conf()")
    try:
        with Issuer() as issuer, own(env, issuer, log_level="debug", database_request_id="all") as gateway:
            tokens = [issuer.token("ann"), issuer.token("eve"), issuer.token("ann", aud="other"), issuer.token("ann", kid="x")]
            bodies = [load(gateway, token, table).body.decode() for token in tokens for table in ("t", "error_IC103", "error_XX000")]
            slow = threading.Thread(target=load, args=(gateway, tokens[0], "sleep_400"))
            slow.start()
            time.sleep(0.2)
            activity = env.pg.sql("SELECT string_agg(query || coalesce(application_name, ''), ' ') FROM pg_stat_activity")
            slow.join()
            expect("rest_load_table" in activity, "the call is seen")
            texts = {"gateway log": gateway.log(), "metrics": gateway.get("/metrics").body.decode(), "pg_stat_activity": activity,
                     "answers": " ".join(bodies)}
            with open(os.path.join(env.pg.dir, "log"), errors="replace") as file:
                texts["server log"] = file.read()
            expect("_principal_role" in texts["server log"], "the server logs all")
            for token in tokens:
                for part in token.split("."):
                    for where, text in texts.items():
                        if part in text:
                            raise Failure(f"a part of a token is in the {where}")
    finally:
        for setting in ("log_min_duration_statement", "log_parameter_max_length"):
            env.pg.sql(f"ALTER SYSTEM RESET {setting}")
        env.pg.sql("SELECT pg_reload_conf()")
