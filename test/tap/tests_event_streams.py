"""GET /v1/events: streams of events as Server-Sent Events.

Every commit once and in order per table, with filters, resumed where they ended, through kill -9 of the gateway, the worker and
backends; only what the principal may see at that time; bounded in number, memory and time.
"""
# SPDX-License-Identifier: PostgreSQL
import http.client
import json
import os
import signal
import socket
import threading
import time

import harness
import pytest
from expectations import expect, expect_equal, wait_until
from issuer import Issuer

STRUCT = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
WAIT_S = 60


class Stream:
    """A client as an EventSource is: keeps the last id, and reads messages in a thread."""

    def __init__(self, gateway, query="", last=None, headers=()):
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=WAIT_S)
        fields = dict(headers)
        if last is not None:
            fields["Last-Event-ID"] = str(last)
        self.connection.request("GET", "/v1/events" + query, headers=fields)
        self.answer = self.connection.getresponse()
        self.last, self.messages, self.beats, self.end, self.closed = last, [], 0, None, False
        self.error = json.loads(self.answer.read())["error"] if self.answer.status != 200 else None
        self.thread = threading.Thread(target=self._read, daemon=True)
        if self.error is None:
            self.thread.start()

    def _read(self):
        kind, data = "message", None
        try:
            while True:
                line = self.answer.readline()
                if not line:
                    break
                line = line.rstrip(b"\r\n").decode()
                field, _, value = line.partition(": ")
                if field == "id":
                    self.last = int(value)
                elif field == "event":
                    kind = value
                elif field == "data":
                    data = json.loads(value)
                elif line.startswith(":"):
                    self.beats += 1
                elif line == "" and data is not None:
                    if kind == "end":
                        self.end = data
                    else:
                        self.messages.append(data)
                    kind, data = "message", None
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass
        self.closed = True

    def told(self):
        return [(m["data"]["event-type"], ".".join(m["data"].get("namespace", [])), m["data"].get("name")) for m in list(self.messages)]

    def wait(self, count, what):
        wait_until(lambda: len(self.messages) >= count, "%s: %d messages, and there are %d" % (what, count, len(self.messages)), WAIT_S)
        return self.told()

    def close(self):
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.connection.close()


def make(c, warehouse):
    c.make_warehouse(warehouse)
    c.sql("SELECT icecat.create_namespace('%s', '{other}'); SELECT icecat.create_namespace('%s', '{ns,below}')" % (warehouse, warehouse))
    c.sql(c.create_table_sql("t", warehouse))


def commit(c, warehouse, table="t", count=1):
    c.sql("".join(c.property_commit_sql(table, "k", i, warehouse) for i in range(count)))


def last_number(c, warehouse):
    c.sql("SELECT count(*) FROM icecat.read_events('%s')" % warehouse)
    return int(c.sql("SELECT coalesce(max(number), 0) FROM icecat.events WHERE warehouse = '%s'" % warehouse))


def test_a_stream(c, gateway):
    make(c, "one")
    c.sql("SET icecat.request_id = 'a-request';" + c.property_commit_sql("t", "k", "v", "one"))
    last = last_number(c, "one")
    stream = Stream(gateway, "?warehouse=one&from=1")
    expect_equal((stream.answer.status, stream.answer.headers["Content-Type"], stream.answer.headers["Cache-Control"],
                  stream.answer.headers["X-Accel-Buffering"], stream.answer.headers["Content-Encoding"]),
                 (200, "text/event-stream", "no-store", "no", None))
    stream.wait(last, "all from the first one on")
    expect_equal([m["data"]["number"] for m in stream.messages], list(range(1, last + 1)), "in order, each once")
    event = stream.messages[-1]
    expect_equal((event["specversion"], event["type"], event["subject"], event["sequence"], event["datacontenttype"]),
                 ("1.0", "icecat.commit-table", "ns.t", str(last), "application/json"), "CloudEvents 1.0")
    expect_equal((event["data"]["request-id"], event["data"]["request-event-count"], event["data"]["details"]["updates"]),
                 ("a-request", 1, ["set-properties"]))
    commit(c, "one")
    stream.wait(last + 1, "what follows comes by itself")
    stream.close()
    resumed = Stream(gateway, "?warehouse=one&from=1", last=last)
    resumed.wait(1, "Last-Event-ID counts more than from")
    expect_equal([m["data"]["number"] for m in resumed.messages], [last + 1])
    resumed.close()


