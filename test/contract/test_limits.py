"""Limits, each on both sides: exactly at the limit passes, one more is refused in an Iceberg error body.

Holds docs/reference/settings.md against WHERE: every setting that is a limit is tested here, or in the place that WHERE names.

SPDX-License-Identifier: PostgreSQL
"""

import json
import pathlib
import re

import psycopg
import pytest

import icecat_client as client
import spec
import world
from world import SCHEMA

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text()
LIMIT = re.compile(r"_max$|_max_s$|_timeout_ms$|_wait_ms$|_depth$|_width$|_bytes$")

# Settings whose test is elsewhere: file, and a word in it.
WHERE = {
    "icecat.commit_lock_timeout_ms": ("test/specs/commit-lock-timeout.spec", "commit_lock_timeout_ms"),
    "icecat.inspected_manifests_max": ("test/tap/tests_outside_files.py", "icecat.inspected_manifests_max"),
    "icecat.outside_files_max": ("test/tap/tests_outside_files.py", "icecat.outside_files_max"),
    "icecat.request_memory_max": ("test/security/tests_request_cost.py", "icecat.request_memory_max"),
    "icecat.page_size_max": ("test/sql/page.sql", "page_size_max"),
    "icecat.store_requests_max": ("test/stores/tests_s3.py", "icecat.store_requests_max"),
    "icecat.multipart_bytes": ("test/stores/tests_s3.py", "icecat.multipart_bytes"),
    "body_bytes_max": ("test/contract/conftest.py", "body_bytes_max"),
    "target_bytes_max": ("test/contract/conftest.py", "target_bytes_max"),
    "header_bytes_max": ("test/contract/conftest.py", "header_bytes_max"),
    "header_count_max": ("test/contract/conftest.py", "header_count_max"),
    "commit_gate_queue_max": ("test/gateway/tests_service.py", "commit_gate_queue_max"),
    "commit_gate_wait_ms": ("test/gateway/tests_service.py", "commit_gate_wait_ms"),
    "commit_gate_width": ("test/gateway/tests_service.py", "commit_gate_width"),
    "report_gate_queue_max": ("test/gateway/tests_service.py", "report_gate_queue_max"),
    "audit_stop_wait_ms": ("test/security/tests_own_tokens.py", "audit_stop_wait_ms"),
    "report_gate_width": ("test/gateway/tests_service.py", "report_gate_width"),
}


def settings():
    return re.findall(r"^\| `([\w.]+)`", SETTINGS, re.M)


def elsewhere(name):
    """A file under test/gateway, test/tap, test/sql or test/fault that sets it."""
    for folder in ("gateway", "tap", "sql", "specs", "fault"):
        for file in (ROOT / "test" / folder).glob("*.*"):
            if name.removeprefix("icecat.") in file.read_text(errors="replace"):
                return file
    return None


HERE = {"icecat.json_depth_max", "icecat.updates_max", "icecat.transaction_changes_max", "icecat.properties_max",
        "icecat.key_bytes_max", "icecat.name_bytes_max", "icecat.namespace_depth_max", "icecat.metadata_file_bytes_max"}

# Not tested, and why.
NOT = {
    "connect_timeout_ms": "needs a database that accepts and never speaks",
    "recycle_bytes": "no limit of a request: when a connection is replaced",
    "linger_timeout_ms": "a courtesy to refused clients; nothing is refused by it",
}


@pytest.mark.parametrize("name", [s for s in settings() if LIMIT.search(s)])
def test_every_limit_has_a_test(name):
    if name in HERE or name in NOT:
        return
    if name in WHERE:
        file, word = WHERE[name]
        assert word in (ROOT / file).read_text(), f"{file} does not speak of {name}"
        return
    assert elsewhere(name) is not None, f"no test sets {name}"


# ---- in the database, at a small limit by SQL and at its default over REST ------------------------------------------


@pytest.fixture
def connection():
    with psycopg.connect(world.dsn()) as made:
        yield made
        made.rollback()


def refused(connection, statement, *values):
    """The SQLSTATE of a call, in a savepoint."""
    try:
        with connection.transaction():
            connection.execute(statement, [json.dumps(v) if isinstance(v, (dict, list)) and not (
                isinstance(v, list) and v and isinstance(v[0], str)) else v for v in values])
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.fixture
def one(objects):
    return objects.space, objects.table()[0]


COMMIT = "SELECT icecat.commit_table(%s, %s::text[], %s, '[]', %s::json)"


@pytest.mark.parametrize("limit", [1, 3])
def test_updates_max(connection, one, limit):
    space, table = one
    connection.execute(f"SET LOCAL icecat.updates_max = {limit}")
    updates = [{"action": "set-properties", "updates": {"k": str(i)}} for i in range(limit + 1)]
    assert refused(connection, COMMIT, client.WAREHOUSE, [space], table, updates[:limit]) is None
    assert refused(connection, COMMIT, client.WAREHOUSE, [space], table, updates) == "IC305"


def test_updates_max_at_its_default(api, one):
    space, table = one
    for count, status in ((100_000, 200), (100_001, 400)):
        body = {"requirements": [], "updates": [{"action": "remove-properties", "removals": []}] * count}
        answer = api.call("POST", f"/{{prefix}}/namespaces/{space}/tables/{table}", body)
        assert answer.status_code == status, answer.text[:300]
    spec.validate_error(400, answer.json())


