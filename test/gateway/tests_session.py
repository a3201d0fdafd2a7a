"""Database sessions: settings that the gateway does not inherit, also behind PgBouncer, and whether the database fits.

SPDX-License-Identifier: PostgreSQL
"""
import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from harness import Gateway, expect, expect_equal, in_parallel, wait_until

T = "/v1/w/namespaces/n/tables/"
ODD = {"default_transaction_isolation": "serializable", "default_transaction_read_only": "on",
       "default_transaction_deferrable": "on", "synchronous_commit": "off", "statement_timeout": "77s", "lock_timeout": "55",
       "idle_in_transaction_session_timeout": "66s", "idle_session_timeout": "88s", "row_security": "off",
       "search_path": "odd, pg_catalog", "client_min_messages": "error", "client_encoding": "LATIN1", "DateStyle": "German",
       "IntervalStyle": "iso_8601", "TimeZone": "Asia/Tokyo", "bytea_output": "escape", "extra_float_digits": "-5",
       "array_nulls": "off", "standard_conforming_strings": "off"}
OURS = {"transaction_isolation": "read committed", "search_path": "pg_catalog, pg_temp", "synchronous_commit": "on",
        "statement_timeout": "1min", "lock_timeout": "0", "idle_in_transaction_session_timeout": "2min", "row_security": "on",
        "client_min_messages": "notice", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres",
        "TimeZone": "UTC", "bytea_output": "hex", "extra_float_digits": "1", "array_nulls": "on",
        "standard_conforming_strings": "on", "idle_session_timeout": "0"}
SHARED = {"idle_session_timeout": "88s"}    # of a session of several clients, which is not one call's to change


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def odd_role(env):
    """A login role with odd settings, and types of its own in a schema that comes first."""
    env.pg.sql("DROP SCHEMA IF EXISTS odd CASCADE; DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN SUPERUSER;"
               "CREATE SCHEMA odd; CREATE DOMAIN odd.text AS pg_catalog.text CHECK (VALUE IS NULL); " +
               " ".join(f"ALTER ROLE odd SET {name} = {value if name == 'search_path' else repr(value)};"
                        for name, value in ODD.items()))
    return env.pg.dsn.replace("user=tester", "user=odd")


def commit(gateway, table, **body):
    return gateway.request("POST", T + table, body or {"a": 1})


def check_sessions(env, gateway, mark, **changed):
    """Reads and writes, several at once, so that there are several sessions."""
    answers = in_parallel([lambda: gateway.get(T + "settings")] * 8 + [lambda: commit(gateway, mark, act="sleep_20")] * 8)
    expect_equal([a.status for a in answers], [200] * 16)
    for answer in answers[:8]:
        expect_equal(answer.json(), {**OURS, **changed})
    expect_equal(env.pg.sql(f"SELECT string_agg(DISTINCT isolation, ',') FROM icecat.effect WHERE name = '{mark}'"),
                 f"read committed off {changed.get('synchronous_commit', 'on')}")
    expect_equal(gateway.request("DELETE", T + mark).status, 204)


def test_settings_are_not_inherited(env):
    dsn = odd_role(env)
    with Gateway(env.binary, dsn, env.root) as gateway:
        check_sessions(env, gateway, "odd1")
    with Gateway(env.binary, dsn, env.root, synchronous_commit="remote_write", statement_timeout_ms=5000,
                 call_timeout_ms=9000) as gateway:
        check_sessions(env, gateway, "odd2", synchronous_commit="remote_write", statement_timeout="5s",
                       idle_in_transaction_session_timeout="9s")
    with Gateway(env.binary, dsn, env.root, synchronous_commit="inherit", statement_timeout_ms=0) as gateway:
        check_sessions(env, gateway, "odd3", synchronous_commit="off", statement_timeout="77s")


def test_settings_go_with_every_call_when_told_so(env):
    """pooler = on without one: prepared, pipelined, and streamed."""
    with Gateway(env.binary, odd_role(env), env.root, pooler="on", read_connections=1, database_role="tester",
                 database_request_id="all") as gateway:
        check_sessions(env, gateway, "odd4", **SHARED)
        expect_equal(len(gateway.get(T + "large_3").body), 3 * 262144)
        expect_equal(gateway.get(T + "error_IC103").status, 404)


