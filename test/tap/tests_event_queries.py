"""POST /v1/{prefix}/events: pages of events, as is proposed for Iceberg's REST protocol (apache/iceberg #12584).

Every event once, in order, by tokens that are there on an empty page, too; operations with the members that the proposal asks for;
filters; only what the caller may see; a clear end where events are trimmed; off unless the gateway's setting says otherwise.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import signal
import threading
import time

import harness
import pytest
from expectations import expect, expect_equal, wait_until
from issuer import Issuer

STRUCT = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
WAIT_S = 60

# What the proposal requires of each operation.
MEMBERS = {"create-table": {"identifier", "table-uuid", "updates"}, "register-table": {"identifier", "table-uuid"},
           "drop-table": {"identifier", "table-uuid"}, "update-table": {"identifier", "table-uuid", "updates"},
           "rename-table": {"source", "destination", "table-uuid"}, "create-view": {"identifier", "view-uuid", "updates"},
           "drop-view": {"identifier", "view-uuid"}, "update-view": {"identifier", "view-uuid", "updates"},
           "rename-view": {"source", "destination", "view-uuid"}, "create-namespace": {"namespace", "properties"},
           "update-namespace-properties": {"namespace", "updated", "removed", "missing"}, "drop-namespace": {"namespace"},
           "custom": {"custom-type"}}


@pytest.fixture(scope="module")
def gateway(c, program):
    with harness.Gateway(program, c.dsn, c.dir, event_queries="on") as running:
        yield running


def make(c, warehouse):
    c.make_warehouse(warehouse)
    c.sql("SELECT icecat.create_namespace('%s', '{other}'); SELECT icecat.create_namespace('%s', '{ns,below}')" % (warehouse, warehouse))
    c.sql(c.create_table_sql("t", warehouse))


def commit(c, warehouse, table="t", count=1):
    c.sql("".join(c.property_commit_sql(table, "k", i, warehouse) for i in range(count)))


def ask(gateway, warehouse, status=200, headers=(), **request):
    """One page; members of the request with _ for -."""
    answer = gateway.request("POST", "/v1/%s/events" % warehouse, {key.replace("_", "-"): value for key, value in request.items()}, headers)
    expect_equal(answer.status, status, "%s: %s" % (request, answer.body[:500]))
    return answer.json()


def pages(gateway, warehouse, headers=(), **request):
    """All events to the end: the first page that is empty; and its token."""
    events = []
    while True:
        page = ask(gateway, warehouse, headers=headers, **request)
        expect(isinstance(page["continuation-token"], str) and page["continuation-token"], "there is always a token")
        if not page["events"]:
            return events, page["continuation-token"]
        events += page["events"]
        request["continuation_token"] = page["continuation-token"]


def told(events):
    """Type, namespace and name of each."""
    def place(operation):
        identifier = operation.get("destination") or operation.get("identifier") or {}
        return ".".join(identifier.get("namespace") or operation.get("namespace") or []), identifier.get("name")
    return [(operation.get("custom-type") or operation["operation-type"],) + place(operation) for operation in (event["operation"] for event in events)]


def uuid_of(c, warehouse, table):
    return c.sql("SELECT table_uuid FROM icecat.tables WHERE warehouse = '%s' AND table_name = '%s'" % (warehouse, table))


def test_off_unless_the_setting_is_on(c, program):
    make(c, "off")
    with harness.Gateway(program, c.dsn, c.dir, config="") as gateway:
        answer = gateway.request("POST", "/v1/off/events", {})
        expect_equal(answer.status, 404)
        expect("event_queries" in answer.error()["message"], answer.error())
        gateway.write_config("event_queries = on\n")
        gateway.signal(signal.SIGHUP)
        wait_until(lambda: gateway.request("POST", "/v1/off/events", {}).status == 200, "a reload turns it on", WAIT_S)
        expect("events" not in " ".join(gateway.get("/v1/config?warehouse=off").json()["endpoints"]), "clients are not told of it")
        expect_equal(gateway.request("GET", "/v1/off/events").status, 405)


def test_pages(c, gateway):
    make(c, "pages")
    commit(c, "pages", count=3)
    every = c.sql("SELECT event_id FROM icecat.read_events('pages') ORDER BY number").splitlines()
    for size in (1, 2, len(every), 1000):
        events, _ = pages(gateway, "pages", page_size=size)
        expect_equal([event["event-id"] for event in events], every, "every event once, in order, %d on a page" % size)
    expect_equal(len(ask(gateway, "pages", page_size=2)["events"]), 2)
    expect_equal(len(ask(gateway, "pages", continuation_token=None)["events"]), len(every), "null is no token")
    _, token = pages(gateway, "pages")
    page = ask(gateway, "pages", continuation_token=token)
    expect_equal(page["events"], [], "at the end")
    commit(c, "pages")
    again = ask(gateway, "pages", continuation_token=token)
    expect_equal(told(again["events"]), [("update-table", "ns", "t")], "what was committed since, at once")
    expect(again["highest-processed-timestamp-ms"] >= page["highest-processed-timestamp-ms"] > 0, "the time does not go back")
    expect_equal(again["events"][0]["timestamp-ms"], again["highest-processed-timestamp-ms"])
    expect_equal(ask(gateway, "pages", continuation_token=token)["events"], again["events"], "a page can be asked for again")


def test_operations(c, gateway):
    """Each event of each kind has what the proposal asks for; uuids are those of the metadata, also when the rows are gone."""
    make(c, "kinds")
    c.sql("SELECT icecat.update_namespace_properties('kinds', '{other}', '{\"a\":\"b\"}', '{gone}')")
    commit(c, "kinds")
    uuid = uuid_of(c, "kinds", "t")
    view = ('{"version-id":1,"schema-id":0,"timestamp-ms":1,"summary":{},"default-namespace":["ns"],'
            '"representations":[{"type":"sql","sql":"SELECT %d","dialect":"trino"}]}')
    c.sql("SELECT icecat.create_view('kinds', '{ns}', 'v', '%s', '%s')" % (STRUCT, view % 1))
    view_uuid = c.sql("SELECT view_uuid FROM icecat.views WHERE warehouse = 'kinds'")
    location = c.sql("SELECT metadata_location FROM icecat.tables WHERE warehouse = 'kinds' AND table_name = 't'")
    c.sql("SELECT icecat.rename_view('kinds', '{ns}', 'v', '{other}', 'w'); SELECT icecat.drop_view('kinds', '{other}', 'w');"
          "SELECT icecat.rename_table('kinds', '{ns}', 't', '{other}', 'u'); SELECT icecat.unregister_table('kinds', '{other}', 'u')")
    c.sql("SELECT icecat.register_table('kinds', '{other}', 'u', '%s'); SELECT icecat.drop_table('kinds', '{other}', 'u');"
          "SELECT icecat.drop_namespace('kinds', '{other}')" % location)
    c.sql("DELETE FROM icecat_data.table_head AS h USING icecat_data.warehouse AS w WHERE w.name = 'kinds' AND h.warehouse_id = w.warehouse_id")
    events, _ = pages(gateway, "kinds")
    expect_equal([event["operation"]["operation-type"] for event in events],
                 ["custom", "create-namespace", "create-namespace", "create-namespace", "create-table", "update-namespace-properties", "update-table",
                  "create-view", "rename-view", "drop-view", "rename-table", "custom", "register-table", "drop-table", "drop-namespace"])
    for event in events:
        operation = event["operation"]
        missing = MEMBERS[operation["operation-type"]] - set(operation)
        expect(not missing, "%s has no %s" % (operation, missing))
        expect(event["request-event-count"] == 1 and event["request-id"] and event["actor"]["role"], str(event))
        expect_equal(operation.get("table-uuid", uuid), uuid, "the uuid in the metadata: %s" % operation)
        expect_equal(operation.get("view-uuid", view_uuid), view_uuid, "the same of a view")
    by_type = {row[0]: event["operation"] for row, event in zip(told(events), events)}
    expect_equal((by_type["rename-table"]["source"], by_type["rename-table"]["destination"]),
                 ({"namespace": ["ns"], "name": "t"}, {"namespace": ["other"], "name": "u"}))
    expect_equal(by_type["update-namespace-properties"]["updated"], ["a"])
    expect_equal(by_type["update-namespace-properties"]["missing"], ["gone"])
    expect_equal(by_type["drop-table"]["purge"], False)
    expect_equal(by_type["update-table"]["x-icecat-details"]["updates"], ["set-properties"], "of which kinds the updates were")
    expect("x-icecat-unregister-table" in by_type and "x-icecat-create-warehouse" in by_type, "operations of our own")


def test_members_that_are_left_out_are_not_said_to_be_empty(c, gateway):
    make(c, "big")
    c.sql("SELECT icecat.create_namespace('big', '{wide}', (SELECT json_object_agg('k' || n, repeat('x', 100)) FROM generate_series(1, 200) AS n)) IS NOT NULL;"
          "SELECT icecat.create_namespace('big', '{narrow}', '{\"a\":\"b\"}') IS NOT NULL")
    made = {tuple(e["operation"]["namespace"]): e["operation"] for e in pages(gateway, "big", operation_types=["create-namespace"])[0]}
    expect_equal((made[("narrow",)]["operation-type"], made[("narrow",)]["properties"]), ("create-namespace", {"a": "b"}))
    wide = made[("wide",)]
    expect_equal((wide["operation-type"], wide["custom-type"], "properties" in wide), ("custom", "x-icecat-create-namespace", False))


def test_requests(c, gateway):
    """The events of a transaction share the request's id, and say how many they are."""
    make(c, "request")
    c.sql(c.create_table_sql("u", "request"))
    _, token = pages(gateway, "request")
    change = {"updates": [{"action": "set-properties", "updates": {"a": "b"}}], "requirements": []}
    answer = gateway.request("POST", "/v1/request/transactions/commit", {"table-changes": [
        dict(change, identifier={"namespace": ["ns"], "name": name}) for name in "tu"]}, ["X-Request-ID: a-request"])
    expect_equal(answer.status, 204)
    events = ask(gateway, "request", continuation_token=token)["events"]
    expect_equal(told(events), [("update-table", "ns", "t"), ("update-table", "ns", "u")])
    expect_equal([(event["request-id"], event["request-event-count"]) for event in events], [("a-request", 2)] * 2)