def test_filters(c, gateway):
    make(c, "filter")
    queries = {"space": "namespace=ns", "below": "namespace=ns%1Fbelow", "kind": "kind=namespace", "type": "type=drop-table,rename-table",
               "table": "namespace=ns&table=t",
               "uuid": "uuid=" + c.sql("SELECT table_uuid FROM icecat.tables WHERE warehouse = 'filter' AND table_name = 't'"),
             "UUID": "uuid=" + c.sql("SELECT upper(table_uuid) FROM icecat.tables WHERE warehouse = 'filter' AND table_name = 't'")}
    streams = {name: Stream(gateway, "?warehouse=filter&" + query) for name, query in queries.items()}
    commit(c, "filter")
    c.sql("SELECT icecat.create_table('filter', '{ns,below}', 'b', '%s'); SELECT icecat.create_namespace('filter', '{nsx}');"
          "SELECT icecat.create_table('filter', '{nsx}', 't', '%s'); SELECT icecat.rename_table('filter', '{ns}', 't', '{other}', 'u');"
          "SELECT icecat.drop_table('filter', '{other}', 'u')" % (STRUCT, STRUCT))
    c.sql("SELECT icecat.create_namespace('filter', '{ns,end}')")
    moved = ("rename-table", "other", "u")
    wanted = {"space": [("commit-table", "ns", "t"), ("create-table", "ns.below", "b"), moved, ("create-namespace", "ns.end", None)],
              "below": [("create-table", "ns.below", "b")], "kind": [("create-namespace", "nsx", None), ("create-namespace", "ns.end", None)],
              "type": [moved, ("drop-table", "other", "u")], "table": [("commit-table", "ns", "t"), moved],
              "uuid": [("commit-table", "ns", "t"), moved, ("drop-table", "other", "u")]}
    wanted["UUID"] = wanted["uuid"]
    for name, stream in streams.items():
        expect_equal(stream.wait(len(wanted[name]), name), wanted[name], name)
        stream.close()


def test_filters_where_case_does_not_matter(c, gateway):
    c.sql("SELECT icecat.create_warehouse('folded', 'file://%s/folded', '{\"icecat.case-mode\":\"insensitive\"}')" % c.files)
    c.sql("SELECT icecat.create_namespace('folded', '{Ns}'); SELECT icecat.create_namespace('folded', '{other}')")
    streams = [Stream(gateway, "?warehouse=folded&from=1&" + query) for query in ("namespace=nS&table=Orders", "namespace=NS&kind=table")]
    c.sql("SELECT icecat.create_table('folded', '{NS}', 'orderS', '%s'); SELECT icecat.create_table('folded', '{other}', 'orders', '%s');"
          "SELECT icecat.drop_table('folded', '{ns}', 'ORDERS')" % (STRUCT, STRUCT))
    for stream in streams:
        expect_equal(stream.wait(2, "in any case"), [("create-table", "Ns", "orderS"), ("drop-table", "Ns", "orderS")])
        stream.close()


def test_what_clients_write_into_events(c, gateway):
    """Tabs and ends of lines between the values of their JSON; details that are too long to be sent to many."""
    make(c, "text")
    c.sql("SELECT icecat.create_namespace('text', '{tabs}', E'{\\t\"a\"\\t:\\n\"b\"\\r}')")
    c.sql("SELECT icecat.create_namespace('text', '{long}', json_build_object('k', repeat('x', 20000)))")
    commit(c, "text")
    last = last_number(c, "text")
    stream = Stream(gateway, "?warehouse=text&from=1")
    stream.wait(last, "all of them")
    expect_equal([m["data"]["number"] for m in stream.messages], list(range(1, last + 1)), "in order, each once")
    tabs, long, _ = [m["data"] for m in stream.messages[-3:]]
    expect_equal((tabs["details"], long["namespace"]), ({"properties": {"a": "b"}} if "properties" in tabs["details"] else {"a": "b"}, ["long"]))
    expect(long["details"]["left-out-bytes"] > 20000, long["details"])
    stream.close()


def test_streams_that_are_behind(c, gateway):
    make(c, "behind")
    c.sql("SELECT icecat.create_namespace('behind', ARRAY['n' || n]) IS NULL FROM generate_series(1, 2500) AS n")
    wait_until(lambda: last_number(c, "behind") > 2500, "they have numbers", WAIT_S)
    last = last_number(c, "behind")
    begins = (1, last + 1, 700, 1, last - 3, last + 1)
    streams = [Stream(gateway, "?warehouse=behind&from=%d" % begin) if begin <= last else Stream(gateway, "?warehouse=behind") for begin in begins]
    commit(c, "behind", count=3)
    for begin, stream in zip(begins, streams):
        stream.wait(last + 4 - begin, "from %d on" % begin)
        expect_equal([m["data"]["number"] for m in stream.messages], list(range(begin, last + 4)), "in order, each once")
        stream.close()


