"""What HTTP itself asks: methods, paths, content types, sizes. Every error is an IcebergErrorResponse.

SPDX-License-Identifier: PostgreSQL
"""

import json
import re

import pytest
import requests

import icecat_client as client
import spec
from test_statuses import SAMPLES, SERVED
from world import SCHEMA

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]
PATHS = sorted({path for _, path in SERVED.values()})


def allowed(path):
    """The methods that routes.def has for a path; HEAD where there is a GET."""
    methods = {m for m, p in SERVED.values() if p == path}
    return methods | ({"HEAD"} if "GET" in methods else set())


def filled(path, api):
    names = {"{prefix}": api.prefix, "{namespace}": "n", "{table}": "t", "{view}": "v"}
    return re.sub(r"\{\w+\}", lambda m: names[m[0]], path)


def test_routes_are_operations_of_the_document():
    for operation, (method, path) in SERVED.items():
        assert spec.operations()[operation][:2] == (method, path)


def test_config_advertises_exactly_the_routes(api):
    """Except config itself, which a client has called to know."""
    answer = api.call("GET", "/config?warehouse={prefix}").json()
    assert sorted(answer["endpoints"]) == sorted(f"{m} {p}" for o, (m, p) in SERVED.items() if o != "getConfig")
    known = {f"{method} {path}" for method, path, _ in spec.operations().values()}
    assert set(answer["endpoints"]) <= known


@pytest.mark.parametrize("method, path", [(m, p) for p in PATHS for m in METHODS if m not in allowed(p)])
def test_405_with_allow(api, method, path):
    answer = api.session.request(method, api.url + filled(path, api), timeout=30)
    assert answer.status_code == 405
    assert {m.strip() for m in answer.headers["Allow"].split(",")} == allowed(path)
    if method != "HEAD":
        spec.validate_error(405, answer.json())


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/config", "/v1/nothing", "/v1/{prefix}/nothing", "/favicon.ico",
                                  "/v1/{prefix}/namespaces/n/tables/t/nothing", "/v1/config/v1/config"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "BREW"])
def test_no_such_path_is_404_in_json(api, method, path):
    answer = api.session.request(method, api.url + path.replace("{prefix}", api.prefix), timeout=30)
    assert answer.status_code == 404
    if method == "HEAD":
        assert answer.content == b""
    else:
        spec.validate_error(404, answer.json())


@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
def test_the_path_of_tokens_is_404_in_the_form_of_oauth(api, method):
    answer = api.session.request(method, api.url + "/v1/oauth/tokens", timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (404, "invalid_request")


@pytest.mark.parametrize("operation", [o for o, (m, _) in SERVED.items() if m == "GET"])
def test_head_where_there_is_a_get_has_no_body(api, operation):
    answer = api.call("HEAD", SAMPLES[operation][0])
    assert answer.content == b""
    assert answer.status_code in (200, 204, 404)


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=1", "image/*", "application/json;q=0", "*/*", "", "//,;=",
                                    "application/vnd.apache.iceberg.v9+json"])
def test_no_accept_header_breaks_a_client(api, accept):
    answer = api.call("GET", "/{prefix}/namespaces", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                  "application/xml", "application/jsonp"])
def test_a_wrong_content_type_is_400(api, kind):
    answer = api.call("POST", "/{prefix}/namespaces", headers={"Content-Type": kind}, data=b'{"namespace": ["x"]}')
    assert answer.status_code == 400
    spec.validate_error(400, answer.json())
    assert "Content-Type" in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"])
def test_a_good_content_type(api, objects, kind):
    answer = api.call("POST", "/{prefix}/namespaces", headers={"Content-Type": kind},
                      data=json.dumps({"namespace": [objects.space]}).encode())
    assert answer.status_code == 409


PLACES = [
    ('{"namespace": ["a", 5]}', "namespace[1], line 1, byte 20"),
    ('{\n "namespace": ["a"],\n "properties": {"k": [1]}}', 'properties.k, line 3, byte 44'),
    ('{"namespace": ["a"],\n "namespace": ["b"]}', "line 1, byte 0"),
    ('{"namespace": ["a"', "line 1, byte 18"),
    ('{"namespace": ["a"],,}', "line 1, byte 20"),
    ("{}", "line 1, byte 0"),
]


@pytest.mark.parametrize("body, place", PLACES)
def test_the_place_of_an_error(api, body, place):
    answer = api.call("POST", "/{prefix}/namespaces", headers={"Content-Type": "application/json"}, data=body.encode())
    assert answer.status_code == 400
    assert place in answer.json()["error"]["message"]


def test_the_place_in_a_commit(api, objects):
    updates = [{"action": "set-properties", "updates": {}}] * 3 + [
        {"action": "add-snapshot", "snapshot": {"snapshot-id": "x", "timestamp-ms": 1}}]
    answer = api.call("POST", f"/{{prefix}}/namespaces/{objects.space}/tables/{objects.table()[0]}",
                      {"requirements": [], "updates": updates})
    assert answer.status_code == 400
    assert "At updates[3].snapshot.snapshot-id, line 1, byte " in answer.json()["error"]["message"]


