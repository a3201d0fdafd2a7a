"""Reads that ask the same, as the same, wait for each other and go to the database in one call.

A table of the mock whose name begins with "held" is read, and answered only when the test lets go of a lock: so the test knows who is in the
database, and who waits in the gateway.

SPDX-License-Identifier: PostgreSQL
"""
import contextlib
import subprocess

from harness import Gateway, expect, expect_equal, in_parallel, request_bytes, wait_until
from issuer import Issuer
from tests_auth import bearer, own

T = "/v1/w/namespaces/n/tables/"
OWN = {"read_connections": 8, "read_pipeline_depth": 1}     # those that are in the database at once are on connections of their own
LONG = {"share_wait_ms": 60000, **OWN}
IN_DATABASE = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted"


@contextlib.contextmanager
def held(env):
    """While it lasts, or until what it gives is called, nobody gets an answer."""
    with subprocess.Popen(env.pg.psql_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as session:
        session.stdin.write("SELECT pg_advisory_lock(42);\n\\echo held\n")
        while session.stdout.readline() != "held\n":
            pass

        def let_go():
            if not session.stdin.closed:
                session.stdin.close()
            session.wait()
        try:
            yield let_go
        finally:
            let_go()


def wait_in_database(env, count):
    wait_until(lambda: int(env.pg.sql(IN_DATABASE)) == count, f"{count} are in the database")


def wait_waiting(gateway, count):
    wait_until(lambda: gateway.metric("icecat_reads_waiting") == count, f"{count} wait")


def shared(gateway):
    return gateway.metric("icecat_reads_shared_total")


def send(client, path, *headers):
    client.send(request_bytes("GET", path, headers=headers))


def versioned(env, name):
    env.pg.sql(f"INSERT INTO icecat.version (name) VALUES ('{name}') ON CONFLICT (name) DO UPDATE SET version = 1")
    return T + name


@contextlib.contextmanager
def clients(gateway, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(gateway.connect()) for _ in range(count)]


def test_those_who_wait_share_one_call(env):
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 10) as all_of_them:
        with held(env) as let_go:
            send(all_of_them[0], T + "held")
            wait_in_database(env, 1)
            for client in all_of_them[1:]:
                send(client, T + "held")
            wait_waiting(gateway, 9)
            expect_equal(int(env.pg.sql(IN_DATABASE)), 1, "in the database")
            let_go()
            answers = [client.answer() for client in all_of_them]
        expect_equal([a.status for a in answers], [200] * 10)
        expect_equal(len({a.body for a in answers[1:]}), 1, "one answer for those who waited")
        expect_equal(shared(gateway), 8, "nine asked in one call")
        expect_equal(len({a.headers["x-request-id"] for a in answers}), 10, "each has its own request id")
        wait_waiting(gateway, 0)


def test_nobody_gets_what_was_read_before_they_came(env):
    path = versioned(env, "held_fresh")
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 3) as (first, second, third):
        with held(env) as let_go:
            send(first, path)
            wait_in_database(env, 1)
            env.pg.sql("UPDATE icecat.version SET version = 2 WHERE name = 'held_fresh'")
            send(second, path)
            send(third, path)
            wait_waiting(gateway, 2)
            let_go()
            expect_equal([c.answer().json()["version"] for c in (first, second, third)], ['W/"all-1"', 'W/"all-2"', 'W/"all-2"'])


def test_tags_of_clients_are_each_client_s(env):
    path = versioned(env, "held_tags")
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 6) as all_of_them:
        expect_equal(gateway.get(path).status, 200)
        with held(env) as let_go:
            for client in all_of_them[:3]:
                send(client, path)
            wait_waiting(gateway, 2)
            for client in all_of_them[3:]:
                send(client, path, 'If-None-Match: W/"all-1"')
            wait_waiting(gateway, 4)
            wait_in_database(env, 2)
            let_go()
            answers = [client.answer() for client in all_of_them]
        expect_equal([a.status for a in answers], [200] * 3 + [304] * 3)
        expect_equal(len({a.body for a in answers[:3]}), 1, "from the cache")
        expect_equal(shared(gateway), 2)


