"""An answer that names a metadata file is sent when the file can be read.

The mock's "wait_a,b" names files by the keys a and b; a row of icecat.queued is a file that is still to be written.

SPDX-License-Identifier: PostgreSQL
"""
import itertools
import signal
import threading
import time

from harness import Gateway, expect, expect_equal, request_bytes, wait_until

N = "/v1/w/namespaces"
T = N + "/n/tables"
SOON = 0.7              # for what takes no time on a machine that may be busy
LONG_MS = 20000         # no test waits so long
numbers = itertools.count(1)


def own(env, **settings):
    gateway = Gateway(env.binary, env.pg.dsn, env.root, **{"metadata_wait_ms": LONG_MS, **settings})
    return gateway


def listening(env, **settings):
    gateway = own(env, **settings)
    wait_until(lambda: gateway.get("/ready").json()["metadata_files"] == "announced", "the gateway listens")
    return gateway


def queued(env, *keys):
    env.pg.sql("INSERT INTO icecat.queued VALUES %s" % ", ".join("('%s')" % key for key in keys))


def written(env, *keys, announce=True):
    """What the worker does: the rows go, and one word of it goes out."""
    script = "BEGIN; DELETE FROM icecat.queued WHERE key IN (%s);" % ", ".join("'%s'" % key for key in keys)
    if announce:
        script += "NOTIFY icecat_files, '%s';" % " ".join(keys)
    env.pg.sql(script + "COMMIT;")


def new_key():
    return "k%d" % next(numbers)


def new_keys(env, count=1):
    keys = [new_key() for _ in range(count)]
    queued(env, *keys)
    return keys


def waiting(gateway, count):
    wait_until(lambda: gateway.metric("icecat_metadata_waiting") == count, "%d answers wait" % count)


class Later:
    """A request in a thread of its own."""

    def __init__(self, gateway, method, path, body=None):
        self.answer = None
        self.after = None
        self.thread = threading.Thread(target=self.run, args=(gateway, method, path, body))
        self.began = time.monotonic()
        self.thread.start()

    def run(self, gateway, method, path, body):
        self.answer = gateway.request(method, path, body)
        self.after = time.monotonic() - self.began

    def result(self):
        self.thread.join(15)
        expect(self.answer is not None, "an answer comes")
        return self.answer


def commit(gateway, *keys):
    return Later(gateway, "POST", T + "/t", {"act": "wait_" + ",".join(keys)})


def test_every_answer_that_names_a_file_waits_for_it(env):
    with listening(env) as gateway:
        for method, path, body, status in (
                ("POST", T, True, 200), ("POST", N + "/n/register", True, 200), ("POST", T + "/t", True, 200),
                ("GET", T + "/wait_%s", False, 200), ("POST", "/v1/w/transactions/commit", True, 204),
                ("POST", N + "/n/views", True, 200), ("POST", N + "/n/register-view", True, 200),
                ("POST", N + "/n/views/v", True, 200), ("GET", N + "/n/views/wait_%s", False, 200)):
            key = new_keys(env)[0]
            later = Later(gateway, method, path if body else path % key, {"act": "wait_" + key} if body else None)
            waiting(gateway, 1)
            expect(later.answer is None, f"{method} {path} waits")
            written(env, key)
            expect_equal(later.result().status, status, f"{method} {path}")
        expect_equal(gateway.metric("icecat_metadata_waits_total"), 9)
        expect_equal(gateway.metric("icecat_metadata_waits_given_up_total"), 0)
        expect(gateway.metric("icecat_metadata_wait_seconds_total") > 0, "the time is counted")


def test_an_answer_of_many_files_waits_for_all(env):
    keys = new_keys(env, 300)
    with listening(env) as gateway:
        later = commit(gateway, *keys)
        waiting(gateway, 1)
        written(env, *keys[:-1])
        time.sleep(0.3)
        expect(later.answer is None, "one is missing")
        written(env, keys[-1])
        expect_equal(later.result().status, 200)


def test_one_announcement_wakes_all_who_wait_for_it(env):
    first, second = new_keys(env, 2)
    with listening(env) as gateway:
        laters = [commit(gateway, key) for key in (first, second, first, second)]
        waiting(gateway, 4)
        written(env, first, second)
        for later in laters:
            expect_equal(later.result().status, 200)


def test_a_file_written_before_the_answer_came_needs_no_wait(env):
    key = new_key()
    with listening(env) as gateway:
        written(env, key)
        time.sleep(0.3)
        later = commit(gateway, key)
        later.result()
        expect(later.after < SOON, f"answered after {later.after} s")
        expect_equal(gateway.metric("icecat_metadata_waits_total"), 0)


def test_an_announcement_that_was_lost_costs_a_moment(env):
    key = new_keys(env)[0]
    with listening(env) as gateway:
        later = commit(gateway, key)
        waiting(gateway, 1)
        written(env, key, announce=False)
        later.result()
        expect_equal(gateway.metric("icecat_metadata_waits_given_up_total"), 0)


