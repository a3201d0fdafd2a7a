"""Routes, names and their encodings, query parameters, errors of the database.

SPDX-License-Identifier: PostgreSQL
"""
import json
import urllib.parse

from harness import Gateway, expect, expect_equal, request_bytes, wait_until

N = "/v1/w/namespaces"


def test_every_endpoint(env):
    calls = [
        ("GET", "/v1/config", None, 200), ("GET", N, None, 200), ("POST", N, {"a": 1}, 200),
        ("GET", N + "/n", None, 200), ("HEAD", N + "/n", None, 204), ("DELETE", N + "/n", None, 204),
        ("HEAD", N + "/missing", None, 404), ("POST", N + "/n/properties", {"a": 1}, 200),
        ("GET", N + "/n/tables", None, 200), ("POST", N + "/n/tables", {"a": 1}, 200),
        ("POST", N + "/n/register", {"a": 1}, 200), ("GET", N + "/n/tables/t", None, 200),
        ("HEAD", N + "/n/tables/t", None, 204), ("HEAD", N + "/n/tables/missing", None, 404),
        ("POST", N + "/n/tables/t", {"a": 1}, 200), ("DELETE", N + "/n/tables/t", None, 204),
        ("POST", N + "/n/tables/t/unregister", None, 200),
        ("POST", N + "/n/tables/t/metrics", {"a": 1}, 204),
        ("POST", "/v1/w/tables/rename", {"a": 1}, 204),
        ("GET", N + "/n/views", None, 200), ("POST", N + "/n/views", {"a": 1}, 200),
        ("POST", N + "/n/register-view", {"a": 1}, 200), ("GET", N + "/n/views/v", None, 200),
        ("HEAD", N + "/n/views/v", None, 204), ("HEAD", N + "/n/views/missing", None, 404),
        ("POST", N + "/n/views/v", {"a": 1}, 200), ("DELETE", N + "/n/views/v", None, 204),
        ("POST", "/v1/w/views/rename", {"a": 1}, 204),
        ("POST", "/v1/w/transactions/commit", {"a": 1}, 204),
    ]
    with env.gateway.connect() as client:
        for method, path, body, status in calls:
            client.send(request_bytes(method, path, body))
            answer = client.answer(head=method == "HEAD")
            expect_equal(answer.status, status, f"{method} {path}")
            expect_equal(answer.body == b"", status == 204 or method == "HEAD", "empty body")


def test_body_is_passed_on_byte_for_byte(env):
    body = '{"b": 1, "a": 9223372036854775807, "a":1.10, "\\u00e9":"\u20ac",  "x": [ ] }'
    answer = env.gateway.request("POST", N + "/n/tables/t", body.encode())
    expect(body.encode() in answer.body, f"found {answer.body!r}")


NAMES = ["plain", "a/b", "a%b", "a b", "a+b", "a.b", ".", "..", "tables", "namespaces", "rename",
         "it's", 'q"uote', "back\\slash", "{curly},", "NULL", "%1F", "%2F", "100%", "caf\u00e9",
         "\u65e5\u672c\u8a9e", "\U0001f9ca", "a?b", "a#b", "a&b=c", "a;b", "a:b@c", "tab\there", "new\nline",
         "x" * 255, "$1", "'; DROP TABLE x; --"]


def test_names_in_every_position(env):
    for name in NAMES:
        encoded = urllib.parse.quote(name, safe="")
        path = f"/v1/{encoded}/namespaces/{encoded}%1F{encoded}/tables/{encoded}"
        if name.startswith("sleep_"):
            continue
        got = env.gateway.get(path).json()
        expect_equal(got["warehouse"], name, "warehouse")
        expect_equal(got["namespace"], [name, name], "namespace")
        expect_equal(got["table"], name, "table")
        got = env.gateway.get(f"/v1/{encoded}/namespaces/{encoded}/views/{encoded}").json()
        expect_equal((got["warehouse"], got["namespace"], got["view"]), (name, [name], name), "view")
        got = env.gateway.get(f"/v1/{encoded}/namespaces?parent={encoded}%1F{encoded}").json()
        expect_equal(got["parent"], [name, name], "parent")
        got = env.gateway.get(f"/v1/config?warehouse={encoded}").json()
        expect_equal(got["defaults"]["warehouse"], name, "warehouse of config")


