"""Names over HTTP, against the real catalog: long lists and their pages, '+' in a path, separators, case, warehouses."""
# SPDX-License-Identifier: PostgreSQL
import time
import urllib.parse

import harness
from expectations import expect, expect_equal

TABLES = 10000
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "x", "type": "long", "required": False}]}


def quote(name):
    return urllib.parse.quote(name, safe="")


def prepare(c):
    """Names of many tables: a list reads nothing else."""
    c.sql("SELECT icecat.create_warehouse('many', 's3://lake/many'); "
          "SELECT icecat.create_namespace('many', '{all}')")
    c.sql("INSERT INTO icecat_data.relation (warehouse_id, relation_id, namespace_id, name, kind, created_at) "
          "SELECT warehouse_id, gen_random_uuid(), namespace_id, 't' || i, 'table', now() "
          "FROM icecat_data.namespace, generate_series(1, %d) AS i WHERE levels = '{all}'" % TABLES)
    c.make_warehouse()


def listed(answer):
    return [identifier["name"] for identifier in answer["identifiers"]]


def pages(gateway, size, between=lambda: None):
    """All pages of the tables, over one connection."""
    found, token = [], ""
    with gateway.connect() as client:
        while token is not None:
            path = "/v1/many/namespaces/all/tables?pageToken=%s&pageSize=%d" % (quote(token), size)
            client.send(harness.request_bytes("GET", path))
            answer = client.answer().json()
            found.append(listed(answer))
            token = answer["next-page-token"]
            between()
    return found