WORDING = [
    ("POST", "/namespaces", {"namespace": ["{space}", ".."]}, 400, 'Invalid namespace name: "..". No path of HTTP can carry it.'),
    ("POST", "/namespaces/{space}/tables", {"name": ".", "schema": SCHEMA}, 400, 'Invalid table name: ".". No path of HTTP can carry it.'),
    ("GET", "/namespaces/a%1Fb", None, 404, "Namespace does not exist: a.b"),
    ("GET", "/namespaces/{space}/tables/t.u", None, 404, "Table does not exist: {space}.t.u"),
    ("DELETE", "/namespaces/{space}/tables/t", None, 404, "Table does not exist: {space}.t"),
    ("GET", "/namespaces/a%1Fb/tables/t", None, 404, "Table does not exist: a.b.t"),
    ("GET", "/namespaces/a%1Fb/tables", None, 404, "Namespace does not exist: a.b"),
    ("POST", "/namespaces", {"namespace": ["{space}"]}, 409, "Namespace already exists: {space}"),
    ("POST", "/namespaces/a%1Fb/tables", {"name": "t", "schema": SCHEMA}, 404, "Namespace does not exist: a.b"),
    ("POST", "/namespaces/{space}/tables", {"name": "{table}", "schema": SCHEMA}, 409,
     "Table already exists: {space}.{table}"),
    ("DELETE", "/namespaces/{space}", None, 409, "Namespace {space} is not empty. Contains 1 table(s)."),
    ("POST", "/namespaces/{space}/tables/{table}", {"requirements": [{"type": "assert-create"}], "updates": []}, 409,
     "Requirement failed: table already exists"),
    ("POST", "/namespaces/{space}/tables/{table}", {"requirements": [
        {"type": "assert-table-uuid", "uuid": "00000000-0000-4000-8000-000000000000"}], "updates": []}, 409,
     "Requirement failed: UUID does not match: expected {uuid} != 00000000-0000-4000-8000-000000000000"),
    ("POST", "/namespaces/{space}/tables/{table}", {"requirements": [
        {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 7}], "updates": []}, 409,
     "Requirement failed: branch or tag main is missing, expected 7"),
    ("POST", "/tables/rename", {"source": {"namespace": ["{space}"], "name": "t"},
                                "destination": {"namespace": ["{space}"], "name": "u"}}, 404,
     "Table does not exist: {space}.t"),
    ("POST", "/tables/rename", {"source": {"namespace": ["{space}"], "name": "{table}"},
                                "destination": {"namespace": ["none"], "name": "u"}}, 404, "Namespace does not exist: none"),
    ("POST", "/namespaces/{space}/properties", {"updates": {"a": "b"}, "removals": ["a"]}, 422,
     "Invalid namespace update, cannot simultaneously set and remove keys: [a]"),
]


@pytest.fixture(scope="module")
def one(api):
    """A namespace with one table in it."""
    names = {"space": client.unique("one"), "table": "t1"}
    assert api.call("POST", "/{prefix}/namespaces", {"namespace": [names["space"]]}).ok
    made = api.call("POST", f"/{{prefix}}/namespaces/{names['space']}/tables", {"name": "t1", "schema": SCHEMA}).json()
    yield {**names, "uuid": made["metadata"]["table-uuid"]}
    client.remove_namespace(client.connect(), (names["space"],))


@pytest.mark.parametrize("method, path, body, status, message", WORDING)
def test_wording_of_the_reference_implementation(api, one, method, path, body, status, message):
    def fill(text):
        return re.sub(r"\{(space|table|uuid)\}", lambda m: one[m[1]], text)

    answer = api.call(method, "/{prefix}" + fill(path), body and json.loads(fill(json.dumps(body))))
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"] == fill(message)


def test_413(small_api, seen):
    """Exactly at the limit passes; one byte more does not."""
    def send(size):
        body = b'{"namespace": ["x"], "pad": "' + b"p" * size
        body += b'"}'
        return len(body), small_api.call("POST", "/{prefix}/namespaces/no_such/properties", data=body,
                                         headers={"Content-Type": "application/json"})

    length, answer = send(1024 - 31)
    assert (length, answer.status_code) == (1024, 404)
    length, answer = send(1025 - 31)
    assert (length, answer.status_code) == (1025, 413)
    spec.validate_error(413, answer.json())
    seen["updateProperties", 413] = True


def test_414(small_api, seen):
    def send(size):
        path = f"/v1/{small_api.prefix}/namespaces/"
        return small_api.session.get(small_api.url + path + "n" * (size - len(path)), timeout=30)

    assert send(512).status_code in (400, 404)
    answer = send(513)
    assert answer.status_code == 414
    spec.validate_error(414, answer.json())
    seen["loadNamespaceMetadata", 414] = True


def test_431(small_api, seen):
    def send(size):
        return requests.get(f"{small_api.url}/v1/{small_api.prefix}/namespaces", headers={"X-Pad": "p" * size}, timeout=30)

    assert send(500).status_code == 200
    answer = send(1100)
    assert answer.status_code == 431
    spec.validate_error(431, answer.json())
    seen["listNamespaces", 431] = True
    many = {f"X-{i}": "1" for i in range(30)}
    assert requests.get(f"{small_api.url}/v1/{small_api.prefix}/namespaces", headers=many, timeout=30).status_code == 431
