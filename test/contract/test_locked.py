"""A conflict that passes: while somebody's open transaction holds a row, a commit is 409, every other operation 503.

Clients read a 409 of another operation as its documented meaning: the name is taken, the namespace is not empty.

SPDX-License-Identifier: PostgreSQL
"""

import contextlib

import psycopg
import pytest
from pyiceberg.exceptions import ServiceUnavailableError

import icecat_client as client
import world
from test_statuses import TABLE, VIEW, property_update, rename

LOCK_MS = 300
ROWS = {
    "warehouse": "SELECT FROM icecat_data.warehouse WHERE name = '{warehouse}' FOR UPDATE",
    "namespace": "SELECT FROM icecat_data.namespace WHERE levels = '{{{space}}}' FOR UPDATE",
    "table": "SELECT FROM icecat_data.table_head WHERE table_id IN (SELECT relation_id FROM icecat_data.relation "
             "WHERE name = '{name}') FOR UPDATE",
    "view": "SELECT FROM icecat_data.view_head WHERE view_id IN (SELECT relation_id FROM icecat_data.relation "
            "WHERE name = '{name}') FOR UPDATE",
}


@pytest.fixture(scope="module")
def busy_url():
    """A gateway whose sessions wait for a row only so long."""
    with world.gateway(dsn=f"{world.dsn()} options='-c icecat.commit_lock_timeout_ms={LOCK_MS}'") as url:
        yield url


@pytest.fixture(scope="module")
def busy_api(busy_url):
    return world.Api(busy_url, client.WAREHOUSE)


@contextlib.contextmanager
def held(kind, space, name=""):
    """The row is locked by a transaction that stays open."""
    with psycopg.connect(world.dsn()) as connection:
        found = connection.execute(ROWS[kind].format(warehouse=client.WAREHOUSE, space=space, name=name))
        assert found.rowcount == 1
        yield
        connection.rollback()


def in_namespace(o, rest=""):
    return f"/{{prefix}}/namespaces/{o.space}{rest}"


# Operation: the row that it waits for, and the request: method, path, body. They get the objects and a name of their kind.
OTHERS = {
    "createNamespace": ("warehouse", lambda o, n: ("POST", "/{prefix}/namespaces", {"namespace": [o.new_name()]})),
    "createNamespace below": ("namespace", lambda o, n: (
        "POST", "/{prefix}/namespaces", {"namespace": [o.space, o.new_name()]})),
    "updateProperties": ("namespace", lambda o, n: ("POST", in_namespace(o, "/properties"), {"updates": {"k": "v"}})),
    "dropNamespace": ("namespace", lambda o, n: ("DELETE", in_namespace(o), None)),
    "createTable": ("namespace", lambda o, n: (
        "POST", in_namespace(o, "/tables"), {"name": o.new_name(), "schema": world.SCHEMA})),
    "registerTable": ("namespace", lambda o, n: ("POST", in_namespace(o, "/register"), {
        "name": o.new_name(), "metadata-location": o.api.call("GET", TABLE % (o.space, n)).json()["metadata-location"]})),
    "createView": ("namespace", lambda o, n: ("POST", in_namespace(o, "/views"), o.view_body(o.new_name()))),
    "dropTable": ("table", lambda o, n: ("DELETE", TABLE % (o.space, n), None)),
    "unregisterTable": ("table", lambda o, n: ("POST", TABLE % (o.space, n) + "/unregister", None)),
    "renameTable": ("table", lambda o, n: ("POST", "/{prefix}/tables/rename", rename(o.space, n, o.new_name()))),
    "dropView": ("view", lambda o, n: ("DELETE", VIEW % (o.space, n), None)),
    "renameView": ("view", lambda o, n: ("POST", "/{prefix}/views/rename", rename(o.space, n, o.new_name()))),
}

COMMITS = {
    "updateTable": ("table", lambda o, n: ("POST", TABLE % (o.space, n), {"requirements": [], "updates": [property_update()]})),
    "replaceView": ("view", lambda o, n: ("POST", VIEW % (o.space, n), {"requirements": [], "updates": [property_update()]})),
    "commitTransaction": ("table", lambda o, n: ("POST", "/{prefix}/transactions/commit", {"table-changes": [
        {"identifier": {"namespace": [o.space], "name": n}, "requirements": [], "updates": [property_update()]}]})),
}


def blocked(busy_api, objects, kind, request, **options):
    name = objects.view()[0] if kind == "view" else objects.table()[0]
    method, path, body = request(objects, name)
    with held(kind, objects.space, name):
        return busy_api.call(method, path, body, **options)


@pytest.mark.parametrize("operation", OTHERS)
def test_a_row_that_is_locked_is_503(busy_api, objects, operation):
    answer = blocked(busy_api, objects, *OTHERS[operation])
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "SlowDownException"), answer.text
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("operation", COMMITS)
def test_a_row_that_is_locked_is_409_for_commits(busy_api, objects, operation):
    answer = blocked(busy_api, objects, *COMMITS[operation])
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "CommitFailedException"), answer.text


@pytest.mark.parametrize("operation", COMMITS)
def test_with_a_key_it_is_503_for_commits_too(busy_api, objects, operation):
    """Decision 0008."""
    key = {"Idempotency-Key": "017f22e2-79b0-7cc3-98c4-" + objects.new_name()[1:] + "00"}
    answer = blocked(busy_api, objects, *COMMITS[operation], headers=key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), answer.text


def test_create_table_if_not_exists_is_not_misled(busy_url, objects):
    """PyIceberg took the 409 for "exists", loaded the table, and said NoSuchTableError."""
    catalog = client.load_catalog("icecat", type="rest", uri=busy_url, warehouse=client.WAREHOUSE)
    name = (objects.space, objects.new_name())
    with held("namespace", objects.space), pytest.raises(ServiceUnavailableError):
        catalog.create_table_if_not_exists(name, client.SCHEMA)
    assert catalog.create_table_if_not_exists(name, client.SCHEMA).name() == name
