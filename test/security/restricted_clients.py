#!/usr/bin/env python3
"""REST clients that may read a table in part try to read it whole: by the gateway's cache, by entity tags of others, by views that
they say they come by. The extension, a gateway and an issuer."""
# SPDX-License-Identifier: PostgreSQL
import json
import os

import cluster
import harness
from issuer import Issuer

SETUP = """
CREATE ROLE users; SELECT icecat.grant_user('users');
CREATE ROLE whole IN ROLE users; CREATE ROLE part IN ROLE users; CREATE ROLE outside IN ROLE users; CREATE ROLE trino IN ROLE users;
CREATE ROLE part_by_trino IN ROLE part; GRANT trino TO part_by_trino; CREATE ROLE outside_by_trino IN ROLE outside; GRANT trino TO outside_by_trino;
CREATE ROLE gate LOGIN NOINHERIT; SELECT icecat.grant_gateway('gate');
GRANT whole, part, outside, part_by_trino, outside_by_trino TO gate;
SELECT icecat.map_principal('corp', 'sub', 'whole', 'whole'), icecat.map_principal('corp', 'sub', 'part', 'part'),
	icecat.map_principal('corp', 'sub', 'outside', 'outside'), icecat.map_principal('corp', 'sub', 'part-trino', 'part_by_trino'),
	icecat.map_principal('corp', 'sub', 'outside-trino', 'outside_by_trino');
SELECT icecat.grant('whole', 'manage', 'w'), icecat.grant('part', 'select', 'w', '{ns}', 't'), icecat.trust_engine('trino', 'trino.run-as-owner');
"""
PATH = "/w/namespaces/ns/tables/t"
VIEW = {"name": "v,1", "schema": {"type": "struct", "fields": []}, "properties": {"trino.run-as-owner": "whole"},
        "view-version": {"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {}, "default-namespace": ["ns"],
                         "representations": [{"type": "sql", "sql": "SELECT count(*) FROM t", "dialect": "trino"}]}}


class World:
    def __init__(self, c, tap, issuer, gateway):
        self.c, self.tap, self.gateway = c, tap, gateway
        self.tokens = {name: issuer.token(name) for name in ("whole", "part", "outside", "part-trino", "outside-trino")}

    def call(self, who, method, path, body=None, *headers):
        return self.gateway.request(method, "/v1" + path, body, [f"Authorization: Bearer {self.tokens[who]}", *headers])

    def load(self, who, query="", *headers):
        return self.call(who, "GET", PATH + query, None, *headers)

    def expect(self, answer, status, name):
        self.tap.equal(answer.status, status, name)
        return answer


def restrict(w, row_filter):
    w.c.sql("SELECT icecat.set_read_restriction('part', 'w', '{ns}', 't', $$%s$$)" % json.dumps(row_filter))


def test_cache(w):
    t = w.tap
    for _ in range(2):
        w.expect(w.load("part"), 200, "before there is a restriction the answer is kept")
    whole = w.expect(w.load("whole"), 200, "for each role")
    before = w.load("part").headers["etag"]
    restrict(w, {"type": "gt", "term": "x", "value": 3})
    answer = w.expect(w.load("part"), 403, "then a kept answer is no way to it")
    t.ok(b"metadata-location" not in answer.body, "nothing of the table is told")
    for tag in (before, whole.headers["etag"], "*"):
        w.expect(w.load("part", "", f"If-None-Match: {tag}"), 403, "nor is a 304")
    w.expect(w.load("whole", "", f"If-None-Match: {whole.headers['etag']}"), 304, "others are not disturbed")
    part = w.expect(w.load("part-trino"), 200, "a trusted engine gets it")
    t.equal(part.json()["read-restrictions"]["required-row-filter"]["type"], "gt", "with the restriction")
    t.equal(part.json()["config"], {}, "and nothing that grants access to storage")
    t.ok("storage-credentials" not in part.json(), "no credentials")
    answer = w.expect(w.load("part-trino", "", f"If-None-Match: {whole.headers['etag']}"), 200, "another's tag brings no 304")
    t.ok("read-restrictions" in answer.json(), "but the answer with the restriction")
    answer = w.expect(w.load("whole", "", f"If-None-Match: {part.headers['etag']}"), 200, "and the other way round")
    t.ok("read-restrictions" not in answer.json(), "each role has its own")
    w.expect(w.load("part-trino", "", f"If-None-Match: {part.headers['etag']}"), 304, "one's own does")
    restrict(w, False)
    answer = w.expect(w.load("part-trino", "", f"If-None-Match: {part.headers['etag']}"), 200, "until the restriction changes")
    t.equal(answer.json()["read-restrictions"], {"required-row-filter": False}, "which is sent at once")
    w.c.sql("SELECT icecat.set_labels('{\"a\":\"b\"}', 'w', '{ns}', 't')")
    answer = w.expect(w.load("whole", "", f"If-None-Match: {whole.headers['etag']}"), 200, "a label makes another tag, too")
    t.equal(answer.json()["labels"], {"object-labels": {"a": "b"}}, "and is shown")
    w.expect(w.call("part", "HEAD", PATH), 204, "that the table exists is no secret")
    for who in ("part", "part-trino"):
        w.expect(w.call(who, "DELETE", PATH + "?purgeRequested=true"), 403, f"{who} may not drop it")
        w.expect(w.call(who, "POST", PATH, {"requirements": [], "updates": []}), 403, "nor commit to it")


