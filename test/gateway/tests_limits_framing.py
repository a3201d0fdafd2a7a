"""Each limit of a request has its status, however the request is framed: one table.

SPDX-License-Identifier: PostgreSQL
"""
import gzip

import oauth
from harness import expect, expect_equal
from tests_auth import prepare

BODY_MAX, FORM_MAX, HEADER_MAX, TARGET_MAX, FIELDS_MAX = 100000, 65536, 4000, 2000, 20
SETTINGS = {"body_bytes_max": BODY_MAX, "header_bytes_max": HEADER_MAX, "target_bytes_max": TARGET_MAX, "header_count_max": FIELDS_MAX}
LOAD, FORM = "/v1/w/namespaces/n/tables/t", oauth.ENDPOINT
JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"


def by_length(body):
    return [f"Content-Length: {len(body)}"], body


def in_chunks(size):
    def frame(body):
        pieces = [body[at:at + size] for at in range(0, len(body), size)]
        return ["Transfer-Encoding: chunked"], b"".join(b"%x\r\n" % len(p) + p + b"\r\n" for p in pieces) + b"0\r\n\r\n"
    return frame


def coded(frame):
    def framed(body):
        fields, data = frame(gzip.compress(body))
        return ["Content-Encoding: gzip", *fields], data
    return framed


def expecting(body):
    """The client asks first, and sends nothing: a length is enough to say no."""
    return [f"Content-Length: {len(body)}", "Expect: 100-continue"], b""


FRAMINGS = {"length": by_length, "one chunk": in_chunks(1 << 20), "small chunks": in_chunks(1000), "gzip": coded(by_length),
            "gzip in chunks": coded(in_chunks(100))}


def ask(gateway, path, kind, frame, body):
    fields, data = frame(body)
    with gateway.connect() as client:
        head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", *fields]
        client.send("\r\n".join(head).encode() + b"\r\n\r\n" + data)
        return client.answer()


def test_a_body_that_is_too_large_is_413_in_every_framing(env):
    prepare(env)
    with oauth.gateway(env, **SETTINGS, auth_anonymous_role="ann") as gateway:
        oauth.ready(gateway, "ann", oauth.add_client(env, "ann"))
        for path, kind, limit, begin in ((LOAD, JSON_TYPE, BODY_MAX, b'{"a": 1}'), (FORM, FORM_TYPE, FORM_MAX, b"grant_type=none&x=")):
            for name, frame in FRAMINGS.items():
                fitting = ask(gateway, path, kind, frame, begin.ljust(limit, b" " if kind == JSON_TYPE else b"x"))
                expect_equal(fitting.status, 200 if kind == JSON_TYPE else 400, f"{path}, {name}: what fits")
                answer = ask(gateway, path, kind, frame, begin.ljust(limit + 1, b" " if kind == JSON_TYPE else b"x"))
                expect_equal(answer.status, 413, f"{path}, {name}: one byte more")
                expect(answer.json()["error"] if kind == JSON_TYPE else answer.json()["error_description"], "it says what is wrong")
            expect_equal(ask(gateway, path, kind, expecting, b"x" * (limit + 1)).status, 413, f"{path}, before it is sent")


def test_other_limits_have_their_status_with_a_body_and_without(env):
    prepare(env)
    cases = (("target", lambda n: (f"{LOAD}?{'q' * n}", []), TARGET_MAX - len(LOAD) - 1, 414),
             ("one field", lambda n: (LOAD, ["X-Long: " + "v" * n]), HEADER_MAX - 500, 431),
             ("fields", lambda n: (LOAD, ["X: y"] * n), FIELDS_MAX - 6, 431),
             ("idempotency key", lambda n: (LOAD, ["Idempotency-Key: " + "k" * n]), 64, 400))
    with oauth.gateway(env, **SETTINGS, auth_anonymous_role="ann") as gateway:
        oauth.ready(gateway, "ann", oauth.add_client(env, "ann"))
        for name, make, fits, status in cases:
            for framing, frame in FRAMINGS.items():
                for size, good in ((fits, True), (8 * fits, False)):
                    path, more = make(size)
                    fields, data = frame(b'{"a": 1}')
                    with gateway.connect() as client:
                        client.send("\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {JSON_TYPE}", *fields, *more])
                                    .encode() + b"\r\n\r\n" + data)
                        got = client.answer().status
                    expect((got != status) if good else (got == status), f"{name}, {framing}: {size} gave {got}, {status} is for what is too long")


def test_what_frames_a_chunked_body_has_limits_of_its_own(env):
    prepare(env)
    with oauth.gateway(env, **SETTINGS, auth_anonymous_role="ann") as gateway:
        oauth.ready(gateway, "ann", oauth.add_client(env, "ann"))
        for name, tail, status in (("trailers", b"0\r\nA: " + b"x" * 9000 + b"\r\n\r\n", 431), ("extensions", b"0;" + b"x" * 5000 + b"\r\n\r\n", 400)):
            for path, kind in ((LOAD, JSON_TYPE), (FORM, FORM_TYPE)):
                with gateway.connect() as client:
                    client.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                                + b"2\r\n{}\r\n" + tail)
                    expect_equal(client.answer().status, status, f"{name} at {path}")
