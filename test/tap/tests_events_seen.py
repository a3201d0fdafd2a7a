"""Who sees which events: what a role may load, and the drops of what it could; the same by icecat.read_events() and view icecat.events.

A commit's event tells what was asked for, and how many events its transaction has.
"""
# SPDX-License-Identifier: PostgreSQL
import json

from expectations import expect, expect_equal


STRUCT = '{"type":"struct","fields":[{"id":1,"name":"x","type":"long","required":false}]}'
ROLES = {"whole": "'select', '{w}'", "space": "'select', '{w}', '{{ns}}'", "one": "'select', '{w}', '{{ns}}', 't'",
         "lists": "'usage', '{w}', '{{ns}}'", "nobody": None}


class Case:
    """A warehouse, and roles, of one test."""

    def __init__(self, c, w, roles=ROLES):
        self.c, self.w = c, w
        c.make_warehouse(w)
        for space in ("{ns,below}", "{other}"):
            self.do("create_namespace", "'%s'" % space)
        for space, table in (("{ns}", "t"), ("{ns}", "u"), ("{ns,below}", "b"), ("{other}", "o")):
            self.make(space, table)
        for role in roles:
            self.make_role(role)

    def make_role(self, role):
        self.c.sql("CREATE ROLE %s_%s; SELECT icecat.grant_user('%s_%s')" % (role, self.w, role, self.w))
        if ROLES[role]:
            self.c.sql("SELECT icecat.grant('%s_%s', %s)" % (role, self.w, ROLES[role].format(w=self.w)))

    def do(self, function, *arguments):
        self.c.sql("SELECT icecat.%s(%s)" % (function, ", ".join(("'%s'" % self.w,) + arguments)))

    def make(self, space, table):
        self.do("create_table", "'%s'" % space, "'%s'" % table, "'%s'" % STRUCT)

    def ask(self, role, text, check=True):
        return self.c.sql("SET ROLE %s_%s;\n%s" % (role, self.w, text), check=check)

    def told(self, role, after=0):
        """Type, namespace and name of each event that a role reads, in order."""
        return [tuple(row.split("|")) for row in self.ask(
            role, "SELECT event_type, array_to_string(namespace, '.'), name FROM icecat.read_events('%s', %d) "
            "ORDER BY number" % (self.w, after)).splitlines()]

    def shown(self, role):
        """The same of the view."""
        return [tuple(row.split("|")) for row in self.ask(
            role, "SELECT event_type, array_to_string(namespace, '.'), name FROM icecat.events WHERE warehouse = '%s' "
            "ORDER BY number" % self.w).splitlines()]

    def last(self):
        self.c.sql("SELECT count(*) FROM icecat.read_events('%s')" % self.w)
        return int(self.c.sql("SELECT coalesce(max(number), 0) FROM icecat.events WHERE warehouse = '%s'" % self.w))


def test_events_seen(c):
    case = Case(c, "seen")
    last = case.last()
    expect_equal(len(case.told("whole")), last, "select on the warehouse: all")
    expect_equal(case.told("space"), [("create-namespace", "ns", ""), ("create-namespace", "ns.below", ""),
                                      ("create-table", "ns", "t"), ("create-table", "ns", "u"),
                                      ("create-table", "ns.below", "b")], "on a namespace: what is in it, and below")
    expect_equal(case.told("one"), [("create-table", "ns", "t")], "on a table: the table's")
    expect_equal(case.told("lists"), [], "usage does not load, so it tells of nothing")
    for role in ("whole", "space", "one", "lists"):
        expect_equal(case.shown(role), case.told(role), "the view shows %s the same" % role)
    expect("does not exist" in case.ask("nobody", "SELECT icecat.read_events('seen')", check=False),
           "who sees nothing in a warehouse does not learn that it is there")
    expect_equal(case.shown("nobody"), [], "nor from the view")
    expect_equal(case.ask("space", "SELECT count(*) FROM icecat.read_events('seen', 0, 2)"), "2",
                 "p_limit counts what is seen")

    case.do("drop_table", "'{ns}'", "'u'")
    case.do("drop_table", "'{ns}'", "'t'")
    expect_equal(case.told("space", last), [("drop-table", "ns", "u"), ("drop-table", "ns", "t")], "drops are told")
    last = case.last()
    case.do("drop_table", "'{ns,below}'", "'b'")
    case.do("drop_namespace", "'{ns,below}'")
    expect_equal(case.told("space", last), [("drop-table", "ns.below", "b"), ("drop-namespace", "ns.below", "")],
                 "of a namespace too, by the one above it")


