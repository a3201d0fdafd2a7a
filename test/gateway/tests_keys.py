"""Idempotency keys: how they reach the database, and what is sent again or stored.

SPDX-License-Identifier: PostgreSQL
"""
import itertools
import json

from harness import Gateway, expect, expect_equal, request_bytes

N = "/v1/w/namespaces"
T = N + "/n/tables/"
KEY = "017F22E2-79B0-7CC3-98C4-%012d"
numbers = itertools.count(1)


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def new_key():
    return KEY % next(numbers)


def send(gateway, method, path, body, *keys):
    with gateway.connect() as client:
        headers = [f"Idempotency-Key: {key}" for key in keys]
        client.send(request_bytes(method, path, body, headers=headers))
        return client.answer()


def commit(gateway, table, key, **body):
    return send(gateway, "POST", T + table, body or {"a": 1}, *([key] if key else []))


def effects(env, key):
    """What ran under a key: the error that was to be stored, or "" for a real run."""
    rows = env.pg.sql(f"SELECT coalesce(json_agg(error ORDER BY id), '[]') FROM icecat.effect WHERE key = '{key}'")
    return json.loads(rows)


def test_every_keyed_operation_passes_its_key_on(env):
    calls = [
        ("POST", N, {"a": 1}), ("DELETE", N + "/n", None), ("POST", N + "/n/properties", {"a": 1}),
        ("POST", N + "/n/tables", {"a": 1}), ("POST", N + "/n/register", {"a": 1}),
        ("POST", T + "t", {"a": 1}), ("DELETE", T + "t", None), ("POST", T + "t/unregister", None),
        ("POST", "/v1/w/tables/rename", {"a": 1}), ("POST", "/v1/w/transactions/commit", {"a": 1}),
        ("POST", N + "/n/views", {"a": 1}), ("POST", N + "/n/register-view", {"a": 1}),
        ("POST", N + "/n/views/v", {"a": 1}), ("DELETE", N + "/n/views/v", None),
        ("POST", "/v1/w/views/rename", {"a": 1}),
    ]
    for method, path, body in calls:
        key = new_key()
        expect(send(env.gateway, method, path, body, key).status in (200, 204), f"{method} {path}")
        expect_equal(effects(env, key), [""], f"{method} {path}")
    key = new_key()
    expect_equal(send(env.gateway, "POST", T + "t/metrics", {"a": 1}, key).status, 204)
    expect_equal(effects(env, key), [], "reportMetrics takes no key")


def test_a_key_is_gone_with_its_call(env):
    """The connection's next call has none."""
    with own(env, write_connections=1) as gateway:
        commit(gateway, "keyed", new_key())
        commit(gateway, "keyless", None)
    expect_equal(env.pg.sql("SELECT key FROM icecat.effect WHERE name = 'keyless'"), "")


def test_bad_keys(env):
    key = new_key()
    expect_equal(send(env.gateway, "POST", T + "t", {"a": 1}, key, key).status, 400, "repeated")
    expect_equal(commit(env.gateway, "t", " ").status, 400, "empty")
    expect_equal(commit(env.gateway, "t", "x" * 65).status, 400, "long")
    expect_equal(effects(env, key), [])
    expect_equal(send(env.gateway, "GET", T + "t", None, "x" * 65).status, 200, "a read takes none")


# Behind a pooler what ends a session is no proof that its call was rolled back, so that a loss is a loss.
def test_a_lost_keyed_call_is_sent_again(env):
    with own(env, pooler="on") as gateway:
        for path, body in ((T + "t", {"act": "once_1"}), ("/v1/w/transactions/commit", {"act": "once_1"}), (N, {"act": "once_1"})):
            env.pg.sql("SELECT setval('icecat.once', 1, false)")
            key = new_key()
            expect(send(gateway, "POST", path, body, key).status in (200, 204), f"landed: {path}")
            expect_equal(effects(env, key), [""], f"one effect: {path}")
        expect_equal(gateway.metric("icecat_keyed_repeats_total"), 3.0, "counted")


def test_it_is_not_sent_again_for_ever(env):
    with own(env, pooler="on", keyed_retry_ms=700) as gateway:
        answer = commit(gateway, "t", new_key(), act="terminate_1")
        expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))
        expect(gateway.metric("icecat_keyed_repeats_total") >= 2, "tried")
        expect_equal(gateway.metric("icecat_commits_unknown_total"), 1.0)
    with own(env, pooler="on", keyed_retry_ms=0) as gateway:
        expect_equal(commit(gateway, "t", new_key(), act="terminate_1").status, 500)
        expect_equal(gateway.metric("icecat_keyed_repeats_total"), 0.0)