def test_namespace_separator(env):
    def levels(segment):
        return env.gateway.get(f"{N}/{segment}").json()["namespace"]

    expect_equal(levels("a%1Fb"), ["a", "b"])
    expect_equal(levels("a%1fb%1Fc"), ["a", "b", "c"])
    expect_equal(levels("a\x1fb"), ["a", "b"])
    expect_equal(levels("a%251Fb"), ["a%1Fb"])
    expect_equal(levels("a.b"), ["a.b"])
    for bad in ("%1F", "a%1F", "%1Fa", "a%1F%1Fb", "", "a\x1f"):
        answer = env.gateway.get(f"{N}/{bad}")
        expect_equal(answer.status, 400, f"namespace {bad!r}")
        expect_equal(answer.error()["type"], "BadRequestException")


def test_plus_and_raw_utf8(env):
    expect_equal(env.gateway.get(f"{N}/a+b").json()["namespace"], ["a+b"])
    expect_equal(env.gateway.get(f"{N}?parent=a+b%2B").json()["parent"], ["a b+"])
    expect_equal(env.gateway.get(f"{N}/caf\u00e9").json()["namespace"], ["caf\u00e9"])


def test_separator_encoded_twice(env):
    """user-asks 28: %251F is part of a name if there is one, and else refused in words that say why."""
    for path in ("no+a%251Fb/tables/t", "no+a%251fb/tables", "a%251Fb/tables/error_IC103"):
        answer = env.gateway.get(f"{N}/{path.replace('no+', 'no%2B')}")
        expect_equal((answer.status, answer.error()["type"]), (400, "BadRequestException"), path)
        expect("%251F" in answer.error()["message"], "the message names it")
    expect_equal(env.gateway.get(f"{N}/a%251Fb/tables/t").json()["namespace"], ["a%1Fb"], "a name like that")


def test_other_separator(env):
    """user-asks 28: where a proxy does not let %1F through, clients are told another one; both are taken."""
    def levels(segment):
        return gateway.get(f"{N}/{segment}").json()["namespace"]

    expect_equal(env.gateway.get("/v1/config").json()["overrides"]["namespace-separator"], "%1F")
    with Gateway(env.binary, env.pg.dsn, env.root, namespace_separator="%E2%90%9F") as gateway:
        expect_equal(gateway.get("/v1/config").json()["overrides"]["namespace-separator"], "%E2%90%9F")
        expect_equal(levels("a%E2%90%9Fb"), ["a", "b"])
        expect_equal(levels("a\u241fb.c"), ["a", "b.c"])
        expect_equal(levels("a%1Fb"), ["a", "b"])
        expect_equal(levels("a\x1fb%E2%90%9F"), ["a", "b\u241f"], "as Java, one of them in a path")
        expect_equal(gateway.get(f"{N}?parent=a%E2%90%9Fb").json()["parent"], ["a", "b"])
        expect_equal(gateway.get(f"{N}/a%E2%90%9F").status, 400)


def test_doubled_config(env):
    """user-asks 34"""
    for path in ("/v1/config/v1/config", "/v1/v1/config", "/config", "/"):
        answer = env.gateway.get(path)
        expect_equal((answer.status, answer.headers["content-type"]), (404, "application/json"), path)
        answer.error()


def test_forwarded_fields(env):
    """user-asks 34: a prefix and a client's address count from a trusted proxy, and from nobody else."""
    fields = ["X-Forwarded-Prefix: /lake", "X-Forwarded-For: 198.51.100.7, 192.0.2.1, 127.9.9.9",
              "X-Forwarded-Proto: https", "X-Forwarded-Host: example.org"]

    def ask(gateway, path, headers=fields):
        answer = gateway.request("GET", path, headers=headers)
        request_id = answer.headers["x-request-id"]
        line = wait_until(lambda: [line for line in gateway.log_lines() if line.get("request_id") == request_id],
                          "the access log line")[0]
        return answer.status, line["client"]

    status, client = ask(env.gateway, "/lake/v1/config")
    expect_equal((status, client.split(":")[0]), (404, "127.0.0.1"), "of nobody")
    with Gateway(env.binary, env.pg.dsn, env.root, trusted_proxies="10.0.0.0/8, 127.0.0.0/8") as gateway:
        expect_equal(ask(gateway, "/lake/v1/config"), (200, "192.0.2.1"), "with the prefix")
        expect_equal(ask(gateway, "/v1/config"), (200, "192.0.2.1"), "the proxy took it off")
        expect_equal(ask(gateway, "/other/v1/config"), (404, "192.0.2.1"), "another one")
        expect_equal(ask(gateway, "/lakes/v1/config")[0], 404, "not a segment")
        expect_equal(ask(gateway, "/v1/config", ["Forwarded: for=\"[2001:db8::9]:1\""]), (200, "2001:db8::9"), "RFC 7239")
        expect_equal(ask(gateway, "/v1/config", [])[1].split(":")[0], "127.0.0.1", "the proxy itself")
        got = gateway.request("GET", "/lake" + N + "/no+b/tables/t", headers=fields).json()
        expect_equal(got["namespace"], ["no b"], "a plus below a prefix")
    with Gateway(env.binary, env.pg.dsn, env.root, trusted_proxies="127.0.0.1", base_path="/inner",
                 ready=False) as gateway:
        wait_until(lambda: gateway.get("/ready").status == 200, "ready")
        expect_equal(ask(gateway, "/lake/inner/v1/config")[0], 200, "prefix and base path")
        expect_equal(ask(gateway, "/inner/v1/config")[0], 200, "base path alone")
        expect_equal(ask(gateway, "/lake/v1/config")[0], 404, "prefix alone")