def test_filters(c, gateway):
    make(c, "filter")
    uuid = uuid_of(c, "filter", "t")
    _, token = pages(gateway, "filter")
    commit(c, "filter")
    c.sql("SELECT icecat.create_table('filter', '{ns,below}', 'b', '%s'); SELECT icecat.create_namespace('filter', '{nsx}');"
          "SELECT icecat.create_table('filter', '{nsx}', 't', '%s'); SELECT icecat.rename_table('filter', '{ns}', 't', '{other}', 'u');"
          "SELECT icecat.drop_table('filter', '{other}', 'u')" % (STRUCT, STRUCT))
    moved = ("rename-table", "other", "u")
    mine = [("update-table", "ns", "t"), moved, ("drop-table", "other", "u")]
    below = ("create-table", "ns.below", "b")
    by_id = [{"uuid": uuid.upper(), "type": "table"}]
    for request, wanted in (
            ({"catalog_objects_by_name": [["ns"]]}, [mine[0], below, moved]),
            ({"catalog_objects_by_name": [["ns", "below"]]}, [below]),
            ({"catalog_objects_by_name": [["ns", "t"]]}, [mine[0], moved]),
            ({"catalog_objects_by_name": [["ns", "below", "b"], ["nsx", "t"]]}, [below, ("create-table", "nsx", "t")]),
            ({"catalog_objects_by_id": by_id}, mine),
            ({"catalog_objects_by_id": [{"uuid": uuid, "type": "view"}]}, []),
            ({"operation_types": ["drop-table", "rename-table", "x-other-thing"]}, mine[1:]),
            ({"object_types": ["namespace"]}, [("create-namespace", "nsx", None)]),
            ({"object_types": ["namespace", "table"], "operation_types": ["create-table"], "catalog_objects_by_name": [["nsx"]]},
             [("create-table", "nsx", "t")]),
            ({"catalog_objects_by_name": []}, []), ({"operation_types": []}, []), ({"custom_filters": {}, "of-others": 1}, None)):
        events, _ = pages(gateway, "filter", continuation_token=token, **request)
        if wanted is not None:
            expect_equal(told(events), wanted, str(request))
    at = pages(gateway, "filter", operation_types=["drop-table"])[0][0]["timestamp-ms"]
    expect(moved not in told(pages(gateway, "filter", after_timestamp_ms=at + 1)[0]), "from a time on")
    expect(mine[2] in told(pages(gateway, "filter", after_timestamp_ms=at)[0]), "and at that time")
    expect(len(pages(gateway, "filter", after_timestamp_ms=-10 ** 12)[0]) > 6, "from long ago")
    events, late = pages(gateway, "filter", after_timestamp_ms=at + 3600000)
    expect_equal(events, [])
    commit_number = c.sql("SELECT icecat.create_namespace('filter', '{later}'); SELECT max(number) FROM icecat.read_events('filter')").splitlines()[-1]
    expect_equal(told(ask(gateway, "filter", continuation_token=late)["events"]), [("create-namespace", "later", None)],
                 "a token leads on from where the page has looked to: number %s" % commit_number)


