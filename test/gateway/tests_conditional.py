"""Entity tags, conditional requests, representations; the cache; gzip in both directions.

SPDX-License-Identifier: PostgreSQL
"""
import gzip
import json
import threading

from harness import Gateway, expect, expect_equal, in_parallel, wait_until

N = "/v1/w/namespaces"


def make_table(env, name):
    """A table of the mock that has a version, and so a tag."""
    env.pg.sql(f"INSERT INTO icecat.version (name) VALUES ('{name}') ON CONFLICT (name) DO UPDATE SET version = 1")
    return f"{N}/n/tables/{name}"


def next_version(env, name):
    env.pg.sql(f"UPDATE icecat.version SET version = version + 1 WHERE name = '{name}'")


def load(env, path, *headers):
    return env.gateway.request("GET", path, headers=headers)


def test_etag_of_every_answer_with_a_table(env):
    path = make_table(env, "etags")
    expect_equal(load(env, path).headers["etag"], 'W/"all-1"', "load")
    for method, at, tag in (("POST", N + "/n/tables", 'W/"created"'), ("POST", N + "/n/register", 'W/"registered"'),
                            ("POST", N + "/n/tables/t", 'W/"committed"')):
        expect_equal(env.gateway.request(method, at, {"a": 1}).headers["etag"], tag, at)
    expect("etag" not in env.gateway.get(N + "/n/tables").headers, "a list has no tag")
    expect("etag" not in load(env, N + "/n/tables/untagged").headers, "no tag without one")


def test_not_modified(env):
    path = make_table(env, "conditional")
    with env.gateway.connect() as client:
        client.send(f'GET {path} HTTP/1.1\r\nHost: x\r\nIf-None-Match: W/"all-1"\r\n\r\n'.encode() * 2)
        for _ in range(2):
            answer = client.answer()
            expect_equal((answer.status, answer.headers["etag"]), (304, 'W/"all-1"'))
            expect("content-type" not in answer.headers, "no body, no type")
    next_version(env, "conditional")
    answer = load(env, path, 'If-None-Match: W/"all-1"')
    expect_equal((answer.status, answer.headers["etag"], answer.json()["version"]), (200, 'W/"all-2"', 'W/"all-2"'))


def test_if_none_match_forms(env):
    path = make_table(env, "forms")
    for status, *headers in [
            (304, 'If-None-Match: W/"all-1"'), (304, 'If-None-Match: "all-1"'), (304, 'if-none-match:*'),
            (304, 'If-None-Match: "x" , W/"all-1",, "y"'), (304, 'If-None-Match: "x"', 'If-None-Match: "all-1"'),
            (304, b'If-None-Match: "caf\xe9", "all-1"'.decode("latin1")),
            (200, 'If-None-Match: "x"'), (200, "If-None-Match:"), (200, "If-None-Match: all-1"),
            (200, 'If-None-Match: "all-1'), (200, 'If-None-Match: w/"all-1"'), (200, 'If-None-Match: "x" "all-1"'),
            (200, 'If-None-Match: *, "all-1"'), (200, "If-None-Match: *", 'If-None-Match: "all-1"'),
            (200, 'If-None-Match: "all-1", \'; DROP TABLE x; --'), (200, 'If-Match: "all-1"'),
            (200, "If-None-Match: " + ", ".join(f'"{i}"' for i in range(2000)))]:
        expect_equal(load(env, path, *headers).status, status, repr(headers)[:80])
    expect_equal(load(env, f"{N}/n/tables/error_IC103", "If-None-Match: *").status, 404, "an error stays one")
    expect_equal(env.gateway.request("GET", N + "/n/tables", headers=["If-None-Match: *"]).status, 200, "a list")


def test_representations(env):
    path = make_table(env, "shown")
    expect_equal(load(env, path).json()["snapshots"], None)
    for value in ("all", "refs"):
        answer = load(env, f"{path}?snapshots={value}")
        expect_equal((answer.json()["snapshots"], answer.headers["etag"]), (value, f'W/"{value}-1"'))
    expect_equal(load(env, path + "?snapshots=refs", 'If-None-Match: "all-1"').status, 200, "another representation")
    expect_equal(load(env, path + "?snapshots=refs", 'If-None-Match: "refs-1"').status, 304)


def cache_metric(gateway, found):
    return gateway.metric('icecat_cache_loads_total{found="%s"}' % found)