class Bouncer:
    """PgBouncer in transaction mode: two sessions for all clients."""

    def __init__(self, env, user):
        self.dir = tempfile.mkdtemp(prefix="bouncer-", dir=env.root)
        os.chmod(self.dir, 0o777)
        with open(os.path.join(self.dir, "users"), "w") as file:
            file.write('"tester" ""\n"odd" ""\n')
        with open(os.path.join(self.dir, "ini"), "w") as file:
            file.write(f"[databases]\npostgres = host={os.path.join(env.root, 'pg')} port=5432\n[pgbouncer]\nlisten_addr =\n"
                       f"listen_port = 6432\nunix_socket_dir = {self.dir}\nauth_type = trust\nauth_file = {self.dir}/users\n"
                       "pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 100\n")
        command = [shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", "")),
                   os.path.join(self.dir, "ini")]
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.process = subprocess.Popen(command, user=env.pg.user, cwd="/", stdout=self.log, stderr=self.log)
        self.dsn = f"host={self.dir} port=6432 user={user} dbname=postgres"
        wait_until(lambda: os.path.exists(os.path.join(self.dir, ".s.PGSQL.6432")), "PgBouncer listens")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


def has_bouncer():
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:" + os.environ.get("PATH", "")) is not None


def test_settings_are_not_inherited_through_pgbouncer(env):
    """Its sessions are shared by all its clients: nothing of ours stays in them."""
    if not has_bouncer():
        print("# no PgBouncer here: skipped")
        return
    odd_role(env)
    with Bouncer(env, "odd") as bouncer:
        with Gateway(env.binary, bouncer.dsn, env.root, prepared_statements="off", read_connections=3,
                     write_connections=3) as gateway:
            for mark in ("odd5", "odd6", "odd7"):
                check_sessions(env, gateway, mark, **SHARED)
                other = subprocess.run([os.path.join(env.pg.bin, "psql"), "-XqAt", bouncer.dsn, "-c",
                                        "SHOW default_transaction_isolation", "-c", "SHOW statement_timeout", "-c",
                                        "SHOW search_path"], text=True, capture_output=True)
                expect_equal(other.stdout.split("\n")[:3], ["serializable", "77s", "odd, pg_catalog"], "another client's")
            answers = in_parallel([lambda i=i: commit(gateway, f"many{i % 7}", n=i) for i in range(60)] +
                                  [lambda: gateway.get(T + "error_IC103") for _ in range(20)])
            expect_equal([a.status for a in answers], [200] * 60 + [404] * 20)


def test_a_pooled_connection_carries_one_call(env):
    """A read that fails while the next one is on its way makes PgBouncer lose answers of that one."""
    with Gateway(env.binary, env.pg.dsn, env.root, pooler="on", read_connections=1, read_pipeline_depth=8) as gateway:
        wait_until(lambda: gateway.get("/ready").status == 200, "the gateway is ready")
        with ThreadPoolExecutor(3) as threads:
            with env.pg.held():
                first = threads.submit(gateway.get, T + "hold_1")
                env.pg.wait_held(1)
                others = [threads.submit(gateway.get, T + word) for word in ("error_IC103", "error_IC102")]
                wait_until(lambda: gateway.metric('icecat_pool_queue_length{pool="read"}') == 2, "the others wait", 30)
                expect_equal(gateway.metric('icecat_pool_calls_in_flight{pool="read"}'), 1)
            expect_equal([call.result().status for call in (first, *others)], [200, 404, 404])


# -- does the database fit? ------------------------------------------------------------------------------------


def refusals(gateway):
    """What is said in /ready, to a read and to a write."""
    answers = [gateway.get("/ready"), gateway.get(T + "t"), commit(gateway, "t")]
    ready = answers[0].json()
    return [a.status for a in answers], ready, [a.json()["error"]["message"] for a in answers[1:] if a.status != 200]


def check_unfit(gateway, words):
    def is_unfit():
        ready = gateway.get("/ready").json()
        return (ready["ready"], ready["reads"], ready["writes"]) == (False, False, False) and words in ready["reason"]

    wait_until(is_unfit, words)
    statuses, _, messages = refusals(gateway)
    expect_equal(statuses, [503] * 3)
    expect(all(words in message for message in messages), f"{messages}")
    wait_until(lambda: words in gateway.log().replace("\\", ""), "the log says it")
    expect_equal(gateway.get("/health").status, 200)


def test_a_role_that_does_not_exist(env):
    with own(env, database_role="nobody_of_that_name", ready=False) as gateway:
        check_unfit(gateway, 'There is no role "nobody_of_that_name"')
        env.pg.sql("CREATE ROLE nobody_of_that_name SUPERUSER")
        wait_until(lambda: gateway.get("/ready").status == 200, "it is ready as soon as there is one")
        expect_equal(gateway.get(T + "t").status, 200)
    env.pg.sql("DROP ROLE nobody_of_that_name")