def test_views(w):
    t = w.tap
    w.expect(w.call("outside", "POST", "/w/namespaces/ns/views", VIEW), 404, "outside sees no namespace")
    w.c.sql("SELECT icecat.grant('outside', 'create', 'w', '{ns}')")
    answer = w.expect(w.call("outside", "POST", "/w/namespaces/ns/views", VIEW), 403, "and makes no view that works as whole")
    t.equal(answer.error()["type"], "ForbiddenException", "the error is ForbiddenException")
    w.c.sql("SELECT icecat.revoke('outside', 'create', 'w', '{ns}')")
    w.expect(w.call("whole", "POST", "/w/namespaces/ns/views", VIEW), 200, "whole does")
    w.c.sql("SELECT icecat.grant('outside', 'select', 'w', '{ns}', 'v,1')")
    by_view = "?referenced-by=ns%1Fv%2C1"
    w.expect(w.load("outside-trino"), 404, "the table itself is not there")
    answer = w.expect(w.load("outside-trino", by_view), 200, "by the view it is")
    w.expect(w.load("outside-trino", by_view), 200, "also from the cache")
    w.expect(w.load("outside-trino"), 404, "which has it for the view alone")
    w.expect(w.load("outside", by_view), 404, "who is no trusted engine is not believed")
    w.expect(w.load("outside", by_view, f"If-None-Match: {answer.headers['etag']}"), 404, "with no tag")
    restricted = w.expect(w.load("part-trino", by_view), 404, "part does not see the view")
    t.ok(b"metadata-location" not in restricted.body, "and gets nothing")
    w.c.sql("SELECT icecat.grant('part', 'select', 'w', '{ns}', 'v,1')")
    lent = w.expect(w.load("part-trino", by_view), 200, "by the view it reads what whole may")
    t.ok("read-restrictions" not in lent.json(), "as a definer's view does")
    own = w.expect(w.load("part-trino"), 200, "and by itself what it may")
    t.ok("read-restrictions" in own.json() and own.headers["etag"] != lent.headers["etag"], "the two are kept apart")
    w.expect(w.load("part-trino", "", f"If-None-Match: {lent.headers['etag']}"), 200, "the tag of one brings no 304 of the other")
    w.c.sql("SELECT icecat.distrust_engine('trino')")
    w.expect(w.load("outside-trino", by_view, f"If-None-Match: {answer.headers['etag']}"), 404, "trust ends at once, whatever is kept")
    for query, status in (("?referenced-by=" + ",".join(f"ns%1Fv{i}" for i in range(11)), 400), ("?referenced-by=v", 400), ("?referenced-by=%1F", 400),
                          ("?referenced-by=", 200), ("?referenced-by=ns%1Fx,ns%1Fx", 400), ("?referenced-by=ns%1Fx&referenced-by=ns%1Fy", 400)):
        w.expect(w.load("whole", query), status, query[:40])
    w.expect(w.call("whole", "GET", "/w/namespaces/ns/views/v%2C1?referenced-by=v"), 400, "also for views")


def test(c, tap):
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))
    c.sql(SETUP)
    dsn = f"host={c.dir} port=5432 user=gate dbname=postgres"
    with Issuer() as issuer, harness.Gateway(os.environ["ICECAT_GATEWAY"], dsn, c.dir, auth_issuers=f"corp={issuer.url}",
                                             auth_audiences="icecat", auth_cache_s=1) as gateway:
        world = World(c, tap, issuer, gateway)
        test_cache(world)
        test_views(world)


if __name__ == "__main__":
    cluster.main(test)
