"""A token service that hangs or is down: who waits for it, for how long, and that nobody else does; what is locked meanwhile."""
# SPDX-License-Identifier: PostgreSQL
import json
import subprocess
import threading
import time

import harness
import pytest
from expectations import expect, expect_equal
from token_service import TokenService

SETTINGS = ["icecat.secret_key_file = 'secret.keys'", "log_statement = 'none'", "icecat.sts_timeout_ms = 3000", "icecat.sts_pause_ms = 2000"]
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "a", "type": "int", "required": False}]}
WISH = "SET icecat.access_delegation = 'vended-credentials'; "
HEADER = ["X-Iceberg-Access-Delegation: vended-credentials"]
TABLES = "/v1/%s/namespaces/a/tables"
KEY = "0198c0de-0000-7000-8000-00000000%04d"


@pytest.fixture(scope="module")
def services():
    with TokenService() as one, TokenService() as other:
        yield one, other


def run(c, text):
    """What psql prints, or what it says of an error."""
    done = subprocess.run(c.psql_command("postgres") + ["-v", "VERBOSITY=verbose"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          input=text, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.split("ERROR:")[1].strip()


def create_text(name, warehouse="w", more=""):
    return "SELECT icecat.create_table('%s', '{a}', '%s', '%s'%s)" % (warehouse, name, json.dumps(SCHEMA), more)


def prepare(c):
    subprocess.run(["sh", "-c", "umask 077; cat >secret.keys"], input="k1 " + "1f" * 32 + "\n", text=True, cwd=c.data, user=c.user, check=True)


@pytest.fixture(scope="module", autouse=True)
def made(c, services):
    secrets = json.dumps({"access-key-id": "AKIDEXAMPLE", "secret-access-key": "secret"})
    for service, warehouse in zip(services, ("w", "v")):
        options = json.dumps({"region": "eu-west-1", "endpoint": service.url, "allow-private-endpoints": "true"})
        c.sql("SELECT icecat.create_storage_profile('%s', 's3://bucket/%s', '%s', '%s');" % (warehouse, warehouse, options, secrets) +
              "SELECT icecat.create_warehouse('%s', 's3://bucket/%s', '{\"icecat.metadata-write-mode\": \"none\", \"icecat.access-delegation\": "
              "\"vend\"}', '%s'); SELECT icecat.create_namespace('%s', '{a}');" % ((warehouse,) * 4) + create_text("t", warehouse))
    yield
    for service in services:
        expect(service.pause_s == 0 and service.error is None, "put back")


@pytest.fixture(autouse=True)
def rested(c, services):
    """Each test begins with services that work and that nobody leaves alone."""
    yield
    for service in services:
        service.pause_s, service.error, service.life_s = 0, None, 3600
    time.sleep(2.1)


def load(gateway, table="t", warehouse="w", path=""):
    return gateway.request("GET", TABLES % warehouse + "/" + table + path, headers=HEADER)


def in_background(what, *arguments):
    thread = threading.Thread(target=what, args=arguments)
    thread.start()
    return thread


def wait_asked(service, count=1):
    harness.wait_until(lambda: len(service.asked) >= count, "the service is asked")


# -- the service hangs -----------------------------------------------------------------------------------------

def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


def timed_loads(gateway, warehouse, count, goes_on=lambda: True):
    times = []
    with gateway.connect() as client:
        while len(times) < count and goes_on():
            begun = time.monotonic()
            client.send(harness.request_bytes("GET", TABLES % warehouse + "/t", None, HEADER))
            answer = client.answer()
            times.append(time.monotonic() - begun)
            expect_equal(answer.status, 200, answer.body[:200])
    return times


def test_a_service_that_hangs_slows_no_loads_of_others(c, gateway, services):
    """Eight loads that wait: with eight reads in flight on each of four connections, others would stand behind them."""
    for i in range(8):
        run(c, create_text("h%d" % i))
    load(gateway, warehouse="v")
    before = p99(timed_loads(gateway, "v", 300))
    services[0].pause_s = 2.5
    services[0].asked.clear()
    waiting = [in_background(load, gateway, "h%d" % i) for i in range(8)]
    wait_asked(services[0])
    beside = timed_loads(gateway, "v", 300, lambda: any(thread.is_alive() for thread in waiting))
    for thread in waiting:
        thread.join()
    expect(len(beside) > 30, "%d loads while they waited" % len(beside))
    expect(p99(beside) < max(3 * before, 0.2), "p99 %.1f ms beside it, %.1f ms before" % (1000 * p99(beside), 1000 * before))
    print("p99 of loads: %.1f ms, beside a service that hangs %.1f ms" % (1000 * before, 1000 * p99(beside)))
    expect(services[0].at_once_max <= 2, "of one warehouse, credential_gate_width calls wait: %d" % services[0].at_once_max)


def test_credential_connections_are_shared_by_warehouses(c, program, services):
    """Two connections, and one of them for each warehouse: the other's credentials come while one hangs."""
    run(c, "SELECT icecat.create_namespace('v', '{b}')")
    for i in range(3):
        run(c, create_text("g%d" % i) + ";" + create_text("g%d" % i, "v"))
    with harness.Gateway(program, c.dsn, c.dir, credential_connections=2, credential_gate_width=1, credential_gate_queue_max=1) as gateway:
        services[0].pause_s = 2.5
        services[0].asked.clear()
        first = in_background(load, gateway, "g0")
        wait_asked(services[0])
        second = in_background(load, gateway, "g1")
        time.sleep(0.3)
        third = load(gateway, "g2")
        expect_equal((third.status, third.headers.get("retry-after")), (503, "1"), "one waits at the gate, one more is turned away")
        expect("wait for credentials" in third.body.decode(), third.body)
        expect_equal(load(gateway, "g0", "v").status, 200)
        expect(second.is_alive(), "the other warehouse's come while the first one's hang")
        first.join()
        second.join()
        metrics = gateway.get("/metrics").body.decode()
        expect("icecat_credential_calls_total 4" in metrics, [line for line in metrics.splitlines() if "credential" in line])


def test_nothing_is_locked_while_a_new_tables_credentials_are_asked_for(c, gateway, services):
    def over_sql():
        said.append(run(c, WISH + create_text("locked1")))

    def over_sql_staged():
        said.append(run(c, WISH + create_text("locked2", more=", p_stage_create => true, p_location => 's3://bucket/w/a/staged'")))

    def over_rest():
        body = json.dumps({"name": "locked3", "schema": SCHEMA}).encode()
        said.append(gateway.request("POST", TABLES % "w", body, HEADER + ["Content-Type: application/json", "Idempotency-Key: " + KEY % 1]).body.decode())

    for way in (over_sql, over_sql_staged, over_rest):
        said = []
        services[0].asked.clear()
        services[0].pause_s = 2.5
        thread = in_background(way)
        wait_asked(services[0])
        held = c.sql("SELECT string_agg(format('%s %s %s', l.locktype, l.mode, l.relation::regclass), ', ') FROM pg_locks AS l JOIN pg_stat_activity AS a "
                     "ON a.pid = l.pid WHERE l.pid <> pg_backend_pid() AND a.backend_type = 'client backend' AND (l.locktype = 'transactionid' OR "
                     "(l.locktype = 'advisory' AND l.objsubid = 2))")
        c.sql("BEGIN; SELECT 1 FROM icecat_data.namespace FOR UPDATE; SELECT icecat.set_quota('w', 'tables', 1000); ROLLBACK")
        expect(thread.is_alive(), "nobody waits for the creation, which waits itself")
        thread.join()
        services[0].pause_s = 0
        expect_equal(held, "", "locks that others may wait for")
        expect("s3.session-token" in said[0] and "s3:PutObject" in services[0].asked[-1]["Policy"], said[0][:300])
        expect_equal(len(services[0].asked), 1, "once")


def test_a_transaction_that_has_changed_something_asks_nobody(c, services):
    run(c, create_text("late"))
    services[0].asked.clear()
    changed = "BEGIN; SELECT icecat.create_namespace('w', '{later}');" + WISH
    got = run(c, changed + "SELECT icecat.load_table('w', '{a}', 'late'); ROLLBACK").splitlines()[-1]
    expect("storage-credentials" not in got and services[0].asked == [], got[-300:])
    said = run(c, "SET icecat.access_delegation_strict = on; " + changed + "SELECT icecat.load_table('w', '{a}', 'late')")
    expect(said.startswith("IC301") and "has changed something" in said, said)
    got = run(c, WISH + "BEGIN; SELECT icecat.load_table('w', '{a}', 'late'); SELECT icecat.load_table('w', '{a}', 'g0'); COMMIT")
    expect_equal(got.count('"storage-credentials"'), 2, "what vending writes is no change")
    got = run(c, changed + "SELECT icecat.load_table('w', '{a}', 'late'); ROLLBACK")
    expect("storage-credentials" in got, "what is kept is given")


def test_a_repeat_of_a_creation_shows_credentials_again(c, gateway, services):
    body = json.dumps({"name": "keyed", "schema": SCHEMA}).encode()
    headers = HEADER + ["Content-Type: application/json", "Idempotency-Key: " + KEY % 2]
    services[0].asked.clear()
    first = gateway.request("POST", TABLES % "w", body, headers)
    again = gateway.request("POST", TABLES % "w", body, headers)
    expect_equal((first.status, again.status), (200, 200))
    expect_equal(first.json()["config"], again.json()["config"])
    c.sql("DELETE FROM icecat_data.vended_credential")
    more = gateway.request("POST", TABLES % "w", body, headers)
    expect("s3.session-token" in more.json()["config"] and more.json()["metadata"] == first.json()["metadata"], more.json()["config"])
    expect_equal(gateway.request("POST", TABLES % "w", body, headers[:-1]).status, 409)


def test_who_may_not_wait_is_told_so_before_anything_is_done(c, services):
    run(c, create_text("due"))
    services[0].asked.clear()
    off = WISH + "SET icecat.access_delegation_wait = off; "
    for text in ("SELECT icecat.load_table('w', '{a}', 'due')", "SELECT icecat.load_credentials('w', '{a}', 'due')", create_text("undone"),
                 create_text("undone", more=", p_stage_create => true")):
        said = run(c, off + text)
        expect(said.startswith("IC507"), said)
    expect_equal((services[0].asked, c.sql("SELECT count(*) FROM icecat.tables WHERE table_name = 'undone'")), ([], "0"))
    run(c, WISH + "SELECT icecat.load_table('w', '{a}', 'due')")
    expect("s3.session-token" in run(c, off + "SELECT icecat.load_table('w', '{a}', 'due')"), "what is kept needs no waiting")
    expect("IC507" not in c.log_text(), "and it is no error of the server's")


# -- the service is down ---------------------------------------------------------------------------------------

def test_while_it_is_down_calls_fail_at_once_and_others_go_on(c, gateway, services):
    for name in ("d0", "d1"):
        run(c, create_text(name))
    services[0].error = (503, "ServiceUnavailable")
    services[0].asked.clear()
    first = load(gateway, "d0")
    expect_equal((first.status, first.json()["error"]["type"], first.headers["retry-after"]), (503, "ServiceUnavailableException", "1"))
    expect("answers 503 ServiceUnavailable" in first.json()["error"]["message"], first.body)
    for name in ("d0", "d1", "d0"):
        later = load(gateway, name)
        expect(later.status == 503 and "is asked again in" in later.json()["error"]["message"], later.body)
    expect(run(c, WISH + "SELECT icecat.load_table('w', '{a}', 'd1')").startswith("IC506"), "in SQL, too")
    expect_equal(len(services[0].asked), 1, "asked once")
    body = json.dumps({"name": "never", "schema": SCHEMA}).encode()
    expect_equal(gateway.request("POST", TABLES % "w", body, HEADER + ["Content-Type: application/json"]).status, 503)
    expect_equal(load(gateway, "never").status, 404, "nothing was made")
    expect_equal(gateway.get(TABLES % "w" + "/d0").status, 200, "who wishes nothing gets the table")
    expect_equal(load(gateway, warehouse="v").status, 200, "another service")
    services[0].error = None
    expect_equal(load(gateway, "d0").status, 503, "it is still left alone")
    time.sleep(2.1)
    expect_equal(load(gateway, "d0").status, 200)
    expect_equal(len(services[0].asked), 2)


def test_what_is_refused_is_refused_for_that_alone(c, gateway, services):
    for name in ("r0", "r1"):
        run(c, create_text(name))
    services[0].error = (400, "PackedPolicyTooLarge")
    first = load(gateway, "r0")
    expect_equal((first.status, first.json()["error"]["type"]), (500, "ServiceFailureException"))
    services[0].error = None
    again = load(gateway, "r0")
    expect(again.status == 500 and "has refused this" in again.json()["error"]["message"], again.body)
    expect_equal(load(gateway, "r1").status, 200)


def test_credentials_that_are_kept_go_on_until_their_end(c, gateway, services):
    run(c, create_text("aged"))
    services[0].life_s = 8
    first = load(gateway, "aged").json()["config"]["s3.session-token"]
    services[0].error = (500, "InternalFailure")
    services[0].asked.clear()
    time.sleep(4.2)
    for _ in range(3):
        expect_equal(load(gateway, "aged").json()["config"]["s3.session-token"], first)
    expect_equal(len(services[0].asked), 1, "new ones were asked for, once")
    tag = load(gateway, "aged").headers["etag"]
    expect_equal(gateway.request("GET", TABLES % "w" + "/aged", headers=HEADER + ["If-None-Match: " + tag]).status, 304)
    time.sleep(3.5)
    gone = gateway.request("GET", TABLES % "w" + "/aged", headers=HEADER + ["If-None-Match: " + tag])
    expect_equal(gone.status, 503, "a 304 does not outlive them")


def test_the_session_is_named_by_who_asks_and_the_request(c, gateway, services):
    run(c, create_text("named"))
    services[0].asked.clear()
    for path, request in (("", "a-load-1"), ("/credentials", "another-2")):
        c.sql("DELETE FROM icecat_data.vended_credential")
        c.sql("SELECT icecat.alter_storage_profile('w', p_options => '{\"session-name\": \"cat%d\"}')" % len(path))
        answer = gateway.request("GET", TABLES % "w" + "/named" + path, headers=HEADER + ["X-Request-Id: " + request])
        expect_equal((answer.status, answer.headers["x-request-id"]), (200, request))
        name = services[0].asked[-1]["RoleSessionName"]
        expect(name.startswith("cat%d-" % len(path)) and name.endswith("-" + request), name)
        c.wait_sql("SELECT count(*) FROM icecat.audit_log WHERE action = 'vend-credentials' AND request_id = '%s'" % request, "1")


# -- reads that are no changes ---------------------------------------------------------------------------------

def test_credentials_are_a_read(c, program, services):
    run(c, create_text("still"))
    with harness.Gateway(program, c.dsn, c.dir, maintenance="on") as gateway:
        got = load(gateway, "still", path="/credentials")
        expect_equal(got.status, 200, got.body)
        expect("s3.session-token" in got.json()["storage-credentials"][0]["config"], got.body)
    run(c, create_text("still2") + "; SELECT icecat.set_maintenance('w', true)")
    try:
        with harness.Gateway(program, c.dsn, c.dir) as gateway:
            expect_equal(load(gateway, "still2", path="/credentials").status, 200)
            expect("s3.session-token" in load(gateway, "still").json()["config"], "vended")
            services[0].asked.clear()
            body = json.dumps({"name": "never", "schema": SCHEMA}).encode()
            expect_equal(gateway.request("POST", TABLES % "w", body, HEADER + ["Content-Type: application/json"]).status, 503)
            expect_equal(services[0].asked, [], "a creation that is refused asks for none")
    finally:
        run(c, "SELECT icecat.set_maintenance('w', false)")
