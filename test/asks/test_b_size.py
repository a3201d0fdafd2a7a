"""Asks 13 to 20: size and speed. What needs a catalog of the target size is the scale benchmark's; here is what is right
or wrong at any size. The threads stand in docs/use/known-pitfalls.md.

SPDX-License-Identifier: PostgreSQL
"""

import time

import client_sizes as sizes
import icecat_client as client
import world
from asklib import SCHEMA, properties, ref, snapshot


def test_ask_14_old_snapshots_are_not_sent_to_who_asks_for_refs(space):
    space.create()
    for first in range(1, 1001, 250):
        assert space.commit("t", [u for n in range(first, first + 250) for u in (snapshot(n), ref(n))]).ok
    whole, refs = space.load(), space.load(query="?snapshots=refs")
    assert len(whole.json()["metadata"]["snapshots"]) == 1000
    assert [s["snapshot-id"] for s in refs.json()["metadata"]["snapshots"]] == [1000]
    assert len(refs.content) < len(whole.content) / 2


def test_ask_15_an_unchanged_table_costs_a_304(space):
    space.create()
    assert space.commit("t", [snapshot(1), ref(1)]).ok
    tag = space.load().headers["ETag"]
    same = space.load(headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert space.commit("t", [properties(a="b")]).ok
    new = space.load(headers={"If-None-Match": tag})
    assert new.status_code == 200 and new.headers["ETag"] != tag


def test_ask_18_a_parent_never_conflicts_with_what_is_in_it(space):
    """Locations lie below that of the namespace, for tables and namespaces at every depth."""
    where = space.create("t")["metadata"]["location"]
    api, levels = space.api, [space.name]
    for level in ("a", "b", "c"):
        levels.append(level)
        made = api.call("POST", "/{prefix}/namespaces", {"namespace": levels, "properties": {"location": where + "_ns"}})
        assert made.status_code == 200, made.text
        path = f"/{{prefix}}/namespaces/{client.levels(levels)}/tables"
        for name in ("t", "u"):
            made = api.call("POST", path, {"name": name, "schema": SCHEMA})
            assert made.status_code == 200, made.text
    client.remove_namespace(client.connect(), tuple(levels[:2]))


def test_ask_19_eighty_thousand_snapshots_are_removed_in_one_commit(warehouse):
    space = warehouse
    space.create()
    sizes.add_snapshots(space, "t", sizes.REMOVED + 1)
    answer = space.commit("t", [{"action": "remove-snapshots", "snapshot-ids": list(range(1, sizes.REMOVED + 1))}])
    assert answer.status_code == 200, answer.text
    assert [s["snapshot-id"] for s in answer.json()["metadata"]["snapshots"]] == [sizes.REMOVED + 1]


def test_ask_19_a_body_of_32_megabytes_is_taken_and_one_byte_more_is_413(space):
    space.create()
    for length, status in ((sizes.BODY_MAX, 200), (sizes.BODY_MAX + 1, 413)):
        frame = '{"requirements":[],"updates":[{"action":"set-properties","updates":{"a":"b"}}],"pad":"%s"}'
        body = (frame % ("p" * (length - len(frame) + 2))).encode()
        assert len(body) == length
        answer = space.api.call("POST", space.path("t"), data=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, answer.text[:300]
    assert answer.json()["error"]["code"] == 413


def test_ask_20_the_queue_drains_after_many_drops(space):
    """And a purge of one table does not hold up the files of others."""
    names = [f"t{i}" for i in range(60)]
    for name in names:
        space.create(name)
    began = time.monotonic()
    for name in names:
        answer = space.api.call("DELETE", space.path(name) + "?purgeRequested=true")
        assert answer.status_code == 204
    assert time.monotonic() - began < 30
    made = space.create("fresh")
    assert space.commit("fresh", [properties(a="b")]).ok

    def pending():
        return world.sql("SELECT pending_writes + pending_deletes + pending_purges FROM icecat.worker_status()")[0][0]

    assert client.wait_until(lambda: pending() == 0, 120)
    assert client.path_of(made["metadata-location"]).exists()


def test_a_change_whose_answer_is_large_is_told_as_done(space):
    """Each of these is over the limit for answers that are held: a commit's is read in pieces, the others are sent as they are."""
    long = {f"property-{i}": "x" * 100 for i in range(100)}

    def whole(answer, more):
        assert answer.status_code == 200, answer.text[:300]
        return {**long, **more}.items() <= answer.json()["metadata"]["properties"].items()

    with world.gateway(stream_bytes_min=1000) as url:
        api = world.Api(url, client.WAREHOUSE)
        made = api.call("POST", space.path(), {"name": "t", "schema": SCHEMA, "properties": long})
        assert whole(made, {})
        changed = api.call("POST", space.path("t"), {"requirements": [], "updates": [properties(a="b")]})
        assert whole(changed, {"a": "b"})
        left = api.call("POST", space.path("t") + "/unregister")
        assert left.status_code == 200, left.text[:300]
        body = {"name": "u", "metadata-location": left.json()["metadata-location"]}
        for overwrite in (False, True):
            registered = api.call("POST", space.path().replace("/tables", "/register"), {**body, "overwrite": overwrite})
            assert whole(registered, {"a": "b"})
        assert api.call("GET", space.path("u")).json()["metadata"] == registered.json()["metadata"]