def test_the_wait_ends_after_metadata_wait_ms(env):
    key = new_keys(env)[0]
    with listening(env, metadata_wait_ms=400) as gateway:
        later = commit(gateway, key)
        expect_equal(later.result().status, 200, "the change was made")
        expect(0.3 < later.after < 0.4 + SOON, f"answered after {later.after} s")
        expect_equal(gateway.metric("icecat_metadata_waits_given_up_total"), 1)


def test_no_wait_where_it_is_turned_off(env):
    key = new_keys(env)[0]
    with own(env, metadata_wait_ms=0) as gateway:
        expect_equal(gateway.get("/ready").json()["metadata_files"], "off")
        expect_equal(commit(gateway, key).result().status, 200)
        expect_equal(gateway.metric("icecat_metadata_waits_total"), 0)


def test_no_long_wait_where_no_worker_comes(env):
    key = new_keys(env)[0]
    env.pg.sql("INSERT INTO icecat.no_worker DEFAULT VALUES")
    try:
        with own(env) as gateway:
            wait_until(lambda: gateway.get("/ready").json()["metadata_files"] == "no worker", "/ready says so")
            later = commit(gateway, key)
            expect_equal(later.result().status, 200)
            expect(later.after < 0.3 + SOON, f"answered after {later.after} s")
            expect_equal(gateway.metric("icecat_metadata_waits_given_up_total"), 1)
    finally:
        env.pg.sql("DELETE FROM icecat.no_worker")


def test_files_are_asked_for_where_nobody_may_listen(env):
    """Such as behind a pooler of transactions."""
    key = new_keys(env)[0]
    env.pg.sql("ALTER FUNCTION icecat._listen_files() RENAME TO _hidden")
    try:
        with own(env) as gateway:
            later = commit(gateway, key)
            waiting(gateway, 1)
            expect_equal(gateway.get("/ready").json()["metadata_files"], "asked for")
            written(env, key)
            expect_equal(later.result().status, 200)
            env.pg.sql("ALTER FUNCTION icecat._hidden() RENAME TO _listen_files")
            wait_until(lambda: gateway.get("/ready").json()["metadata_files"] == "announced", "it listens later")
    finally:
        env.pg.sql("DO $$ BEGIN ALTER FUNCTION icecat._hidden() RENAME TO _listen_files; EXCEPTION WHEN undefined_function THEN END $$")


def test_a_listening_connection_that_is_lost_comes_back(env):
    key = new_keys(env)[0]
    with listening(env) as gateway:
        env.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%_listen_files()%' AND pid <> pg_backend_pid()")
        later = commit(gateway, key)
        waiting(gateway, 1)
        written(env, key)
        expect_equal(later.result().status, 200)
        wait_until(lambda: gateway.get("/ready").json()["metadata_files"] == "announced", "it listens again")


def test_a_waiting_answer_holds_no_connection_and_no_gate(env):
    first = new_keys(env)[0]
    with listening(env, write_connections=1) as gateway:
        later = commit(gateway, first)
        waiting(gateway, 1)
        other = Later(gateway, "POST", T + "/t", {"a": 1})
        expect_equal(other.result().status, 200, "the next commit of the table")
        expect(later.answer is None, "the first one waits")
        written(env, first)
        expect_equal(later.result().status, 200)


def test_answers_of_one_connection_keep_their_order(env):
    key = new_keys(env)[0]
    with listening(env) as gateway, gateway.connect() as client:
        client.send(request_bytes("POST", T + "/first", {"act": "wait_" + key}) + request_bytes("GET", T + "/second"))
        waiting(gateway, 1)
        written(env, key)
        expect_equal(client.answer().json()["request"]["act"], "wait_" + key)
        expect_equal(client.answer().json()["table"], "second")


def test_a_client_may_vanish_while_its_answer_waits(env):
    key, other = new_keys(env, 2)
    with listening(env) as gateway:
        with gateway.connect() as client:
            client.send(request_bytes("POST", T + "/t", {"act": "wait_%s,%s" % (key, other)}))
            waiting(gateway, 1)
        waiting(gateway, 0)
        written(env, key, other)
        expect_equal(gateway.get(T + "/t").status, 200, "the gateway lives")


def test_sigterm_lets_a_waiting_answer_out(env):
    key = new_keys(env)[0]
    gateway = listening(env)
    later = commit(gateway, key)
    waiting(gateway, 1)
    gateway.signal(signal.SIGTERM)
    time.sleep(0.3)
    expect(later.answer is None, "it still waits")
    written(env, key)
    expect_equal(later.result().status, 200)
    gateway.process.wait(5)
    gateway.stop()


def test_a_kept_load_waits_too(env):
    """Also where the gateway has the body already, and only asks whether it is current."""
    env.pg.sql("INSERT INTO icecat.version VALUES ('kept with a file')")
    with listening(env) as gateway:
        for body in ("a new one", "a kept one"):
            key = new_keys(env)[0]
            env.pg.sql("DELETE FROM icecat.file_of; INSERT INTO icecat.file_of VALUES ('kept with a file', '%s')" % key)
            later = Later(gateway, "GET", T + "/kept%20with%20a%20file")
            waiting(gateway, 1)
            written(env, key)
            expect_equal(later.result().status, 200, body)
        expect_equal(gateway.metric('icecat_cache_loads_total{found="hit"}'), 1)
