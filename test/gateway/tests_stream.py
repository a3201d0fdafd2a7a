"""Answers too large to be held: they flow in pieces, in bounded memory, at the client's speed.

SPDX-License-Identifier: PostgreSQL
"""
import time
import zlib

from harness import Failure, Gateway, expect, expect_equal, request_bytes, wait_until

T = "/v1/w/namespaces/n/tables/"
PIECE = 262144
RESIDENT_MAX = 64 * 1024 * 1024


def resident_peak(gateway):
    """Most memory that the process has had, in bytes."""
    with open(f"/proc/{gateway.process.pid}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def idle(gateway):
    return gateway.metric("icecat_buffered_bytes") == 0 and gateway.metric("iceberg_catalog_http_requests_in_flight") == 1


def test_pieces_make_one_answer(env):
    with env.gateway.connect() as client:
        for _ in range(2):
            client.send(request_bytes("GET", T + "large_5"))
            answer = client.answer()
            expect_equal((answer.status, answer.headers["etag"], answer.headers["content-type"]),
                         (200, 'W/"large"', "application/json"))
            expect_equal(answer.headers["transfer-encoding"], "chunked")
            expect_equal((len(answer.body), len(answer.json())), (5 * PIECE, 1))
        client.send(request_bytes("GET", T + "t") + request_bytes("GET", T + "large_3") + request_bytes("GET", T + "t"))
        expect_equal([len(client.answer().body) > PIECE for _ in range(3)], [False, True, False], "pipelined")
    answer = env.gateway.request("POST", T + "large_3", {"a": 1})
    expect_equal((answer.status, len(answer.body)), (200, 3 * PIECE), "the answer to a commit")
    wait_until(lambda: idle(env.gateway), "nothing is left")


def test_compressed_and_http10(env):
    with env.gateway.connect() as client:
        client.send(request_bytes("GET", T + "large_8", headers=["Accept-Encoding: gzip"]))
        answer = client.answer()
        expect_equal((answer.headers["content-encoding"], answer.headers["vary"]), ("gzip", "Accept-Encoding"))
        expect_equal(len(zlib.decompress(answer.body, 31)), 8 * PIECE)
    with env.gateway.connect() as client:
        client.send(f"GET {T}large_3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode())
        answer = client.answer()
        expect_equal((answer.status, len(answer.body)), (200, 3 * PIECE))
        expect("transfer-encoding" not in answer.headers, "HTTP/1.0 knows no chunks")


def test_errors_before_and_in_the_middle(env):
    answer = env.gateway.get(T + "large_0_error")
    expect_equal((answer.status, answer.error()["type"]), (404, "NoSuchTableException"))
    answer = env.gateway.request("POST", T + "large_0_error", {"a": 1})
    expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))
    with env.gateway.connect() as client:
        client.send(request_bytes("GET", T + "large_9_error"))
        try:
            client.answer()
        except Failure as failure:
            expect("ended inside" in str(failure) or (env.gateway.tls and "was reset" in str(failure)), str(failure))
        else:
            raise Failure("a broken answer looked whole")
    wait_until(lambda: idle(env.gateway), "nothing is left")


def test_a_large_document_takes_little_memory(env):
    """250 MB, to a client that reads as fast as it can, and to slow ones meanwhile."""
    with own(env, stream_connections=3) as gateway:
        slow = []
        for _ in range(2):
            client = gateway.connect()
            client.send(request_bytes("GET", T + "large_1000"))
            slow.append(client)
        with gateway.connect(timeout=60) as client:
            client.send(request_bytes("GET", T + "large_1000"))
            while b"\r\n\r\n" not in client.buffer:
                client._fill()
            client._take(client.buffer.index(b"\r\n\r\n") + 4)
            expect_equal(sum(len(chunk) for chunk in client.chunks()), 1000 * PIECE)
        for _ in range(20):
            for client in slow:
                client.socket.recv(65536)
            time.sleep(0.02)
        expect_equal(gateway.get(T + "t").status, 200, "others are served meanwhile")
        peak = resident_peak(gateway)
        print(f"# {1000 * PIECE >> 20} MB thrice, two of them to slow clients: at most {peak >> 20} MB of memory")
        expect(peak < RESIDENT_MAX, f"{peak} bytes of memory")
        for client in slow:
            client.socket.close()
        wait_until(lambda: idle(gateway), "those who leave cost nothing")
        wait_until(lambda: env.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%_pieces%' AND"
                                      " pid <> pg_backend_pid()") == "0", "their sessions end", timeout=20)


def test_slow_clients_are_bounded(env):
    with own(env, stream_timeout_ms=1500, write_timeout_ms=60000) as gateway:
        with gateway.connect() as client:
            client.send(request_bytes("GET", T + "large_400"))
            began = time.monotonic()
            with_end = 0
            while time.monotonic() < began + 10:
                time.sleep(0.1)
                if not client.socket.recv(10000):
                    with_end = time.monotonic()
                    break
                if gateway.metric("iceberg_catalog_http_requests_in_flight") == 1:
                    with_end = time.monotonic()
                    break
            expect(1 < with_end - began < 8, "stream_timeout_ms ends it")
    with own(env, write_timeout_ms=1000) as gateway:
        with gateway.connect() as client:
            client.send(request_bytes("GET", T + "large_400"))
            wait_until(lambda: gateway.metric('icecat_http_timeouts_total{phase="write"}') == 1, "write_timeout_ms ends it")
            wait_until(lambda: idle(gateway), "nothing is left")


def test_streams_wait_for_each_other(env):
    with own(env, stream_connections=1, pool_wait_ms=700) as gateway:
        with gateway.connect() as first:
            first.send(request_bytes("GET", T + "large_400"))
            wait_until(lambda: gateway.metric("icecat_streamed_answers_total") == 1, "the first one flows")
            time.sleep(0.3)
            answer = gateway.get(T + "large_2")
            expect_equal(answer.status, 503, "no connection became free")
            expect_equal(gateway.get(T + "t").status, 200, "small answers do not wait")
        wait_until(lambda: idle(gateway), "the first one is gone")
        expect_equal(len(gateway.get(T + "large_2").body), 2 * PIECE)