def test_what_differs_is_not_shared(env):
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 5) as all_of_them:
        with held(env) as let_go:
            for client, path, *headers in zip(all_of_them, (T + "held", T + "held_2", T + "held?snapshots=refs", T + "held", T + "held"),
                                              ("X-A: b", "X-A: b", "X-A: b", 'If-None-Match: "x"', "X-Iceberg-Access-Delegation: vended-credentials")):
                send(client, path, *headers)
            wait_in_database(env, 5)
            let_go()
            expect_equal([client.answer().status for client in all_of_them], [200] * 5)
        expect_equal(shared(gateway), 0)


def test_no_token_and_an_empty_one_are_not_the_same(env):
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 2) as all_of_them:
        with held(env) as let_go:
            for client, query in zip(all_of_them, ("", "&pageToken=")):
                send(client, "/v1/w/namespaces?parent=held" + query)
            wait_in_database(env, 2)
            let_go()
            expect_equal([client.answer().json().get("token") for client in all_of_them], [None, ""])


def test_each_role_asks_for_itself(env):
    with Issuer() as issuer, own(env, issuer, **LONG) as gateway, clients(gateway, 4) as all_of_them:
        tokens = [issuer.token(name) for name in ("ann", "bob", "ann", "bob")]
        with held(env) as let_go:
            for client, token in zip(all_of_them, tokens):
                send(client, T + "held", *bearer(token))
            wait_in_database(env, 2)
            wait_waiting(gateway, 2)
            let_go()
            expect_equal([client.answer().json()["role"] for client in all_of_them], ["ann", "bob", "ann", "bob"])


def test_an_error_is_for_who_asked(env):
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 4) as all_of_them:
        with held(env) as let_go:
            send(all_of_them[0], T + "held-error_IC103")
            wait_in_database(env, 1)
            for client in all_of_them[1:]:
                send(client, T + "held-error_IC103")
            wait_waiting(gateway, 3)
            let_go()
            expect_equal([client.answer().status for client in all_of_them], [404] * 4)
        expect_equal(shared(gateway), 0, "each has asked")


def test_who_leaves_takes_nothing_from_others(env):
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 5) as (asks, waits, leaves, stays, last):
        with held(env) as let_go:
            send(asks, T + "held")
            wait_in_database(env, 1)
            for client in (waits, leaves, stays, last):
                send(client, T + "held")
            wait_waiting(gateway, 4)
            leaves.socket.close()
            wait_waiting(gateway, 3)
            asks.socket.close()
            let_go()
            expect_equal([client.answer().status for client in (waits, stays, last)], [200] * 3)
        expect_equal(shared(gateway), 2)


def test_a_lost_connection_is_no_loss(env):
    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway, clients(gateway, 4) as all_of_them:
        with held(env) as let_go:
            for client in all_of_them:
                send(client, T + "held")
            wait_waiting(gateway, 3)
            wait_in_database(env, 1)
            env.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted")
            wait_in_database(env, 1)
            let_go()
            expect_equal([client.answer().status for client in all_of_them], [200] * 4)


def test_who_has_waited_too_long_asks_alone(env):
    with Gateway(env.binary, env.pg.dsn, env.root, share_wait_ms=1, **OWN) as gateway, clients(gateway, 3) as all_of_them:
        with held(env) as let_go:
            for client in all_of_them:
                send(client, T + "held")
            wait_in_database(env, 3)
            let_go()
            expect_equal([client.answer().status for client in all_of_them], [200] * 3)
        expect_equal(shared(gateway), 0)


def test_it_can_be_turned_off(env):
    with Gateway(env.binary, env.pg.dsn, env.root, share_wait_ms=0, **OWN) as gateway, clients(gateway, 3) as all_of_them:
        with held(env) as let_go:
            for client in all_of_them:
                send(client, T + "held")
            wait_in_database(env, 3)
            let_go()
            expect_equal([client.answer().status for client in all_of_them], [200] * 3)


def test_nothing_is_lost_under_load(env):
    path = versioned(env, "busy")

    def read(gateway):
        for _ in range(50):
            expect_equal(gateway.get("/v1/config?warehouse=w").json()["overrides"]["prefix"], "w")
            expect_equal(gateway.get(path).status, 200)
            expect_equal(gateway.get(T + "error_IC103").status, 404)
            expect_equal(gateway.request("HEAD", T + "there").status, 204)

    with Gateway(env.binary, env.pg.dsn, env.root, **LONG) as gateway:
        in_parallel([lambda: read(gateway)] * 12)
        expect(shared(gateway) > 0, "some were shared")
        expect_equal(gateway.metric("icecat_reads_waiting"), 0)