def test_filters_where_case_does_not_matter(c, gateway):
    c.sql("SELECT icecat.create_warehouse('folded', 'file://%s/folded', '{\"icecat.case-mode\":\"insensitive\"}')" % c.files)
    c.sql("SELECT icecat.create_namespace('folded', '{Ns}'); SELECT icecat.create_table('folded', '{NS}', 'orderS', '%s')" % STRUCT)
    expect_equal(told(pages(gateway, "folded", catalog_objects_by_name=[["nS", "Orders"]])[0]), [("create-table", "Ns", "orderS")])


def test_what_a_principal_may_see(c, program):
    make(c, "who")
    c.sql("SELECT icecat.create_table('who', '{other}', 'hidden', '%s')" % STRUCT)
    with Issuer() as issuer:
        c.sql("CREATE ROLE who_ann; SELECT icecat.grant_user('who_ann'); SELECT icecat.grant('who_ann', 'select', 'who', '{ns}');"
              "SELECT icecat.map_principal('corp', 'sub', 'ann', 'who_ann'); CREATE ROLE who_bob; SELECT icecat.grant_user('who_bob');"
              "SELECT icecat.map_principal('corp', 'sub', 'bob', 'who_bob')")
        with harness.Gateway(program, c.dsn, c.dir, auth_issuers="corp=" + issuer.url, auth_audiences="icecat", event_queries="on") as gateway:
            expect_equal(gateway.request("POST", "/v1/who/events", {}).status, 401, "nobody without a token")
            ann, bob = (["Authorization: Bearer " + issuer.token(who)] for who in ("ann", "bob"))
            expect_equal(gateway.request("POST", "/v1/who/events", {}, bob).status, 404, "who sees nothing of it does not learn that it is there")
            events, token = pages(gateway, "who", headers=ann)
            expect_equal(told(events), [("create-namespace", "ns", None), ("create-namespace", "ns.below", None), ("create-table", "ns", "t")])
            uuid = uuid_of(c, "who", "t")
            c.sql("SELECT pg_sleep(0.01); SELECT icecat.create_table('who', '{other}', 'more', '%s')" % STRUCT)
            page = ask(gateway, "who", headers=ann, continuation_token=token)
            expect_equal((page["events"], page["highest-processed-timestamp-ms"]), ([], events[-1]["timestamp-ms"]),
                         "what is not seen leaves no event, and no time")
            c.sql("SELECT icecat.rename_table('who', '{ns}', 't', '{other}', 'secret')")
            for request in ({}, {"operation_types": ["rename-table"]}, {"catalog_objects_by_name": [["ns", "t"]]}):
                page = ask(gateway, "who", headers=ann, continuation_token=token, **request)
                expect_equal(told(page["events"]), [("x-icecat-moved-away-table", "ns", "t")], "gone from where it was: %s" % request)
                expect("secret" not in json.dumps(page) and "other" not in json.dumps(page), "not where to")
            expect_equal(ask(gateway, "who", headers=ann, continuation_token=token, catalog_objects_by_name=[["other", "secret"]])["events"], [],
                         "nor by asking for the place")
            commit(c, "who", "hidden", 0)
            expect_equal(ask(gateway, "who", headers=ann, catalog_objects_by_id=[{"uuid": uuid_of(c, "who", "hidden"), "type": "table"}])["events"], [])
            expect(uuid, "there was one")


