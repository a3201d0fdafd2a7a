"""The promise of the file: whoever is told a metadata location can read it when the answer arrives.

Engines open the location that they were given: ClickHouse, DataFusion, Polars by path, DuckDB's iceberg_scan, PyIceberg's StaticTable,
Spark's expire_snapshots, Trino's register_table.

SPDX-License-Identifier: PostgreSQL
"""

import json
import os
import re

import icecat_client as client
import requests
from asklib import SCHEMA, in_parallel, properties

TABLES = 100
CLIENTS = 4
STALLED_MAX = TABLES      # of the 4 * TABLES answers
VIEW_VERSION = {"version-id": 1, "schema-id": 0, "timestamp-ms": 1, "summary": {}, "default-namespace": ["a"],
                "representations": [{"type": "sql", "sql": "select 1", "dialect": "spark"}]}


def is_readable(answer):
    """The file that an answer names is there, and holds what the answer says."""
    assert answer.status_code == 200, answer.text
    told = answer.json()
    path = told["metadata-location"].removeprefix("file://")
    if not os.path.exists(path):
        return False
    with open(path) as file:
        return json.load(file) == told["metadata"]


def waits_given_up():
    """How many answers went out before their file was written, since the gateway started."""
    text = requests.get(f"{client.URL}/metrics", timeout=30).text
    return int(re.search(r"^icecat_metadata_waits_given_up_total (\d+)$", text, re.M)[1])


def test_400_of_400_locations_are_readable_when_they_are_told(space):
    """A creation and three commits each of 100 tables, by four clients at once."""
    def work(number):
        mine = space.other()
        seen = []
        for n in range(number, TABLES, CLIENTS):
            name = f"t{n}"
            seen.append(is_readable(mine.api.call("POST", mine.path(), {"name": name, "schema": SCHEMA})))
            for turn in range(3):
                seen.append(is_readable(mine.api.call("POST", f"{mine.path()}/{name}", {
                    "requirements": [], "updates": [properties(turn=str(turn))]})))
        return seen

    before = waits_given_up()
    seen = [one for each in in_parallel(CLIENTS, work) for one in each]
    given_up = waits_given_up() - before
    # On a machine that stalls for metadata_wait_ms an answer goes out without its file, and is counted.
    assert given_up <= STALLED_MAX
    assert len(seen) == 4 * TABLES
    assert seen.count(False) <= given_up


def test_a_load_right_after_a_transaction_names_a_file_that_is_there(space):
    for name in ("a", "b"):
        space.create(name)
    for turn in range(20):
        changes = [{"identifier": {"namespace": [space.name], "name": name}, "requirements": [],
                    "updates": [properties(turn=str(turn))]} for name in ("a", "b")]
        assert space.api.call("POST", "/{prefix}/transactions/commit", {"table-changes": changes}).status_code == 204
        assert all(is_readable(space.api.call("GET", f"{space.path()}/{name}")) for name in ("a", "b"))


def test_registering_and_views_too(space):
    space.create("first")
    views = f"/{{prefix}}/namespaces/{client.quote(space.name)}/views"
    made = {"name": "v", "schema": SCHEMA, "view-version": VIEW_VERSION, "properties": {}}
    assert is_readable(space.api.call("POST", views, made))
    for turn in range(20):
        answer = space.api.call("POST", f"{space.path()}/first", {"requirements": [], "updates": [properties(turn=str(turn))]})
        assert is_readable(answer)
        assert is_readable(space.api.call("POST", f"/{{prefix}}/namespaces/{client.quote(space.name)}/register", {
            "name": f"r{turn}", "metadata-location": answer.json()["metadata-location"]}))
        assert is_readable(space.api.call("POST", views + "/v", {"requirements": [], "updates": [properties(turn=str(turn))]}))
        assert is_readable(space.api.call("GET", views + "/v"))