def test_a_plus_is_itself_else_a_space(env):
    """user-asks 29: some clients write a space of a path as '+'. What exists under the literal name is meant first."""
    def get(path):
        return env.gateway.get("/v1/" + path)

    got = get("w+x/namespaces/a+b%1Fc/tables/d+e%2Bf").json()
    expect_equal((got["warehouse"], got["namespace"], got["table"]), ("w+x", ["a+b", "c"], "d+e+f"), "literal")
    got = get("w/namespaces/no+b%1Fc+d%2B/tables/d+e").json()
    expect_equal((got["warehouse"], got["namespace"], got["table"]), ("w", ["no b", "c d+"], "d e"), "no such namespace")
    got = get("w+x/namespaces/n/tables/no+e%2B").json()
    expect_equal((got["warehouse"], got["namespace"], got["table"]), ("w+x", ["n"], "no e+"), "no such table")
    expect_equal(get("w/namespaces/n/views/no+e%2B").json()["view"], "no e+", "no such view")
    got = get("no+x/namespaces/a+b/tables/t").json()
    expect_equal((got["warehouse"], got["namespace"]), ("no x", ["a b"]), "no such warehouse")
    expect_equal(get("w/namespaces/no+b/tables?pageToken=a%2Bb&pageSize=3").json(),
                 {"identifiers": [], "namespace": ["no b"], "token": "a+b", "size": 3}, "the query stays as it was")
    for path in ("w/namespaces/no%2Bb/tables/t", "w+x/namespaces/n/tables/no%2Bt", "no%2Bx/namespaces/n/tables/t",
                 "w+x/namespaces/no%2Bb/tables/t", "w/namespaces/no%2B+b/tables/t"):
        answer = get(path)
        expect_equal(answer.status, 404, path)
        expect("no+" in answer.error()["message"], f"%2B is literal: {answer.body!r}")
    for path, status in (("no+b", 204), ("no%2Bb", 404), ("a+b", 204), ("n/tables/no+t", 204), ("n/tables/no%2Bt", 404)):
        answer = env.gateway.request("HEAD", f"{N}/{path}")
        expect_equal((answer.status, answer.body), (status, b""), "HEAD " + path)


def test_a_commit_to_a_name_with_plus_happens_once(env):
    answer = env.gateway.request("POST", f"{N}/n/tables/no+once", {"a": 1})
    expect_equal(answer.status, 200)
    expect_equal((env.pg.effects("no once"), env.pg.effects("no+once")), (1, 0))
    answer = env.gateway.request("POST", f"{N}/n/tables/yes+once", {"act": "error_IC203"})
    expect_equal(answer.status, 409, "another error is final")
    expect_equal((env.pg.effects("yes once"), env.pg.effects("yes+once")), (0, 0))


def test_page_parameters(env):
    def asked(query, path="/n/tables"):
        got = env.gateway.get(N + path + query).json()
        return got["token"], got["size"]

    for path in ("", "/n/tables"):
        expect_equal(asked("", path), (None, None), "no parameter")
        expect_equal(asked("?pageToken=", path), ("", None), "an empty token is one")
        expect_equal(asked("?pageToken", path), ("", None), "without its sign, too")
        expect_equal(asked("?pageSize=5&pageToken=a-_%3D%20", path), ("a-_= ", 5), "both")
        expect_equal(asked("?pageSize=7", path), (None, 7), "size alone")
        expect_equal(asked("?pageSize=00012", path), (None, 12), "zeros in front")
        expect_equal(asked("?pageSize=99999999999999999999", path), (None, 1000000000), "very large")
        for bad in ("pageSize=", "pageSize=0", "pageSize=000", "pageSize=-1", "pageSize=1.5", "pageSize=x",
                    "pageSize=1&pageSize=1", "pageToken=%zz", "pageToken=%00", "pageToken=a&pageToken=a"):
            answer = env.gateway.get(f"{N}{path}?{bad}")
            expect_equal((answer.status, answer.error()["type"]), (400, "BadRequestException"), bad)
    expect_equal(env.gateway.get(f"{N}/n/tables/t?pageSize=x").status, 200, "not a parameter of loadTable")


