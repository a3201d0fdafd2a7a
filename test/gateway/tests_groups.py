"""Commits that wait for one table go to the database in one call: each is answered as if it had gone alone.

SPDX-License-Identifier: PostgreSQL
"""
import json
import time

import pytest

from harness import Gateway, expect, expect_equal, request_bytes, wait_until

T = "/v1/w/namespaces/n/tables/"
KEY = "017f22e2-79b0-7cc3-98c4-%012d"
WAITING = "icecat_gate_waiting"


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **{"commit_group_max": 16, **settings})


def behind(env, gateway, table, bodies, headers=None):
    """The answers to commits that came, in this order, while another one of the table was under way."""
    first = send(gateway, table, {"act": "latch", "n": 0})
    clients = wait_behind(gateway, table, bodies, headers)
    open_latch(env)
    answers = [client.answer() for client in [first] + clients]
    for client in [first] + clients:
        client.socket.close()
    expect_equal(answers[0].status, 200)
    return answers[1:]


def send(gateway, table, body, headers=()):
    client = gateway.connect()
    client.send(request_bytes("POST", T + table, body, headers=[f"{name}: {value}" for name, value in dict(headers).items()]))
    return client


def wait_behind(gateway, table, bodies, headers=None):
    """Sends commits that have to wait, one after the other."""
    clients = []
    before = gateway.metric(WAITING)
    for i, body in enumerate(bodies):
        clients.append(send(gateway, table, body, (headers or {}).get(i, {})))
        wait_until(lambda: gateway.metric(WAITING) == before + len(clients), "it waits")
    return clients


def latch(env):
    """From now on, a commit that says so waits until the latch is open."""
    env.pg.sql("DELETE FROM icecat.latch")


def open_latch(env):
    env.pg.sql("INSERT INTO icecat.latch VALUES (1)")


@pytest.fixture(autouse=True)
def latched(env):
    latch(env)
    yield
    open_latch(env)


def effects(env, table, what="request -> 'n'"):
    """Of the commits that were made, in their order."""
    return json.loads(env.pg.sql(f"SELECT coalesce(json_agg({what} ORDER BY id), '[]') FROM icecat.effect WHERE name = '{table}'"))


@pytest.mark.parametrize("settings", [{}, {"prepared_statements": "off"}, {"pooler": "on"}, {"database_request_id": "off"}],
                         ids=["as it is", "unprepared", "behind a pooler", "untagged"])
def test_those_that_wait_go_together(env, settings):
    table = f"together{abs(hash(str(settings)))}"
    with own(env, **settings) as gateway:
        answers = behind(env, gateway, table, [{"n": i, "text": 'a "b" \\ {c,d} é NULL'} for i in range(1, 6)],
                         {1: {"Idempotency-Key": KEY % 1, "X-Request-Id": "second"}, 3: {"Icecat-Deduplicate": "true"}})
        expect_equal([a.status for a in answers], [200] * 5)
        expect_equal([a.json()["request"]["n"] for a in answers], [1, 2, 3, 4, 5], "to each its own")
        expect_equal({a.json()["request"]["text"] for a in answers}, {'a "b" \\ {c,d} é NULL'})
        expect_equal({a.headers["etag"] for a in answers}, {'W/"committed"'})
        expect_equal(effects(env, table), [0, 1, 2, 3, 4, 5], "in their order")
        expect_equal(effects(env, table, "members"), [1, 5, 5, 5, 5, 5])
        expect_equal(effects(env, table, "key"), ["", "", KEY % 1, "", "", ""])
        expect_equal(effects(env, table, "deduplicate")[2:], ["off", "off", "on", "off"])
        expect_equal(effects(env, table, "request_id")[2], "second")
        expect_equal(len(set(effects(env, table, "request_id"))), 6, "each its id")
        expect_equal(effects(env, table, "tag")[2], "untagged" if "database_request_id" in settings else "icecat-gateway second")
        expect_equal(gateway.metric("icecat_commit_groups_total"), 1.0)
        expect_equal(gateway.metric("icecat_commits_grouped_total"), 5.0)
        expect_equal(gateway.metric("icecat_commits_ungrouped_total"), 0.0)
        expect_equal(gateway.metric("icecat_gate_tables"), 0.0)


