"""Every operation that is served × every status that is documented for it.

A case makes what the request needs, sends it, and says which status must come. The answer is then held against the
document: the body against the schema of that response, an error against IcebergErrorResponse.

SPDX-License-Identifier: PostgreSQL
"""

import pytest

import spec
from world import FIELDS, MISSING, OTHER_UUID, SCHEMA, broken, locked

SERVED = spec.served()
TABLE = "/{prefix}/namespaces/%s/tables/%s"
VIEW = "/{prefix}/namespaces/%s/views/%s"


def property_update(value="v"):
    return {"action": "set-properties", "updates": {"k": value}}


def identifier(space, name):
    return {"namespace": [space], "name": name}


def rename(space, source, target, target_space=None):
    return {"source": identifier(space, source), "destination": identifier(target_space or space, target)}


SCAN_REPORT = {
    "report-type": "scan-report", "table-name": "t", "snapshot-id": 1, "filter": {"type": "true"}, "schema-id": 0,
    "projected-field-ids": [1], "projected-field-names": ["id"], "metrics": {},
}

# A well-formed request of each operation, for what does not depend on its content: path below /v1 and body.
SAMPLES = {
    "getConfig": ("/config?warehouse={prefix}", None),
    "listNamespaces": ("/{prefix}/namespaces", None),
    "createNamespace": ("/{prefix}/namespaces", {"namespace": ["n"]}),
    "loadNamespaceMetadata": ("/{prefix}/namespaces/n", None),
    "namespaceExists": ("/{prefix}/namespaces/n", None),
    "dropNamespace": ("/{prefix}/namespaces/n", None),
    "updateProperties": ("/{prefix}/namespaces/n/properties", {"updates": {"a": "b"}}),
    "listTables": ("/{prefix}/namespaces/n/tables", None),
    "createTable": ("/{prefix}/namespaces/n/tables", {"name": "t", "schema": SCHEMA}),
    "registerTable": ("/{prefix}/namespaces/n/register", {"name": "t", "metadata-location": "file:///tmp/x.json"}),
    "loadTable": (TABLE % ("n", "t"), None),
    "loadCredentials": (TABLE % ("n", "t/credentials"), None),
    "signRequest": (TABLE % ("n", "t/sign"), {"region": "us-east-1", "uri": "http://127.0.0.1:9000/b/k", "method": "GET", "headers": {}}),
    "tableExists": (TABLE % ("n", "t"), None),
    "updateTable": (TABLE % ("n", "t"), {"requirements": [], "updates": [property_update()]}),
    "dropTable": (TABLE % ("n", "t"), None),
    "unregisterTable": (TABLE % ("n", "t/unregister"), None),
    "reportMetrics": (TABLE % ("n", "t/metrics"), SCAN_REPORT),
    "renameTable": ("/{prefix}/tables/rename", rename("n", "t", "u")),
    "commitTransaction": ("/{prefix}/transactions/commit", {
        "table-changes": [{"identifier": identifier("n", "t"), "requirements": [], "updates": [property_update()]}]}),
    "listViews": ("/{prefix}/namespaces/n/views", None),
    "createView": ("/{prefix}/namespaces/n/views", {
        "name": "v", "schema": SCHEMA, "properties": {}, "view-version": {
            "version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": ["n"],
            "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]}}),
    "loadView": (VIEW % ("n", "v"), None),
    "viewExists": (VIEW % ("n", "v"), None),
    "replaceView": (VIEW % ("n", "v"), {"requirements": [], "updates": [property_update()]}),
    "dropView": (VIEW % ("n", "v"), None),
    "renameView": ("/{prefix}/views/rename", rename("n", "v", "w")),
    "registerView": ("/{prefix}/namespaces/n/register-view", {"name": "v", "metadata-location": "file:///tmp/x.json"}),
}


def send(api, operation, path, body=None, **options):
    return api.call(SERVED[operation][0], path, body, **options)


def send_sample(api, operation, **options):
    path, body = SAMPLES[operation]
    return send(api, operation, path, body, **options)


def check(seen, operation, status, answer):
    """Holds an answer against the document, and marks the cell of the table."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
    part = spec.response(operation, status)
    beyond = (operation, status) in spec.BEYOND or ("*", status) in spec.BEYOND
    assert part is not None or beyond, f"{operation} has no {status}"
    seen[operation, status] = True
    if answer.request.method == "HEAD" or status in (204, 304):
        assert answer.content == b""
        return
    assert answer.headers["Content-Type"] == "application/json"
    if status >= 400:
        spec.validate_error(status, answer.json())
        known = spec.documented_types(operation, status)
        if status not in (400, 500) and known:
            assert answer.json()["error"]["type"] in known | {"NoSuchWarehouseException"}
        return
    media = part["content"]["application/json"]
    spec.validate(media["schema"], answer.json())


# ---- what every operation answers alike -----------------------------------------------------------------------


def test_every_route_has_a_sample():
    assert set(SERVED) - set(SAMPLES) == set()


@pytest.mark.parametrize("operation", [o for o in SERVED if 400 in spec.statuses(o)])
def test_400(seen, api, operation):
    answer = send_sample(api, operation, prefix="%00")
    check(seen, operation, 400, answer)


BROKEN = {
    "empty": b"", "cut": b"{", "array": b"[]", "null": b"null", "text": b'"x"', "nothing": b"{}",
    "twice": b'{"a": 1, "a": 2}', "deep": b"[" * 100 + b"]" * 100,
    "types": b'{"name": 1, "namespace": 2, "updates": 3, "table-changes": 4, "source": 5}',
}
# Of these, an empty object is a change of nothing.
NOTHING_IS_FINE = ("updateProperties", "updateTable", "replaceView")


@pytest.mark.parametrize("operation, body", [
    pytest.param(o, body, id=f"{o}-{name}")
    for o in SERVED if spec.operations()[o][2].get("requestBody")
    for name, body in BROKEN.items() if name != "nothing" or o not in NOTHING_IS_FINE])
def test_400_of_a_body(seen, api, objects, operation, body):
    path = SAMPLES[operation][0].replace("/n/", f"/{objects.space}/")
    answer = api.session.post(api.url + "/v1" + path.replace("{prefix}", api.prefix), data=body,
                              headers={"Content-Type": "application/json"}, timeout=60)
    check(seen, operation, 400, answer)
    message = answer.json()["error"]["message"]
    if body in (b"", b"{}"):
        return
    assert "byte" in message, f"{message} does not say where"


@pytest.mark.parametrize("operation", [o for o in SERVED if o != "getConfig"])
def test_404_of_the_warehouse(seen, api, operation):
    answer = send_sample(api, operation, prefix=MISSING)
    check(seen, operation, 404, answer)
    if answer.content:
        assert answer.json()["error"]["type"] == "NoSuchWarehouseException"


@pytest.mark.parametrize("operation", [o for o in SERVED if 403 in spec.statuses(o)])
def test_403(seen, nobody_apis, operation):
    answer = send_sample(nobody_apis[operation == "listViews"], operation)
    check(seen, operation, 403, answer)
    if answer.content:
        assert answer.json()["error"]["type"] == "ForbiddenException"


@pytest.mark.parametrize("operation", SERVED)
def test_500(seen, fault_api, operation):
    with broken():
        check(seen, operation, 500, send_sample(fault_api, operation))


@pytest.mark.parametrize("operation", SERVED)
def test_503(seen, fault_api, operation):
    with locked():
        answer = send_sample(fault_api, operation)
    check(seen, operation, 503, answer)
    assert int(answer.headers["Retry-After"]) >= 0


# ---- what each answers by itself ----------------------------------------------------------------------------------

CASES = {}


def case(operation, status, name=None):
    """Registers a function (objects → the path and body to send) as a case."""
    def register(make):
        CASES[operation, status, name or make.__doc__ or ""] = make
        return make
    return register


@case("getConfig", 200)
def _(objects):
    return "/config?warehouse={prefix}", None


@case("getConfig", 404)
def _(objects):
    return f"/config?warehouse={MISSING}", None


@case("listNamespaces", 200, "top")
def _(objects):
    return "/{prefix}/namespaces", None


@case("listNamespaces", 200, "below")
def _(objects):
    return f"/{{prefix}}/namespaces?parent={objects.space}", None


@case("listNamespaces", 404)
def _(objects):
    return f"/{{prefix}}/namespaces?parent={MISSING}", None


@case("createNamespace", 200)
def _(objects):
    name = objects.new_name()
    objects.made.append(name)
    return "/{prefix}/namespaces", {"namespace": [name], "properties": {"a": "b"}}


@case("createNamespace", 404, "parent")
def _(objects):
    return "/{prefix}/namespaces", {"namespace": [MISSING, "x"]}


@case("createNamespace", 409)
def _(objects):
    return "/{prefix}/namespaces", {"namespace": [objects.space]}


@case("loadNamespaceMetadata", 200)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.namespace(a='b')}", None


@case("loadNamespaceMetadata", 404)
@case("namespaceExists", 404)
@case("dropNamespace", 404)
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}", None


@case("namespaceExists", 204)
@case("dropNamespace", 204)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.namespace()}", None


@case("dropNamespace", 409)
def _(objects):
    objects.table()
    return f"/{{prefix}}/namespaces/{objects.space}", None


@case("updateProperties", 200)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.namespace(a='b')}/properties", {"updates": {"c": "d"}, "removals": ["a", "x"]}


@case("updateProperties", 404)
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/properties", {"updates": {"c": "d"}}


@case("updateProperties", 422)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.namespace()}/properties", {"updates": {"c": "d"}, "removals": ["c"]}


@case("listTables", 200)
def _(objects):
    objects.table()
    return f"/{{prefix}}/namespaces/{objects.space}/tables", None


@case("listTables", 404)
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/tables", None


@case("createTable", 200)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/tables", {
        "name": objects.new_name(), "schema": SCHEMA, "properties": {"a": "b"},
        "partition-spec": {"spec-id": 0, "fields": [{"source-id": 2, "name": "day", "transform": "day"}]},
        "write-order": {"order-id": 1, "fields": [
            {"source-id": 1, "transform": "identity", "direction": "asc", "null-order": "nulls-first"}]}}


@case("createTable", 200, "staged")
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/tables", {
        "name": objects.new_name(), "schema": SCHEMA, "stage-create": True}


@case("createTable", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/tables", {"name": "t", "schema": SCHEMA}


@case("createTable", 409)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/tables", {"name": objects.table()[0], "schema": SCHEMA}


@case("registerTable", 200)
def _(objects):
    name, made = objects.table()
    objects.must(objects.api.call("DELETE", TABLE % (objects.space, name)))
    return f"/{{prefix}}/namespaces/{objects.space}/register", {
        "name": objects.new_name(), "metadata-location": made["metadata-location"]}


@case("registerTable", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/register", {
        "name": "t", "metadata-location": objects.table()[1]["metadata-location"]}


@case("registerTable", 409)
def _(objects):
    name, made = objects.table()
    return f"/{{prefix}}/namespaces/{objects.space}/register", {
        "name": name, "metadata-location": made["metadata-location"]}


@case("loadTable", 200)
def _(objects):
    return TABLE % (objects.space, objects.table()[0]), None


@case("loadTable", 200, "refs")
def _(objects):
    return TABLE % (objects.space, objects.table()[0]) + "?snapshots=refs", None


@case("loadTable", 304)
def _(objects):
    path = TABLE % (objects.space, objects.table()[0])
    tag = objects.api.call("GET", path).headers["ETag"]
    return path, None, {"If-None-Match": tag}


@case("loadTable", 404, "table")
@case("tableExists", 404, "table")
@case("dropTable", 404, "table")
def _(objects):
    return TABLE % (objects.space, MISSING), None


@case("tableExists", 204)
@case("dropTable", 204)
def _(objects):
    return TABLE % (objects.space, objects.table()[0]), None


@case("dropTable", 204, "purge")
def _(objects):
    return TABLE % (objects.space, objects.table()[0]) + "?purgeRequested=true", None


@case("updateTable", 200)
def _(objects):
    name, made = objects.table()
    return TABLE % (objects.space, name), {
        "requirements": [{"type": "assert-table-uuid", "uuid": made["metadata"]["table-uuid"]}],
        "updates": [property_update(), {"action": "add-schema", "schema": {**SCHEMA, "fields": [
            *FIELDS, {"id": 3, "name": "more", "type": {"type": "list", "element-id": 4, "element": "string",
                                                         "element-required": False}, "required": False}]}}]}


@case("updateTable", 404, "table")
def _(objects):
    return TABLE % (objects.space, MISSING), {"requirements": [], "updates": [property_update()]}


@case("updateTable", 409)
def _(objects):
    return TABLE % (objects.space, objects.table()[0]), {
        "requirements": [{"type": "assert-table-uuid", "uuid": OTHER_UUID}], "updates": [property_update()]}


@case("unregisterTable", 200)
def _(objects):
    return TABLE % (objects.space, objects.table()[0]) + "/unregister", None


@case("unregisterTable", 404, "table")
def _(objects):
    return TABLE % (objects.space, MISSING) + "/unregister", None


@case("reportMetrics", 204)
def _(objects):
    return TABLE % (objects.space, objects.table()[0]) + "/metrics", SCAN_REPORT


@case("reportMetrics", 404, "table")
def _(objects):
    return TABLE % (objects.space, MISSING) + "/metrics", SCAN_REPORT


@case("renameTable", 204)
def _(objects):
    return "/{prefix}/tables/rename", rename(objects.space, objects.table()[0], objects.new_name())


@case("renameTable", 404, "table")
def _(objects):
    return "/{prefix}/tables/rename", rename(objects.space, MISSING, objects.new_name())


@case("renameTable", 404, "namespace")
def _(objects):
    return "/{prefix}/tables/rename", rename(objects.space, objects.table()[0], "t", MISSING)


@case("renameTable", 409)
def _(objects):
    return "/{prefix}/tables/rename", rename(objects.space, objects.table()[0], objects.table()[0])


@case("listViews", 200)
def _(objects):
    objects.view()
    return f"/{{prefix}}/namespaces/{objects.space}/views", None


@case("listViews", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/views", None


@case("createView", 200)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/views", objects.view_body(objects.new_name())


@case("createView", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/views", objects.view_body("v")


@case("createView", 409)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/views", objects.view_body(objects.view()[0])


@case("createView", 409, "table")
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/views", objects.view_body(objects.table()[0])


@case("createTable", 409, "view")
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/tables", {"name": objects.view()[0], "schema": SCHEMA}


@case("loadCredentials", 200)
def _(objects):
    return TABLE % (objects.space, objects.table()[0] + "/credentials"), None


@case("registerView", 200)
def _(objects):
    name, made = objects.view()
    objects.must(objects.api.call("DELETE", VIEW % (objects.space, name)))
    return f"/{{prefix}}/namespaces/{objects.space}/register-view", {
        "name": objects.new_name(), "metadata-location": made["metadata-location"]}


@case("registerView", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/register-view", {
        "name": "v", "metadata-location": objects.view()[1]["metadata-location"]}


@case("registerView", 409)
def _(objects):
    name, made = objects.view()
    return f"/{{prefix}}/namespaces/{objects.space}/register-view", {
        "name": name, "metadata-location": made["metadata-location"]}


@case("loadView", 200)
def _(objects):
    return VIEW % (objects.space, objects.view()[0]), None


@case("loadView", 404, "view")
@case("viewExists", 404, "view")
@case("dropView", 404, "view")
def _(objects):
    return VIEW % (objects.space, MISSING), None


@case("loadView", 404, "table")
def _(objects):
    return VIEW % (objects.space, objects.table()[0]), None


@case("loadTable", 404, "view")
def _(objects):
    return TABLE % (objects.space, objects.view()[0]), None


@case("viewExists", 204)
@case("dropView", 204)
def _(objects):
    return VIEW % (objects.space, objects.view()[0]), None


@case("replaceView", 200)
def _(objects):
    name, made = objects.view()
    version = objects.view_body(name)["view-version"]
    version["representations"][0]["sql"] = "SELECT 2"
    return VIEW % (objects.space, name), {
        "requirements": [{"type": "assert-view-uuid", "uuid": made["metadata"]["view-uuid"]}],
        "updates": [{"action": "add-view-version", "view-version": version},
                    {"action": "set-current-view-version", "view-version-id": -1}]}


@case("replaceView", 404, "view")
def _(objects):
    return VIEW % (objects.space, MISSING), {"requirements": [], "updates": [property_update()]}


@case("replaceView", 409)
def _(objects):
    return VIEW % (objects.space, objects.view()[0]), {
        "requirements": [{"type": "assert-view-uuid", "uuid": OTHER_UUID}], "updates": [property_update()]}


@case("renameView", 204)
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], objects.new_name())


@case("renameView", 404, "view")
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, MISSING, objects.new_name())


@case("renameView", 404, "namespace")
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], "t", MISSING)


@case("renameView", 409)
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], objects.table()[0])


def change(objects, name, requirements=()):
    return {"identifier": identifier(objects.space, name), "requirements": list(requirements),
            "updates": [property_update()]}


@case("commitTransaction", 204)
def _(objects):
    return "/{prefix}/transactions/commit", {
        "table-changes": [change(objects, objects.table()[0]), change(objects, objects.table()[0])]}


@case("commitTransaction", 404, "table")
def _(objects):
    return "/{prefix}/transactions/commit", {
        "table-changes": [change(objects, objects.table()[0]), change(objects, MISSING)]}


@case("commitTransaction", 409)
def _(objects):
    return "/{prefix}/transactions/commit", {"table-changes": [
        change(objects, objects.table()[0], [{"type": "assert-table-uuid", "uuid": OTHER_UUID}])]}


@case("listViews", 200)
def _(objects):
    objects.view()
    return f"/{{prefix}}/namespaces/{objects.space}/views", None


@case("listViews", 404)
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/views", None


@case("createView", 200)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/views", objects.view_body(objects.new_name())


@case("createView", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/views", objects.view_body("v")


@case("createView", 409)
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/views", objects.view_body(objects.view()[0])


@case("createView", 409, "table")
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/views", objects.view_body(objects.table()[0])


@case("createTable", 409, "view")
def _(objects):
    return f"/{{prefix}}/namespaces/{objects.space}/tables", {"name": objects.view()[0], "schema": SCHEMA}


@case("loadView", 200)
def _(objects):
    return VIEW % (objects.space, objects.view()[0]), None


@case("loadView", 404, "view")
@case("viewExists", 404, "view")
@case("dropView", 404, "view")
def _(objects):
    return VIEW % (objects.space, MISSING), None


@case("loadView", 404, "table")
def _(objects):
    return VIEW % (objects.space, objects.table()[0]), None


@case("loadTable", 404, "view")
def _(objects):
    return TABLE % (objects.space, objects.view()[0]), None


@case("viewExists", 204)
@case("dropView", 204)
def _(objects):
    return VIEW % (objects.space, objects.view()[0]), None


@case("replaceView", 200)
def _(objects):
    name, made = objects.view()
    version = {**objects.view_body(name)["view-version"], "version-id": 2,
               "representations": [{"type": "sql", "sql": "SELECT 2", "dialect": "spark"}]}
    return VIEW % (objects.space, name), {
        "requirements": [{"type": "assert-view-uuid", "uuid": made["metadata"]["view-uuid"]}],
        "updates": [{"action": "add-view-version", "view-version": version},
                    {"action": "set-current-view-version", "view-version-id": -1}, property_update()]}


@case("replaceView", 404, "view")
def _(objects):
    return VIEW % (objects.space, MISSING), {"requirements": [], "updates": [property_update()]}


@case("replaceView", 409)
def _(objects):
    return VIEW % (objects.space, objects.view()[0]), {
        "requirements": [{"type": "assert-view-uuid", "uuid": OTHER_UUID}], "updates": [property_update()]}


@case("renameView", 204)
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], objects.new_name())


@case("renameView", 404, "view")
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, MISSING, objects.new_name())


@case("renameView", 404, "namespace")
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], "v", MISSING)


@case("renameView", 409)
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], objects.view()[0])


@case("renameView", 409, "table")
def _(objects):
    return "/{prefix}/views/rename", rename(objects.space, objects.view()[0], objects.table()[0])


@case("registerView", 200)
def _(objects):
    name, made = objects.view()
    objects.must(objects.api.call("DELETE", VIEW % (objects.space, name)))
    return f"/{{prefix}}/namespaces/{objects.space}/register-view", {
        "name": objects.new_name(), "metadata-location": made["metadata-location"]}


@case("registerView", 404, "namespace")
def _(objects):
    return f"/{{prefix}}/namespaces/{MISSING}/register-view", {
        "name": "v", "metadata-location": objects.view()[1]["metadata-location"]}


@case("registerView", 409)
def _(objects):
    name, made = objects.view()
    return f"/{{prefix}}/namespaces/{objects.space}/register-view", {
        "name": name, "metadata-location": made["metadata-location"]}


@pytest.mark.parametrize("key", [k for k in CASES if k[0] in SERVED], ids=lambda k: "-".join(map(str, k)).rstrip("-"))
def test_case(seen, api, objects, key):
    operation, status, _ = key
    path, body, *headers = CASES[key](objects)
    check(seen, operation, status, send(api, operation, path, body, headers=dict(*headers)))


# ---- nothing is left out -----------------------------------------------------------------------------------------------


def test_zz_every_documented_status_was_answered_or_has_a_reason(seen):
    """Runs last in this file: what the others have seen."""
    missing = [
        f"{operation} {status}"
        for operation in SERVED
        for status in spec.statuses(operation)
        if (operation, status) not in seen and status not in spec.NEVER and (operation, status) not in spec.NEVER_HERE
    ]
    assert missing == []


