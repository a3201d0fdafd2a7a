"""Nothing touches a request after its reply: the reply may end the connection or begin the next request.

Run with the gateway that has sanitizers these tests see every touch: there, the memory of a request that is over is
poisoned until the next one begins in it.

SPDX-License-Identifier: PostgreSQL
"""
import itertools
import socket
import time

from harness import Gateway, expect, expect_equal, in_parallel, request_bytes, wait_at_rest, wait_until
from tests_conditional import make_table, unpacked

N = "/v1/w/namespaces"
T = N + "/n/tables/"
KEY = "017F22E2-79B0-7CC3-98C5-%012d"
numbers = itertools.count(1)


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def keyed(path, body, method="POST"):
    return request_bytes(method, path, body, headers=[f"Idempotency-Key: {KEY % next(numbers)}"])


# Every way in which a call of a route ends: what the reply comes from, and how it is asked for.
ENDINGS = {
    "value": lambda: request_bytes("POST", T + "v", {"act": "sleep_30"}),
    "keyed value": lambda: keyed(T + "v", {"act": "sleep_30"}),
    "error": lambda: request_bytes("POST", T + "v", {"act": "error_IC203"}),
    "keyed final error": lambda: keyed(T + "v", {"act": "error_IC203"}),
    "keyed final error, stored slowly": lambda: keyed(T + "v", {"act": "error_IC103", "store": "sleep_40"}),
    "keyed final error, overtaken": lambda: keyed(T + "v", {"act": "error_IC203", "store": "won"}),
    "keyed final error, overtaken by another": lambda: keyed(T + "v", {"act": "error_IC203", "store": "error_IC103"}),
    "keyed final error, storing fails": lambda: keyed(T + "v", {"act": "error_IC203", "store": "error_55P03"}),
    "keyed final error, storing is lost": lambda: keyed(T + "v", {"act": "error_IC203", "store": "terminate_1"}),
    "keyed error that passes": lambda: keyed(T + "v", {"act": "error_55P03"}),
    "lost": lambda: request_bytes("POST", T + "v", {"act": "terminate_1"}),
    "keyed and lost": lambda: keyed(T + "v", {"act": "terminate_1"}),
    "keyed drop that fails": lambda: keyed(T + "error_IC103", None, "DELETE"),
    "spaces": lambda: request_bytes("GET", T + "no+such"),
    "keyed spaces": lambda: keyed(T + "no+such", {"a": 1}),
    "absent": lambda: request_bytes("HEAD", T + "missing"),
    "null": lambda: request_bytes("GET", T + "null"),
    "kept": lambda: request_bytes("GET", T + "kept"),
    "compressed": lambda: request_bytes("GET", T + "size_50000", headers=["Accept-Encoding: gzip"]),
    "large": lambda: request_bytes("GET", T + "size_3000000"),
    "flows": lambda: request_bytes("GET", T + "large_9"),
    "flows, compressed": lambda: request_bytes("GET", T + "large_9", headers=["Accept-Encoding: gzip"]),
    "flows, and fails at once": lambda: request_bytes("GET", T + "large_0_error"),
    "flows, and fails": lambda: request_bytes("GET", T + "large_4_error"),
    "change that flows": lambda: keyed(T + "large_3", {"a": 1}),
    "report": lambda: request_bytes("POST", T + "v/metrics", {"act": "sleep_10"}),
    "none of ours": lambda: request_bytes("GET", "/nope"),
    "waits for its file": lambda: request_bytes("POST", T + "v", {"act": "wait_vanished"}),
    "admin": lambda: request_bytes("GET", "/metrics"),
    "cut short": lambda: keyed(T + "v", {"a": 1})[:-3],
    "unreadable": lambda: b"\x00\x01\r\n\r\n",
}

RESET = b"\1\0\0\0\0\0\0\0"     # SO_LINGER: close() sends a reset


def vanish(gateway, data, moment, how):
    """Sends something and is gone after a moment: closed, reset, or after its half of the connection."""
    with gateway.connect() as client:
        client.send(data)
        if how == "half":
            client.close_sending()
        time.sleep(moment)
        if how == "reset":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def check_alive(gateway):
    expect(gateway.process.poll() is None, "the gateway lives\n" + gateway.log()[-4000:])


def test_a_client_may_vanish_at_any_step(env):
    """Alone, and with a commit pipelined behind: before the call, in it, while its error is stored, while it is repeated."""
    env.pg.sql("INSERT INTO icecat.version VALUES ('kept') ON CONFLICT DO NOTHING")
    with own(env, write_connections=4, keyed_retry_ms=300, body_timeout_ms=400) as gateway:
        def lives(make):
            for moment, how in itertools.product((0, 0.01, 0.06), ("close", "reset", "half")):
                vanish(gateway, make(), moment, how)
                vanish(gateway, make() + keyed(T + "behind", {"a": 1}), moment, how)
        in_parallel([lambda make=make: lives(make) for make in ENDINGS.values()])
        check_alive(gateway)
        wait_at_rest(gateway)
        expect_equal(gateway.request("POST", T + "polite", {"a": 1}).status, 200)