def test_readers_may_ask(c):
    make(c, "read")
    c.sql("CREATE ROLE a_reader; SELECT icecat.grant_reader('a_reader')")
    expect_equal(c.sql("SET ROLE a_reader; SELECT json_array_length(icecat.rest_query_events('read', '{}') -> 'events') > 3"), "t")


def test_trimmed(c, gateway):
    make(c, "trim")
    first = ask(gateway, "trim", page_size=1)["continuation-token"]
    pages(gateway, "trim")
    c.sql("DELETE FROM icecat_data.event AS e USING icecat_data.warehouse AS w WHERE w.name = 'trim' AND e.warehouse_id = w.warehouse_id "
          "AND e.number < 4")
    message = ask(gateway, "trim", 410, continuation_token=first)["error"]["message"]
    expect("the oldest event is number 4" in message, message)
    kept = c.sql("SELECT event_id FROM icecat.read_events('trim') ORDER BY number").splitlines()
    events, _ = pages(gateway, "trim", continuation_token=message.split()[-1])
    expect_equal([event["event-id"] for event in events], kept, "the token that the message names begins with the oldest one")
    expect_equal([event["event-id"] for event in pages(gateway, "trim")[0]], kept, "as no token does")
    c.sql("DELETE FROM icecat_data.event AS e USING icecat_data.warehouse AS w WHERE w.name = 'trim' AND e.warehouse_id = w.warehouse_id")
    message = ask(gateway, "trim", 410, continuation_token=first)["error"]["message"]
    expect_equal(ask(gateway, "trim", continuation_token=message.split()[-1])["events"], [], "where all are gone, too")


