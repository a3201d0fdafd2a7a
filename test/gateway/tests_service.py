"""Pools, lost connections, the gate, draining, reloading, logs and metrics.

SPDX-License-Identifier: PostgreSQL
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

from harness import (Client, Failure, Gateway, expect, expect_equal, in_background, in_parallel, request_bytes, wait_at_rest,
                     wait_until)

T = "/v1/w/namespaces/n/tables/"


def own(env, **settings):
    return Gateway(env.binary, env.pg.dsn, env.root, **settings)


def commit(gateway, table, **body):
    return gateway.request("POST", T + table, body or {"a": 1})


def test_reads_do_not_wait_for_writes(env):
    with own(env, write_connections=2) as gateway:
        with env.pg.held():
            writes = [in_background(lambda i=i: commit(gateway, f"slow{i}", act="hold_1")) for i in range(2)]
            env.pg.wait_held(2)
            expect_equal(gateway.get(T + "t").status, 200, "a read, while all connections for writes wait")
        expect_equal([write().status for write in writes], [200, 200])


def waiting(gateway, count, metric="icecat_gate_waiting"):
    wait_until(lambda: gateway.metric(metric) == count, f"{metric} is {count}")


def refused(gateway, reason):
    return gateway.metric(f'icecat_refused_total{{reason="{reason}"}}')


def test_reads_share_few_connections(env):
    with own(env, read_connections=2, read_pipeline_depth=8) as gateway:
        answers = in_parallel([lambda i=i: gateway.get(T + f"t{i}").json() for i in range(50)])
        expect_equal([a["table"] for a in answers], [f"t{i}" for i in range(50)])
        expect(len({a["pid"] for a in answers}) <= 2, "two backends at most")


def test_each_address_may_have_a_port_of_its_own(env):
    with own(env, listen="127.0.0.1:0, 127.0.0.1") as gateway:
        ports = [int(port) for port in re.findall(r"listening on \S+ port (\d+)", gateway.log())]
        expect_equal(len(set(ports)), 2)
        for port in ports:
            with Client(port, 15) as client:
                client.send(request_bytes("GET", "/health"))
                expect_equal(client.answer().status, 200)


def test_addresses_that_are_none_are_refused(env):
    for listen, good in (("127.0.0.1", True), ("::1", True), ("[::1]", True), ("*", True), ("*:8181", True),
                         ("[::1]:8181,127.0.0.1:80", True), ("127.0.0.1:", False), ("127.0.0.1:65536", False),
                         ("127.0.0.1:x", False), ("[::1]8181", False), (":8181", False), ("localhost:1", False), ("", False)):
        done = subprocess.run([env.binary, "--check-config"], capture_output=True, text=True,
                              env=dict(os.environ, ICECAT_DSN="", ICECAT_LISTEN=listen))
        expect_equal((listen, done.returncode), (listen, 0 if good else 1))


def test_errors_do_not_harm_neighbours(env):
    """Pipelined reads are transactions of their own."""
    with own(env, read_connections=1, read_pipeline_depth=16) as gateway:
        def one(i):
            return gateway.get(T + ("error_IC103" if i % 3 == 0 else f"t{i}")).status
        statuses = in_parallel([lambda i=i: one(i) for i in range(40)])
        expect_equal(statuses, [404 if i % 3 == 0 else 200 for i in range(40)])


def test_queue_is_bounded_and_waits_are_too(env):
    with own(env, write_connections=1, pool_queue_max=2, pool_wait_ms=3000) as gateway:
        with env.pg.held():
            first = in_background(lambda: commit(gateway, "q0", act="hold_1"))
            env.pg.wait_held(1)
            queued = [in_background(lambda i=i: commit(gateway, f"q{i}")) for i in (1, 2)]
            waiting(gateway, 2, 'icecat_pool_queue_length{pool="write"}')
            answers = [commit(gateway, f"q{i}") for i in (3, 4)]
            expect_equal((refused(gateway, "queue_full"), refused(gateway, "queue_timeout")), (2.0, 0.0), "over the bound: at once")
            answers += [answer() for answer in queued]      # while the first is held
        expect_equal(first().status, 200)
        for answer in answers:
            expect_equal((answer.status, answer.headers["retry-after"]), (503, "1"))
            answer.error()
        expect_equal(refused(gateway, "queue_timeout"), 2.0)
        expect_equal([env.pg.effects(f"q{i}") for i in range(5)], [1, 0, 0, 0, 0])
        expect(gateway.metric("iceberg_db_wait_duration_seconds_total") > 0.8, "waiting is counted")


def test_lost_connection_in_a_commit_is_unknown(env):
    answer = commit(env.gateway, "lost1", act="terminate_1")
    expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))
    answer = env.gateway.request("POST", "/v1/w/transactions/commit", {"act": "terminate_1"})
    expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))
    expect_equal(env.pg.effects("lost1"), 0, "effects")


def test_lost_connection_in_another_write(env):
    answer = env.gateway.request("DELETE", T + "terminate_1")
    expect_equal((answer.status, answer.error()["type"]), (500, "InternalServerError"))


def stop_backend(env, gateway):
    """Stops the only write session, and asks it to end. Returns what lets it go on."""
    expect_equal(commit(gateway, "before").status, 200)
    pid = int(env.pg.sql("SELECT pid FROM icecat.effect WHERE name = 'before' ORDER BY id DESC LIMIT 1"))
    os.kill(pid, signal.SIGSTOP)
    env.pg.sql(f"SELECT pg_terminate_backend({pid})")
    return lambda: os.kill(pid, signal.SIGCONT)


def test_a_session_that_ended_before_its_call_is_no_loss(env):
    """On a busy machine a backend ends a while after it was told to: its FATAL proves that the call behind it did nothing."""
    for method, path, body in (("POST", T + "slowend", {"a": 1}), ("DELETE", T + "slowend", None)):
        with own(env, write_connections=1) as gateway:
            go_on = stop_backend(env, gateway)

            def later():
                wait_until(lambda: gateway.metric('icecat_pool_calls_in_flight{pool="write"}') == 1, "it was sent")
                go_on()
            answer, _ = in_parallel([lambda: gateway.request(method, path, body), later])
            expect(answer.status in (200, 204), f"{answer.status} {answer.body}")
            expect_equal(gateway.metric('icecat_pool_repeats_total{pool="write"}'), 1.0)
    expect_equal(env.pg.effects("slowend"), 2)


def test_a_session_that_ended_in_the_commit_is_a_loss(env):
    """The statement was answered, so its COMMIT may have been made: never again."""
    before = env.gateway.metric('icecat_pool_repeats_total{pool="write"}')
    answer = commit(env.gateway, "lateend", act="lateterminate_1")
    expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))
    expect_equal(env.gateway.metric('icecat_pool_repeats_total{pool="write"}'), before)


def test_server_crash_in_a_commit_is_unknown(env):
    """kill -9 of the backend: no message from the server at all."""
    with own(env, write_connections=1, read_connections=1) as gateway:
        def crash():
            pid = wait_until(lambda: env.pg.sql(
                "SELECT pid FROM pg_stat_activity WHERE query LIKE '%commit_table%' AND state = 'active'"
                " AND application_name LIKE 'icecat-gateway%'"), "the commit runs")
            os.kill(int(pid), signal.SIGKILL)
        answer, _ = in_parallel([lambda: commit(gateway, "crash", act="sleep_5000"), crash])
        expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))
        wait_until(lambda: gateway.get("/ready").status == 200, "ready again", 20)
        expect_equal(commit(gateway, "aftercrash").status, 200)
    wait_until(lambda: env.gateway.get("/ready").status == 200, "the others are ready again", 20)


def test_reads_survive_a_lost_connection(env):
    with own(env, read_connections=2) as gateway:
        def kill():
            wait_until(lambda: int(env.pg.sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'active'"
                " AND query LIKE '%load_table%' AND pid <> pg_backend_pid()")) > 0, "a read runs")
        answer, _ = in_parallel([lambda: gateway.get(T + "sleep_700"), kill])
        expect_equal(answer.status, 200)
        expect_equal(gateway.metric('icecat_pool_repeats_total{pool="read"}'), 1.0)
        answer = gateway.get(T + "terminate_1")
        expect_equal((answer.status, answer.headers["retry-after"]), (503, "1"))


def test_idle_connections_are_replaced(env):
    with own(env, read_connections=2, write_connections=2) as gateway:
        env.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name = 'icecat-gateway'")
        wait_until(lambda: gateway.metric('icecat_pool_losses_total{pool="write"}') == 2 and
                   gateway.metric('icecat_pool_losses_total{pool="read"}') == 2, "all are noticed")
        answers = in_parallel([lambda i=i: commit(gateway, f"idle{i}") for i in range(4)])
        expect_equal([a.status for a in answers], [200] * 4)
        expect_equal(gateway.get(T + "t").status, 200)
    wait_until(lambda: env.gateway.get("/ready").status == 200, "the others are ready again")


def test_prepared_statements_are_made_again(env):
    with own(env, read_connections=1) as gateway:
        expect_equal(gateway.get(T + "t").status, 200)
        env.pg.sql("CREATE OR REPLACE FUNCTION icecat.act(p_word text) RETURNS void LANGUAGE plpgsql"
                   " AS 'BEGIN IF p_word = ''deallocate'' THEN DEALLOCATE ALL; END IF; END'")
        try:
            expect_equal(gateway.get(T + "deallocate").status, 200)
            for _ in range(3):
                expect_equal(gateway.get(T + "t").status, 200)
        finally:
            env.restore_mock()


def test_start_without_a_database(env):
    with Gateway(env.binary, "host=/nowhere", env.root, ready=False, pool_wait_ms=300) as gateway:
        expect_equal(gateway.get("/health").status, 200)
        answer = gateway.get("/ready")
        expect_equal((answer.status, answer.headers["retry-after"]), (503, "1"))
        answer = gateway.get("/v1/config")
        answer.error()
        expect_equal((answer.status, answer.headers["retry-after"]), (503, "1"))
        answer = commit(gateway, "t")
        expect_equal(answer.status, 503, "a commit that was not sent")


def test_database_restart(env):
    env.pg.stop("fast")
    expect_equal(env.gateway.get("/health").status, 200)
    wait_until(lambda: env.gateway.get("/ready").status == 503, "not ready")
    env.pg.start()
    wait_until(lambda: env.gateway.get("/ready").status == 200, "ready again", 20)
    expect_equal(commit(env.gateway, "restarted").status, 200)


def test_call_timeout_loses_the_connection(env):
    with own(env, call_timeout_ms=1000, write_connections=1) as gateway, env.pg.held():
        answer = commit(gateway, "stuck", act="hold_1")
        expect_equal((answer.status, answer.error()["type"]), (500, "CommitStateUnknownException"))


def test_statement_timeout_is_retryable(env):
    with own(env, statement_timeout_ms=300) as gateway:
        answer = commit(gateway, "timeout", act="sleep_4000")
        expect_equal((answer.status, answer.headers["retry-after"]), (503, "1"))
        expect_equal(env.pg.effects("timeout"), 0)


def test_worker_is_started(env):
    env.pg.sql("DELETE FROM icecat.worker_start")
    with own(env, write_connections=3):
        wait_until(lambda: env.pg.sql("SELECT count(*) FROM icecat.worker_start") == "3",
                   "each write connection starts the worker")


def test_gate_lets_one_in(env):
    with env.pg.held():
        commits = [in_background(lambda: commit(env.gateway, "gated", act="hold_1", n=0))]
        env.pg.wait_held(1)
        for i in range(1, 6):
            commits.append(in_background(lambda i=i: commit(env.gateway, "gated", act="sleep_20", n=i)))
            waiting(env.gateway, i)
    expect_equal([answer().status for answer in commits], [200] * 6)
    rows = json.loads(env.pg.sql(
        "SELECT json_agg(json_build_object('n', request -> 'n', 'overlaps', EXISTS (SELECT 1 FROM"
        " icecat.effect p WHERE p.name = 'gated' AND p.began < e.began AND p.ended > e.began))"
        " ORDER BY began) FROM icecat.effect e WHERE name = 'gated'"))
    expect_equal([row["n"] for row in rows], list(range(6)), "order")
    expect(not any(row["overlaps"] for row in rows), "one at a time")


def test_gate_holds_no_connections(env):
    """Writers of one table do not delay those of another, although there are few connections."""
    with own(env, write_connections=2) as gateway:
        with env.pg.held():
            commits = [in_background(lambda: commit(gateway, "busy", act="hold_1")) for _ in range(8)]
            waiting(gateway, 7)
            expect_equal(commit(gateway, "free").status, 200, "the other table does not wait")
        expect_equal([answer().status for answer in commits], [200] * 8)
        expect(gateway.metric("icecat_gate_wait_seconds_total") > 0, "waiting is counted")
        expect_equal(gateway.metric("icecat_gate_tables"), 0.0)


def test_gate_width(env):
    with own(env, commit_gate_width=3) as gateway:
        with env.pg.held():
            commits = [in_background(lambda: commit(gateway, "wide", act="hold_1")) for _ in range(6)]
            env.pg.wait_held(3)
            waiting(gateway, 3)
        expect_equal([answer().status for answer in commits], [200] * 6)


def test_gate_is_bounded(env):
    with own(env, commit_gate_queue_max=2, commit_gate_wait_ms=3000) as gateway:
        with env.pg.held():
            first = in_background(lambda: commit(gateway, "bounded", act="hold_1"))
            env.pg.wait_held(1)
            queued = [in_background(lambda: commit(gateway, "bounded")) for _ in range(2)]
            waiting(gateway, 2)
            answers = [commit(gateway, "bounded") for _ in range(2)]
            expect_equal((refused(gateway, "gate_full"), refused(gateway, "gate_timeout")), (2.0, 0.0), "over the bound: at once")
            answers += [answer() for answer in queued]      # while the first is held
        expect_equal(first().status, 200)
        expect_equal([(answer.status, answer.headers["retry-after"]) for answer in answers], [(503, "1")] * 4)
        expect_equal(env.pg.effects("bounded"), 1)
        expect_equal(refused(gateway, "gate_timeout"), 2.0)


def report(gateway, table, **body):
    return gateway.request("POST", f"{T}{table}/metrics", body)


def test_burst_of_reports_does_not_delay_commits(env):
    with own(env, write_connections=3, report_gate_width=2) as gateway:
        with env.pg.held():
            reports = [in_background(lambda i=i: report(gateway, f"r{i}", act="hold_1")) for i in range(12)]
            env.pg.wait_held(2)
            waiting(gateway, 10)
            expect_equal(commit(gateway, "beside").status, 200, "the commit does not wait")
        expect_equal([answer().status for answer in reports], [204] * 12)


def test_queue_of_reports_is_bounded(env):
    with own(env, report_gate_width=1, report_gate_queue_max=1) as gateway:
        with env.pg.held():
            reports = [in_background(lambda: report(gateway, "b0", act="hold_1"))]
            env.pg.wait_held(1)
            reports.append(in_background(lambda: report(gateway, "b1")))
            waiting(gateway, 1)
            third = report(gateway, "b2")
        expect_equal([answer().status for answer in reports], [204, 204])
        expect_equal((third.status, third.headers["retry-after"]), (503, "1"))
        expect_equal(third.error()["message"], "Too many metrics reports wait")


def test_client_that_leaves_the_gate_is_forgotten(env):
    with own(env) as gateway:
        with env.pg.held():
            first = in_background(lambda: commit(gateway, "leaver", act="hold_1", n=1))
            env.pg.wait_held(1)
            second = gateway.connect()
            second.send(request_bytes("POST", T + "leaver", {"n": 2}))
            waiting(gateway, 1)
            second.socket.close()
            waiting(gateway, 0)
        expect_equal(first().status, 200)
        expect_equal(commit(gateway, "leaver", n=3).status, 200)
        expect_equal(env.pg.sql("SELECT string_agg(request ->> 'n', ',' ORDER BY began)"
                                " FROM icecat.effect WHERE name = 'leaver'"), "1,3")


def test_a_write_that_was_sent_is_never_cancelled(env):
    with env.gateway.connect() as client:
        client.send(request_bytes("POST", T + "goner", {"act": "sleep_500"}))
        wait_until(lambda: env.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                                      " AND query LIKE '%commit_table%' AND pid <> pg_backend_pid()")
                   == "1", "the commit runs")
    wait_until(lambda: env.pg.effects("goner") == 1, "it has its effect")


def rude_client(gateway, seed):
    """Sends reads and commits and goes away at odd moments."""
    dice = random.Random(seed)
    for _ in range(40):
        with gateway.connect() as client:
            for _ in range(dice.randrange(1, 6)):
                act = dice.choice(["sleep_3", "sleep_20", "error_IC203", "none"])
                client.send(dice.choice([
                    request_bytes("GET", T + dice.choice(["t", "sleep_5", "size_300000", "error_IC103"])),
                    request_bytes("POST", T + dice.choice(["rude1", "rude2"]), {"act": act}),
                    request_bytes("HEAD", T + "t"), request_bytes("GET", "/nope"),
                    request_bytes("POST", T + "rude1", {"act": act})[:-2],
                    b"POST /v1/w/namespaces HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"]))
            if dice.random() < 0.3:
                client.close_sending()
            if dice.random() < 0.5:
                time.sleep(dice.random() * 0.02)
                client.socket.settimeout(0.05)
                try:
                    client.socket.recv(4096)
                except OSError:
                    pass


def test_rude_clients_leave_nothing_behind(env):
    """Whatever clients and backends do, all counters of things under way return to zero."""
    with own(env, read_connections=2, write_connections=2, commit_gate_wait_ms=200,
             pool_wait_ms=200, pool_queue_max=5, body_timeout_ms=500) as gateway:
        def kill():
            for _ in range(8):
                time.sleep(0.15)
                env.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name"
                           " LIKE 'icecat-gateway%' AND random() < 0.3")
        in_parallel([lambda i=i: rude_client(gateway, i) for i in range(12)] + [kill])
        wait_at_rest(gateway)
        wait_until(lambda: gateway.get("/ready").status == 200, "ready")
        expect_equal(commit(gateway, "polite").status, 200)
    wait_until(lambda: env.gateway.get("/ready").status == 200, "the others are ready again")


def test_sigterm_drains(env):
    gateway = own(env)
    try:
        idle = gateway.connect()
        idle.send(request_bytes("GET", "/health"))
        idle.answer()
        busy = gateway.connect()
        with env.pg.held():
            busy.send(request_bytes("POST", T + "drained", {"act": "hold_1"}))
            env.pg.wait_held(1)
            gateway.signal(signal.SIGTERM)
            idle.wait_closed(10)
            expect(gateway.process.poll() is None, "it still works")
            try:
                gateway.connect(1)
                raise Failure("it still listens")
            except OSError:
                pass
        answer = busy.answer()
        expect_equal((answer.status, answer.headers.get("connection")), (200, "close"))
        expect_equal(gateway.process.wait(5), 0, "exit status")
    finally:
        gateway.stop()
    expect_equal(env.pg.effects("drained"), 1)


class Hammer:
    """Requests without a pause, on connections that stay or on one each, until nobody listens any more."""

    def __init__(self, gateway, stays, pipelined):
        self.gateway, self.stays, self.pipelined = gateway, stays, pipelined
        self.answered = self.closed = 0
        self.wrong = []

    def round(self):
        """False when the connection was closed cleanly."""
        keep = [] if self.stays else ["Connection: close"]
        for _ in range(self.pipelined):
            self.client.send(request_bytes("GET", "/v1/w/namespaces/n", headers=keep))
        for _ in range(self.pipelined):
            answer = self.client.answer()
            expect_equal(answer.status, 200)
            self.answered += 1
            if answer.headers.get("connection") == "close":
                return False
        return True

    def run(self):
        while True:
            try:
                self.client = self.gateway.connect(10)
            except ConnectionRefusedError:
                return
            except OSError as error:
                self.wrong.append(f"connect: {error!r}")
                return
            try:
                with self.client:
                    while self.round() and self.stays:
                        pass
            except Failure as failure:
                if "ended before an answer" in str(failure):
                    self.closed += 1
                else:
                    self.wrong.append(str(failure))
            except OSError as error:    # sending: the other side was closed before
                self.wrong.append(repr(error))


def test_sigterm_resets_no_connection(env):
    """Under load, on connections that stay and on new ones: each request is answered, or its connection ends cleanly."""
    answered = closed = 0
    for number in range(4):
        gateway = own(env)
        try:
            hammers = [Hammer(gateway, i % 2 == 0, 1 + i // 6) for i in range(12)]

            def end():
                time.sleep(0.4 + number * 0.03)
                gateway.signal(signal.SIGTERM)
            in_parallel([hammer.run for hammer in hammers] + [end])
            expect_equal(gateway.process.wait(10), 0, "exit status")
            expect_equal([wrong for hammer in hammers for wrong in hammer.wrong], [], "resets and the like")
            answered += sum(hammer.answered for hammer in hammers)
            closed += sum(hammer.closed for hammer in hammers)
        finally:
            gateway.stop()
    print(f"# through 4 SIGTERMs: {answered} answered, {closed} closed before their request was read")
    expect(answered > 500, "there was load")


def test_drain_delay_answers_not_ready(env):
    gateway = own(env, drain_delay_ms=1500)
    try:
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: gateway.get("/ready").status == 503, "not ready")
        expect_equal(gateway.get(T + "t").status, 200, "still serving")
        expect_equal(gateway.process.wait(5), 0, "exit status")
    finally:
        gateway.stop()


def test_drain_is_bounded(env):
    gateway = own(env, drain_timeout_ms=500)
    try:
        busy = gateway.connect()
        with env.pg.held():
            busy.send(request_bytes("POST", T + "t", {"act": "hold_1"}))
            env.pg.wait_held(1)
            gateway.signal(signal.SIGTERM)
            gateway.process.wait(20)        # while the call is held
    finally:
        gateway.stop()


def test_sighup_reloads(env):
    log = os.path.join(env.root, "access.log")
    config = f"retry_after_s = 1\npool_wait_ms = 200\naccess_log = {log}\n"
    with own(env, config=config) as gateway:
        gateway.get("/health")
        wait_until(lambda: "/health" in open(log).read(), "the access log is written")
        os.rename(log, log + ".1")
        gateway.write_config(config + "body_bytes_max = 2000\nread_connections = 9\n")
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: "settings reloaded" in gateway.log(), "reloaded")
        expect('\\"body_bytes_max\\" changed' in gateway.log(), "the change is logged")
        expect('\\"read_connections\\" needs a restart' in gateway.log(), "and what has to wait")
        expect_equal(gateway.request("POST", T + "t", b'"' + b"x" * 3000 + b'"').status, 413)
        wait_until(lambda: os.path.exists(log) and "updateTable" in open(log).read(),
                   "the log file is opened again")
        gateway.write_config("body_bytes_max = nonsense\n")
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: "settings kept" in gateway.log(), "a broken file changes nothing")
        expect_equal(gateway.request("POST", T + "t", b'"' + b"x" * 3000 + b'"').status, 413)


def test_access_log(env):
    with own(env) as gateway:
        gateway.request("GET", T + "sleep_50?token=geheim", headers=["X-Request-Id: logged-1",
                                                                      "Authorization: Bearer geheim"])
        line = wait_until(lambda: [x for x in gateway.log_lines()
                                   if x.get("request_id") == "logged-1"], "the line")[0]
        expect_equal((line["method"], line["path"], line["operation"], line["status"]),
                     ("GET", T + "sleep_50", "loadTable", 200))
        expect(line["db_ms"] >= 50 and line["duration_ms"] >= line["db_ms"] and line["bytes"] > 10,
               f"numbers of {line}")
        expect(line["client"].startswith("127.0.0.1:"), "client")
        expect("geheim" not in gateway.log(), "no secrets")


def test_passwords_are_not_logged(env):
    with Gateway(env.binary, "host=/nowhere user=x password=geheim", env.root,
                 ready=False) as gateway:
        wait_until(lambda: "connection failed" in gateway.log(), "the failure is logged")
        expect("geheim" not in gateway.log(), "no password")
    done = subprocess.run([env.binary, "--check-config"], capture_output=True, text=True,
                          env=dict(os.environ, ICECAT_DSN="host=a password geheim"))
    expect_equal(done.returncode, 1)
    expect("geheim" not in done.stderr + done.stdout and "dsn" in done.stderr, done.stderr)


def test_repeated_warnings_are_counted(env):
    def lines(gateway):
        return [(line["message"], line.get("repeated")) for line in gateway.log_lines() if line.get("level") == "warning"]

    with Gateway(env.binary, "host=/nowhere", env.root, ready=False, log_repeat_ms=1500, reconnect_delay_max_ms=100) as gateway:
        wait_until(lambda: any(count for _, count in lines(gateway)), "the repeats are said")
        time.sleep(1.6)
        found = [(count or 0) for message, count in lines(gateway) if message.startswith("write connection failed")]
        expect(found[0] == 0 and min(found[1:]) > 5 and len(found) <= 4, f"once, then counts: {found}")
    with Gateway(env.binary, "host=/nowhere", env.root, ready=False, log_repeat_ms=0, reconnect_delay_max_ms=100) as gateway:
        wait_until(lambda: len(lines(gateway)) > 20, "0: each time")
        expect(not any(count for _, count in lines(gateway)), "and no counts")
    with own(env) as gateway:
        for i in range(3):
            gateway.request("POST", T + "t", {"act": "error_53300"}, headers=[f"X-Request-Id: warn-{i}"])
            gateway.request("POST", T + "t", {"act": "error_XX000"}, headers=[f"X-Request-Id: err-{i}"])
        def told():
            return [line.get("request_id") for line in gateway.log_lines() if "message" in line]

        wait_until(lambda: "err-2" in told(), "the last of them is logged")
        messages = told()
        expect_equal([i for i in ("warn-0", "warn-1", "err-0", "err-1", "err-2") if i in messages],
                     ["warn-0", "err-0", "err-1", "err-2"], "a client's request id is found where it was told")
        gateway.signal(signal.SIGTERM)
        gateway.process.wait(10)
        expect([line for line in gateway.log_lines() if line.get("repeated") == 2], "what was held back is said at the end")


def test_the_worker_in_the_metrics(env):
    with own(env, probe_interval_ms=100) as gateway:
        expect(b"icecat_worker_" not in gateway.get("/metrics").body, "nothing was asked yet")
        wait_until(lambda: gateway.metric("icecat_worker_pending_writes") == 14857, "it is asked")
        expect_equal([gateway.metric("icecat_worker_" + name) for name in ("running", "oldest_write_s", "failing")], [1.0, 17.25, 0.0])
        expect_equal(gateway.metric("icecat_worker_last_error"), 1.0, "of a text: whether there is one")
        lines = [line for line in gateway.get("/metrics").body.decode().split("\n") if "icecat_store_" in line]
        expect_equal(lines, [line for name, kind, values in (("files_written_total", "counter", (10, 20)), ("lag_s_total", "counter", (0.5, 1.25)), ("pending_writes", "gauge", (3, 4)))
                             for line in ("# HELP icecat_store_%s Column %s of icecat.storage_status()." % (name, name.replace("_total", "")), "# TYPE icecat_store_%s %s" % (name, kind),
                                          'icecat_store_%s{storage_profile=""} %s' % (name, values[0]), 'icecat_store_%s{storage_profile="a \\"b\\"\\\\ c"} %s' % (name, values[1]))])
    env.pg.sql("CREATE ROLE unaware; GRANT USAGE ON SCHEMA icecat TO unaware; GRANT SELECT ON ALL TABLES IN SCHEMA icecat TO unaware; REVOKE EXECUTE ON FUNCTION icecat.worker_status FROM PUBLIC")
    with own(env, probe_interval_ms=100, database_role="unaware") as gateway:
        gateway.get("/metrics")
        time.sleep(0.5)
        expect(b"icecat_worker_" not in gateway.get("/metrics").body, "no right, no metrics, no harm")
        expect_equal(gateway.get(T + "t").status, 200)
    env.pg.sql("GRANT EXECUTE ON FUNCTION icecat.worker_status TO PUBLIC; DROP OWNED BY unaware; DROP ROLE unaware")


def test_systemd_is_told(env):
    """As sd_notify(3): a path, and an abstract name."""
    for path in (os.path.join(env.root, "notify"), f"\0icecat-notify-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(10)
            environment = dict(os.environ, ICECAT_DSN=env.pg.dsn, ICECAT_PORT="0", NOTIFY_SOCKET=path.replace("\0", "@"),
                               WATCHDOG_USEC="400000")
            process = subprocess.Popen([env.binary], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                heard = [listener.recv(4096).decode() for _ in range(4)]
                expect_equal(set(heard), {"READY=1", "WATCHDOG=1"})
                process.send_signal(signal.SIGHUP)
                words = []
                while len(words) < 2:
                    word = listener.recv(4096).decode()
                    words += [word] if word != "WATCHDOG=1" else []
                expect(words[0].startswith("RELOADING=1\nMONOTONIC_USEC=") and words[1] == "READY=1", f"{words}")
                process.terminate()
                while (word := listener.recv(4096).decode()) == "WATCHDOG=1":
                    pass
                expect_equal(word, "STOPPING=1")
            finally:
                process.terminate()
                process.wait(10)
        if path[0] == "/":
            os.remove(path)


def test_the_unit_is_sound(env):
    """systemd-analyze, where it is, finds no fault, and little that the service could reach."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        print("# no systemd-analyze here: skipped")
        return
    folder = os.path.dirname(os.path.dirname(env.binary))
    with open(os.path.join(folder, "icecat-gateway.service")) as file:
        text = file.read()
    unit = os.path.join(env.root, "icecat-gateway.service")
    with open(unit, "w") as file:
        file.write(text.replace("/usr/local/bin/icecat-gateway", env.binary))
    found = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
    faults = [line for line in (found.stdout + found.stderr).splitlines() if "icecat-gateway" in line]
    expect_equal(faults, [], "systemd-analyze verify")
    found = subprocess.run([analyze, "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True)
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", found.stdout)
    expect(exposure and float(exposure.group(1)) < 2, found.stdout[-300:] + found.stderr[-300:])
    print(f"# {exposure.group(0)}")


def test_metrics(env):
    with own(env) as gateway:
        gateway.get(T + "t")
        gateway.get("/nope")
        text = gateway.get("/metrics")
        expect(text.headers["content-type"].startswith("text/plain; version=0.0.4"), "type")
        lines = text.body.decode().splitlines()
        helped = {line.split()[2] for line in lines if line.startswith("# HELP")}
        typed = {line.split()[2] for line in lines if line.startswith("# TYPE")}
        expect_equal(helped, typed, "HELP and TYPE")
        for line in lines:
            if not line.startswith("#"):
                name = line.split("{")[0].split(" ")[0]
                for suffix in ("_bucket", "_sum", "_count"):
                    if name.endswith(suffix) and name[:-len(suffix)] in helped:
                        name = name[:-len(suffix)]
                expect(name in helped, f"{name} has no HELP")
                float(line.rsplit(" ", 1)[1])
        for name in ("iceberg_catalog_http_requests_in_flight", "iceberg_db_connections_in_use",
                     "iceberg_db_connections_max", "iceberg_db_wait_duration_seconds_total"):
            expect(any(line.startswith(name + " ") for line in lines), name)
        expect('iceberg_catalog_http_requests_total{operation="loadTable",method="GET",status="200"} 1'
               in lines, "requests")
        expect_equal(gateway.metric("iceberg_catalog_http_requests_in_flight"), 1.0)


def test_command_line(env):
    def run(*arguments, **settings):
        environment = dict(os.environ, **{"ICECAT_" + k.upper(): v for k, v in settings.items()})
        return subprocess.run([env.binary, *arguments], capture_output=True, text=True,
                              env=environment)
    expect("icecat-gateway " in run("--version").stdout, "version")
    expect("ICECAT_DSN" in run("--help").stdout, "help")
    expect_equal(run("--check-config").returncode, 0)
    bad = run("--check-config", port="many")
    expect_equal(bad.returncode, 1)
    expect("port" in bad.stderr, bad.stderr)
    expect_equal(run("--check-config", "--config", "/no/such/file").returncode, 1)
    expect_equal(run("--nonsense").returncode, 2)
    expect_equal(run("argument").returncode, 2)
    printed = os.path.join(env.root, "printed.conf")
    with open(printed, "w") as file:
        file.write(run("--print-settings").stdout)
    expect_equal(run("--check-config", "--config", printed).returncode, 0)
    expect_equal(run("--check-config", listen="nonsense").returncode, 1)
    expect_equal(run("--check-config", listen="127.0.0.1, [::1], *").returncode, 0)
    expect_equal(run(listen="192.0.2.1", port="0").returncode, 1)


def test_a_reader_of_the_log_that_sleeps_costs_lines_only(env):
    reader, writer = os.pipe()
    with own(env) as first:
        port = first.port           # free again after this
    process = subprocess.Popen([env.binary], stderr=writer, stdin=subprocess.DEVNULL,
                               env=dict(os.environ, ICECAT_DSN=env.pg.dsn, ICECAT_PORT=str(port)))
    try:
        wait_until(lambda: answers(port), "it listens")
        client = Client(port, 10)
        for _ in range(40):
            client.send(request_bytes("GET", "/health") * 200)
            for _ in range(200):
                expect_equal(client.answer().status, 200)
        client.send(request_bytes("GET", "/metrics"))
        lost = [line for line in client.answer().body.decode().splitlines()
                if line.startswith("icecat_log_lines_lost_total")][0]
        expect(int(lost.split()[1]) > 100, lost)
        os.set_blocking(reader, False)
        text = os.read(reader, 1 << 20).decode()
        for line in text.splitlines()[:-1]:
            json.loads(line)
        client.socket.close()
    finally:
        process.terminate()
        process.wait(10)
        os.close(reader)
        os.close(writer)


def answers(port):
    try:
        with Client(port, 1):
            return True
    except OSError:
        return False