def test_lists(gateway):
    answer = gateway.get("/v1/many/namespaces/all/tables").json()
    expect_equal((len(answer["identifiers"]), answer["next-page-token"]), (TABLES, None),
                 "user-asks 31: without a token, all %d tables" % TABLES)
    everything = listed(answer)
    expect_equal(gateway.get("/v1/many/namespaces/all/tables?pageSize=10").json(), answer, "whatever the page size")
    found = pages(gateway, 999)
    expect_equal(({len(page) for page in found[:-1]}, len(found[-1])), ({999}, TABLES % 999), "exact pages with one")
    expect_equal([name for page in found for name in page], everything, "of the same names in the same order")
    expect_equal([len(page) for page in pages(gateway, TABLES // 2)], [TABLES // 2] * 2, "no empty page at the end")
    token = gateway.get("/v1/many/namespaces/all/tables?pageToken=&pageSize=1").json()["next-page-token"]
    expect_equal(quote(token), token, "a token needs no encoding")
    for path in ("/v1/many/namespaces?pageToken=" + token, "/v1/many/namespaces/all/tables?pageToken=x" + token):
        answer = gateway.get(path)
        expect_equal((answer.status, answer.error()["type"]), (400, "BadRequestException"), "400: " + path[:40])
    started = time.monotonic()
    pages(gateway, 10)
    print("# %d pages in %.2f s" % (TABLES // 10, time.monotonic() - started))


def test_changes(c, gateway):
    """user-asks 31: pages while names are inserted before, among and behind, and others are dropped."""
    churn = c.spawn("""DO $$
        BEGIN
            FOR i IN 1 .. 100000 LOOP
                INSERT INTO icecat_data.relation (warehouse_id, relation_id, namespace_id, name, kind, created_at)
                SELECT warehouse_id, gen_random_uuid(), namespace_id, 'new' || n || '/' || i, 'table', now()
                FROM icecat_data.namespace, (VALUES ('a'), ('t5'), ('z')) AS v (n) WHERE levels = '{all}';
                UPDATE icecat_data.relation SET name = replace(name, 'new', 't') WHERE name LIKE 'new%%';
                UPDATE icecat_data.relation SET dropped_at = now()
                WHERE relation_id IN (SELECT relation_id FROM icecat_data.relation
                    WHERE dropped_at IS NULL AND (name LIKE '%%/%%' OR name LIKE 't%%7') ORDER BY random() LIMIT 3);
                COMMIT;
                PERFORM pg_sleep(0.002);
            END LOOP;
        END $$;""".replace("%%", "%"))
    wrong = []
    stable = sorted(n for n in ("t%d" % i for i in range(1, TABLES + 1)) if not n.endswith("7"))
    try:
        for _ in range(5):
            found = [name for page in pages(gateway, 100, lambda: time.sleep(0.005)) for name in page]
            wrong += [name for name in found if found.count(name) > 1] if len(found) != len(set(found)) else []
            wrong += sorted(set(stable) - set(found)) + ([] if found == sorted(found) else ["order"])
    finally:
        expect_equal(churn.poll(), None, "names come and go")
        churn.terminate()
        churn.communicate()
    expect_equal(wrong[:5], [], "what stays is listed once on the pages, and in order")
    expect(int(c.sql("SELECT count(*) FROM icecat_data.relation WHERE dropped_at IS NOT NULL")) > 100,
           "hundreds were dropped meanwhile")


def make_table(gateway, namespace, name):
    return gateway.request("POST", "/v1/w/namespaces/%s/tables" % namespace, {"name": name, "schema": SCHEMA})


def test_plus(gateway):
    """user-asks 29: both names are reachable; the literal one is meant where both exist."""
    for name in ("a b", "a+b", "only spaces"):
        gateway.request("POST", "/v1/w/namespaces", {"namespace": [name]})
        expect_equal(make_table(gateway, quote(name), "x y").status, 200, "a table in " + name)
    expect_equal(make_table(gateway, "a%20b", "x+y").status, 200, "another")

    def namespace(path):
        answer = gateway.get("/v1/w/namespaces/" + path)
        return answer.json()["namespace"] if answer.status == 200 else answer.status

    def location(path):
        answer = gateway.get("/v1/w/namespaces/" + path)
        return answer.json()["metadata"]["location"] if answer.status == 200 else answer.status

    expect_equal(namespace("a+b"), ["a+b"], "the literal one first")
    expect_equal((namespace("a%2Bb"), namespace("a%20b")), (["a+b"], ["a b"]), "encoded, each is itself")
    expect_equal((namespace("only+spaces"), namespace("only%2Bspaces")), (["only spaces"], 404), "a space if there is none")
    expect(location("a%20b/tables/x+y") == location("a%20b/tables/x%2By") != location("a%20b/tables/x%20y"), "tables, too")
    expect_equal(location("a%2Bb/tables/x+y"), location("a%2Bb/tables/x%20y"), "as Java writes them")
    for path, status in (("only+spaces", 204), ("only+spaces/tables/x+y", 204), ("only%2Bspaces", 404), ("no+such", 404)):
        expect_equal(gateway.request("HEAD", "/v1/w/namespaces/" + path).status, status, "HEAD " + path)
    answer = gateway.request("POST", "/v1/w/namespaces/only+spaces/tables/x+y", {
        "requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]})
    expect_equal(answer.status, 200, "a commit")
    expect_equal(gateway.request("DELETE", "/v1/w/namespaces/only+spaces/tables/x+y").status, 204, "a drop")
    expect_equal(gateway.request("DELETE", "/v1/w/namespaces/only+spaces").status, 204, "and the namespace")


def test_separators(gateway):
    """user-asks 28: one separator, however it is written, and names that hold anything else."""
    for namespace in (["a"], ["a", "b"]):
        gateway.request("POST", "/v1/w/namespaces", {"namespace": namespace})
    for path in ("a%1Fb", "a%1fb", "a\x1fb"):
        expect_equal(gateway.get("/v1/w/namespaces/" + path).json()["namespace"], ["a", "b"], repr(path))
        expect_equal(gateway.get("/v1/w/namespaces?parent=" + path).json()["namespaces"], [], "as a parent")
    for path in ("/a%251Fb", "/a%251fb/tables", "/a%251Fb/tables/t", "?parent=a%251Fb"):
        answer = gateway.get("/v1/w/namespaces" + path)
        expect_equal((answer.status, "%251F" in answer.error()["message"]), (400, True), "encoded twice: " + path)
    answer = gateway.request("POST", "/v1/w/namespaces", {"namespace": ["a%1Fb"]})
    expect_equal(gateway.get("/v1/w/namespaces/a%251Fb").json()["namespace"], ["a%1Fb"], "unless it is a name")
    for namespace in ([""], ["a", ""], [], ["a", None], "a"):
        answer = gateway.request("POST", "/v1/w/namespaces", {"namespace": namespace})
        expect_equal((answer.status, answer.error()["type"]), (400, "BadRequestException"), "no namespace: %r" % (namespace,))
    for name in ("a.b", "a b", "a/b", "it's \"quoted\"", "b\\c", "50%", "日本語 🧊", "...", "?#&=;", "tables", "history"):
        gateway.request("POST", "/v1/w/namespaces", {"namespace": ["a", name]})
        where = "a%1F" + quote(name)
        expect_equal(make_table(gateway, where, name).status, 200, "a table " + name)
        listing = gateway.get("/v1/w/namespaces/%s/tables" % where).json()
        expect_equal(listing["identifiers"], [{"namespace": ["a", name], "name": name}], "is listed")
        expect_equal(gateway.get("/v1/w/namespaces/%s/tables/%s" % (where, quote(name))).status, 200, "and loaded")
    for name in (".", ".."):
        expect_equal(gateway.request("POST", "/v1/w/namespaces", {"namespace": ["a", name]}).status, 400,
                     "no path carries a namespace " + name)
        answer = make_table(gateway, "a", name)
        expect_equal((answer.status, answer.error()["type"]), (400, "BadRequestException"), "nor a table " + name)


def test_case(c, gateway):
    """user-asks 30: an engine that lower-cases names finds them, in the warehouses that allow it."""
    c.sql("SELECT icecat.create_warehouse('cased', 'file://%s/cased', '{\"icecat.case-mode\": \"insensitive\"}')" % c.files)

    def call(method, path, body=None):
        return gateway.request(method, "/v1/cased/" + path, body)

    call("POST", "namespaces", {"namespace": ["Sales"]})
    expect_equal(call("POST", "namespaces/sales/tables", {"name": "Orders", "schema": SCHEMA}).status, 200, "created")
    answer = call("POST", "namespaces/SALES/tables", {"name": "ORDERS", "schema": SCHEMA})
    expect_equal((answer.status, answer.error()["type"]), (409, "AlreadyExistsException"), "another case is the same name")
    for path in ("namespaces/sales", "namespaces/sales/tables/orders", "namespaces/SALES/tables/ORDERS"):
        expect_equal(call("HEAD", path).status, 204, "exists: " + path)
        expect_equal(call("GET", path).status, 200, "is loaded: " + path)
    expect_equal(call("GET", "namespaces/sales/tables").json()["identifiers"],
                 [{"namespace": ["Sales"], "name": "Orders"}], "listed as it was spelled")
    answer = call("POST", "namespaces/sales/tables/orders", {
        "requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "b"}}]})
    expect_equal(answer.status, 200, "a commit")
    answer = call("POST", "tables/rename", {"source": {"namespace": ["sales"], "name": "orders"},
                                            "destination": {"namespace": ["sales"], "name": "ORDERS"}})
    expect_equal(answer.status, 204, "renamed to another case")
    expect_equal(listed(call("GET", "namespaces/sales/tables").json()), ["ORDERS"], "which it shows")
    expect_equal(call("DELETE", "namespaces/SALES/tables/Orders").status, 204, "dropped")
    expect_equal(gateway.get("/v1/w/namespaces/NS").status, 404, "elsewhere case matters")


def test_config(c, gateway):
    """user-asks 33, 34: which warehouse a client gets."""
    def config(query):
        answer = gateway.get("/v1/config" + query)
        if answer.status != 200:
            return answer.status, answer.error()["type"]
        found = answer.json()
        return sorted(found)[:2] == ["defaults", "endpoints"] and found["defaults"] == {} and found["overrides"]["prefix"]

    location = "file://%s/w" % c.files
    for warehouse in ("w", location, location + "/", location + "//"):
        expect_equal(config("?warehouse=" + quote(warehouse)), "w", "by " + ("name" if warehouse == "w" else warehouse[-3:]))
    expect_equal(config("?warehouse=nowhere"), (404, "NoSuchWarehouseException"), "unknown")
    for query in ("", "?warehouse="):
        expect_equal(config(query), (400, "BadRequestException"), "none of several")
    c.sql("LOAD 'icecat'; ALTER SYSTEM SET icecat.default_warehouse = 'cased'; SELECT pg_reload_conf()")
    harness.wait_until(lambda: config("") == "cased", "the default is read")
    expect_equal((config(""), config("?warehouse=")), ("cased", "cased"), "none: the default one")
    expect_equal(gateway.get("/v1/config/v1/config").error()["code"], 404, "a doubled path is JSON 404")
