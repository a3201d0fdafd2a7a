"""The rows of the benchmark's table: what is measured, beside which baseline, and what is wanted."""
# SPDX-License-Identifier: PostgreSQL
from loads import drive, pgbench

ROTATE = 10             # tables of one client, so that a run does not make them grow much


class Row:
    """gateway or sql: how it is measured. Landed changes are compared with what is in the warehouse then."""

    def __init__(self, name, measure, at_least=None, warehouse=None, counted="versions", prepare=None):
        self.name = name
        self.measure = measure
        self.at_least = at_least
        self.warehouse = warehouse
        self.counted = counted
        self.prepare = prepare


def get(path, **more):
    """A read over HTTP."""
    return lambda bench: drive(bench.options, kind="get", path=path, **more)


def commits(kind, **more):
    """Changes over HTTP, on each client's own tables or on a shared one."""
    return lambda bench: drive(bench.options, kind=kind, **({"tag": bench.next_tag(), "rotate": ROTATE} | more))


def direct(script, lands=True):
    """The same through SQL."""
    return lambda bench: pgbench(bench.options, script, {"warehouse": "direct", "rotate": ROTATE, "done": 0, "tag": bench.next_tag(), "place": bench.place,
                                                         "tables": bench.options.clients * ROTATE}, lands)


def one_afresh(bench):
    bench.make("demo", 1, name="one")


def direct_afresh(bench):
    bench.make("direct", 1, bench.options.clients * ROTATE)


def groups(clients):
    """(baseline, rows that are measured beside it)."""
    own = clients * ROTATE
    load = '"metadata-location"'
    return (
        ("read a 20 KB text by key", "plain_read", False, (
            Row("load, small table, warm", get("/v1/read/namespaces/bench/tables/t{}", tables=own, expect=load), 1.0),
            Row("SQL: load, small table", lambda bench: pgbench(bench.options, "load", {"warehouse": "read", "tables": own})))),
        ("read a 300 KB text by key", "plain_read_large", False, (
            Row("load, 1,000 snapshots, 630 KB", get("/v1/large/namespaces/bench/tables/t{}", tables=clients, expect=load), 2.8),)),
        ("SELECT 1", "plain_select", False, (
            Row("config", get("/v1/config?warehouse=demo", expect='"overrides"'), 0.8),
            Row("list of namespaces", get("/v1/demo/namespaces", expect='["n0"]'), 0.4),
            Row("one namespace", get("/v1/demo/namespaces/n0", expect='["n0"]'), 0.6),
            Row("list of 1,000 tables", get("/v1/many/namespaces/bench/tables", expect='"t0"')))),
        ("call: lock, 1 update, 1 insert", "plain_call", True, (
            Row("create table", commits("create", warehouse="made"), 0.3, "made", "tables"),
            Row("append, distinct tables", commits("append"), 0.5, "demo"),
            Row("SQL: create table", direct("direct_create"), None, "direct", "tables"),
            Row("SQL: append, distinct tables", direct("direct_append"), None, "direct", prepare=direct_afresh))),
        ("the same in 5 statements", "plain_five", True, (
            Row("property commit", commits("property"), 0.6, "demo"),
            Row("SQL: property commit", direct("direct_property"), None, "direct"))),
        ("the call on one row", "plain_call_one", True, (
            Row("append, all on one table, retried", commits("append", shared="one", rotate=1), 0.25, "demo", prepare=one_afresh),)),
        ("5 statements on one row", "plain_five_one", True, (
            Row("property commit, all on one table", commits("property", shared="one", rotate=1), 1.5, "demo", prepare=one_afresh),)),
    )
