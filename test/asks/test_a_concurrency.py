"""Asks 1 to 12: correctness when many write at once. The threads stand in docs/use/known-pitfalls.md.

SPDX-License-Identifier: PostgreSQL
"""

import contextlib
import json
import pathlib
import socket
import threading
import time

import psycopg
import pytest
from pyiceberg.exceptions import CommitFailedException

import icecat_client as client
import world
from asklib import error, expects, in_parallel, new_key, properties, ref, snapshot


def test_ask_01_losers_of_a_race_get_409_and_nobody_a_500(space):
    space.create()
    answers = in_parallel(32, lambda i: space.other().commit("t", [snapshot(i + 1, 1), ref(i + 1)], [expects(None)]))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 31
    assert {error(a) for a in answers if not a.ok} == {(409, "CommitFailedException")}


def test_ask_02_a_stale_sequence_number_is_a_conflict_to_retry(space):
    space.create()
    space.create("u")
    assert space.commit("t", [snapshot(1, 1), ref(1)], [expects(None)]).ok
    # Two writers saw sequence number 1, each for a branch of its own.
    assert space.commit("t", [snapshot(2, 2, 1), ref(2, "a")], [expects(None, "a")]).ok
    stale = [snapshot(3, 2, 1), ref(3, "b")]
    assert error(space.commit("t", stale, [expects(None, "b")])) == (409, "CommitFailedException")
    late = space.transaction([space.change("u", [properties(k="v")]), space.change("t", stale, [expects(None, "b")])])
    assert error(late) == (409, "CommitFailedException")
    assert "k" not in space.metadata("u").get("properties", {})
    assert space.commit("t", [snapshot(3, 3, 1), ref(3, "b")], [expects(None, "b")]).ok


def test_ask_03_parallel_updates_of_namespace_properties_lose_nothing(space):
    path = f"/{{prefix}}/namespaces/{space.name}"
    answers = in_parallel(16, lambda i: space.other().api.call("POST", path + "/properties", {"updates": {f"k{i}": "v"}}))
    assert {a.status_code for a in answers} == {200}
    assert {f"k{i}" for i in range(16)} <= set(space.api.call("GET", path).json()["properties"])


def test_ask_04_sixty_writers_on_sixty_tables_fail_never(space):
    for i in range(60):
        space.create(f"t{i}")

    def write(i):
        mine = space.other()
        return [mine.commit(f"t{i}", [properties(**{f"k{n}": "v"})]).status_code for n in range(5)]

    assert {status for statuses in in_parallel(60, write) for status in statuses} == {200}


def test_ask_05_first_snapshot_race_null_means_that_there_is_no_branch(space):
    for n in range(5):
        space.create(f"t{n}")
        both = in_parallel(2, lambda i, n=n: space.other().commit(f"t{n}", [snapshot(i + 1, 1), ref(i + 1)], [expects(None)]))
        assert sorted(a.status_code for a in both) == [200, 409]
        assert len(space.metadata(f"t{n}")["snapshots"]) == 1


@contextlib.contextmanager
def held(space, table):
    """Somebody holds the table's row: a commit is under way in the database until this ends."""
    table_id = world.sql(f"SELECT table_id FROM icecat.tables WHERE table_name = '{table}' AND namespace = '{{{space.name}}}'")[0][0]
    with psycopg.connect(world.dsn()) as connection:
        connection.execute("SELECT 1 FROM icecat_data.table_head WHERE table_id = %s FOR UPDATE", [table_id])
        yield
        connection.rollback()