def test_unchanged_answers_come_from_the_cache(env):
    """The database is asked each time; a body crosses its socket once a version."""
    path = make_table(env, "kept")
    with Gateway(env.binary, env.pg.dsn, env.root) as gateway:
        first = gateway.get(path)
        expect_equal(first.json()["if_none_match"], None, "the first one asks without a tag")
        for _ in range(3):
            again = gateway.get(path)
            expect_equal((again.status, again.headers["etag"], again.body), (200, 'W/"all-1"', first.body))
        expect_equal((cache_metric(gateway, "miss"), cache_metric(gateway, "hit")), (1, 3))
        answer = gateway.request("GET", path, headers=['If-None-Match: "x", "all-1"'])
        expect_equal(answer.status, 304, "the client's own tag")
        next_version(env, "kept")
        changed = gateway.request("GET", path, headers=['If-None-Match: W/"all-1"'])
        expect_equal((changed.status, changed.headers["etag"]), (200, 'W/"all-2"'))
        expect_equal(changed.json()["if_none_match"], 'W/"all-1",W/"all-1"', "the client's tag and the cache's")
        expect_equal(cache_metric(gateway, "stale"), 1)
        expect_equal(gateway.get(path + "?snapshots=refs").json()["snapshots"], "refs", "another representation")
        expect_equal(gateway.get(path).body, changed.body)
        expect_equal(gateway.request("GET", path, headers=["If-None-Match: *"]).status, 304)
        expect_equal(gateway.get(path.replace("/w/", "/w2/")).json()["warehouse"], "w2", "another warehouse")
        env.pg.sql("DELETE FROM icecat.version WHERE name = 'kept'")
        expect_equal(gateway.get(path).headers.get("etag"), None, "a table without a tag is not taken from there")


def test_cache_stays_in_bounds(env):
    for i in range(8):
        make_table(env, f"size_10000{i}")
    with Gateway(env.binary, env.pg.dsn, env.root, cache_bytes=350000, cache_entry_bytes_max=100004) as gateway:
        for _ in range(2):
            for i in range(8):
                expect_equal(len(gateway.get(f"{N}/n/tables/size_10000{i}").json()["filler"]), 100000 + i)
        expect(gateway.metric("icecat_cache_bytes") <= 350000, "bytes")
        expect_equal(cache_metric(gateway, "hit"), 0)
        expect_equal(gateway.metric("icecat_cache_entries"), 0, "each answer is larger than an entry may be")
    with Gateway(env.binary, env.pg.dsn, env.root, cache_bytes=350000) as gateway:
        for i in (0, 1, 0, 2, 0, 3, 0, 4, 0):
            gateway.get(f"{N}/n/tables/size_10000{i}")
        expect_equal((cache_metric(gateway, "hit"), gateway.metric("icecat_cache_entries")), (4, 3))
        expect_equal(gateway.metric("icecat_cache_evictions_total"), 2)
        expect(gateway.metric("icecat_cache_bytes") <= 350000, "bytes")
    with Gateway(env.binary, env.pg.dsn, env.root, cache_bytes=0) as gateway:
        for _ in range(2):
            expect_equal(gateway.get(f"{N}/n/tables/size_100000").status, 200)
        expect_equal((cache_metric(gateway, "miss"), gateway.metric("icecat_cache_bytes")), (0, 0))


def test_cache_under_changes(env):
    """Readers and a writer: no reader sees a version older than one that was there before it asked."""
    path = make_table(env, "moving")
    with Gateway(env.binary, env.pg.dsn, env.root) as gateway:
        done = threading.Event()
        least = [1]

        def write():
            for version in range(2, 40):
                next_version(env, "moving")
                least[0] = version
            done.set()

        def read():
            while not done.is_set():
                known = least[0]
                answer = gateway.request("GET", path, headers=["Accept-Encoding: gzip"])
                version = int(answer.headers["etag"].split("-")[1].rstrip('"'))
                expect(version >= known, f"version {version} after {known}")
                expect_equal(unpacked(answer)["version"], answer.headers["etag"], "body and tag belong together")

        in_parallel([write] + [read] * 4)


def unpacked(answer):
    body = answer.body
    if answer.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body)


