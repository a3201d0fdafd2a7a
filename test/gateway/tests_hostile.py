"""Crowds: ten thousand connections that are left open, and good clients beside hostile ones.

Figures are printed; what is asserted of time is loose, because the machine may be busy.

SPDX-License-Identifier: PostgreSQL
"""
import os
import random
import resource
import socket
import threading
import time

import harness
from harness import Failure, Gateway, expect, expect_equal, in_parallel, open_socket, request_bytes, wait_until

LOAD = "/v1/w/namespaces/n/tables/"
CROWD = 10000
SPARE_FILES = 200               # of this process beside the crowd; the gateway has its own
CONNECTION_BYTES_MAX = 16384    # of the gateway's memory for each that is only open
TLS_BYTES_MAX = 32768           # the same with TLS
GOOD_CLIENTS = 6
GOOD_ROUNDS = 60
GOOD_SECONDS_MAX = 10           # for one answer, however busy the machine is
HOSTILE_MEMORY_MAX = 512 * 1024 * 1024


def raise_file_limit():
    """How many connections this process, and the gateway that inherits the limit, can hold."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        pass
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CROWD if soft == resource.RLIM_INFINITY else min(CROWD, soft - SPARE_FILES)


def open_crowd(port, count):
    crowd = []
    try:
        for _ in range(count):
            crowd.append(open_socket(port, 20, authority=harness.TLS))
    except OSError as error:
        close_all(crowd)
        raise Failure(f"connection {len(crowd) + 1} of {count}: {error}") from None
    return crowd


def close_all(sockets):
    for one in sockets:
        one.close()


def test_ten_thousand_connections_are_left_open(env):
    count = raise_file_limit()
    with Gateway(env.binary, env.pg.dsn, env.root, connections_max=count + 2, header_timeout_ms=600000,
                 idle_timeout_ms=600000) as gateway:
        before = gateway.metric("process_resident_memory_bytes")
        began = time.monotonic()
        crowd = open_crowd(gateway.port, count)
        try:
            wait_until(lambda: gateway.metric("icecat_client_connections") == count + 1, "all are accepted", 60)
            took = time.monotonic() - began
            grown = gateway.metric("process_resident_memory_bytes") - before
            print(f"# {count} of {CROWD} connections opened in {took:.1f} s; {grown / count:.0f} bytes of memory each")
            limit = CONNECTION_BYTES_MAX if gateway.tls is None else TLS_BYTES_MAX
            expect(grown < count * limit, f"{count} connections cost {grown:.0f} bytes")
            for _ in range(20):
                expect_equal(gateway.get(LOAD + "t").json()["table"], "t")
            more = open_crowd(gateway.port, 2)
            gateway.check_turned_away()
            close_all(more)
            wait_until(lambda: served(gateway), "a place is free again")
            half = count // 2
            for one in crowd[:half]:    # those that were left come back
                one.sendall(request_bytes("GET", "/health"))
            for one in crowd[:half]:
                expect(one.recv(12) == b"HTTP/1.1 200", "a connection that was left is answered")
        finally:
            close_all(crowd)
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone", 60)


def test_left_connections_time_out(env):
    """Nobody closes them: the gateway does, and its memory is free for the next."""
    count = raise_file_limit() // 4
    with Gateway(env.binary, env.pg.dsn, env.root, connections_max=count + 2, header_timeout_ms=1000,
                 idle_timeout_ms=1000) as gateway:
        crowd = open_crowd(gateway.port, count)
        wait_until(lambda: served(gateway) and gateway.metric("icecat_client_connections") == 1, "all have timed out", 60)
        once = gateway.metric("process_resident_memory_bytes")
        close_all(crowd)
        crowd = open_crowd(gateway.port, count)
        wait_until(lambda: served(gateway) and gateway.metric("icecat_client_connections") == 1, "again", 60)
        again = gateway.metric("process_resident_memory_bytes")
        close_all(crowd)
        print(f"# {count} connections timed out, twice: {once / 1e6:.1f} MB, then {again / 1e6:.1f} MB")
        expect(again < once * 2 + 16e6, f"memory grows: {once:.0f}, then {again:.0f}")


def served(gateway):
    try:
        return gateway.get("/health").status == 200
    except (OSError, Failure):
        return False


# -- hostile clients: each is one connection's life, again and again until the end -----------------------------


def connect_hostile(gateway, receive_bytes=None):
    return open_socket(gateway.port, 5, receive_bytes, gateway.tls)


def drip_head(gateway, over):
    with connect_hostile(gateway) as one:
        for byte in request_bytes("GET", LOAD + "t", headers=["X-Drip: " + "x" * 10000]):
            one.sendall(bytes([byte]))
            if over.wait(0.02):
                return


def drip_body(gateway, over):
    request = request_bytes("POST", LOAD + "drip", b'{"a": "' + b"x" * 100000 + b'"}')
    head = request.index(b"\r\n\r\n") + 4
    with connect_hostile(gateway) as one:
        one.sendall(request[:head])
        for byte in request[head:]:
            one.sendall(bytes([byte]))
            if over.wait(0.02):
                return


def read_slowly(gateway, over):
    with connect_hostile(gateway, 4096) as one:
        one.sendall(request_bytes("GET", LOAD + "size_4000000") * 2)
        while not over.wait(0.05):
            if not one.recv(200):
                return


def half_close(gateway, over):
    with connect_hostile(gateway) as one:
        one.sendall(b"POST " + LOAD.encode() + b"t HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        one.shutdown(socket.SHUT_WR)
        one.recv(65536)
        over.wait(0.02)


def send_garbage(gateway, over):
    with connect_hostile(gateway) as one:
        one.sendall(request_bytes("GET", "/health") + os.urandom(random.randint(1, 50000)))
        while one.recv(65536):
            pass
        over.wait(0.02)


def leave_at_once(gateway, over):
    """The answer has nobody to go to: a read and a commit under way when the client resets."""
    with connect_hostile(gateway) as one:
        one.sendall(request_bytes("GET", LOAD + "size_500000") + request_bytes("POST", LOAD + "left", {"a": 1}))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        over.wait(random.random() / 20)


def flood(gateway, over):
    """Small good requests, pipelined without end; the answers are read."""
    with connect_hostile(gateway) as one:
        for _ in range(20):
            one.sendall(request_bytes("GET", "/health") * 50)
            one.recv(1 << 20)
            if over.wait(0.01):
                return


HOSTILE = ((drip_head, 10), (drip_body, 10), (read_slowly, 10), (half_close, 4), (send_garbage, 4), (leave_at_once, 4),
           (flood, 2))


def be_hostile(life, gateway, over, ends):
    while not over.is_set():
        try:
            life(gateway, over)
        except OSError:     # refused, reset, timed out: what it deserves
            over.wait(0.01)
        ends[life.__name__] = ends.get(life.__name__, 0) + 1


def be_good(gateway, number, times):
    """What PyIceberg does to append: config, namespace, load, commit, load; on connections that stay."""
    table = f"good{number}"
    with gateway.connect(timeout=GOOD_SECONDS_MAX) as client:
        for _ in range(GOOD_ROUNDS):
            for request in (("GET", "/v1/config?warehouse=w"), ("HEAD", "/v1/w/namespaces/n"), ("GET", LOAD + table),
                            ("POST", LOAD + table, {"a": 1}), ("GET", LOAD + table)):
                began = time.monotonic()
                client.send(request_bytes(*request))
                answer = client.answer(head=request[0] == "HEAD")
                times.append(time.monotonic() - began)
                expect(answer.status in (200, 204), f"{request[0]} {request[1]}: {answer.status} {answer.body[:200]!r}")


def test_good_clients_beside_hostile_ones_are_served(env):
    with Gateway(env.binary, env.pg.dsn, env.root, header_timeout_ms=2000, body_timeout_ms=2000,
                 write_timeout_ms=2000) as gateway:
        over, ends, times = threading.Event(), {}, []
        threads = [threading.Thread(target=be_hostile, args=(life, gateway, over, ends), daemon=True)
                   for life, count in HOSTILE for _ in range(count)]
        crowd = open_crowd(gateway.port, 300)
        for thread in threads:
            thread.start()
        try:
            in_parallel([lambda n=n: be_good(gateway, n, times) for n in range(GOOD_CLIENTS)])
            memory = gateway.metric("process_resident_memory_bytes")
        finally:
            over.set()
            for thread in threads:
                thread.join(10)
            close_all(crowd)
        times.sort()
        print("# %d good answers: p50 %.0f ms, p99 %.0f ms, slowest %.0f ms; memory %.0f MB; hostile lives: %s" %
              (len(times), 1e3 * times[len(times) // 2], 1e3 * times[len(times) * 99 // 100], 1e3 * times[-1],
               memory / 1e6, ", ".join("%s %d" % pair for pair in sorted(ends.items()))))
        expect_equal(len(times), GOOD_CLIENTS * GOOD_ROUNDS * 5, "good answers")
        expect_equal([env.pg.effects(f"good{n}") for n in range(GOOD_CLIENTS)], [GOOD_ROUNDS] * GOOD_CLIENTS, "commits")
        expect(set(ends) == {life.__name__ for life, _ in HOSTILE}, f"every kind was there: {ends}")
        expect(memory < HOSTILE_MEMORY_MAX, f"memory {memory:.0f}")
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone", 30)
        expect_equal(gateway.metric("icecat_buffered_bytes"), 0.0, "buffered bytes")
