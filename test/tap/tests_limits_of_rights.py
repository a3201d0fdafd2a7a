"""Limits of labels, read restrictions, chains of views, commit policies and the audit log, each at a small value: what is within it goes
through, one more is refused with the limit in the message, and nothing is left of it."""
# SPDX-License-Identifier: PostgreSQL
import json
import time

import harness
from expectations import expect, expect_equal

SCHEMA = {"type": "struct", "fields": [{"id": i, "name": "c%d" % i, "type": "long", "required": False} for i in range(1, 6)]}
COMMIT = "SELECT icecat.commit_table('w', '{ns}', 't', '[]', '[{\"action\":\"set-properties\",\"updates\":{\"k\":\"v\"}}]') IS NOT NULL"


def prepare(c):
    c.make_warehouse()
    c.sql("CREATE ROLE analyst; CREATE ROLE steward; SELECT icecat.grant_reader('analyst');"
          "SELECT icecat.create_table('w', '{ns}', 't', '%s')" % json.dumps(SCHEMA))


def refused(c, setting, value, statement):
    said = c.sql("SET icecat.%s = %s; %s" % (setting, value, statement), check=False)
    expect(str(value) in said and "ERROR" in said, f"icecat.{setting} = {value} refuses: {said}")
    return said


def allowed(c, setting, value, statement):
    return c.sql("SET icecat.%s = %s; %s" % (setting, value, statement))


def labels(given, column="NULL"):
    return "SELECT icecat.set_labels('%s', 'w', '{ns}', 't', %s)" % (json.dumps(given), column)


def test_labels_of_one_object_are_counted_with_those_of_its_columns(c):
    allowed(c, "labels_max", 2, labels({"a": "1"}) + ";" + labels({"b": "2"}, "'c1'"))
    refused(c, "labels_max", 2, labels({"c": "3"}))
    refused(c, "labels_max", 2, labels({"x": "1", "y": "2", "z": "3"}, "'c2'"))
    expect_equal(c.sql("SELECT count(*) FROM icecat.labels"), "2")


def test_a_label_is_bounded_in_bytes(c):
    allowed(c, "label_bytes_max", 4, labels({"b4é": "1234"}))
    refused(c, "label_bytes_max", 4, labels({"five5": "1"}))
    refused(c, "label_bytes_max", 4, labels({"v": "ééé"}))
    expect_equal(c.sql("SELECT count(*) FROM icecat.labels WHERE label IN ('five5', 'v')"), "0")


def restriction(row_filter="NULL", masks="NULL"):
    return "SELECT icecat.set_read_restriction('analyst', 'w', '{ns}', 't', %s, %s)" % (row_filter, masks)


def values(count):
    return "'%s'" % json.dumps({"type": "in", "term": "c1", "values": list(range(count))})


def test_a_row_filter_and_masks_are_bounded(c):
    allowed(c, "restriction_nodes_max", 3, restriction(values(2)))
    refused(c, "restriction_nodes_max", 3, restriction(values(4)))
    masks = {"c%d" % i: "replace-with-null" for i in range(1, 6)}
    refused(c, "restriction_nodes_max", 3, restriction(masks="'%s'" % json.dumps(masks)))
    expect_equal(c.sql("SELECT count(*) FROM icecat.read_restrictions"), "1")
    c.sql("SELECT icecat.drop_read_restriction('analyst', 'w', '{ns}', 't')")