def test_bad_encodings(env):
    for bad in ("%", "%2", "%zz", "a%00b", "%C3", "%FF", "%ED%A0%80", "%C0%AF"):
        for path in (f"{N}/{bad}", f"{N}/n/tables/{bad}", f"/v1/{bad}/namespaces",
                     f"{N}?parent={bad}", f"/v1/config?warehouse={bad}"):
            answer = env.gateway.get(path)
            expect_equal(answer.status, 400, path)
            answer.error()
    expect_equal(env.gateway.get(f"{N}?other=%zz").status, 200, "unknown parameters mean nothing")


def test_encoded_names_are_no_literals(env):
    expect_equal(env.gateway.get("/v1/w/%6Eamespaces").status, 404)
    expect_equal(env.gateway.get(N + "/n%2Ftables").json()["namespace"], ["n/tables"])
    expect_equal(env.gateway.get("/v1/w/../w/namespaces").status, 404)
    expect_equal(env.gateway.get("//v1/config").status, 404)
    expect_equal(env.gateway.get("/v1/config/").status, 404)
    expect_equal(env.gateway.get("/v1//namespaces").status, 400)
    expect_equal(env.gateway.get(N + "/n/tables/").status, 400)


def test_query_parameters(env):
    get = env.gateway.get
    expect_equal(get("/v1/config").json()["defaults"]["warehouse"], None)
    expect_equal(get("/v1/config?warehouse=").json()["defaults"]["warehouse"], None)
    expect_equal(get("/v1/config?x=1&warehouse=w%20x").json()["defaults"]["warehouse"], "w x")
    expect_equal(get("/v1/config?warehouse=a&warehouse=b").status, 400)
    expect_equal(get(N).json()["parent"], None)
    expect_equal(get(N + "?parent=").json()["parent"], None)
    for value, status in (("all", 200), ("refs", 200), ("", 400), ("some", 400), ("ALL", 200), ("Refs", 200)):
        expect_equal(get(f"{N}/n/tables/t?snapshots={value}").status, status, value)
    expect_equal(get(N + "/n/tables?snapshots=some").status, 200, "not a parameter of listTables")
    for path in ("tables", "views"):
        for value, views in (("a%1Fv", [["a", "v"]]), ("a%1Fb%1Fv,c%1Fw%2Cx", [["a", "b", "v"], ["c", "w,x"]]), ("", None)):
            expect_equal(get(f"{N}/n/{path}/t?referenced-by={value}").json()["referenced_by"], views, value)
        expect_equal(get(f"{N}/n/{path}/t?referenced-by=v").status, 400, "a view without a namespace")


def test_purge_requested(env):
    def purge(query):
        name = "p" + str(abs(hash(query)))
        status = env.gateway.request("DELETE", f"{N}/n/tables/{name}{query}").status
        if status != 204:
            return status
        return json.loads(env.pg.sql(f"SELECT request FROM icecat.effect WHERE name = '{name}'"))["purge"]

    expect_equal(purge(""), False)
    expect_equal(purge("?purgeRequested=false"), False)
    expect_equal(purge("?purgeRequested=true"), True)
    expect_equal(purge("?purgeRequested=True"), True)
    expect_equal(purge("?purgeRequested=FALSE"), False)
    for bad in ("?purgeRequested=", "?purgeRequested", "?purgeRequested=1", "?purgeRequested=yes",
                "?purgeRequested=true&purgeRequested=false"):
        expect_equal(purge(bad), 400, bad)