def test_a_group_is_bounded(env):
    with own(env, commit_group_max=3) as gateway:
        behind(env, gateway, "threes", [{"n": i} for i in range(1, 8)])
        expect_equal(effects(env, "threes", "members"), [1, 3, 3, 3, 3, 3, 3, 1])
        expect_equal(effects(env, "threes"), list(range(8)))
    latch(env)
    with own(env, commit_group_max=1) as gateway:
        behind(env, gateway, "ones", [{"n": i} for i in range(1, 4)])
        expect_equal(effects(env, "ones", "members"), [1] * 4)
    latch(env)
    with own(env, commit_group_bytes_max=1000) as gateway:
        behind(env, gateway, "bytes", [{"n": i, "filler": "x" * size} for i, size in enumerate((400, 400, 400, 2000, 10), 1)])
        expect_equal(effects(env, "bytes", "members"), [1, 2, 2, 1, 1, 1])
        expect_equal(effects(env, "bytes"), list(range(6)))


def test_one_that_is_refused_takes_nothing_from_the_others(env):
    with own(env) as gateway:
        answers = behind(env, gateway, "refused", [{"n": 1}, {"n": 2, "act": "error_IC203"}, {"n": 3}])
        expect_equal([a.status for a in answers], [200, 409, 200])
        alone = gateway.request("POST", T + "refusedalone", {"act": "error_IC203"})
        expect_equal(answers[1].json(), alone.json())
        expect_equal(effects(env, "refused"), [0, 1, 3])


def test_a_final_error_is_stored_under_its_key(env):
    with own(env) as gateway:
        answers = behind(env, gateway, "final", [{"n": 1}, {"n": 2, "act": "error_IC302"}, {"n": 3}], {1: {"Idempotency-Key": KEY % 2}})
        expect_equal([a.status for a in answers], [200, 400, 200])
        wait_until(lambda: gateway.metric("icecat_keyed_errors_stored_total") == 1, "it is stored")
        expect_equal([e for e in effects(env, "final", "error") if e],
                     ["IC302 mock error IC302. At updates[3], line 1, byte 5."])


def test_one_that_would_have_to_wait_goes_alone_and_first(env):
    with own(env, commit_group_max=3) as gateway:
        answers = behind(env, gateway, "again", [{"n": 1}, {"n": 2, "act": "again"}, {"n": 3}, {"n": 4}, {"n": 5}])
        expect_equal([a.status for a in answers], [200] * 5)
        expect_equal(effects(env, "again"), [0, 1, 3, 2, 4, 5])
        expect_equal(effects(env, "again", "members"), [1, 3, 3, 1, 2, 2])
        expect_equal(gateway.metric("icecat_commits_ungrouped_total"), 1.0)


def test_an_error_of_the_whole_call_starves_nobody(env):
    with own(env) as gateway:
        answers = behind(env, gateway, "whole", [{"n": 1}, {"n": 2, "act": "error_40P01"}, {"n": 3}])
        expect_equal([a.status for a in answers], [200, 409, 200])
        expect_equal(effects(env, "whole"), [0, 1, 3])
        expect_equal(effects(env, "whole", "members"), [1, 1, 1])
        expect_equal(gateway.metric("icecat_commits_ungrouped_total"), 3.0)
        latch(env)
        behind(env, gateway, "whole2", [{"n": 1}, {"n": 2}])
        expect_equal(effects(env, "whole2", "members"), [1, 2, 2], "the next ones go together again")


def test_a_call_that_the_database_refuses_is_not_tried_again_and_again(env):
    with own(env) as gateway:
        behind(env, gateway, "unfit", [{"n": 1}, {"n": 2, "act": "error_42883"}])
        latch(env)
        behind(env, gateway, "unfit2", [{"n": 1}, {"n": 2}])
        expect_equal(effects(env, "unfit2", "members"), [1, 1, 1])


def test_a_caller_without_the_right_takes_groups_from_nobody(env):
    with own(env) as gateway:
        behind(env, gateway, "norights", [{"n": 1}, {"n": 2, "act": "error_42501"}])
        latch(env)
        behind(env, gateway, "norights2", [{"n": 1}, {"n": 2}])
        expect_equal(effects(env, "norights2", "members"), [1, 2, 2])


