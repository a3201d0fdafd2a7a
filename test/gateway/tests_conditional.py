"""Entity tags, conditional requests, representations.

SPDX-License-Identifier: PostgreSQL
"""
from harness import expect, expect_equal

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