def test_gzip_answers(env):
    path = make_table(env, "size_50000")
    plain = load(env, path)
    expect_equal((plain.headers.get("content-encoding"), plain.headers["vary"]), (None, "Accept-Encoding"))
    for accept, coded in (("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False),
                          ("identity, *;q=0", False), ("gzip;q=0.1, identity", False), ("", False)):
        for _ in range(2):
            answer = load(env, path, f"Accept-Encoding: {accept}")
            expect_equal(answer.headers.get("content-encoding"), "gzip" if coded else None, accept)
            expect_equal(unpacked(answer), plain.json(), accept)
            expect_equal((answer.headers["vary"], answer.headers["etag"]), ("Accept-Encoding", plain.headers["etag"]))
            expect(not coded or len(answer.body) < 5000, "it is compressed")
    answer = load(env, path, "Accept-Encoding: gzip", 'If-None-Match: "all-1"')
    expect_equal((answer.status, answer.headers["vary"]), (304, "Accept-Encoding"))
    answer = load(env, f"{N}/n/tables/size_60000", "Accept-Encoding: gzip")
    expect_equal(len(unpacked(answer)["filler"]), 60000, "an answer without a tag")
    small = load(env, N + "/n", "Accept-Encoding: gzip")
    expect("content-encoding" not in small.headers, "too small")
    forced = load(env, N + "/n", "Accept-Encoding: gzip, identity;q=0")
    expect_equal((forced.headers.get("content-encoding"), unpacked(forced)), ("gzip", small.json()))
    error = load(env, f"{N}/n/tables/error_IC103", "Accept-Encoding: gzip, *;q=0")
    expect_equal(unpacked(error)["error"]["code"], 404)


def test_gzip_of_head_and_limits(env):
    with Gateway(env.binary, env.pg.dsn, env.root, gzip_bytes_min=1, gzip_bytes_max=20000) as gateway:
        accept = ["Accept-Encoding: gzip"]
        for path in (N, "/v1/config"):
            get, head = (gateway.request(method, path, headers=accept) for method in ("GET", "HEAD"))
            expect_equal(head.body, b"")
            for field in ("content-encoding", "content-length", "vary"):
                expect_equal(head.headers[field], get.headers[field], field)
        large = gateway.request("GET", N + "/n/tables/size_30000", headers=accept)
        expect_equal((large.status, large.headers.get("content-encoding")), (200, None))
    with Gateway(env.binary, env.pg.dsn, env.root, gzip_level=0) as gateway:
        answer = gateway.request("GET", N + "/n/tables/size_30000", headers=["Accept-Encoding: gzip, identity;q=0"])
        expect_equal((answer.headers.get("content-encoding"), answer.headers.get("vary")), (None, None))


def post_coded(client, body, coding="gzip", chunked=False, path=N + "/n/tables/t"):
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Encoding: {coding}"]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[i:i + 7] for i in range(0, len(body), 7)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    client.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return client.answer()


def test_gzip_requests(env):
    body = json.dumps({"x": "\u00e9" * 300, "n": 9223372036854775807}, ensure_ascii=False).encode()
    packed = gzip.compress(body)
    with env.gateway.connect() as client:
        for coding in ("gzip", "GZIP", "x-gzip"):
            for chunked in (False, True):
                answer = post_coded(client, packed, coding, chunked)
                expect_equal((answer.status, answer.json()["length"]), (200, len(body.decode())), coding)
        half = len(body) // 2
        members = gzip.compress(body[:half]) + gzip.compress(body[half:])
        expect_equal(post_coded(client, members).json()["length"], len(body.decode()), "two members")
        expect_equal(post_coded(client, body, "identity").status, 200)
        for broken in (packed[:-5], packed[:20] + b"\0\0\0\0" + packed[24:], b"no gzip", body, packed + b"x", b""):
            for chunked in (False, True):
                expect_equal(post_coded(client, broken, chunked=chunked).status, 400, repr(broken[:20]))
        for coding in ("br", "deflate", "gzip, gzip", "zstd"):
            answer = post_coded(client, packed, coding)
            expect_equal((answer.status, answer.headers.get("accept-encoding")), (415, "gzip"), coding)
            expect_equal(answer.error()["type"], "UnsupportedMediaTypeException")
        expect_equal(post_coded(client, gzip.compress(b"\xff\xfe")).status, 400, "not UTF-8 inside")
        expect_equal(post_coded(client, packed).status, 200, "the connection is as good as before")


def test_gzip_bombs(env):
    with Gateway(env.binary, env.pg.dsn, env.root, body_bytes_max=1000000) as gateway:
        with gateway.connect() as client:
            before = gateway.metric("process_resident_memory_bytes")
            bomb = gzip.compress(b"[" + b" " * 200000000 + b"]", 9)
            expect(len(bomb) < 300000, "it is small")
            for _ in range(3):
                answer = post_coded(client, bomb)
                expect_equal((answer.status, answer.error()["type"]), (413, "ContentTooLargeException"))
            least = gzip.compress(b'{"a":"' + b"x" * (1000000 - 8) + b'"}')
            expect_equal(post_coded(client, least).json()["length"], 1000000, "just as much as may be")
            most = gzip.compress(b'{"a":"' + b"x" * (1000000 - 7) + b'"}')
            expect_equal(post_coded(client, most).status, 413)
            grown = gateway.metric("process_resident_memory_bytes") - before
            expect(grown < 16000000, f"memory grew by {grown}")
        wait_until(lambda: gateway.metric("icecat_buffered_bytes") == 0, "nothing is left")