def test_answers_wait_for_their_own_files(env):
    env.pg.sql("INSERT INTO icecat.queued VALUES ('k1'), ('k2')")
    with own(env, metadata_wait_ms=30000) as gateway:
        first = send(gateway, "files", {"act": "latch"})
        clients = wait_behind(gateway, "files", [{"act": "wait_k1"}, {"n": 2}, {"act": "wait_k2"}])
        open_latch(env)
        expect_equal(first.answer().status, 200)
        expect_equal(clients[1].answer().status, 200)
        wait_until(lambda: gateway.metric("icecat_metadata_waiting") == 2, "two wait")
        env.pg.sql("DELETE FROM icecat.queued WHERE key = 'k2'; NOTIFY icecat_files, 'k2'")
        expect_equal(clients[2].answer().status, 200)
        expect_equal(gateway.metric("icecat_metadata_waiting"), 1.0)
        env.pg.sql("DELETE FROM icecat.queued WHERE key = 'k1'; NOTIFY icecat_files, 'k1'")
        expect_equal(clients[0].answer().status, 200)
        for client in [first] + clients:
            client.socket.close()


def test_who_leaves_before_the_call_is_sent_is_taken_out(env):
    with own(env, write_connections=1) as gateway:
        first = send(gateway, "left", {"act": "sleep_300", "n": 0})
        wait_until(lambda: gateway.metric('icecat_pool_calls_in_flight{pool="write"}') == 1, "it was sent")
        other = send(gateway, "leftother", {"act": "latch"})  # gets the connection before the group does
        wait_until(lambda: gateway.metric('icecat_pool_queue_length{pool="write"}') == 1, "it waits for the connection")
        clients = wait_behind(gateway, "left", [{"n": i} for i in range(1, 5)])
        wait_until(lambda: gateway.metric("icecat_commit_groups_total") == 1, "they are a group")
        for gone in (0, 2):
            clients[gone].socket.close()
        wait_until(lambda: gateway.metric("icecat_client_connections") == 5, "two have left")
        open_latch(env)
        expect_equal([c.answer().status for c in (first, other, clients[1], clients[3])], [200] * 4)
        expect_equal(effects(env, "left"), [0, 2, 4])
        latch(env)
        first.send(request_bytes("POST", T + "left", {"act": "sleep_300", "n": 10}))
        wait_until(lambda: gateway.metric('icecat_pool_calls_in_flight{pool="write"}') == 1, "it was sent")
        other.send(request_bytes("POST", T + "leftother", {"act": "latch"}))
        wait_until(lambda: gateway.metric('icecat_pool_queue_length{pool="write"}') == 1, "it waits for the connection")
        more = wait_behind(gateway, "left", [{"n": 11}, {"n": 12}])
        wait_until(lambda: gateway.metric("icecat_commit_groups_total") == 2, "they are a group")
        for client in more:
            client.socket.close()
        wait_until(lambda: gateway.metric("icecat_gate_tables") == 1, "all have left, and the gate is free")
        open_latch(env)
        expect_equal([c.answer().status for c in (first, other)], [200] * 2)
        expect_equal(effects(env, "left"), [0, 2, 4, 10])


def test_who_leaves_later_has_its_effect(env):
    with own(env) as gateway:
        first = send(gateway, "later", {"act": "latch", "n": 0})
        clients = wait_behind(gateway, "later", [{"n": 1}, {"act": "sleep_500", "n": 2}, {"n": 3}])
        open_latch(env)
        wait_until(lambda: gateway.metric("icecat_commit_groups_total") == 1, "they are sent")
        clients[0].socket.close()
        expect_equal([c.answer().status for c in (first, clients[1], clients[2])], [200] * 3)
        expect_equal(effects(env, "later"), [0, 1, 2, 3])


def test_a_lost_connection_is_told_to_all(env):
    with own(env) as gateway:
        answers = behind(env, gateway, "lost", [{"n": 1}, {"n": 2, "act": "lateterminate_1"}, {"n": 3}], {2: {"Idempotency-Key": KEY % 3}})
        expect_equal([a.status for a in answers[:2]], [500] * 2)
        expect_equal({a.error()["type"] for a in answers[:2]}, {"CommitStateUnknownException"})
        expect_equal(answers[2].status, 200, "the one with a key is sent again")
        expect_equal(effects(env, "lost"), [0, 3])


def test_a_call_that_was_certainly_undone_is_made_again(env):
    env.pg.sql("SELECT setval('icecat.once', 1, false)")
    with own(env) as gateway:
        answers = behind(env, gateway, "undone", [{"n": 1}, {"n": 2, "act": "once_1"}, {"n": 3}])
        expect_equal([a.status for a in answers], [200] * 3)
        expect_equal(effects(env, "undone"), [0, 1, 2, 3])