def test_events_that_are_trimmed_under_a_stream(c, program):
    make(c, "under")
    last = last_number(c, "under")
    with harness.Gateway(program, c.dsn, c.dir, event_poll_ms=3000, metadata_wait_ms=0) as gateway:
        stream = Stream(gateway, "?warehouse=under")
        wait_until(lambda: gateway.metric("icecat_event_polls_total") == 1, "it was asked for once", WAIT_S)
        commit(c, "under", count=3)
        expect_equal(last_number(c, "under"), last + 3)
        c.sql("DELETE FROM icecat_data.event AS e USING icecat_data.warehouse AS w WHERE w.name = 'under' AND e.warehouse_id = w.warehouse_id")
        wait_until(lambda: stream.closed, "the stream ends", WAIT_S)
        expect_equal((stream.end["reason"], stream.end["oldest"]), ("events-trimmed", str(last + 4)), "and says where to go on")
        expect(gateway.metric("icecat_event_polls_total") < 5, "the database is not asked again and again")


def test_streams_until_the_drain_delay_is_over(c, program):
    make(c, "delay")
    gateway = harness.Gateway(program, c.dsn, c.dir, drain_delay_ms=2500, event_poll_ms=100)
    stream = Stream(gateway, "?warehouse=delay")
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.get("/ready").status == 503, "it drains", WAIT_S)
    late = Stream(gateway, "?warehouse=delay")
    expect_equal(late.answer.status, 200, "an EventSource that is answered 503 never tries again")
    commit(c, "delay")
    for each in (stream, late):
        each.wait(1, "goes on")
        wait_until(lambda: each.closed, "until the delay is over", WAIT_S)
        expect_equal(each.end["reason"], "gateway-stops")
    gateway.process.wait(WAIT_S)
    gateway.stop()


def test_bad_requests(c, gateway):
    make(c, "bad")
    for query, status, said in (("?warehouse=nowhere", 404, "does not exist"), ("", 400, "warehouse"), ("?warehouse=bad&from=x", 400, "from"),
                                ("?warehouse=bad&from=1000000", 400, "from"), ("?warehouse=bad&kind=tables", 400, "kind"),
                                ("?warehouse=bad&uuid=x", 400, "uuid"), ("?warehouse=bad&table=t", 400, "namespace")):
        stream = Stream(gateway, query)
        expect(stream.answer.status == status and said in stream.error["message"], "%s: %s" % (query, stream.error))
    for last in ("-1", "abc", "9" * 30):
        expect_equal(Stream(gateway, "?warehouse=bad", last=last).answer.status, 400, "Last-Event-ID: " + last)
    expect_equal(gateway.request("HEAD", "/v1/events?warehouse=bad").status, 405)
    expect_equal(gateway.request("POST", "/v1/events?warehouse=bad", {}).status, 405)


def test_trimmed(c, gateway):
    make(c, "trim")
    last_number(c, "trim")
    c.sql("DELETE FROM icecat_data.event AS e USING icecat_data.warehouse AS w WHERE w.name = 'trim' AND e.warehouse_id = w.warehouse_id "
          "AND e.number < 3")
    stream = Stream(gateway, "?warehouse=trim&from=1")
    expect(stream.answer.status == 410 and "the oldest event is number 3" in stream.error["message"], stream.error)
    stream = Stream(gateway, "?warehouse=trim&from=3")
    stream.wait(1, "the oldest one can be asked for")
    stream.close()


