"""Web pages of other origins: preflights, named origins, and what is refused.

SPDX-License-Identifier: PostgreSQL
"""
import os
import subprocess

from harness import Gateway, expect, expect_equal, request_bytes

N = "/v1/w/namespaces"
T = N + "/n/tables"
PAGE = "https://shell.duckdb.org"
# Every path of the catalog, and the methods that it has.
PATHS = {
    "/v1/config": "GET, HEAD", N: "GET, HEAD, POST", N + "/n": "GET, HEAD, DELETE", N + "/n/properties": "POST",
    T: "GET, HEAD, POST", N + "/n/register": "POST", T + "/t": "GET, HEAD, POST, DELETE", T + "/t/unregister": "POST",
    T + "/t/metrics": "POST", "/v1/w/tables/rename": "POST", N + "/n/views": "GET, HEAD, POST",
    N + "/n/register-view": "POST", N + "/n/views/v": "GET, HEAD, POST, DELETE", "/v1/w/views/rename": "POST",
    "/v1/w/transactions/commit": "POST", "/ready": "GET, HEAD",
}


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def ask(gateway, method, path, body=None, **fields):
    headers = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    with gateway.connect() as client:
        client.send(request_bytes(method, path, body, headers=headers))
        return client.answer(head=method == "HEAD")


def cors_of(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-") or name == "vary"}


def preflight(gateway, path, origin=PAGE, **fields):
    return ask(gateway, "OPTIONS", path, Origin=origin, Access_Control_Request_Method="POST", **fields)


def test_without_the_setting_pages_get_nothing(env):
    expect_equal(preflight(env.gateway, T).status, 405)
    for method, path in (("GET", T + "/t"), ("GET", "/nope"), ("OPTIONS", T)):
        expect_equal({k: v for k, v in cors_of(ask(env.gateway, method, path, Origin=PAGE)).items() if k != "vary"}, {})


def test_preflights_of_every_path(env):
    with own(env, cors_origins=f"https://console.example.org:8443, {PAGE}") as gateway:
        for path, methods in PATHS.items():
            answer = preflight(gateway, path, Access_Control_Request_Headers="content-type,idempotency-key, x-client-version")
            expect_equal((answer.status, cors_of(answer)), (204, {
                "access-control-allow-origin": PAGE, "access-control-allow-methods": methods, "vary": "Origin",
                "access-control-allow-headers": "content-type,idempotency-key, x-client-version",
                "access-control-max-age": "600"}), path)
        answer = preflight(gateway, T, origin="HTTPS://console.example.org:8443")
        expect_equal((answer.status, "access-control-allow-headers" in answer.headers), (204, False))
        expect_equal(preflight(gateway, "/nope").status, 404)
        for bad in ("a\"b", "a;b", "x" * 2000):
            answer = preflight(gateway, T, Access_Control_Request_Headers=bad)
            expect_equal((answer.status, "access-control-allow-headers" in answer.headers), (204, False), bad)
        answer = ask(gateway, "OPTIONS", T, Origin=PAGE)
        expect_equal((answer.status, answer.headers["allow"]), (405, "GET, HEAD, POST"), "no preflight")


def test_answers_name_the_origin(env):
    """Also errors, empty ones, unchanged ones and those that flow: a page must be able to read why."""
    env.pg.sql("INSERT INTO icecat.version VALUES ('kept') ON CONFLICT DO NOTHING")
    named = {"access-control-allow-origin": PAGE, "access-control-expose-headers": "ETag, Retry-After, X-Request-Id"}
    with own(env, cors_origins=PAGE) as gateway:
        tag = ask(gateway, "GET", T + "/kept").headers["etag"]
        for method, path, body, fields, status in (
                ("GET", T + "/kept", None, {}, 200), ("GET", T + "/kept", None, {"If_None_Match": tag}, 304),
                ("HEAD", T + "/missing", None, {}, 404), ("GET", T + "/error_IC103", None, {}, 404), ("GET", "/nope", None, {}, 404),
                ("GET", T + "/large_3", None, {}, 200), ("POST", T + "/t", {"a": 1}, {}, 200), ("DELETE", T + "/t", None, {}, 204),
                ("POST", T + "/t", {"act": "error_53300"}, {}, 503), ("PUT", T, None, {}, 405), ("GET", "/ready", None, {}, 200)):
            answer = ask(gateway, method, path, body, Origin=PAGE, **fields)
            expect_equal(answer.status, status, path)
            found = cors_of(answer)
            expect_equal({k: v for k, v in found.items() if k != "vary"}, named, path)
            expect(found["vary"].split(", ")[-1] == "Origin", f"{path}: {found}")
            other = cors_of(ask(gateway, method, path, body, Origin="https://evil.example", **fields))
            expect_equal(set(other), {"vary"}, f"{path}: another origin")
            expect("Origin" in other["vary"], f"{path}: and caches know")
        expect_equal(preflight(gateway, T, origin="https://evil.example").status, 405)
        expect_equal(preflight(gateway, T, origin=PAGE + ".evil.example").status, 405)
        expect_equal(preflight(gateway, T, origin="null").status, 405)
        answer = ask(gateway, "GET", T + "/size_5000", Origin=PAGE, Accept_Encoding="gzip")
        expect_equal(answer.headers["vary"], "Accept-Encoding, Origin")


def test_all_origins_and_no_credentials(env):
    with own(env, cors_origins="*") as gateway:
        for answer in (preflight(gateway, T), ask(gateway, "GET", T + "/t", Origin=PAGE)):
            expect_equal(answer.headers["access-control-allow-origin"], "*")
            expect("access-control-allow-credentials" not in answer.headers, "no credentials")
            expect("Origin" not in answer.headers.get("vary", ""), "the answer is the same for all")
        expect_equal(ask(gateway, "POST", T + "/t/unregister", Origin=PAGE).status, 200)


def test_pages_of_other_origins_change_nothing(env):
    """What a browser sends without asking: a POST without a type."""
    with own(env, cors_origins=PAGE) as gateway:
        for origin, status in (("https://evil.example", 403), ("null", 403), (PAGE, 200), ("http://localhost", 200)):
            answer = ask(gateway, "POST", T + "/page/unregister", Origin=origin)
            expect_equal(answer.status, status, origin)
            raw = (f"POST {T}/page HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nContent-Length: 7\r\n\r\n" + '{"a":1}').encode()
            with gateway.connect() as client:
                client.send(raw)
                expect_equal(client.answer().status, status, origin)
        expect_equal(env.pg.effects("page"), 4)
        expect_equal(ask(gateway, "POST", T + "/page/unregister").status, 200, "programs send no Origin")


def test_origins_are_checked(env):
    def check(value):
        return subprocess.run([env.binary, "--check-config"], capture_output=True,
                              env=dict(os.environ, ICECAT_CORS_ORIGINS=value)).returncode
    for good in ("", "*", PAGE, "http://localhost:3000, https://a.example", "http://[::1]:8080", "app://obsidian.md"):
        expect_equal(check(good), 0, good)
    for bad in ("shell.duckdb.org", "https://a.example/", "https://a.example,*", "https://", "https://a b", "https://a\"b",
                "https://" + "a" * 300):
        expect_equal(check(bad), 1, bad)
