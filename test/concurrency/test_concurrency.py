"""Many writers at once, each a client with a connection of its own.

SPDX-License-Identifier: PostgreSQL
"""

import concurrent.futures
import threading
import time

import pytest
from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError

import icecat_client as client

WRITERS = 8
APPENDS = 10
PROPERTY_WRITERS = 16
PROPERTIES_EACH = 5
TRANSACTION_TABLES = 100
RETRY_DEADLINE_S = 240


def in_parallel(count, work):
    """Runs work(0) … work(count - 1) at the same moment; returns the results in that order."""
    barrier = threading.Barrier(count)

    def one(i):
        barrier.wait()
        return work(i)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def append_until_it_lands(name, writer):
    table = client.connect().load_table(name)
    for i in range(APPENDS):
        deadline = time.monotonic() + RETRY_DEADLINE_S
        while True:
            try:
                table.append(client.rows(1000 * writer + i, 1))
                break
            except CommitFailedException:
                assert time.monotonic() < deadline, f"writer {writer} never got through"
                table = table.refresh()


def test_8_writers_10_appends_each(catalog, table):
    in_parallel(WRITERS, lambda w: append_until_it_lands(table.name(), w))
    loaded = catalog.load_table(table.name())
    snapshots = loaded.snapshots()
    assert len(snapshots) == WRITERS * APPENDS
    assert len({s.snapshot_id for s in snapshots}) == WRITERS * APPENDS
    assert [s.sequence_number for s in snapshots] == list(range(1, WRITERS * APPENDS + 1))
    # One line of descent: nobody's commit was built on a snapshot that was not the last one.
    assert [s.parent_snapshot_id for s in snapshots] == [None] + [s.snapshot_id for s in snapshots[:-1]]
    assert client.ids(loaded) == sorted(1000 * w + i for w in range(WRITERS) for i in range(APPENDS))


def test_two_first_snapshot_writers(catalog, namespace, rest):
    """Both found no snapshot; exactly one of them may write the first one."""
    for attempt in range(5):
        name = (*namespace, f"t{attempt}")
        catalog.create_table(
            name, schema=client.SCHEMA, properties={"commit.retry.num-retries": "0"}
        )
        tables = [client.connect().load_table(name) for _ in range(2)]

        def first(i, tables=tables):
            try:
                tables[i].append(client.rows(10 * i, 3))
                return "landed"
            except CommitFailedException:
                return "refused"

        assert sorted(in_parallel(2, first)) == ["landed", "refused"]
        loaded = catalog.load_table(name)
        assert len(loaded.snapshots()) == 1
        assert len(client.ids(loaded)) == 3


def test_stale_first_snapshot_is_409(catalog, table, rest):
    table.append(client.rows(1, 1))
    answer = rest.call(
        "POST",
        rest.table(table.name()[:-1], table.name()[-1]),
        {
            "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": None}],
            "updates": [{"action": "set-properties", "updates": {"late": "yes"}}],
        },
    )
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["type"] == "CommitFailedException"
    assert "late" not in catalog.load_table(table.name()).properties


def test_parallel_namespace_properties(catalog, namespace):
    def update(writer):
        mine = client.connect()
        for i in range(PROPERTIES_EACH):
            mine.update_namespace_properties(namespace, updates={f"w{writer}-{i}": "here"})

    in_parallel(PROPERTY_WRITERS, update)
    properties = catalog.load_namespace_properties(namespace)
    expected = {f"w{w}-{i}" for w in range(PROPERTY_WRITERS) for i in range(PROPERTIES_EACH)}
    assert expected - set(properties) == set()


def test_one_name_is_created_once(catalog, namespace):
    def create(i):
        try:
            client.connect().create_namespace((*namespace, "same"), {"by": str(i)})
            return "created"
        except NamespaceAlreadyExistsError:
            return "refused"

    assert sorted(in_parallel(8, create)) == ["created"] + ["refused"] * 7


def property_change(namespace, table, uuid, value):
    return {
        "identifier": {"namespace": list(namespace), "name": table},
        "requirements": [{"type": "assert-table-uuid", "uuid": uuid}],
        "updates": [{"action": "set-properties", "updates": {"round": value}}],
    }


@pytest.fixture(scope="module")
def hundred(catalog):
    """A namespace with 100 tables: {name: table uuid}."""
    namespace = (client.unique("t"),)
    catalog.create_namespace(namespace)
    tables = {}
    for i in range(TRANSACTION_TABLES):
        table = catalog.create_table((*namespace, f"t{i:03}"), schema=client.SCHEMA)
        tables[table.name()[-1]] = str(table.metadata.table_uuid)
    yield namespace, tables
    client.remove_namespace(catalog, namespace)


def rounds(catalog, namespace, tables):
    return {catalog.load_table((*namespace, t)).properties.get("round") for t in tables}


def locations(catalog, namespace, tables):
    return [catalog.load_table((*namespace, t)).metadata_location for t in tables]


def test_100_table_transaction_lands_whole(catalog, rest, hundred):
    namespace, tables = hundred
    changes = [property_change(namespace, t, u, "one") for t, u in tables.items()]
    answer = rest.call("POST", "/transactions/commit", {"table-changes": changes})
    assert answer.status_code == 204, answer.text
    assert rounds(catalog, namespace, tables) == {"one"}


def test_100_table_transaction_whose_99th_requirement_fails(catalog, rest, hundred):
    namespace, tables = hundred
    before = locations(catalog, namespace, tables)
    changes = [property_change(namespace, t, u, "two") for t, u in tables.items()]
    changes[98]["requirements"][0]["uuid"] = "00000000-0000-0000-0000-000000000000"
    answer = rest.call("POST", "/transactions/commit", {"table-changes": changes})
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["type"] == "CommitFailedException"
    assert "two" not in rounds(catalog, namespace, tables)
    assert locations(catalog, namespace, tables) == before


def test_crossing_transactions_do_not_deadlock(catalog, rest, hundred):
    """Half of the writers name the tables in the opposite order; each change lands whole or not at all."""
    namespace, tables = hundred
    names = list(tables.items())[:20]

    def write(i):
        order = names if i % 2 else names[::-1]
        changes = [property_change(namespace, t, u, f"cross{i}") for t, u in order]
        return client.Rest().call("POST", "/transactions/commit", {"table-changes": changes}).status_code

    assert set(in_parallel(6, write)) <= {204, 409}
    assert len(rounds(catalog, namespace, [t for t, _ in names])) == 1