def waiting_backends():
    return [pid for pid, in world.sql("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                                      "AND query LIKE '%rest_commit_table%' AND pid <> pg_backend_pid()")]


def commit_and_lose_the_connection(space, key=None):
    """A commit whose database connection dies while it is under way; its answer."""
    answers = []
    headers = {"Idempotency-Key": key} if key else {}
    with held(space, "t"):
        thread = threading.Thread(target=lambda: answers.append(
            space.other().commit("t", [snapshot(1), ref(1)], [expects(None)], headers=headers)))
        thread.start()
        assert client.wait_until(waiting_backends, 10)
        for pid in waiting_backends():
            world.sql(f"SELECT pg_terminate_backend({pid})")
    thread.join(60)
    return answers[0]


def test_ask_06_a_session_ended_before_its_commit_has_a_certain_outcome_and_no_file_is_deleted(space):
    location = space.create()["metadata-location"]
    answer = commit_and_lose_the_connection(space)
    assert answer.status_code == 200, answer.text
    assert [s["snapshot-id"] for s in space.metadata()["snapshots"]] == [1]
    now = space.load().json()["metadata-location"]
    for file in {location, now}:
        if file.startswith("file:"):
            assert client.wait_until(lambda f=file: client.path_of(f).exists(), 30)


def test_ask_06_with_a_key_the_gateway_finds_out_itself(space):
    space.create()
    answer = commit_and_lose_the_connection(space, new_key())
    assert answer.status_code == 200, answer.text
    assert [s["snapshot-id"] for s in space.metadata()["snapshots"]] == [1]


def send_and_hang_up(space, key, body):
    """The request arrives; its answer is never read."""
    host, port = client.URL.removeprefix("http://").split(":")
    path = "/v1" + space.path("t").replace("{prefix}", space.api.prefix)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall((f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\n"
                            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        time.sleep(0.3)


def test_ask_07_a_retry_after_a_lost_reply_returns_the_first_result(space):
    space.create()
    key = new_key()
    body = {"requirements": [expects(None)], "updates": [snapshot(1), ref(1)]}
    text = json.dumps(body)
    send_and_hang_up(space, key, text)
    assert client.wait_until(lambda: len(space.metadata().get("snapshots", [])) == 1, 10)
    again = space.api.call("POST", space.path("t"), data=text.encode(),
                           headers={"Idempotency-Key": key, "Content-Type": "application/json"})
    assert again.status_code == 200, again.text
    assert again.json()["metadata-location"] == space.load().json()["metadata-location"]
    assert len(space.metadata()["snapshots"]) == 1
    # Without a key it is a conflict with oneself.
    assert space.api.call("POST", space.path("t"), data=text.encode(),
                          headers={"Content-Type": "application/json"}).status_code == 409


def test_ask_08_idempotency_keys(space):
    config = space.api.call("GET", "/config?warehouse={prefix}").json()
    assert "idempotency-key-lifetime" in json.dumps(config)
    space.create()
    key = {"Idempotency-Key": new_key()}
    first = space.commit("t", [properties(a="1")], headers=key)
    again = space.commit("t", [properties(a="1")], headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["metadata-location"] == again.json()["metadata-location"]
    other = space.api.call("DELETE", space.path("t"), headers=key)
    assert other.status_code == 422 and other.json()["error"]["code"] == 422
    # A final refusal is repeated, too.
    key = {"Idempotency-Key": new_key()}
    late = [snapshot(1), ref(1)]
    refused = [space.commit("t", late, [expects(7)], headers=key) for _ in range(2)]
    assert [error(r) for r in refused] == [(409, "CommitFailedException")] * 2


def test_ask_08_a_duplicate_in_flight_runs_once(space):
    space.create()
    key = {"Idempotency-Key": new_key()}
    same = [snapshot(1), ref(1)]
    answers = in_parallel(8, lambda i: space.other().commit("t", same, [expects(None)], headers=key))
    assert {a.status_code for a in answers} == {200}
    assert len(space.metadata()["snapshots"]) == 1


def test_ask_09_a_transaction_is_applied_whole_or_not_at_all(warehouse):
    space = warehouse
    for i in range(100):
        space.create(f"t{i}")
    changes = [space.change(f"t{i}", [properties(k="v")]) for i in range(100)]
    changes[98]["requirements"] = [expects(5)]
    assert error(space.transaction(changes)) == (409, "CommitFailedException")
    assert all("k" not in space.metadata(f"t{i}").get("properties", {}) for i in range(100))


def test_ask_09_overlapping_transactions_never_deadlock(space):
    for i in range(10):
        space.create(f"t{i}")

    def write(i):
        order = range(10) if i % 2 else range(9, -1, -1)
        return space.other().transaction([space.change(f"t{n}", [properties(by=str(i))]) for n in order]).status_code

    assert set(in_parallel(12, write)) == {204}
    assert len({space.metadata(f"t{n}")["properties"]["by"] for n in range(10)}) == 1


def test_ask_10_offsets_and_tables_commit_in_one_transaction(space):
    space.create("a")
    space.create("b")
    offsets = client.unique("offsets")
    changes = json.dumps([space.change(t, [properties(offset="42")]) for t in "ab"])
    with psycopg.connect(world.dsn()) as connection:
        connection.execute(f"CREATE TABLE {offsets} (consumer text PRIMARY KEY, at bigint)")
        connection.commit()
        try:
            for outcome in (connection.rollback, connection.commit):
                connection.execute(f"INSERT INTO {offsets} VALUES ('cdc', 42)")
                connection.execute("SELECT icecat.commit_transaction(%s, %s)", [space.api.prefix, changes])
                outcome()
                rows = connection.execute(f"SELECT count(*) FROM {offsets}").fetchone()[0]
                seen = [space.metadata(t).get("properties", {}).get("offset") for t in "ab"]
                assert (rows, seen) == ((1, ["42"] * 2) if outcome == connection.commit else (0, [None] * 2))
        finally:
            connection.rollback()
            connection.execute(f"DROP TABLE {offsets}")
            connection.commit()


def test_ask_11_thirty_writers_on_one_table_none_starves(space):
    space.create()

    def write(i):
        mine, waits = space.other(), []
        for n in range(4):
            began = time.monotonic()
            while True:
                head = mine.metadata()
                last = head["last-sequence-number"]
                current = head.get("current-snapshot-id", -1)
                current = None if current == -1 else current
                number = 1000 * (i + 1) + n
                if mine.commit("t", [snapshot(number, last + 1, current), ref(number)], [expects(current)]).ok:
                    break
                assert time.monotonic() - began < 60, f"writer {i} starves"
            waits.append(time.monotonic() - began)
        return waits

    waits = sorted(w for many in in_parallel(30, write) for w in many)
    assert len(space.metadata()["snapshots"]) == 120
    assert [s["sequence-number"] for s in space.metadata()["snapshots"]] == list(range(1, 121))
    assert waits[int(len(waits) * 0.99)] < 60


@pytest.mark.parametrize("retries", ["0", "10"], ids=["old", "new"])
def test_ask_12_eight_pyiceberg_appenders_lose_no_row(catalog, namespace, retries):
    """Clients that do not retry by themselves, and such that do."""
    name = (*namespace, "t")
    catalog.create_table(name, schema=client.SCHEMA, properties={"commit.retry.num-retries": retries})

    def append(i):
        mine = client.connect()
        deadline = time.monotonic() + 120
        while True:
            try:
                return mine.load_table(name).append(client.rows(10 * i, 2))
            except CommitFailedException:
                assert time.monotonic() < deadline

    in_parallel(8, append)
    assert client.ids(catalog.load_table(name)) == sorted(10 * i + n for i in range(8) for n in range(2))


def test_the_asks_are_all_listed():
    """docs/use/known-pitfalls.md names each test of this folder, and nothing that is not there."""
    import re
    folder = pathlib.Path(__file__).resolve().parent
    document = (folder.parents[1] / "docs" / "use" / "known-pitfalls.md").read_text()
    tests = {name for file in folder.glob("test_*.py") for name in re.findall(r"^def (test_ask_\w+)", file.read_text(), re.M)}
    assert tests - set(re.findall(r"test_ask_\w+", document)) == set()
    assert set(re.findall(r"test_ask_\w+", document)) - tests == set()
    numbers = set(map(int, re.findall(r"^\| (\d+) \|", document, re.M)))
    assert numbers >= {*range(1, 21), *range(28, 37), 39}