def test_after_a_loss_a_conflict_is_no_answer(env):
    """The lost run may still be under way: nobody may be told that it did not happen."""
    env.pg.sql("SELECT setval('icecat.once', 1, false)")
    with own(env, pooler="on", keyed_retry_ms=1000) as gateway:
        try:
            env.pg.sql("CREATE OR REPLACE FUNCTION icecat.act(p_word text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
                       "IF p_word IS NULL OR p_word <> 'lose' THEN RETURN; END IF; "
                       "IF nextval('icecat.once') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); "
                       "PERFORM pg_sleep(5); END IF; RAISE EXCEPTION 'busy' USING ERRCODE = '55P03'; END $$")
            answer = commit(gateway, "t", new_key(), act="lose")
        finally:
            env.restore_mock()
        expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))


def test_final_errors_are_stored_before_they_are_answered(env):
    for code, status in (("IC103", 404), ("IC201", 409), ("IC203", 409), ("IC301", 400), ("IC303", 422), ("IC304", 406)):
        key = new_key()
        answer = commit(env.gateway, "t", key, act=f"error_{code}")
        expect_equal(answer.status, status, code)
        stored = effects(env, key)
        expect_equal(len(stored), 1, code)
        expect_equal(stored[0], f"{code} {answer.error()['message']}", "what the client saw")
    expect(env.gateway.metric("icecat_keyed_errors_stored_total") >= 6, "counted")


def test_passing_errors_are_not_stored(env):
    for code, status in (("IC501", 500), ("IC504", 503), ("XX000", 500), ("40001", 503), ("40P01", 503), ("55P03", 503),
                         ("57014", 503), ("53300", 503), ("IC307", 422), ("22P02", 400), ("42501", 403)):
        key = new_key()
        answer = commit(env.gateway, "t", key, act=f"error_{code}")
        expect_equal(answer.status, status, code)
        expect_equal(answer.headers.get("retry-after"), "1" if status == 503 else None, code)
        expect_equal(effects(env, key), [], code)
    expect_equal(commit(env.gateway, "t", None, act="error_55P03").status, 409, "a commit without a key")


def test_a_success_meanwhile_is_the_answer(env):
    """Another call with the key came between the failure and its storing."""
    answer = commit(env.gateway, "t", new_key(), act="error_IC203", store="won")
    expect_equal((answer.status, answer.json()["request"]["store"]), (200, "won"))


def test_an_error_meanwhile_is_the_answer(env):
    answer = commit(env.gateway, "t", new_key(), act="error_IC203", store="error_IC103")
    expect_equal(answer.status, 404)


def test_an_error_that_cannot_be_stored_is_answered_all_the_same(env):
    for trouble in ("error_55P03", "error_XX000", "terminate_1"):
        answer = commit(env.gateway, "t", new_key(), act="error_IC203", store=trouble)
        expect_equal((answer.status, answer.error()["type"]), (409, "CommitFailedException"), trouble)


def test_clients_that_leave_do_no_harm(env):
    """While their call waits to be sent again, or its error is being stored."""
    with own(env, write_connections=1, keyed_retry_ms=2000) as gateway:
        for body in ({"act": "terminate_1"}, {"act": "error_IC203", "store": "sleep_300"}):
            with gateway.connect() as client:
                client.send(request_bytes("POST", T + "left", body, headers=[f"Idempotency-Key: {new_key()}"]))
        expect_equal(commit(gateway, "t", new_key()).status, 200)


def test_deduplication_is_asked_for_and_counted(env):
    def ask(path, *values):
        name = f"d{next(numbers)}"
        with env.gateway.connect() as client:
            headers = [f"Icecat-Deduplicate: {value}" for value in values]
            client.send(request_bytes("POST", path, {"act": "notice_IC001", "name": name}, headers=headers))
            status = client.answer().status
        return status, env.pg.sql(f"SELECT deduplicate FROM icecat.effect WHERE request ->> 'name' = '{name}'")

    transaction = "/v1/w/transactions/commit"
    before = env.gateway.metric("icecat_commits_deduplicated_total")
    expect_equal(ask(T + "t", "true"), (200, "on"))
    expect_equal(ask(transaction, "TRUE"), (204, "on"))
    expect_equal(ask(T + "t", "false"), (200, ""))
    expect_equal(ask(T + "t"), (200, ""))
    expect_equal(ask(T + "t", "perhaps"), (400, ""))
    expect_equal(ask(N, "perhaps"), (200, ""), "only commits know it")
    expect_equal(env.gateway.metric("icecat_commits_deduplicated_total") - before, 5.0, "what the database says is counted")
    commit(env.gateway, "t", None, act="notice_00000")
    expect_equal(env.gateway.metric("icecat_commits_deduplicated_total") - before, 5.0, "other notices are not")