def test_a_load_comes_by_so_many_views(c):
    load = "SELECT icecat.load_table('w', '{ns}', 't', p_referenced_by => '%s') IS NOT NULL"
    version = {"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": ["ns"],
               "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "x"}]}
    c.sql("SELECT icecat.create_view('w', '{ns}', 'v1', '%s', '%s')" % (json.dumps(SCHEMA), json.dumps(version)))
    expect_equal(allowed(c, "referenced_by_max", 2, load % '[["ns","v1"]]').splitlines()[-1:], ["t"])
    refused(c, "referenced_by_max", 2, load % '[["ns","v1"],["ns","v2"],["ns","v3"]]')


def test_a_policy_that_takes_too_long_refuses_the_change(c):
    c.sql("CREATE SCHEMA contracts AUTHORIZATION steward; GRANT USAGE ON SCHEMA contracts TO PUBLIC")
    c.sql("SET ROLE steward; CREATE FUNCTION contracts.slow(p_change json) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp "
          "AS $f$ BEGIN LOOP PERFORM 1; END LOOP; END $f$")
    c.sql("SELECT icecat.create_commit_policy('w', 'slow', 'contracts.slow(json)', '{ns}')")
    started = time.monotonic()
    said = c.sql("\\set VERBOSITY verbose\nSET icecat.commit_policy_timeout_ms = 100; " + COMMIT, check=False)
    expect("IC402" in said, f"refused as by the policy: {said}")
    expect(time.monotonic() - started < 60, "and not waited for")
    c.sql("SELECT icecat.drop_commit_policy('w', 'slow')")
    expect_equal(c.sql(COMMIT), "t")


def test_long_details_are_not_kept_in_the_audit_log(c):
    """Their length is."""
    name = "n" * 200
    for limit, kept in ((8192, "t"), (64, "f")):
        c.sql("SET icecat.audit_details_bytes_max = %d; SELECT icecat.set_labels('{\"k\":\"%s%d\"}', 'w', '{ns}')" % (limit, name, limit))
        details = c.sql("SELECT details FROM icecat.audit_log ORDER BY occurred_at DESC LIMIT 1")
        expect_equal("t" if name in details else "f", kept)
        expect_equal("left-out-bytes" in details, kept == "f")


PATHS = ["/v1/config", "/v1/w/namespaces", "/v1/w/namespaces/a", "/v1/w/namespaces/a/tables", "/v1/w/namespaces/a/tables/t", "/v1/w/namespaces/a/views",
         "/v1/w/namespaces/a/views/v"]
AUTHORIZATIONS = [[], ["Authorization: Basic eDp5"], ["Authorization: Bearer x"]]


def test_refused_calls_of_one_second_are_bounded(c, program):
    calls = [(path, fields) for path in PATHS for fields in AUTHORIZATIONS]
    with harness.Gateway(program, c.dsn, c.dir, auth_issuers="corp=http://127.0.0.1:1", auth_audiences="icecat", audit_refused_max=3) as gateway:
        for path, fields in calls:
            expect_equal(gateway.request("GET", path, None, fields).status, 401)
        harness.wait_until(lambda: gateway.metric("icecat_audit_waiting") == 0, "all is written or dropped", 10)
        written = int(c.sql("SELECT count(*) FROM icecat.audit_log WHERE status = 401"))
        dropped = int(gateway.metric("icecat_audit_dropped_total"))
        expect(3 <= written, f"{written} are written")
        expect(dropped > 0, f"{dropped} are dropped")
        expect_equal(written + dropped, len(calls))


def test_refused_tokens_of_one_kind_are_counted_for_a_while(c, program):
    """audit_repeats_window_s."""
    rows = "SELECT count(*) FROM icecat.audit_log WHERE status = 401 AND action = 'load-view' AND details ->> 'reason' = 'scheme' AND "
    before = [int(c.sql(rows + "details ->> 'repeated' IS %s NULL" % word)) for word in ("", "NOT")]
    with harness.Gateway(program, c.dsn, c.dir, auth_issuers="corp=http://127.0.0.1:1", auth_audiences="icecat", audit_repeats_window_s=2) as gateway:
        for _ in range(40):
            expect_equal(gateway.request("GET", PATHS[-1], None, AUTHORIZATIONS[1]).status, 401)
        harness.wait_until(lambda: gateway.metric("icecat_audit_written_total") == 1, "the first is written", 10)
        expect_equal(gateway.metric("icecat_audit_waiting"), 39)
        expect_equal(gateway.metric("icecat_audit_repeated_total"), 39)
        harness.wait_until(lambda: gateway.metric("icecat_audit_waiting") == 0, "then how often it came again", 10)
        harness.wait_until(lambda: gateway.metric("icecat_audit_written_total") == 2, "in a row", 10)
    expect_equal([int(c.sql(rows + "details ->> 'repeated' IS %s NULL" % word)) - n for word, n in zip(("", "NOT"), before)], [1, 1])
    expect_equal(c.sql("SELECT details ->> 'repeated' FROM icecat.audit_log WHERE action = 'load-view' AND details ->> 'repeated' IS NOT NULL"), "39")