def test_database_errors(env):
    def read(state):
        return env.gateway.get(f"{N}/n/tables/error_{state}")

    def commit(state):
        return env.gateway.request("POST", f"{N}/n/tables/t", {"act": f"error_{state}"})

    for ask, state, status, kind in [
            (read, "IC103", 404, "NoSuchTableException"), (read, "IC101", 404, "NoSuchWarehouseException"),
            (commit, "IC203", 409, "CommitFailedException"), (commit, "IC303", 422, "UnprocessableEntityException"),
            (commit, "IC304", 406, "UnsupportedOperationException"), (commit, "22P02", 400, "BadRequestException"),
            (commit, "54001", 400, "BadRequestException"), (read, "42501", 403, "ForbiddenException")]:
        answer = ask(state)
        error = answer.error()
        expect_equal((answer.status, error["type"]), (status, kind), state)
        detail = ". At updates[3], line 1, byte 5." if state.startswith("IC") else ""
        expect_equal(error["message"], f"mock error {state}{detail}", "message")
        expect(b"secret" not in answer.body, "no detail of PostgreSQL's own leaves the gateway")


def test_a_limit_of_the_database_names_no_index(env):
    answer = env.gateway.request("POST", f"{N}/n/tables/t", {"act": "error_54000"})
    expect_equal((answer.status, answer.error()["type"]), (400, "BadRequestException"))
    expect_equal(answer.error()["message"], "The request is over a limit of the catalog's database")


def test_concurrency_errors(env):
    for state in ("40001", "40P01", "55P03"):
        answer = env.gateway.request("POST", f"{N}/n/tables/t", {"act": f"error_{state}"})
        expect_equal((answer.status, answer.error()["type"]), (409, "CommitFailedException"))
        answer = env.gateway.get(f"{N}/n/tables/error_{state}")
        expect_equal((answer.status, answer.headers.get("retry-after")), (503, "1"))


def test_server_errors_tell_nothing(env):
    answer = env.gateway.get(f"{N}/n/tables/error_XX001")
    error = answer.error()
    expect_equal((answer.status, error["type"]), (500, "InternalServerError"))
    expect("mock error" not in error["message"], "the message stays inside")
    expect(answer.headers["x-request-id"] in error["message"], "the request id is named")
    wait_until(lambda: any("mock error XX001" in line.get("message", "")
                           for line in env.gateway.log_lines()), "the log has the message")
    answer = env.gateway.get(f"{N}/n/tables/error_53300")
    expect_equal((answer.status, answer.headers.get("retry-after")), (503, "1"))
    expect_equal(env.gateway.get(f"{N}/n/tables/null").status, 500)


def test_error_at_commit_is_no_success(env):
    """The call succeeds and its COMMIT fails: the answer waits for ReadyForQuery."""
    answer = env.gateway.request("POST", f"{N}/n/tables/late", {"act": "latefail_1"})
    expect_equal(answer.status, 500)
    expect_equal(env.pg.effects("late"), 0, "effects")
    expect_equal(env.gateway.get(f"{N}/n/tables/t").status, 200)


def test_request_id_reaches_the_database(env):
    env.gateway.request("POST", f"{N}/n/tables/tagged", {"a": 1}, headers=["X-Request-Id: id-77"])
    expect_equal(env.pg.sql("SELECT tag FROM icecat.effect WHERE name = 'tagged'"),
                 "icecat-gateway id-77")
    expect_equal(env.gateway.get(f"{N}/n/tables/t").json()["tag"], "icecat-gateway")


def test_database_role(env):
    with Gateway(env.binary, env.pg.dsn, env.root, database_role="reader",
                 database_request_id="all") as gateway:
        got = gateway.get(f"{N}/n/tables/t").json()
        expect_equal(got["role"], "reader")
        expect(got["tag"].startswith("icecat-gateway "), "tag of a read")
        answer = gateway.request("POST", f"{N}/n/tables/t", {"a": 1})
        expect_equal((answer.status, answer.error()["type"]), (403, "ForbiddenException"))
        expect_equal(gateway.get(f"{N}/n/tables/t").json()["role"], "reader")


def test_without_prepared_statements(env):
    with Gateway(env.binary, env.pg.dsn, env.root, prepared_statements="off",
                 database_role="reader") as gateway:
        for _ in range(5):
            expect_equal(gateway.get(f"{N}/n/tables/t").json()["role"], "reader")
        expect_equal(env.pg.sql("SELECT count(*) FROM pg_prepared_statements"), "0")


def test_base_path(env):
    with Gateway(env.binary, env.pg.dsn, env.root, base_path="/lake/iceberg") as gateway:
        expect_equal(gateway.get("/lake/iceberg/v1/config").status, 200)
        expect_equal(gateway.get("/v1/config").status, 404)
        expect_equal(gateway.get("/lake/icebergs/v1/config").status, 404)
        expect_equal(gateway.get("/lake/iceberg").status, 404)
        expect_equal(gateway.get("/health").status, 200)
