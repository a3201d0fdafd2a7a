"""Framing, limits, slow clients, big answers, many clients.

SPDX-License-Identifier: PostgreSQL
"""
import json
import resource
import time

import pytest
from framing_cases import CASES, CLOSED
from harness import Gateway, expect, expect_equal, open_socket, request_bytes, wait_until

LOAD = "/v1/w/namespaces/n/tables/"


@pytest.mark.parametrize("data, statuses, after", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_framing(env, data, statuses, after):
    """Each line of the table, at once and, if it is short, one byte at a time."""
    check_framing(env, [data], data, statuses, after)
    if len(data) < 400:
        check_framing(env, [data[i:i + 1] for i in range(len(data))], data, statuses, after)


def check_framing(env, pieces, data, statuses, after):
    with env.gateway.connect() as client:
        for piece in pieces:
            try:
                client.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
        for status in statuses:
            answer = client.answer(head=data.startswith(b"HEAD"))
            expect(answer.status == status or (answer.status == 100 and len(pieces) > 1),
                   f"expected {status}, found {answer.status}: {answer.body[:200]}")
            if answer.status == 100 and status != 100:
                expect_equal(client.answer().status, status, "status after 100")
            if answer.status >= 400 and not data.startswith(b"HEAD"):
                answer.error()
            if answer.status != 100:
                expect(answer.headers.get("x-request-id"), "every answer has a request id")
        expect_equal(client.is_closed(), after == CLOSED, "closed")


def test_request_goes_on_after_100(env):
    with env.gateway.connect() as client:
        client.send(b"POST /v1/w/namespaces/n/tables/t HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                    b"Content-Length: 7\r\n\r\n")
        expect_equal(client.answer().status, 100)
        client.send(b'{"a":1}')
        expect_equal(client.answer().json()["request"], {"a": 1})
        expect(not client.is_closed(), "stays open")


def test_every_error_is_an_iceberg_error(env):
    for method, path, status in [("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/v2/config", 404),
                                 ("DELETE", "/v1/config", 405), ("PATCH", "/health", 405),
                                 ("OPTIONS", "*", 404),
                                 ("GET", "/v1/w/namespaces/n/functions", 404)]:
        answer = env.gateway.request(method, path)
        expect_equal(answer.status, status, f"{method} {path}")
        answer.error()
        expect_equal(answer.headers["content-type"], "application/json")
        expect_equal("allow" in answer.headers, status == 405)


def test_allow_names_the_methods(env):
    answer = env.gateway.request("PUT", LOAD + "t")
    expect_equal((answer.status, answer.headers["allow"]), (405, "GET, HEAD, POST, DELETE"))


def test_head_has_no_body(env):
    with env.gateway.connect() as client:
        for path, status in [("/v1/config", 200), ("/nope", 404), (LOAD + "missing", 404),
                             (LOAD + "t", 204), ("/metrics", 200), (LOAD + "a%zz", 400)]:
            client.send(request_bytes("HEAD", path))
            expect_equal(client.answer(head=True).status, status, path)
        client.send(request_bytes("GET", "/health"))
        expect_equal(client.answer().json()["status"], "ok")


def turns():
    """Requests of both handlers, and the statuses of their answers."""
    origin = "Origin: https://console.example.org"
    return (
        (request_bytes("GET", "/health"), 200), (request_bytes("GET", LOAD + "t"), 200),
        (request_bytes("GET", "/metrics"), 200), (request_bytes("POST", LOAD + "t", {"a": 1}), 200),
        (request_bytes("OPTIONS", "/ready", headers=[origin, "Access-Control-Request-Method: GET"]), 204),
        (request_bytes("GET", "/v1/config"), 200), (request_bytes("PATCH", "/health", {"a": 1}, [origin]), 405),
        (request_bytes("GET", "/nope"), 404), (request_bytes("GET", "/ready", headers=[origin]), 200),
        (request_bytes("GET", LOAD + "t"), 200),
    )


def test_handlers_take_turns_on_one_connection(env):
    with big_gateway(env, cors_origins="https://console.example.org") as gateway:
        with gateway.connect() as client:
            client.send(b"".join(data for data, _ in turns()))
            expect_equal([client.answer().status for _ in turns()], [status for _, status in turns()])


def test_clients_that_leave_between_handlers(env):
    """At every step of such a connection."""
    data = b"".join(part for part, _ in turns())
    with big_gateway(env, cors_origins="https://console.example.org") as gateway:
        for end in range(1, len(data), 7):
            with gateway.connect() as client:
                client.send(data[:end])
        wait_until(lambda: gateway.metric("iceberg_catalog_http_requests_in_flight") == 1, "all requests are over")
        expect_equal(gateway.get("/health").status, 200)


def test_request_id(env):
    def ask(value):
        headers = [f"X-Request-Id: {value}"] if value is not None else []
        return env.gateway.request("GET", "/health", headers=headers).headers["x-request-id"]

    expect_equal(ask("my-id_1.2:3"), "my-id_1.2:3")
    expect(ask("a b") != "a b", "odd ids are replaced")
    expect(ask('"') != '"', "odd ids are replaced")
    expect(ask("x" * 65) != "x" * 65, "long ids are replaced")
    expect_equal(ask("x" * 64), "x" * 64)
    expect(ask(None) != ask(None), "made ids differ")


def big_gateway(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def test_limits_on_both_sides(env):
    with big_gateway(env, target_bytes_max=1000, header_bytes_max=2000, header_count_max=10,
                     body_bytes_max=5000) as gateway:
        def target(n):
            return gateway.get("/" + "a" * (n - 1)).status

        expect_equal([target(1000), target(1001), target(50000)], [404, 414, 414], "target")

        def header(n):
            return gateway.request("GET", "/health", headers=["X: " + "v" * n]).status

        # "Host: localhost" and the ends of the lines count as well
        room = 2000 - len("Host: localhost\r\nX: \r\n\r\n")
        expect_equal([header(room), header(room + 1), header(100000)], [200, 431, 431], "header")

        def fields(n):
            return gateway.request("GET", "/health", headers=["A: b"] * (n - 1)).status

        expect_equal([fields(10), fields(11)], [200, 431], "number of fields")

        def body(n, chunked=False):
            text = b'"' + b"x" * (n - 2) + b'"'
            if not chunked:
                return gateway.request("POST", LOAD + "t", text).status
            with gateway.connect() as client:
                client.send(b"POST " + (LOAD + "t").encode() + b" HTTP/1.1\r\nHost: h\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n")
                client.send(b"%x\r\n" % n + text + b"\r\n0\r\n\r\n")
                answer = client.answer()
                if answer.status == 413:
                    answer.error()
                    expect(client.is_closed(), "closed after 413")
                return answer.status

        # the mock looks into the body: a JSON string has no member, which is its error
        expect_equal([body(5001), body(5001, True)], [413, 413], "body")
        expect(body(5000) != 413 and body(5000, True) != 413, "a body of the limit passes")


def test_413_is_read_although_the_client_still_sends(env):
    with big_gateway(env, body_bytes_max=100000) as gateway, gateway.connect() as client:
        client.send(b"POST " + (LOAD + "t").encode() + b" HTTP/1.1\r\nHost: h\r\nContent-Length: 900000"
                    b"\r\n\r\n")
        for _ in range(9):
            client.send(b"x" * 100000)
        answer = client.answer()
        expect_equal((answer.status, answer.headers["connection"]), (413, "close"))
        answer.error()


def test_large_body_of_the_default_limit(env):
    body = json.dumps({"pad": "x" * (32 * 1024 * 1024 - 10)}).encode()[:32 * 1024 * 1024]
    body = b'{"pad":"' + b"x" * (32 * 1024 * 1024 - 10) + b'"}'
    expect_equal(len(body), 32 * 1024 * 1024, "size")
    answer = env.gateway.request("POST", LOAD + "large", body)
    expect_equal(answer.json()["length"], len(body))
    wait_until(lambda: env.gateway.metric('icecat_pool_recycles_total{pool="write"}') > 0,
               "the connection is replaced")
    expect_equal(env.gateway.get(LOAD + "t").status, 200)


def test_slow_head_times_out(env):
    with big_gateway(env, header_timeout_ms=500) as gateway, gateway.connect() as client:
        began = time.monotonic()
        client.send(b"GET /health HT")
        for _ in range(20):
            time.sleep(0.1)
            try:
                client.send(b"T")
            except OSError:
                break
        answer = client.answer()
        answer.error()
        expect_equal((answer.status, answer.headers["connection"]), (408, "close"))
        client.wait_closed()
        expect(time.monotonic() - began < 5, "in time")
        expect_equal(gateway.metric('icecat_http_timeouts_total{phase="head"}'), 1.0)


def test_slow_body_times_out(env):
    with big_gateway(env, body_timeout_ms=500) as gateway, gateway.connect() as client:
        client.send(b"POST " + (LOAD + "slowbody").encode() +
                    b" HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        answer = client.answer()
        answer.error()
        expect_equal(answer.status, 408)
        expect_equal(env.pg.effects("slowbody"), 0, "effects")


def test_steady_body_is_not_cut_off(env):
    with big_gateway(env, body_timeout_ms=500, transfer_rate_min=100) as gateway, \
            gateway.connect() as client:
        client.send(b"POST " + (LOAD + "t").encode() +
                    b" HTTP/1.1\r\nHost: h\r\nContent-Length: 502\r\n\r\n\"")
        for _ in range(10):
            client.send(b"x" * 50)
            time.sleep(0.15)
        client.send(b'"')
        expect(client.answer().status != 408, "the body arrived")


def test_idle_connections_are_closed(env):
    with big_gateway(env, idle_timeout_ms=400) as gateway, gateway.connect() as client:
        client.send(request_bytes("GET", "/health"))
        client.answer()
        began = time.monotonic()
        client.wait_closed()
        expect(0.2 < time.monotonic() - began < 3, "after the idle timeout")


def test_slow_reader_is_dropped(env):
    with big_gateway(env, write_timeout_ms=700) as gateway:
        client = open_socket(gateway.port, 15, 4096, gateway.tls)
        client.sendall(request_bytes("GET", LOAD + "size_20000000"))
        wait_until(lambda: gateway.metric("icecat_buffered_bytes") > 1000000, "the answer waits")
        expect_equal(gateway.get(LOAD + "t").status, 200, "others are served")
        wait_until(lambda: gateway.metric('icecat_http_timeouts_total{phase="write"}') == 1,
                   "the reader is dropped")
        expect_equal(gateway.metric("icecat_buffered_bytes"), 0.0, "buffered bytes")
        client.close()


def test_big_answers_arrive_whole(env):
    for size in (10, 70000, 1000000, 30000000):
        answer = env.gateway.get(LOAD + f"size_{size}")
        expect_equal(len(answer.json()["filler"]), size)


def test_big_answers_pipelined(env):
    with env.gateway.connect() as client:
        client.send(request_bytes("GET", LOAD + "size_500000") * 4)
        for _ in range(4):
            expect_equal(len(client.answer().json()["filler"]), 500000)


def test_too_much_unsent_data_is_503(env):
    with big_gateway(env, buffered_bytes_max=1048576) as gateway:
        client = open_socket(gateway.port, 15, 4096, gateway.tls)
        client.sendall(request_bytes("GET", LOAD + "size_20000000"))
        wait_until(lambda: gateway.metric("icecat_buffered_bytes") > 1048576, "the answer waits")
        answer = gateway.get(LOAD + "t")
        expect_equal((answer.status, answer.headers["retry-after"]), (503, "1"))
        answer = gateway.request("POST", LOAD + "t", {"a": 1})
        expect_equal(answer.status, 503)
        client.close()
        wait_until(lambda: gateway.get(LOAD + "t").status == 200, "served again")


def test_pipelining_keeps_order(env):
    with env.gateway.connect() as client:
        names = [f"t{i}" for i in range(40)]
        client.send(b"".join(request_bytes("GET", LOAD + name) for name in names))
        expect_equal([client.answer().json()["table"] for _ in names], names)


def test_pipelined_flood_is_bounded(env):
    flood = request_bytes("GET", "/health") * 3000
    with env.gateway.connect() as client:
        client.send(request_bytes("GET", LOAD + "sleep_300"))
        client.socket.setblocking(False)
        sent = 0
        try:
            while sent < len(flood) * 200:
                sent += client.socket.send(flood[sent % len(flood):] or flood)
        except BlockingIOError:
            pass
        expect(sent < 64 * 1024 * 1024, "the gateway stops reading")
        client.socket.settimeout(10)
        expect_equal(client.answer().json()["table"], "sleep_300")


def test_half_closed_client_is_answered(env):
    with env.gateway.connect() as client:
        client.send(request_bytes("GET", "/health") + request_bytes("GET", LOAD + "sleep_100"))
        client.close_sending()
        expect_equal(client.answer().status, 200)
        expect_equal(client.answer().json()["table"], "sleep_100")
        expect(client.is_closed(), "closed afterwards")


def test_keepalive_requests_max(env):
    with big_gateway(env, keepalive_requests_max=3) as gateway, gateway.connect() as client:
        client.send(request_bytes("GET", "/health") * 5)
        closes = [client.answer().headers.get("connection") for _ in range(3)]
        expect_equal(closes, [None, None, "close"])
        client.wait_closed()


def test_connections_max(env):
    with big_gateway(env, connections_max=5) as gateway:
        clients = [gateway.connect() for _ in range(5)]
        for client in clients:
            client.send(request_bytes("GET", "/health"))
            expect_equal(client.answer().status, 200)
        gateway.check_turned_away()
        clients.pop().socket.close()
        wait_until(lambda: try_status(gateway) == 200, "a place is free again")
        for client in clients:
            client.socket.close()


def try_status(gateway):
    try:
        return gateway.get("/health").status
    except OSError:
        return 0


def test_thousand_idle_connections(env):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with big_gateway(env) as gateway:
        before = gateway.metric("process_resident_memory_bytes")
        clients = [gateway.connect() for _ in range(1000)]
        for client in clients:
            client.send(request_bytes("GET", "/health"))
        for client in clients:
            expect_equal(client.answer().status, 200)
        expect(gateway.metric("icecat_client_connections") >= 1000, "all are open")
        grown = gateway.metric("process_resident_memory_bytes") - before
        expect(grown < (16 if gateway.tls is None else 32) * 1024 * 1024, f"1000 idle connections cost {grown} bytes")
        for client in clients:
            client.send(request_bytes("GET", LOAD + "t"))
        for client in clients:
            expect_equal(client.answer().json()["table"], "t")
            client.socket.close()
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone")