def test_transaction_changes_max(connection, objects):
    tables = [objects.table()[0] for _ in range(3)]
    changes = [{"identifier": {"namespace": [objects.space], "name": t}, "requirements": [],
                "updates": [{"action": "set-properties", "updates": {"k": "v"}}]} for t in tables]
    connection.execute("SET LOCAL icecat.transaction_changes_max = 2")
    statement = "SELECT icecat.commit_transaction(%s, %s::json)"
    assert refused(connection, statement, client.WAREHOUSE, changes[:2]) is None
    assert refused(connection, statement, client.WAREHOUSE, changes) == "IC305"


def test_transaction_changes_max_at_its_default(api, objects):
    change = {"identifier": {"namespace": [objects.space], "name": "t"}, "requirements": [], "updates": []}
    for count, status in ((1000, 404), (1001, 400)):
        changes = [{**change, "identifier": {"namespace": [objects.space], "name": f"none{i}"}} for i in range(count)]
        answer = api.call("POST", "/{prefix}/transactions/commit", {"table-changes": changes})
        assert answer.status_code == status, answer.text[:300]
    spec.validate_error(400, answer.json())


def test_properties_max(connection, api, one):
    space, table = one
    path = f"/{{prefix}}/namespaces/{space}/tables/{table}"
    there = len(api.call("GET", path).json()["metadata"].get("properties", {}))
    connection.execute(f"SET LOCAL icecat.properties_max = {there + 4}")

    def properties(count):
        return [{"action": "set-properties", "updates": {f"k{i}": "v" for i in range(count)}}]

    assert refused(connection, COMMIT, client.WAREHOUSE, [space], table, properties(4)) is None
    assert refused(connection, COMMIT, client.WAREHOUSE, [space], table, properties(5)) == "IC305"


def test_properties_max_at_its_default(api, objects):
    name = objects.namespace()
    for count, status in ((10_000, 200), (10_001, 400)):
        answer = api.call("POST", f"/{{prefix}}/namespaces/{name}/properties", {"updates": {f"k{i}": "v" for i in range(count)}})
        assert answer.status_code == status, answer.text[:300]
    spec.validate_error(400, answer.json())


def test_key_bytes_max(api, one):
    """A ref's name; test/sql/names.sql has the ids of encryption keys. (Not one letter: an index keeps such short.)"""
    space, table = one
    path = f"/{{prefix}}/namespaces/{space}/tables/{table}"
    word = "".join(chr(33 + (i * i + i // 7) % 90) for i in range(1025)).replace('"', "q")
    snapshot = {"snapshot-id": 1, "sequence-number": 1, "timestamp-ms": 1, "manifest-list": "s3://m", "summary": {"operation": "append"}}
    added = api.call("POST", path, {"requirements": [], "updates": [{"action": "add-snapshot", "snapshot": snapshot}]})
    assert added.ok, added.text[:300]
    for name, status in ((word[:1024], 200), (word, 400), (word * 3, 400)):
        update = {"action": "set-snapshot-ref", "ref-name": name, "type": "branch", "snapshot-id": 1}
        answer = api.call("POST", path, {"requirements": [], "updates": [update]})
        assert answer.status_code == status, answer.text[:300]
    assert "more than the limit of 1024" in answer.json()["error"]["message"]
    spec.validate_error(400, answer.json())


def test_name_bytes_max(api, objects):
    for name, status in (("n" * 255, 200), ("n" * 256, 400), ("é" * 127 + "n", 200), ("é" * 128, 400)):
        answer = api.call("POST", f"/{{prefix}}/namespaces/{objects.space}/tables", {"name": name, "schema": SCHEMA})
        assert answer.status_code == status, answer.text[:300]
        made = api.call("POST", "/{prefix}/namespaces", {"namespace": [objects.space, name]})
        assert made.status_code == status, made.text[:300]
        if status == 200:
            path = f"/{{prefix}}/namespaces/{client.levels((objects.space, name))}"
            assert api.call("DELETE", path).status_code == 204
    spec.validate_error(400, answer.json())


def test_namespace_depth_max(api, objects):
    levels = [objects.namespace()]
    while len(levels) < 32:
        levels.append("d")
        assert api.call("POST", "/{prefix}/namespaces", {"namespace": levels}).status_code == 200
    answer = api.call("POST", "/{prefix}/namespaces", {"namespace": [*levels, "d"]})
    assert answer.status_code == 400
    spec.validate_error(400, answer.json())


def test_json_depth_max(api, objects):
    """1,000 levels of arrays and objects in a request: the body, the pad, and 998 arrays."""
    for depth, status in ((998, 409), (999, 400)):
        body = '{"namespace": ["%s"], "pad": {"x": %s}}' % (objects.space, "[" * depth + "]" * depth)
        answer = api.call("POST", "/{prefix}/namespaces", data=body.encode(), headers={"Content-Type": "application/json"})
        assert answer.status_code == status, answer.text[:300]
    spec.validate_error(400, answer.json())
    assert "1000 levels deep" in answer.json()["error"]["message"] and "byte" in answer.json()["error"]["message"]


def test_metadata_file_bytes_max(connection, objects):
    path, name = f"/{{prefix}}/namespaces/{objects.space}/tables", objects.new_name()
    made = objects.api.call("POST", path, {"name": name, "schema": SCHEMA, "properties": {"pad": "p" * 2000}}).json()
    assert objects.api.call("DELETE", f"{path}/{name}").ok
    file = client.path_of(made["metadata-location"])
    size = file.stat().st_size
    statement = "SELECT icecat.register_table(%s, %s::text[], %s, %s)"
    for limit, state in ((size - 1, "IC305"), (size, None)):
        connection.execute(f"SET LOCAL icecat.metadata_file_bytes_max = {limit}")
        assert refused(connection, statement, client.WAREHOUSE, [objects.space], name, made["metadata-location"]) == state
