"""Subscriptions: a consumer's place in the events, kept with the consumer's own rows.

Exactly once through rollbacks, two consumers at once, and a consumer that is killed between its rows and its commit.
"""
# SPDX-License-Identifier: PostgreSQL
import os
import signal

from expectations import expect, expect_equal, wait_until

STRUCT = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'


def make(c, warehouse):
    c.make_warehouse(warehouse)
    c.sql("SELECT icecat.create_namespace('%s', '{other}'); SELECT icecat.create_table('%s', '{other}', 'o', '%s')"
          % (warehouse, warehouse, STRUCT))
    c.sql(c.create_table_sql("t", warehouse))


def commit(c, warehouse, table="t", count=1):
    c.sql("".join(c.property_commit_sql(table, "k", i, warehouse) for i in range(count)))


def next_names(c, warehouse, name, limit=1000):
    return c.sql("SELECT event_type || ' ' || coalesce(name, array_to_string(namespace, '.')) "
                 "FROM icecat.next_events('%s', '%s', %d) ORDER BY number" % (warehouse, name, limit)).splitlines()


def refused(c, text, code):
    said = c.sql("\\set VERBOSITY verbose\n" + text, check=False)
    expect(code in said, "%s: %s" % (text, said))
    return said


def test_reading_and_acknowledging(c):
    make(c, "read")
    expect(int(c.sql("SELECT icecat.create_subscription('read', 's')")) > 0, "it begins after the last number")
    expect_equal(next_names(c, "read", "s"), [], "what was before is not its")
    commit(c, "read", count=3)
    expect_equal(next_names(c, "read", "s"), ["commit-table t"] * 3)
    expect_equal(next_names(c, "read", "s", 2), ["commit-table t"] * 2, "again, until it is acknowledged")
    number = c.sql("SELECT max(number) FROM icecat.next_events('read', 's', 2)")
    expect_equal(c.sql("SELECT icecat.ack('read', 's', %s); SELECT icecat.ack('read', 's', %s); SELECT icecat.ack('read', 's', 1)"
                       % (number, number)), "t\nf\nf", "it never goes back")
    expect_equal(next_names(c, "read", "s"), ["commit-table t"])
    expect_equal(c.sql("SELECT acked = %s, behind, last_number = acked + behind, acked_at IS NOT NULL FROM icecat.subscriptions "
                       "WHERE warehouse = 'read'" % number), "t|1|t|t", "the view tells how far it is behind")
    refused(c, "SELECT icecat.ack('read', 's', 1000000)", "IC301")
    refused(c, "SELECT icecat.create_subscription('read', 's')", "IC201")
    refused(c, "SELECT icecat.create_subscription('read', '')", "IC301")
    refused(c, "SELECT icecat.create_subscription('read', 'later', p_after => 1000000)", "IC301")
    refused(c, "SELECT icecat.create_subscription('nowhere', 's')", "IC101")
    refused(c, "SELECT icecat.next_events('read', 'none')", "IC109")
    c.sql("SELECT icecat.drop_subscription('read', 's')")
    refused(c, "SELECT icecat.next_events('read', 's')", "IC109")
    refused(c, "SELECT icecat.drop_subscription('read', 's')", "IC109")


def test_filters(c):
    make(c, "filter")
    table = c.sql("SELECT table_id FROM icecat.tables WHERE warehouse = 'filter' AND table_name = 't'")
    for name, arguments in (("space", "p_namespace => '{ns}'"), ("kinds", "p_object_kinds => '{namespace}'"),
                            ("types", "p_event_types => '{rename-table,drop-table}'"), ("one", "p_object_id => '%s'" % table)):
        c.sql("SELECT icecat.create_subscription('filter', '%s', %s)" % (name, arguments))
    commit(c, "filter", "t")
    c.sql("SELECT icecat.create_namespace('filter', '{ns,below}'); SELECT icecat.create_table('filter', '{ns,below}', 'b', '%s');"
          "SELECT icecat.rename_table('filter', '{ns}', 't', '{other}', 'moved'); SELECT icecat.drop_table('filter', '{other}', 'o');"
          "SELECT icecat.create_namespace('filter', '{nsx}')" % STRUCT)
    expect_equal(next_names(c, "filter", "space"), ["commit-table t", "create-namespace ns.below", "create-table b", "rename-table moved"])
    expect_equal(next_names(c, "filter", "kinds"), ["create-namespace ns.below", "create-namespace nsx"])
    expect_equal(next_names(c, "filter", "types"), ["rename-table moved", "drop-table o"])
    expect_equal(next_names(c, "filter", "one"), ["commit-table t", "rename-table moved"], "by id, through the rename")
    c.sql("SELECT icecat.ack('filter', 'types', max(number)) FROM icecat.next_events('filter', 'types')")
    commit(c, "filter", "b", 0)
    c.sql("SELECT icecat.create_namespace('filter', '{more}')")
    expect_equal(next_names(c, "filter", "types"), [])
    expect_equal(c.sql("SELECT behind FROM icecat.subscriptions WHERE warehouse = 'filter' AND name = 'types'"), "0",
                 "what it is not for is passed over")