def test_limits_heartbeat_and_drain(c, program):
    make(c, "limits")
    with harness.Gateway(program, c.dsn, c.dir, event_client_streams_max=2, event_heartbeat_ms=100, event_poll_ms=100) as gateway:
        streams = [Stream(gateway, "?warehouse=limits&kind=view") for _ in range(2)]
        expect_equal(Stream(gateway, "?warehouse=limits").answer.status, 429, "no more of one client")
        commit(c, "limits")
        last = last_number(c, "limits")
        wait_until(lambda: streams[0].beats > 1 and streams[0].last == last, "heartbeats tell how far it is", WAIT_S)
        expect_equal(streams[0].messages, [])
        expect_equal(gateway.metric("icecat_event_streams"), 2)
        streams[1].close()
        wait_until(lambda: gateway.metric("icecat_event_streams") == 1, "a client that leaves is noticed", WAIT_S)
        expect_equal(gateway.metric('icecat_event_streams_ended_total{reason="client-left"}'), 1)
        gateway.signal(signal.SIGTERM)
        gateway.process.wait(WAIT_S)
        wait_until(lambda: streams[0].closed, "the stream ends", WAIT_S)
        expect_equal((streams[0].end["reason"], streams[0].end["last-event-id"]), ("gateway-stops", str(last)), "and says why")


def test_number_and_age_of_streams(c, program):
    make(c, "age")
    with harness.Gateway(program, c.dsn, c.dir, event_streams_max=1, event_stream_max_s=2, event_poll_ms=100) as gateway:
        stream = Stream(gateway, "?warehouse=age")
        more = Stream(gateway, "?warehouse=age")
        expect(more.answer.status == 503 and "event_streams_max" in more.error["message"], more.error)
        wait_until(lambda: stream.closed, "a stream that is too old ends", WAIT_S)
        expect_equal(stream.end["reason"], "stream-too-old", "and says why")
        wait_until(lambda: gateway.metric("icecat_event_streams") == 0, "it is not counted any more", WAIT_S)
        again = Stream(gateway, "?warehouse=age", last=stream.end["last-event-id"])
        expect_equal(again.answer.status, 200, "its client comes back")
        again.close()
    with harness.Gateway(program, c.dsn, c.dir, event_streams_max=0) as gateway:
        expect_equal(Stream(gateway, "?warehouse=age").answer.status, 503, "none are served")


@pytest.mark.parametrize("warehouse, settings", [("slow", {"event_buffer_bytes": 4096}),
                                                 ("stalled", {"event_buffer_bytes": 67108864, "write_timeout_ms": 300})])
def test_slow_clients_are_dropped(c, program, warehouse, settings):
    """Those that leave too much waiting, and those that take nothing."""
    make(c, warehouse)
    with harness.Gateway(program, c.dsn, c.dir, event_slow_ms=1000, event_poll_ms=100, **settings) as gateway:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", gateway.port))
        slow.sendall(b"GET /v1/events?warehouse=%s HTTP/1.1\r\nHost: x\r\n\r\n" % warehouse.encode())
        wait_until(lambda: gateway.metric("icecat_event_streams") == 1, "it is connected", WAIT_S)
        c.sql("SELECT icecat.create_table('%s', '{ns}', 'n' || n, '%s', p_properties => '{\"icecat.metadata-write-mode\":\"none\"}') IS NULL "
              "FROM generate_series(1, 6000) AS n" % (warehouse, STRUCT))
        wait_until(lambda: gateway.metric('icecat_event_streams_ended_total{reason="slow-consumer"}') == 1, "it is dropped", WAIT_S * 2)
        expect(gateway.metric("icecat_buffered_bytes") < 200000 or warehouse == "stalled", "little is held for it")
        slow.close()


def test_what_a_principal_may_see(c, program):
    make(c, "who")
    with Issuer() as issuer:
        c.sql("CREATE ROLE who_ann; SELECT icecat.grant_user('who_ann'); SELECT icecat.grant('who_ann', 'select', 'who', '{ns}');"
              "SELECT icecat.map_principal('corp', 'sub', 'ann', 'who_ann')")
        with harness.Gateway(program, c.dsn, c.dir, auth_issuers="corp=" + issuer.url, auth_audiences="icecat", auth_leeway_s=0,
                             event_poll_ms=100) as gateway:
            expect_equal(Stream(gateway, "?warehouse=who").answer.status, 401, "nobody without a token")
            token = {"Authorization": "Bearer " + issuer.token("ann")}
            stream = Stream(gateway, "?warehouse=who", headers=token)
            c.sql("SELECT icecat.create_table('who', '{other}', 'hidden', '%s')" % STRUCT)
            commit(c, "who")
            expect_equal(stream.wait(1, "what it may load"), [("commit-table", "ns", "t")], "and nothing else")
            c.sql("SELECT icecat.revoke('who_ann', 'select', 'who', '{ns}'); SELECT icecat.grant('who_ann', 'usage', 'who', '{ns}')")
            commit(c, "who")
            last = last_number(c, "who")
            c.sql("SELECT icecat.grant('who_ann', 'select', 'who', '{other}'); SELECT icecat.create_table('who', '{other}', 'open', '%s')" % STRUCT)
            expect_equal(stream.wait(2, "a grant counts at once"), [("commit-table", "ns", "t"), ("create-table", "other", "open")],
                         "and what was taken, too")
            expect(last > 0, "there were events in between")
            stream.close()
            short = Stream(gateway, "?warehouse=who", headers={"Authorization": "Bearer " + issuer.token("ann", exp=int(time.time()) + 3)})
            wait_until(lambda: short.closed, "a stream ends with its token", WAIT_S)
            expect_equal(short.end["reason"], "token-expired")


