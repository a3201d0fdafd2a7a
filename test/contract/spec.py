"""The OpenAPI document, and what icecat serves of it.

SPDX-License-Identifier: PostgreSQL
"""

import pathlib
import re

import jsonschema
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROUTES = HERE.parents[1] / "src" / "routes.def"


def with_nulls(part):
    """nullable: true is of OpenAPI 3.0; the document says 3.1, where null is a type, and means this."""
    if isinstance(part, list):
        return [with_nulls(p) for p in part]
    if not isinstance(part, dict):
        return part
    part = {key: with_nulls(value) for key, value in part.items()}
    if part.pop("nullable", False) is True and isinstance(part.get("type"), str):
        part["type"] = [part["type"], "null"]
    return part


DOCUMENT = with_nulls(yaml.safe_load((HERE / "iceberg-rest-open-api.yaml").read_text()))
BARE_ERROR = {"$ref": "#/components/schemas/ErrorModel"}
ERROR = {"$ref": "#/components/schemas/IcebergErrorResponse"}


def wrap_errors(part):
    """Some errors of views are described without the {"error": …} around them; their own examples, and clients, have it."""
    for item in part["paths"].values():
        for operation in (o for m, o in item.items() if m != "parameters"):
            for response in operation["responses"].values():
                for media in response.get("content", {}).values():
                    if media.get("schema") == BARE_ERROR:
                        media["schema"] = ERROR


wrap_errors(DOCUMENT)

# Documented, and never answered: why.
NEVER = {
    401: "this catalog runs without authentication; see test/gateway/tests_auth.py",
    419: "an expired token is 401, which more clients recover from",
    502: "a proxy's answer",
    504: "a proxy's answer",
}
NEVER_HERE = {
    ("createNamespace", 406): "namespace properties are supported",
    ("updateProperties", 406): "namespace properties are supported",
    ("signRequest", 200): "the warehouse is on files; a request that is signed needs a store (test/tap/tests_delegation.py)",
    ("renameTable", 406): "renaming is supported, across namespaces too",
    ("renameView", 406): "renaming is supported, across namespaces too",
}

# Answered, and not documented: why. HTTP itself has more statuses than an API document lists.
BEYOND = {
    ("createNamespace", 404): "the parent or the warehouse does not exist; clients know 404 NoSuchNamespaceException",
    ("signRequest", 404): "the table does not exist, or is not the caller's to know of; 403 would say that it does",
    ("*", 422): "an Idempotency-Key that another request has used",
    ("*", 405): "HTTP: the path exists and the method does not; with Allow",
    ("*", 408): "HTTP: the request did not come in time",
    ("*", 413): "HTTP: body over body_bytes_max",
    ("*", 414): "HTTP: target over target_bytes_max",
    ("*", 431): "HTTP: header over header_bytes_max or header_count_max",
}

ROUTE = re.compile(r'^GW_ROUTE\((\w+), "([^"]+)", (\w+),', re.M)


def served():
    """{operationId: (method, path template)} of routes.def."""
    return {op: (method, path) for method, path, op in ROUTE.findall(ROUTES.read_text())}


def operations():
    """{operationId: (method, path template, its part of the document)}."""
    return {
        part["operationId"]: (method.upper(), path, part)
        for path, item in DOCUMENT["paths"].items()
        for method, part in item.items()
        if method != "parameters"
    }


def resolve(part):
    while "$ref" in part:
        target = DOCUMENT
        for step in part["$ref"].lstrip("#/").split("/"):
            target = target[step]
        part = target
    return part


def statuses(operation):
    """The documented statuses, 5XX as 500."""
    found = {500 if str(s) == "5XX" else int(s) for s in operations()[operation][2]["responses"]}
    return sorted(found)


def response(operation, status):
    """The documented response, or None: that of the status itself, else that of its class."""
    responses = {str(s): r for s, r in operations()[operation][2]["responses"].items()}
    part = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    return resolve(part) if part else None


def validate(schema, value):
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def validate_error(status, value):
    """An IcebergErrorResponse whose code is the status."""
    validate({"$ref": "#/components/schemas/IcebergErrorResponse"}, value)
    assert value["error"]["code"] == status, value
    assert value["error"]["message"], value


def documented_types(operation, status):
    """The error types that the examples of a response name; empty where there are none."""
    part = response(operation, status)
    media = (part or {}).get("content", {}).get("application/json", {})
    examples = [e.get("value", {}) for e in map(resolve, media.get("examples", {}).values())]
    examples.append(media.get("example", {}))
    types = {e["error"]["type"] for e in examples if "error" in e}
    # The document's example of a 403 has the type of a 401; the reference implementation sends this one.
    return {"ForbiddenException"} if status == 403 and types else types