def test_a_namespace_of_the_same_name_tells_nothing_of_the_one_before(c):
    case = Case(c, "same", roles=())
    for step in (("drop_table", "'{other}'", "'o'"), ("drop_namespace", "'{other}'"), ("create_namespace", "'{other}'")):
        case.do(*step)
    case.make("{other}", "fresh")
    c.sql("CREATE ROLE later_same; SELECT icecat.grant_user('later_same'); SELECT icecat.grant('later_same', 'select', 'same', '{other}')")
    expect_equal(case.told("later"), [("create-namespace", "other", ""), ("create-table", "other", "fresh")])
    expect_equal(case.shown("later"), case.told("later"), "the view shows the same")


def test_renamed_away(c):
    case = Case(c, "moved", roles=("whole", "space"))
    last = case.last()
    case.do("rename_table", "'{ns}'", "'u'", "'{other}'", "'hidden'")
    expect_equal(case.told("space", last), [("rename-table", "ns", "u")], "what moves out of sight is told to be gone")
    row = case.ask("space", "SELECT e::text FROM icecat.read_events('moved', %d) AS e" % last)
    expect("moved-away" in row and "hidden" not in row and "other" not in row, "not where to: " + row)
    expect_equal(case.told("whole", last), [("rename-table", "other", "hidden")], "who sees all is told")
    last = case.last()
    case.do("rename_table", "'{other}'", "'hidden'", "'{ns}'", "'back'")
    expect_equal(case.told("space", last), [("rename-table", "ns", "back")], "what comes into sight is seen")


def test_read_restrictions_hide_events(c):
    case = Case(c, "parts", roles=("whole", "space"))
    c.sql("CREATE ROLE readers; GRANT readers TO space_parts; SELECT icecat.set_read_restriction('readers', 'parts', '{ns}', 't', "
          "'{\"type\":\"eq\",\"term\":\"x\",\"value\":1}', NULL)")
    expect(("create-table", "ns", "t") not in case.told("space"), "of a table that may be read in part alone, nothing")
    expect(("create-table", "ns", "u") in case.told("space"), "of others, all")
    expect_equal(case.shown("space"), case.told("space"), "the view shows the same")


def test_the_grants_of_the_time_of_reading_count(c):
    case = Case(c, "now", roles=("space",))
    expect(case.told("space") != [], "seen")
    c.sql("SELECT icecat.revoke('space_now', 'select', 'now', '{ns}'); SELECT icecat.grant('space_now', 'usage', 'now', '{ns}')")
    expect_equal(case.told("space"), [], "and not any more")


def details(c, table):
    return json.loads(c.sql("SELECT details FROM icecat.read_events('told') WHERE name = '%s' ORDER BY number DESC LIMIT 1" % table))


def test_details_of_commits(c):
    c.make_warehouse("told")
    c.sql(c.create_table_sql("a", "told") + c.create_table_sql("b", "told") + c.create_table_sql("d", "told"))
    uuid = c.sql("SELECT table_uuid FROM icecat.tables WHERE warehouse = 'told' AND table_name = 'a'")
    c.sql("SELECT icecat.commit_table('told', '{ns}', 'a', '[{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"}]', "
          "'[{\"action\":\"set-properties\",\"updates\":{\"k\":\"1\"}},{\"action\":\"set-properties\",\"updates\":{\"l\":\"1\"}},"
          "{\"action\":\"remove-properties\",\"removals\":[\"l\"]}]')" % uuid)
    said = details(c, "a")
    expect_equal((said.get("requirements"), said.get("updates")), (["assert-table-uuid"], ["set-properties", "remove-properties"]))
    expect("request-event-count" not in said, "one event is not counted")
    change = '{"identifier":{"namespace":["ns"],"name":"%s"},"requirements":[],"updates":[%s]}'
    update = '{"action":"set-properties","updates":{"k":"2"}}'
    c.sql("SET icecat.request_id = 'r-1'; SELECT icecat.commit_transaction('told', '[%s,%s,%s]')" % (
        change % ("a", ""), change % ("b", update), change % ("d", update)))
    # Nothing is asked of a.
    rows = c.sql("SELECT name || ' ' || event_type || ' ' || (details ->> 'request-event-count') FROM icecat.read_events('told') "
                 "WHERE request_id = 'r-1' ORDER BY name").splitlines()
    expect_equal(rows, ["b commit-table 2", "d commit-table 2"], "a transaction's events know how many they are")