def test_a_role_that_goes_is_noticed(env):
    env.pg.sql("CREATE ROLE goes SUPERUSER")
    with own(env, database_role="goes", probe_interval_ms=200) as gateway:
        expect_equal(commit(gateway, "t").status, 200)
        env.pg.sql("DROP ROLE goes")
        expect_equal((commit(gateway, "t").status, gateway.get(T + "t").status), (503, 503), "before anything was noticed")
        check_unfit(gateway, 'There is no role "goes"')


def test_a_role_that_the_login_role_may_not_take(env):
    env.pg.sql("CREATE ROLE plain LOGIN; CREATE ROLE apart; GRANT USAGE ON SCHEMA icecat TO plain, apart")
    with Gateway(env.binary, env.pg.dsn.replace("user=tester", "user=plain"), env.root, database_role="apart",
                 ready=False) as gateway:
        check_unfit(gateway, "GRANT it to the login role")
        env.pg.sql("GRANT apart TO plain")
        wait_until(lambda: gateway.get("/ready").status == 200, "ready after the GRANT")
    env.pg.sql("REVOKE ALL ON SCHEMA icecat FROM plain, apart; DROP ROLE plain; DROP ROLE apart")


def test_rights_that_are_missing(env):
    env.pg.sql("CREATE ROLE weak LOGIN")
    with Gateway(env.binary, env.pg.dsn.replace("user=tester", "user=weak"), env.root, ready=False) as gateway:
        check_unfit(gateway, 'The role "weak" may not use the catalog: GRANT USAGE ON SCHEMA icecat')
    env.pg.sql("DROP ROLE weak")


def test_a_reader_may_read(env):
    """Rights for some operations are meant so: the rest is 403, and /ready does not claim writes."""
    env.pg.sql("CREATE ROLE only_reads; GRANT USAGE ON SCHEMA icecat TO only_reads;"
               "GRANT SELECT ON ALL TABLES IN SCHEMA icecat TO only_reads;"
               "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat FROM PUBLIC;"
               "GRANT EXECUTE ON FUNCTION icecat.rest_load_table, icecat.act, icecat.no_plus, icecat._pending_files, icecat._answer_is_secret TO only_reads")
    try:
        for switch, status in (("off", 503), ("on", 200)):
            with own(env, database_role="only_reads", ready_without_writes=switch, ready=False) as gateway:
                wait_until(lambda: gateway.get("/ready").json()["reads"] and "no function that changes" in
                           gateway.get("/ready").json()["reason"], "it is asked")
                statuses, ready, _ = refusals(gateway)
                expect_equal(statuses, [status, 200, 403])
                expect_equal((ready["ready"], ready["reads"], ready["writes"]), (status == 200, True, False))
    finally:
        env.pg.sql("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA icecat TO PUBLIC;"
                   "DROP OWNED BY only_reads; DROP ROLE only_reads")


def test_no_extension_and_one_that_comes(env):
    env.pg.sql("CREATE DATABASE bare")
    with Gateway(env.binary, env.pg.dsn.replace("dbname=postgres", "dbname=bare"), env.root, ready=False) as gateway:
        check_unfit(gateway, "run CREATE EXTENSION icecat")
    env.pg.sql("DROP DATABASE bare WITH (FORCE)")


def test_an_extension_that_goes_is_noticed(env):
    with own(env, probe_interval_ms=86400000) as gateway:
        expect_equal(gateway.get(T + "t").status, 200)
        env.pg.sql("ALTER SCHEMA icecat RENAME TO hidden")
        try:
            statuses, _, _ = refusals(gateway)
            expect_equal(statuses[1:], [503, 503], "at once")
            check_unfit(gateway, "run CREATE EXTENSION icecat")
        finally:
            env.pg.sql("ALTER SCHEMA hidden RENAME TO icecat")
        wait_until(lambda: gateway.get("/ready").status == 200, "ready again")
        expect_equal(commit(gateway, "t").status, 200)
    wait_until(lambda: env.gateway.get("/ready").status == 200, "the others too", 20)


def test_a_function_that_is_missing(env):
    env.pg.sql("ALTER FUNCTION icecat.rest_load_table RENAME TO rest_load_table_hidden")
    try:
        with own(env, ready=False) as gateway:
            check_unfit(gateway, "(not found: rest_load_table")
    finally:
        env.pg.sql("ALTER FUNCTION icecat.rest_load_table_hidden RENAME TO rest_load_table")
    wait_until(lambda: env.gateway.get("/ready").status == 200, "the others too", 20)


def test_the_version_is_that_of_the_extension(env):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "icecat.control")
    with open(path) as control:
        version = next(line.split("'")[1] for line in control if line.startswith("default_version"))
    printed = subprocess.run([env.binary, "--version"], capture_output=True, text=True).stdout
    expect_equal(printed, f"icecat-gateway {version}\n")
    expect_equal(json.loads(env.gateway.get("/health").body)["version"], version)