def test_owners(c):
    make(c, "own")
    for role in ("ann", "bob", "boss"):
        c.sql("CREATE ROLE own_%s; SELECT icecat.grant_user('own_%s'); SELECT icecat.grant('own_%s', '%s', 'own', '{ns}')"
              % (role, role, role, "select"))
    c.sql("SELECT icecat.grant('own_boss', 'manage', 'own')")
    c.sql("SET ROLE own_ann; SELECT icecat.create_subscription('own', 'anns')")
    commit(c, "own")
    c.sql("SELECT icecat.drop_table('own', '{other}', 'o')")
    refused(c, "SET ROLE own_bob; SELECT icecat.next_events('own', 'anns')", "IC109")
    refused(c, "SET ROLE own_bob; SELECT icecat.ack('own', 'anns', 1)", "IC109")
    refused(c, "SET ROLE own_bob; SELECT icecat.drop_subscription('own', 'anns')", "IC109")
    expect_equal(c.sql("SET ROLE own_bob; SELECT count(*) FROM icecat.subscriptions"), "0", "nobody sees another one's")
    expect_equal(c.sql("SET ROLE own_ann; SELECT event_type FROM icecat.next_events('own', 'anns')"), "commit-table",
                 "the owner sees what it may load")
    expect_equal(c.sql("SET ROLE own_boss; SELECT event_type FROM icecat.next_events('own', 'anns')"), "commit-table\ndrop-table",
                 "an administrator what it may")
    expect_equal(c.sql("SET ROLE own_boss; SELECT name FROM icecat.subscriptions"), "anns")
    c.sql("GRANT own_ann TO own_bob")
    expect_equal(c.sql("SET ROLE own_bob; SELECT event_type FROM icecat.next_events('own', 'anns')"), "commit-table", "a member uses it")


def test_what_another_one_sees_is_kept_for_it(c):
    """A member that may see less than the owner does not move the owner's place; the owner itself does."""
    make(c, "kept")
    c.sql("CREATE ROLE kept_ann; CREATE ROLE kept_bob; SELECT icecat.grant_user('kept_ann'); SELECT icecat.grant_user('kept_bob');"
          "SELECT icecat.grant('kept_ann', 'select', 'kept', '{ns}'); SELECT icecat.grant('kept_bob', 'select', 'kept', '{other}')")
    c.sql("SET ROLE kept_ann; SELECT icecat.create_subscription('kept', 's', p_event_types => '{commit-table,rename-table}')")
    c.sql("GRANT kept_ann TO kept_bob WITH INHERIT TRUE" if int(c.sql("SHOW server_version_num")) >= 160000 else "GRANT kept_ann TO kept_bob")
    c.sql("SELECT icecat.revoke('kept_ann', 'select', 'kept', '{ns}')")
    commit(c, "kept")
    acked = "SELECT acked FROM icecat.subscriptions WHERE warehouse = 'kept'"
    before = c.sql(acked)
    expect_equal(c.sql("SET ROLE kept_bob; SELECT count(*) FROM icecat.next_events('kept', 's')"), "0", "bob sees nothing of it")
    expect_equal(c.sql(acked), before, "and does not pass over it for others")
    c.sql("SELECT icecat.grant('kept_ann', 'select', 'kept', '{ns}')")
    expect_equal(c.sql("SET ROLE kept_ann; SELECT event_type FROM icecat.next_events('kept', 's')"), "commit-table")
    c.sql("SELECT icecat.revoke('kept_ann', 'select', 'kept', '{ns}'); SELECT icecat.grant('kept_ann', 'usage', 'kept', '{ns}')")
    expect_equal(c.sql("SET ROLE kept_ann; SELECT count(*) FROM icecat.next_events('kept', 's')"), "0")
    expect(int(c.sql(acked)) > int(before), "what the owner may not see is passed over")


def test_a_filter_does_not_tell_where_a_table_went(c):
    make(c, "where")
    c.sql("CREATE ROLE where_ann; SELECT icecat.grant_user('where_ann'); SELECT icecat.grant('where_ann', 'select', 'where', '{ns}');"
          "SELECT icecat.create_namespace('where', '{secret}')")
    for space in ("ns", "other", "secret"):
        c.sql("SET ROLE where_ann; SELECT icecat.create_subscription('where', 'in_%s', p_namespace => '{%s}')" % (space, space))
    c.sql("SELECT icecat.rename_table('where', '{ns}', 't', '{secret}', 'u')")
    told = {space: c.sql("SET ROLE where_ann; SELECT namespace, name, details FROM icecat.next_events('where', 'in_%s')" % space)
            for space in ("ns", "other", "secret")}
    expect_equal(told, {"ns": '{ns}|t|{"moved-away":true}', "other": "", "secret": ""})