def test_bad_requests(c, gateway):
    make(c, "bad")
    make(c, "good")
    other = ask(gateway, "good")["continuation-token"]
    many = [["n"]] * 1001
    for request, said in (({"continuation-token": "x"}, "continuation-token"), ({"continuation-token": other}, "continuation-token"),
                          ({"continuation-token": other[:-1] + "A"}, "continuation-token"), ({"continuation-token": 1}, "continuation-token"),
                          ({"page-size": 0}, "page-size"), ({"page-size": -1}, "page-size"), ({"page-size": "1"}, "page-size"),
                          ({"page-size": 2 ** 40}, "page-size"), ({"after-timestamp-ms": 2 ** 63 - 1}, "after-timestamp-ms"),
                          ({"after-timestamp-ms": -2 ** 63}, "after-timestamp-ms"), ({"after-timestamp-ms": "x"}, "after-timestamp-ms"),
                          ({"operation-types": ["grant"]}, "operation type"), ({"operation-types": [1]}, "operation-types"),
                          ({"operation-types": "create-table"}, "operation-types"), ({"object-types": ["warehouse"]}, "type of object"),
                          ({"object-types": [None]}, "object-types"), ({"catalog-objects-by-name": ["ns"]}, "catalog-objects-by-name"),
                          ({"catalog-objects-by-name": [[]]}, "catalog-objects-by-name"), ({"catalog-objects-by-name": [[1]]}, "catalog-objects-by-name"),
                          ({"catalog-objects-by-name": many}, "1000"), ({"catalog-objects-by-id": [{"uuid": "x"}]}, "type"),
                          ({"catalog-objects-by-id": ["x"]}, "catalog-objects-by-id"),
                          ({"catalog-objects-by-id": [{"uuid": "x", "type": "namespace"}]}, "type of object"),
                          ({"custom-filters": {"mine": 1}}, "custom filter"), ({"custom-filters": []}, "custom-filters"), ([], "object"), ("x", "object")):
        answer = gateway.request("POST", "/v1/bad/events", request)
        expect(answer.status == 400 and said in answer.error()["message"], "%s: %d %s" % (json.dumps(request)[:80], answer.status, answer.body[:300]))
    expect_equal(gateway.request("POST", "/v1/nowhere/events", {}).status, 404)
    expect_equal(gateway.request("POST", "/v1/bad/events", b"{").status, 400)


