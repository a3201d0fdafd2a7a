"""Requests as bytes, and what must come back: the framing rules, one line each.

(name, bytes sent, statuses in order, what happens to the connection afterwards)

SPDX-License-Identifier: PostgreSQL
"""
OPEN, CLOSED = "open", "closed"

H = b"Host: h\r\n"
GET = b"GET /health HTTP/1.1\r\n" + H
POST = b"POST /v1/w/namespaces/n/tables/t HTTP/1.1\r\n" + H
CREATE = b"POST /v1/w/namespaces HTTP/1.1\r\n" + H
TE = b"Transfer-Encoding: chunked\r\n"
OK_GET = GET + b"\r\n"


def length(n):
    return b"Content-Length: %d\r\n" % n


CASES = [
    # what must work
    ("plain GET", OK_GET, [200], OPEN),
    ("one empty line before the request", b"\r\n" + OK_GET, [200], OPEN),
    ("HEAD", b"HEAD /health HTTP/1.1\r\n" + H + b"\r\n", [200], OPEN),
    ("HTTP/1.0 closes", b"GET /health HTTP/1.0\r\n\r\n", [200], CLOSED),
    ("HTTP/1.0 keep-alive", b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200], OPEN),
    ("HTTP/1.2 is treated as 1.1", b"GET /health HTTP/1.2\r\n" + H + b"\r\n", [200], OPEN),
    ("Connection: close", GET + b"Connection: close\r\n\r\n", [200], CLOSED),
    ("Connection: CLOSE in a list", GET + b"Connection: foo, CLOSE\r\n\r\n", [200], CLOSED),
    ("two pipelined", OK_GET * 2, [200] * 2, OPEN),
    ("ten pipelined", OK_GET * 10, [200] * 10, OPEN),
    ("pipelined behind a call", POST + length(2) + b"\r\n{}" + OK_GET, [200, 200], OPEN),
    ("pipelined after close is ignored", GET + b"Connection: close\r\n\r\n" + OK_GET, [200], CLOSED),
    ("absolute form", b"GET http://h/health HTTP/1.1\r\n" + H + b"\r\n", [200], OPEN),
    ("absolute form, upper case", b"GET HTTP://h/health HTTP/1.1\r\n" + H + b"\r\n", [200], OPEN),
    ("absolute form without path", b"GET http://h HTTP/1.1\r\n" + H + b"\r\n", [404], OPEN),
    ("body with a length", POST + length(2) + b"\r\n{}", [200], OPEN),
    ("body with length 0", GET + length(0) + b"\r\n", [200], OPEN),
    ("GET with a body", GET + length(3) + b"\r\nabc" + OK_GET, [200, 200], OPEN),
    ("body on an unknown path is read over", b"POST /x HTTP/1.1\r\n" + H + length(3) + b"\r\nabc" +
     OK_GET, [404, 200], OPEN),
    ("body on a wrong method is read over", b"PUT /v1/config HTTP/1.1\r\n" + H + length(3) +
     b"\r\nabc" + OK_GET, [405, 200], OPEN),
    ("chunked body", POST + TE + b"\r\n2\r\n{}\r\n0\r\n\r\n" + OK_GET, [200, 200], OPEN),
    ("chunked in pieces", POST + TE + b"\r\n1\r\n{\r\n01;a=b\r\n}\r\n0;x\r\n\r\n" + OK_GET, [200, 200],
     OPEN),
    ("chunked with trailers", POST + TE + b"\r\n2\r\n{}\r\n0\r\nA: b\r\nC: d\r\n\r\n" + OK_GET,
     [200, 200], OPEN),
    ("chunked, upper-case coding", POST + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
     [200], OPEN),
    ("100-continue", POST + b"Expect: 100-continue\r\n" + length(2) + b"\r\n", [100], OPEN),
    ("100-continue on an unknown path", b"POST /x HTTP/1.1\r\n" + H + b"Expect: 100-continue\r\n" +
     length(2) + b"\r\n", [404], CLOSED),
    ("100-continue, body too large", POST + b"Expect: 100-continue\r\n" + length(1 << 31) + b"\r\n",
     [413], CLOSED),
    ("100-continue with the body at hand", POST + b"Expect: 100-continue\r\n" + length(2) +
     b"\r\n{}", [200], OPEN),
    ("obs-text in a value", GET + b"X: \xc3\xa9\r\n\r\n", [200], OPEN),
    ("tab in a value", GET + b"X: a\tb\r\n\r\n", [200], OPEN),
    ("empty value", GET + b"X:\r\n\r\n", [200], OPEN),
    ("same field twice", GET + b"Accept: a\r\nAccept: b\r\n\r\n", [200], OPEN),
    ("missing Content-Type", POST + length(2) + b"\r\n{}", [200], OPEN),
    ("JSON with a charset", POST + b"Content-Type: application/json; charset=utf-8\r\n" + length(2) +
     b"\r\n{}", [200], OPEN),
    ("+json", POST + b"Content-Type: application/x+json\r\n" + length(2) + b"\r\n{}", [200], OPEN),
    # what must be refused
    ("Content-Length and Transfer-Encoding", POST + length(2) + TE + b"\r\n0\r\n\r\n", [400], CLOSED),
    ("Transfer-Encoding and Content-Length", POST + TE + length(2) + b"\r\n0\r\n\r\n", [400], CLOSED),
    ("Content-Length repeated", POST + length(2) * 2 + b"\r\n{}", [400], CLOSED),
    ("Content-Length differing", POST + length(2) + length(3) + b"\r\n{}", [400], CLOSED),
    ("Content-Length list", POST + b"Content-Length: 2, 2\r\n\r\n{}", [400], CLOSED),
    ("Content-Length with sign", POST + b"Content-Length: +2\r\n\r\n{}", [400], CLOSED),
    ("Content-Length negative", POST + b"Content-Length: -2\r\n\r\n{}", [400], CLOSED),
    ("Content-Length hexadecimal", POST + b"Content-Length: 0x2\r\n\r\n{}", [400], CLOSED),
    ("Content-Length empty", POST + b"Content-Length:\r\n\r\n{}", [400], CLOSED),
    ("Content-Length beyond 64 bits", POST + b"Content-Length: 18446744073709551618\r\n\r\n{}", [413],
     CLOSED),
    ("Content-Length too large", POST + length(1 << 26) + b"\r\n", [413], CLOSED),
    ("Transfer-Encoding gzip", POST + b"Transfer-Encoding: gzip\r\n\r\n", [501], CLOSED),
    ("Transfer-Encoding gzip, chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", [501],
     CLOSED),
    ("Transfer-Encoding identity", POST + b"Transfer-Encoding: identity\r\n\r\n", [501], CLOSED),
    ("Transfer-Encoding twice", POST + TE * 2 + b"\r\n0\r\n\r\n", [400], CLOSED),
    ("Transfer-Encoding with vertical tab", POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n", [400],
     CLOSED),
    ("Transfer-Encoding in HTTP/1.0", b"POST /x HTTP/1.0\r\n" + TE + b"\r\n0\r\n\r\n", [400], CLOSED),
    ("space before the colon", POST + b"Content-Length : 2\r\n\r\n{}", [400], CLOSED),
    ("folded line", GET + b"X: a\r\n b\r\n\r\n", [400], CLOSED),
    ("folded first line", b"GET /health HTTP/1.1\r\n Host: h\r\n\r\n", [400], CLOSED),
    ("bare LF after the request line", b"GET /health HTTP/1.1\nHost: h\r\n\r\n", [400], CLOSED),
    ("bare LF everywhere", b"GET /health HTTP/1.1\nHost: h\n\n", [400], CLOSED),
    ("bare LF in a field", GET + b"X: a\nContent-Length: 5\r\n\r\n", [400], CLOSED),
    ("bare CR in a field", GET + b"X: a\rb\r\n\r\n", [400], CLOSED),
    ("NUL in a field", GET + b"X: a\0b\r\n\r\n", [400], CLOSED),
    ("NUL in the target", b"GET /hea\0lth HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("control character in a field", GET + b"X: a\x07b\r\n\r\n", [400], CLOSED),
    ("DEL in the target", b"GET /\x7f HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("no colon", GET + b"X\r\n\r\n", [400], CLOSED),
    ("empty field name", GET + b": x\r\n\r\n", [400], CLOSED),
    ("field name is no token", GET + b"X@Y: x\r\n\r\n", [400], CLOSED),
    ("Host missing", b"GET /health HTTP/1.1\r\n\r\n", [400], CLOSED),
    ("Host twice", GET + H + b"\r\n", [400], CLOSED),
    ("Host empty", b"GET /health HTTP/1.1\r\nHost:\r\n\r\n", [400], CLOSED),
    ("Host with a path", b"GET /health HTTP/1.1\r\nHost: h/x\r\n\r\n", [400], CLOSED),
    ("no version", b"GET /health\r\n\r\n", [400], CLOSED),
    ("lower-case version", b"GET /health http/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("HTTP/2.0", b"GET /health HTTP/2.0\r\n" + H + b"\r\n", [505], CLOSED),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], CLOSED),
    ("version with two digits", b"GET /health HTTP/1.10\r\n" + H + b"\r\n", [400], CLOSED),
    ("unknown method", b"BREW /health HTTP/1.1\r\n" + H + b"\r\n", [405], OPEN),
    ("lower-case method", b"get /health HTTP/1.1\r\n" + H + b"\r\n", [405], OPEN),
    ("CONNECT", b"CONNECT h:80 HTTP/1.1\r\n" + H + b"\r\n", [501], CLOSED),
    ("two spaces", b"GET  /health HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("tab for space", b"GET\t/health HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("space in the target", b"GET /a b HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("space behind the version", b"GET /health HTTP/1.1 \r\n" + H + b"\r\n", [400], CLOSED),
    ("fragment in the target", b"GET /health#x HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("target without slash", b"GET health HTTP/1.1\r\n" + H + b"\r\n", [400], CLOSED),
    ("two empty lines before the request", b"\r\n\r\n" + OK_GET, [400], CLOSED),
    ("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], CLOSED),
    ("Expect unknown", POST + b"Expect: more\r\n" + length(2) + b"\r\n", [417], CLOSED),
    ("chunk size missing", POST + TE + b"\r\n\r\n", [400], CLOSED),
    ("chunk size with 0x", POST + TE + b"\r\n0x2\r\n{}\r\n", [400], CLOSED),
    ("chunk size negative", POST + TE + b"\r\n-2\r\n{}\r\n", [400], CLOSED),
    ("chunk size with space", POST + TE + b"\r\n2 \r\n{}\r\n", [400], CLOSED),
    ("chunk size too long", POST + TE + b"\r\n00000000000000002\r\n{}\r\n", [400], CLOSED),
    ("chunk size beyond the limit", POST + TE + b"\r\nfffffffffffffff\r\n", [], OPEN),
    ("chunk longer than its size", POST + TE + b"\r\n1\r\n{}\r\n0\r\n\r\n", [400], CLOSED),
    ("chunk with bare LF", POST + TE + b"\r\n2\n{}\r\n0\r\n\r\n", [400], CLOSED),
    ("chunk data with bare LF", POST + TE + b"\r\n2\r\n{}\n0\r\n\r\n", [400], CLOSED),
    ("chunk extension with control character", POST + TE + b"\r\n2;\x01\r\n{}\r\n", [400], CLOSED),
    ("chunk extensions too long", POST + TE + b"\r\n2;" + b"x" * 5000 + b"\r\n{}\r\n0\r\n\r\n", [400],
     CLOSED),
    ("trailer malformed", POST + TE + b"\r\n2\r\n{}\r\n0\r\nA b\r\n\r\n", [400], CLOSED),
    ("trailers too long", POST + TE + b"\r\n2\r\n{}\r\n0\r\nA: " + b"x" * 9000 + b"\r\n\r\n", [431],
     CLOSED),
    ("smuggled request is not run", POST + length(2) + TE + b"\r\n0\r\n\r\n" + OK_GET, [400], CLOSED),
    # content
    ("form instead of JSON", POST + b"Content-Type: application/x-www-form-urlencoded\r\n" + length(2) +
     b"\r\n{}" + OK_GET, [400, 200], OPEN),
    ("text instead of JSON", POST + b"Content-Type: text/plain\r\n" + length(2) + b"\r\n{}", [400], OPEN),
    ("empty body", POST + length(0) + b"\r\n" + OK_GET, [400, 200], OPEN),
    ("no body at all", POST + b"\r\n" + OK_GET, [400, 200], OPEN),
    ("body is not JSON", POST + length(2) + b"\r\n{{" + OK_GET, [400, 200], OPEN),
    ("body is not UTF-8", CREATE + length(4) + b"\r\n\"\xff\xfe\"" + OK_GET, [400, 200], OPEN),
    ("body with NUL", CREATE + length(3) + b"\r\n\"\0\"" + OK_GET, [400, 200], OPEN),
]