def test_filters_where_case_does_not_matter(c):
    c.sql("SELECT icecat.create_warehouse('folded', 'file://%s/folded', '{\"icecat.case-mode\":\"insensitive\"}')" % c.files)
    c.sql("SELECT icecat.create_namespace('folded', '{Ns}'); SELECT icecat.create_subscription('folded', 's', p_namespace => '{nS}')")
    c.sql("SELECT icecat.create_table('folded', '{NS}', 'A', '%s')" % STRUCT)
    expect_equal(next_names(c, "folded", "s"), ["create-table A"])


def test_reading_is_not_in_the_audit_log(c):
    """Also where it is the reader that numbers the events."""
    make(c, "quiet")
    c.sql("CREATE ROLE quiet_ann; SELECT icecat.grant_user('quiet_ann'); SELECT icecat.grant('quiet_ann', 'select', 'quiet')")
    worker = c.worker_pid()
    if worker:
        os.kill(worker, signal.SIGSTOP)
    try:
        for i, call in enumerate(("create_subscription('quiet', 's')", "next_events('quiet', 's')", "read_events('quiet')")):
            commit(c, "quiet")
            c.sql("SET ROLE quiet_ann; SELECT count(*) FROM (SELECT icecat.%s) AS x" % call)
    finally:
        if worker:
            os.kill(worker, signal.SIGCONT)
    commit(c, "quiet")
    c.sql("SELECT icecat._event_feed((SELECT warehouse_id FROM icecat.subscriptions WHERE warehouse = 'quiet'), 0, 10, '{quiet_ann}') IS NULL")
    expect_equal(c.sql("SELECT action FROM icecat.audit_log WHERE action IN ('create-subscription', 'next-events', 'read-events', '-event-feed', 'event-feed')"
                       ), "")


def test_rows_and_place_together(c):
    """Consumers that copy events into a table of theirs, some of which are rolled back or killed: each event is there once."""
    make(c, "once")
    c.sql("CREATE TABLE copied (number bigint, consumer text); SELECT icecat.create_subscription('once', 's')")
    commit(c, "once", count=60)
    take = ("BEGIN; WITH n AS MATERIALIZED (SELECT number FROM icecat.next_events('once', 's', 7)) INSERT INTO copied SELECT number, '%s' FROM n;"
            "SELECT icecat.ack('once', 's', max(number)) FROM copied;%s %s;\n")
    killed = c.spawn(take % ("killed", "SELECT pg_sleep(600);", "COMMIT"))
    wait_until(lambda: c.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%pg_sleep(600)%'") == "1",
               "the first consumer holds the subscription", 30)
    others = [c.spawn("".join(take % (name, "", end) for end in ("COMMIT", "ROLLBACK", "COMMIT", "COMMIT", "COMMIT", "COMMIT")))
              for name in ("a", "b")]
    wait_until(lambda: c.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "2", "the others wait", 30)
    expect_equal(c.sql("SELECT count(*) FROM copied"), "0", "and take nothing")
    os.kill(int(c.sql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")), signal.SIGTERM)
    killed.communicate()
    for other in others:
        said = other.communicate()[1]
        expect(other.returncode == 0, said)
    expect_equal(c.sql("SELECT count(*), count(DISTINCT number), min(number) = (SELECT min(number) FROM icecat.events "
                       "WHERE warehouse = 'once' AND event_type = 'commit-table') FROM copied"), "60|60|t", "each event once")
    expect_equal(c.sql("SELECT behind FROM icecat.subscriptions WHERE warehouse = 'once'"), "0")


def test_trimmed(c):
    make(c, "trim")
    c.sql("SELECT icecat.create_subscription('trim', 's', p_after => 0)")
    commit(c, "trim")
    c.sql("SELECT count(*) FROM icecat.read_events('trim')")
    c.sql("DELETE FROM icecat_data.event AS e USING icecat_data.warehouse AS w WHERE w.name = 'trim' AND e.warehouse_id = w.warehouse_id "
          "AND e.number < 4")
    said = refused(c, "SELECT icecat.next_events('trim', 's')", "IC110")
    expect("the oldest event is number 4" in said, said)
    refused(c, "SELECT icecat.create_subscription('trim', 'late', p_after => 1)", "IC110")
    c.sql("SELECT icecat.ack('trim', 's', 3)")
    expect_equal(c.sql("SELECT min(number) FROM icecat.next_events('trim', 's')"), "4", "it goes on from there")
    c.sql("DELETE FROM icecat_data.event AS e USING icecat_data.warehouse AS w WHERE w.name = 'trim' AND e.warehouse_id = w.warehouse_id")
    refused(c, "SELECT icecat.next_events('trim', 's')", "IC110")
    c.sql("SELECT icecat.ack('trim', 's', last_number) FROM icecat.subscriptions WHERE warehouse = 'trim'")
    expect_equal(next_names(c, "trim", "s"), [], "what was all trimmed, too")