class Follower:
    """Follows a warehouse whatever breaks: connects again with the last id that it has."""

    def __init__(self, warehouse):
        self.warehouse, self.last, self.events, self.over = warehouse, 0, [], False
        self.gateway = self.stream = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def newest(self):
        """The number of the last event that came."""
        events = (list(self.stream.messages) if self.stream is not None else []) or self.events
        return events[-1]["data"]["number"] if events else 0

    def _run(self):
        while not self.over:
            try:
                stream = self.stream = Stream(self.gateway, "?warehouse=" + self.warehouse, last=self.last)
            except (OSError, http.client.HTTPException):
                threading.Event().wait(0.05)
                continue
            while stream.error is None and not stream.closed and not self.over:
                threading.Event().wait(0.02)
            stream.thread.join(1) if stream.error is None else threading.Event().wait(0.05)
            taken = list(stream.messages)
            self.events += taken
            if taken:
                self.last = taken[-1]["data"]["number"]
            stream.close()


def test_every_commit_once_through_crashes(c, program):
    make(c, "crash")
    gateway = harness.Gateway(program, c.dsn, c.dir, event_poll_ms=100)
    follower = Follower("crash")
    follower.gateway = gateway
    follower.thread.start()
    for tries in range(3):
        c.sql("".join(c.create_table_sql("x%d_%d" % (tries, i), "crash") for i in range(3)))
        writers = [c.spawn("\\set ON_ERROR_STOP off\n" + "".join(c.property_commit_sql("x%d_%d" % (tries, w), "k", i, "crash") for i in range(40))
                           + "SELECT icecat.commit_table('crash', '{ns}', 'x%d_%d', '[{\"type\":\"assert-table-uuid\",\"uuid\":\"no\"}]', '[]');\n"
                           % (tries, w) + "BEGIN; %s ROLLBACK;" % c.create_table_sql("never%d_%d" % (tries, w), "crash"))
                   for w in range(3)]
        expect(c.wait_sql("SELECT count(*) > 20 FROM icecat.events WHERE warehouse = 'crash' AND name LIKE 'x%d%%'" % tries, "t"), "commits are made")
        if tries == 0:
            gateway.process.kill()
            gateway.stop()
            gateway = harness.Gateway(program, c.dsn, c.dir, event_poll_ms=100)
            follower.gateway = gateway
        else:
            victim = c.worker_pid() if tries == 1 else int(c.sql(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1"))
            before = c.log_text().count("reinitializing")
            if victim:
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda: c.log_text().count("reinitializing") > before, "the server has noticed", WAIT_S)
        for writer in writers:
            writer.communicate()
        expect(c.wait_sql("SELECT 1", "1"), "the server is there again")
    last = last_number(c, "crash")
    wait_until(lambda: follower.newest() >= last, "it is all there", WAIT_S)
    wait_until(lambda: gateway.metric("icecat_event_streams") == 1 and gateway.metric("icecat_event_stream_lag_max") == 0, "and nothing is behind", WAIT_S)
    follower.over = True
    follower.thread.join(WAIT_S)
    numbers = [event["data"]["number"] for event in follower.events]
    expect_equal(numbers, list(range(1, last + 1)), "every event once, in order")
    versions = {}
    for event in follower.events:
        data = event["data"]
        if data["object-kind"] == "table":
            expect_equal(data["version"], versions.get(data["object-id"], 0) + 1, "the versions of a table come in order")
            versions[data["object-id"]] = data["version"]
    truth = dict(row.split("|") for row in c.sql("SELECT table_id, version FROM icecat.tables WHERE warehouse = 'crash'").splitlines())
    expect_equal({key: str(value) for key, value in versions.items()}, truth, "the events are the changes: no more, no fewer")
    gateway.stop()
