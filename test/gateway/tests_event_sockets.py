"""GET /v1/events/ws: events as messages of a WebSocket. What the handshake and the frames must be (RFC 6455), by raw sockets.

The mock has the events 6, 7 and 8, for everybody; a stream of it begins after 5.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import json
import os
import signal
import struct

import pytest
from harness import Failure, Gateway, expect, expect_equal, request_bytes, wait_until

PATH = "/v1/events/ws?warehouse=w"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **dict({"event_poll_ms": 100}, **settings))


def ask(key="dGhlIHNhbXBsZSBub25jZQ==", **fields):
    """The request of a handshake; a field that is None is left out."""
    given = dict({"Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key},
                 **{name.replace("_", "-"): value for name, value in fields.items()})
    return request_bytes("GET", PATH, None, headers=[f"{name}: {value}" for name, value in given.items() if value is not None])


def frame(opcode, payload=b"", first=0x80, masked=True):
    mask = os.urandom(4)
    size = len(payload)
    head = bytes([first | opcode])
    bit = 0x80 if masked else 0
    head += bytes([bit | size]) if size < 126 else bytes([bit | 126]) + struct.pack(">H", size)
    if masked:
        return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + payload


class Socket:
    """A client after its handshake."""

    def __init__(self, gateway, request=None, early=b""):
        self.client = gateway.connect()
        self.client.send((request or ask()) + early)
        self.answer = self.client.answer()
        expect_equal(self.answer.status, 101)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.client.socket.close()

    def send(self, *frames):
        self.client.send(b"".join(frames))

    def next(self):
        head = self.client._take(2)
        expect_equal(head[0] & 0xF0, 0x80, "whole, and no extension")
        expect(head[1] < 128, "a server masks nothing")
        size = head[1] if head[1] < 126 else struct.unpack(">H", self.client._take(2))[0]
        return head[0] & 15, self.client._take(size)

    def until(self, opcode):
        while True:
            kind, payload = self.next()
            if kind == opcode:
                return payload

    def closed(self):
        """Code and reason of the close, after which nothing comes."""
        payload = self.until(CLOSE)
        try:
            expect(not self.client._fill(), "nothing comes after the close")
        except Failure as failure:
            expect("reset" in str(failure), failure)
        return struct.unpack(">H", payload[:2])[0], payload[2:].decode()


def test_handshake_and_events(env):
    with own(env) as gateway, Socket(gateway) as socket:
        headers = socket.answer.headers
        expect_equal((headers["upgrade"], headers["connection"], headers["sec-websocket-accept"]),
                     ("websocket", "Upgrade", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the example of RFC 6455")
        expect(not {"content-length", "transfer-encoding", "content-type", "sec-websocket-extensions", "sec-websocket-protocol"} & set(headers),
               headers)
        expect_equal(socket.next(), (PING, b"5"), "from where it goes on")
        expect_equal([json.loads(socket.until(TEXT))["sequence"] for _ in range(3)], ["6", "7", "8"])
        socket.send(frame(PING, b"are you there"))
        expect_equal(socket.until(PONG), b"are you there")
        socket.send(frame(CLOSE, struct.pack(">H", 1000) + b"bye"))
        expect_equal(socket.closed(), (1000, "bye"))
        wait_until(lambda: gateway.metric('icecat_event_streams_ended_total{reason="client-left"}') == 1, "it has left")
        expect_equal(gateway.metric("icecat_event_streams"), 0)


def test_keys_are_hashed(env):
    with own(env) as gateway:
        for _ in range(20):
            key = base64.b64encode(os.urandom(16)).decode()
            with Socket(gateway, ask(key)) as socket:
                digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
                expect_equal(socket.answer.headers["sec-websocket-accept"], base64.b64encode(digest).decode())


@pytest.mark.parametrize("status, fields", [
    (426, {"Upgrade": None}), (426, {"Upgrade": "h2c"}), (426, {"Connection": "keep-alive"}),
    (426, {"Sec_WebSocket_Version": "8"}), (426, {"Sec_WebSocket_Version": None}),
    (400, {"Sec_WebSocket_Key": None}), (400, {"Sec_WebSocket_Key": "short"}), (400, {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=!"}),
    (400, {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZR=="}), (403, {"Origin": "https://elsewhere.example"})])
def test_refused_handshakes(env, status, fields):
    with own(env) as gateway, gateway.connect() as client:
        client.send(ask(**fields))
        answer = client.answer()
        expect_equal(answer.status, status, answer.body)
        if status == 426:
            expect_equal((answer.headers["upgrade"], answer.headers["sec-websocket-version"]), ("websocket", "13"))
            expect("Upgrade" in answer.headers["connection"], answer.headers)


def test_origins(env):
    with own(env, cors_origins="https://console.example") as gateway:
        for origin in ("https://console.example", f"http://127.0.0.1:{gateway.port}"):
            with Socket(gateway, ask(Origin=origin, **({"Host": f"127.0.0.1:{gateway.port}"} if "127" in origin else {}))) as socket:
                socket.until(TEXT)


BROKEN = {
    "not masked": ([frame(PING, b"x", masked=False)], 1002),
    "an extension": ([frame(PING, b"x", first=0xC0)], 1002),
    "no opcode": ([frame(3)], 1002),
    "a long ping": ([frame(PING, b"x" * 126)], 1002),
    "a ping in pieces": ([frame(PING, b"x", first=0)], 1002),
    "a rest of nothing": ([frame(0, b"x")], 1002),
    "a close of one byte": ([frame(CLOSE, b"x")], 1002),
    "a close with a code that is none": ([frame(CLOSE, struct.pack(">H", 1005))], 1002),
    "a message": ([frame(TEXT, b"hello")], 1003),
    "bytes": ([frame(BINARY, b"\0\1")], 1003),
    "a message in pieces": ([frame(TEXT, b"a", first=0), frame(0, b"b")], 1003),
    "no UTF-8": ([frame(TEXT, b"\xff\xfe")], 1007),
    "a long message": ([frame(BINARY, b"x" * 5000)], 1009),
    "a long message in pieces": ([frame(BINARY, b"x" * 4000, first=0), frame(0, b"x" * 4000, first=0)], 1009),
    "too many pings": ([frame(PING, b"x" * 125)] * 200, 1008),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_frames(env, what):
    frames, code = BROKEN[what]
    with own(env) as gateway, Socket(gateway) as socket:
        socket.until(TEXT)
        socket.send(*frames)
        expect_equal(socket.closed()[0], code)
        wait_until(lambda: gateway.metric("icecat_event_streams") == 0, "the stream is over")


def test_byte_by_byte_and_before_the_answer(env):
    with own(env) as gateway:
        with Socket(gateway, early=frame(PING, b"early")) as socket:
            expect_equal(socket.until(PONG), b"early")
            for byte in frame(PING, b"slow"):
                socket.send(bytes([byte]))
            expect_equal(socket.until(PONG), b"slow")


def test_heartbeats_are_pings(env):
    with own(env, event_heartbeat_ms=200, event_slow_ms=1500) as gateway:
        with Socket(gateway) as socket:
            for _ in range(12):
                expect_equal(socket.client is not None, True)
                socket.send(frame(PONG, socket.until(PING)))
            expect_equal(gateway.metric("icecat_event_streams"), 1)
        with Socket(gateway) as deaf:
            code, reason = deaf.closed()
            expect_equal((code, json.loads(reason)["reason"]), (1008, "slow-consumer"), "who does not answer is dropped")


def test_drain(env):
    gateway = own(env)
    with Socket(gateway) as socket:
        for _ in range(3):
            socket.until(TEXT)
        wait_until(lambda: gateway.metric("icecat_event_streams") == 1, "it is there")
        gateway.signal(signal.SIGTERM)
        code, reason = socket.closed()
        expect_equal((code, json.loads(reason)), (1001, {"reason": "gateway-stops", "last-event-id": "8"}))
    gateway.process.wait(60)
    gateway.stop()


def test_limits(env):
    with own(env, event_client_streams_max=1) as gateway, Socket(gateway), gateway.connect() as client:
        client.send(ask())
        expect_equal(client.answer().status, 429)
    with own(env, event_stream_max_s=1) as gateway, Socket(gateway) as socket:
        code, reason = socket.closed()
        expect_equal((code, json.loads(reason)["reason"]), (1001, "stream-too-old"))
