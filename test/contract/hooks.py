"""Hooks of schemathesis: what is in the catalog, so that requests find something.

Made-up names would meet 404 and nothing else: most requests get names that exist, or that another request has taken
away meanwhile. No request leaves the warehouse of the run.

SPDX-License-Identifier: PostgreSQL
"""

import json
import os
import random
import uuid

import schemathesis

WAREHOUSE = os.environ["ICECAT_CONTRACT_WAREHOUSE"]
OBJECTS = json.loads(os.environ["ICECAT_CONTRACT_OBJECTS"])  # {"space": …, "spare": […], "table": […], "view": […]}
CHANCE = random.Random(20261121)


def some(kind):
    return CHANCE.choice(OBJECTS[kind]) if OBJECTS.get(kind) else "none"


def point_path(operation, path):
    """Always the warehouse of the run; existing names, mostly, except where that would soon leave nothing."""
    takes = operation.startswith(("drop", "unregister"))
    if "prefix" in path:
        path["prefix"] = WAREHOUSE
    for kind in ("table", "view"):
        if kind in path and CHANCE.random() < (0.2 if takes else 0.85):
            path[kind] = some(kind)
    if "namespace" in path and CHANCE.random() < 0.9:
        path["namespace"] = some("spare") if operation == "dropNamespace" else OBJECTS["space"]


def point_identifier(identifier, kind):
    """Points a TableIdentifier to something that is there."""
    if isinstance(identifier, dict) and CHANCE.random() < 0.8:
        identifier["namespace"] = [OBJECTS["space"]]
        identifier["name"] = some(kind)


def point_body(operation, body):
    """Identifiers, and namespaces of one level, so that creations succeed."""
    kind = "view" if "iew" in operation else "table"
    if operation == "createNamespace" and isinstance(body.get("namespace"), list) and CHANCE.random() < 0.8:
        body["namespace"] = body["namespace"][:1] or ["made"]
    point_identifier(body.get("source"), kind)
    if isinstance(body.get("destination"), dict) and CHANCE.random() < 0.8:
        body["destination"]["namespace"] = [OBJECTS["space"]]
    changes = body.get("table-changes")
    for change in changes if isinstance(changes, list) else []:
        if isinstance(change, dict):
            point_identifier(change.get("identifier"), "table")


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw.get("operationId", "")
    if case.path_parameters:
        point_path(operation, case.path_parameters)
    if case.headers and "Idempotency-Key" in case.headers and CHANCE.random() < 0.9:
        case.headers["Idempotency-Key"] = str(uuid.UUID(int=CHANCE.getrandbits(128), version=4))
    if isinstance(case.query, dict):
        if "parent" in case.query and CHANCE.random() < 0.7:
            case.query["parent"] = OBJECTS["space"]
        if "warehouse" in case.query and CHANCE.random() < 0.7:
            case.query["warehouse"] = WAREHOUSE
    if isinstance(case.body, dict):
        point_body(operation, case.body)