def test_what_is_pipelined_behind_any_ending_gets_its_own_answer(env):
    """The commit behind has another body, key and error: nothing of the one before it is in its answer, and it runs once."""
    with own(env, keyed_retry_ms=300) as gateway:
        for name, make in ENDINGS.items():
            if name in ("cut short", "unreadable", "flows, and fails"):
                continue            # these end the connection
            marks = [f"behind{next(numbers)}" for _ in range(3)]
            with gateway.connect() as client:
                client.send(make() + b"".join(keyed(T + mark, {"mark": mark}) for mark in marks) +
                            keyed(T + "last", {"act": "error_IC304"}) + request_bytes("GET", T + "end"))
                client.answer(head=name == "absent")
                for mark in marks:
                    answer = client.answer()
                    expect_equal((answer.status, answer.json().get("request")), (200, {"mark": mark}), f"after {name}")
                expect_equal((client.answer().error()["message"][:10], client.answer().json()["table"]),
                             ("mock error", "end"), f"after {name}")
            expect_equal([env.pg.effects(mark) for mark in marks], [1] * 3, f"after {name}")
        check_alive(gateway)
        wait_at_rest(gateway)


def test_an_error_that_cannot_be_stored_in_time_is_still_the_answer(env):
    """The one connection is taken by another call while the error waits to be stored: it is answered when pool_wait_ms is over,
    and the commit behind it runs. A client that leaves in that wait takes the waiting call with it."""
    with own(env, write_connections=1, pool_wait_ms=800) as gateway:
        for leave in (None, "close", "reset", "half"):
            mark, key = f"behind{next(numbers)}", KEY % next(numbers)
            failing = request_bytes("POST", T + "f", {"act": "error_IC203"}, headers=[f"Idempotency-Key: {key}"])
            with gateway.connect() as first, gateway.connect() as client, gateway.connect() as second:
                first.send(request_bytes("POST", T + "first", {"act": "sleep_300"}))
                wait_until(lambda: gateway.metric('icecat_pool_calls_in_flight{pool="write"}') == 1, "the first call runs")
                client.send(failing + keyed(T + mark, {"mark": mark}))
                wait_until(lambda: gateway.metric('icecat_pool_queue_length{pool="write"}') == 1, "the failing call waits")
                second.send(request_bytes("POST", T + "second", {"act": "sleep_1400"}))
                expect_equal(first.answer().status, 200)
                wait_until(lambda: gateway.metric('icecat_pool_queue_length{pool="write"}') == 1, "the error waits")
                time.sleep(0.1)     # or the second call does: it takes no longer
                if leave is None:
                    expect_equal((client.answer().status, client.answer().json()["request"]), (409, {"mark": mark}))
                elif leave == "half":
                    client.close_sending()
                else:
                    if leave == "reset":
                        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    client.socket.close()
                expect_equal(second.answer().status, 200)
            check_alive(gateway)
            wait_at_rest(gateway)
            expect_equal(env.pg.sql(f"SELECT count(*) FROM icecat.effect WHERE key = '{key}'"), "0", f"{leave}: nothing is stored")
            if leave is None:
                expect_equal(env.pg.effects(mark), 1)
        expect_equal(gateway.metric("icecat_keyed_errors_stored_total"), 0)


def test_a_keyed_404_with_a_commit_behind_it(env):
    """As it was found: the commit got 400, and freed bytes travelled."""
    for _ in range(20):
        mark = f"valid{next(numbers)}"
        with env.gateway.connect() as client:
            client.send(keyed(T + "gone", {"act": "error_IC103"}) + keyed(T + mark, {"mark": mark}))
            expect_equal((client.answer().status, client.answer().status), (404, 200))
        expect_equal(env.pg.effects(mark), 1)


def test_a_request_fills_all_steps_of_a_call(env):
    """Role, request id, key, deduplication and an error to store: there is room for all of them."""
    env.pg.sql("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO tester")
    with own(env, database_role="tester", database_request_id="all") as gateway:
        with gateway.connect() as client:
            body = {"act": "error_IC203", "name": "full"}
            client.send(request_bytes("POST", T + "full", body, headers=[
                f"Idempotency-Key: {KEY % next(numbers)}", "Icecat-Deduplicate: true"]))
            expect_equal(client.answer().status, 409)
        expect_equal(env.pg.sql("SELECT role || ' ' || deduplicate || ' ' || left(error, 5) FROM icecat.effect WHERE"
                                " request ->> 'name' = 'full'"), "tester on IC203")


def test_names_of_any_length_fit(env):
    """A target as long as it may be, of what grows most when it is decoded, quoted and tried again."""
    with own(env, pool_wait_ms=5000) as gateway:
        for unit in ("%22", '"', "%5C", "%1F", "a%1F", "+", "%1F+", "%2B", "%00", "%C3%A9"):
            for path, method in ((N + "/no+%s/tables/no+t", "GET"), (N + "/n/tables/no+%s", "POST"),
                                 (N + "/%s", "HEAD"), (N + "?parent=%s", "GET"), ("/v1/no+%s/namespaces/n/tables/t", "POST")):
                target = path % (unit * ((32000 - len(path)) // len(unit)))
                with gateway.connect() as client:
                    client.send(request_bytes(method, target, {"a": 1} if method == "POST" else None))
                    expect(client.answer(head=method == "HEAD").status < 500, target[:60])
        check_alive(gateway)


def test_a_tag_outlives_the_body_that_gzip_replaced(env):
    """The tag lies in the same memory of libpq as the body, which goes when its compressed form takes its place."""
    filler = {"a": "x" * 8000}
    loaded = make_table(env, "size_40000")
    with own(env, cache_bytes=0) as uncached:
        for gateway, method, path, body, tag in ((env.gateway, "POST", N + "/n/tables/t", filler, 'W/"committed"'),
                                                 (env.gateway, "POST", N + "/n/tables", filler, 'W/"created"'),
                                                 (env.gateway, "POST", N + "/n/register", filler, 'W/"registered"'),
                                                 (uncached, "GET", loaded, None, 'W/"all-1"')):
            answer = gateway.request(method, path, body, headers=["Accept-Encoding: gzip"])
            expect_equal(answer.headers["etag"], tag, path)
            unpacked(answer)