def test_pages_are_bounded(c, gateway):
    """By what they look at, and by bytes: a client goes on with the token."""
    make(c, "many")
    pages(gateway, "many")
    c.sql("INSERT INTO icecat_data.event (warehouse_id, number, event_id, occurred_at, event_type, object_kind, object_id, namespace, name, version, "
          "actor, details) SELECT e.warehouse_id, l.last_number + n, gen_random_uuid(), clock_timestamp(), 'commit-table', 'table', e.object_id, e.namespace, "
          "CASE WHEN n % 1000 = 0 THEN 'rare' ELSE e.name END, n, e.actor, json_build_object('k', CASE WHEN n > 40000 THEN repeat('x', 15000) END) "
          "FROM icecat_data.event AS e JOIN icecat_data.event_counter AS l USING (warehouse_id), generate_series(1, 40200) AS n "
          "WHERE e.warehouse_id = (SELECT warehouse_id FROM icecat_data.warehouse WHERE name = 'many') AND e.event_type = 'create-table'")
    c.sql("UPDATE icecat_data.event_counter SET last_number = last_number + 40200 WHERE warehouse_id = "
          "(SELECT warehouse_id FROM icecat_data.warehouse WHERE name = 'many')")
    rare = {"catalog_objects_by_name": [["ns", "rare"]]}
    page = ask(gateway, "many", **rare)
    expect(0 < len(page["events"]) < 40, "a page is over when it has looked at many events: %d" % len(page["events"]))
    page = ask(gateway, "many", catalog_objects_by_name=[["ns", "never"]])
    expect_equal(page["events"], [], "also one on which there is nothing")
    late = {"after_timestamp_ms": (int(time.time()) + 3600) * 1000}
    page = ask(gateway, "many", **late)
    expect_equal(page["events"], [], "what is too early is looked at, too")
    expect(ask(gateway, "many", continuation_token=page["continuation-token"], **late)["continuation-token"] != page["continuation-token"], "so a page does not pass over all of it")
    found, token, before = [], None, None
    while before != token or token is None:
        page = ask(gateway, "many", continuation_token=token, **rare)
        found, before, token = found + page["events"], token, page["continuation-token"]
    expect_equal(len(found), 40, "which leads on")
    sizes, token = [], ask(gateway, "many", operation_types=["drop-view"])["continuation-token"]
    while True:
        answer = gateway.request("POST", "/v1/many/events", {"continuation-token": token, "page-size": 10000})
        token = answer.json()["continuation-token"]
        if not answer.json()["events"]:
            break
        sizes.append(len(answer.body))
    expect(sizes and max(sizes) < 1100000, "no page has much more than 1 MB: %s" % sizes)


def test_every_commit_once_while_writers_write(c, gateway):
    """A client that only has its last token misses nothing; what was refused or rolled back is in no page."""
    make(c, "race")
    c.sql("".join(c.create_table_sql("x%d" % i, "race") for i in range(3)))
    seen, over = [], threading.Event()

    def follow():
        token, rest = None, 3
        while rest > 0:
            page = ask(gateway, "race", continuation_token=token, page_size=7)
            token = page["continuation-token"]
            seen.extend(page["events"])
            rest -= over.is_set() and not page["events"]
    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    writers = [c.spawn("\\set ON_ERROR_STOP off\n" + "".join(
        c.property_commit_sql("x%d" % w, "k", i, "race") + "BEGIN; " + c.property_commit_sql("x%d" % w, "never", i, "race") + " ROLLBACK;\n"
        + "SELECT icecat.commit_table('race', '{ns}', 'x%d', '[{\"type\":\"assert-table-uuid\",\"uuid\":\"no\"}]', '[]');\n" % w
        for i in range(30))) for w in range(3)]
    for writer in writers:
        writer.communicate()
    over.set()
    reader.join(WAIT_S)
    expect(not reader.is_alive(), "the reader comes to the end")
    every = c.sql("SELECT event_id FROM icecat.events WHERE warehouse = 'race' ORDER BY number").splitlines()
    expect_equal([event["event-id"] for event in seen], every, "every event once, in order")
    versions = c.sql("SELECT sum(version) FROM icecat.tables WHERE warehouse = 'race'")
    expect_equal(str(sum(event["operation"]["operation-type"] in ("create-table", "update-table") for event in seen)), versions,
                 "the events are the changes: no more, no fewer")


def test_where_nothing_can_be_written(c):
    """A read-only transaction, and one with an old snapshot: what has numbers."""
    make(c, "still")
    c.sql("SELECT count(*) FROM icecat.read_events('still')")
    count = "SELECT json_array_length(icecat.rest_query_events('still', '{}') -> 'events')"
    every = c.sql("SELECT count(*) FROM icecat.events WHERE warehouse = 'still'")
    for begin in ("BEGIN READ ONLY", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"):
        expect_equal(c.sql("%s; %s; COMMIT" % (begin, count)), every, begin)
