#!/usr/bin/env python3
"""32 REST clients of one tenant create at once against a quota of 10: exactly 10 succeed, the others are told which quota it is."""
# SPDX-License-Identifier: PostgreSQL
import os

import cluster
import harness

CREATORS, LIMIT = 32, 10
SETUP = """
SELECT icecat.create_tenant('acme', 'file://{files}/acme');
SELECT icecat.create_warehouse('acme/lake', 'file://{files}/acme/lake'), icecat.create_namespace('acme/lake', '{{n}}');
CREATE ROLE users; SELECT icecat.grant_user('users');
CREATE ROLE gate LOGIN IN ROLE users; SELECT icecat.assign_role('acme', 'gate'), icecat.grant_tenant('gate', 'manage', 'acme');
SELECT icecat.grant_gateway('gate');
SELECT icecat.set_tenant_quota('acme', 'tables', {limit});
"""


def test(c, tap):
    c.sql(SETUP.format(files=c.files, limit=LIMIT))
    dsn = f"host={c.dir} port=5432 user=gate dbname=postgres"
    with harness.Gateway(os.environ["ICECAT_GATEWAY"], dsn, c.dir, write_connections=CREATORS) as gateway:
        answers = {}

        def create(n):
            with gateway.connect(60) as client:
                body = {"name": "t%d" % n, "schema": {"type": "struct", "fields": []}}
                client.send(harness.request_bytes("POST", "/v1/lake/namespaces/n/tables", body))
                answers[n] = client.answer()

        harness.in_parallel([lambda n=n: create(n) for n in range(CREATORS)])
        made = sorted(n for n, answer in answers.items() if answer.status == 200)
        refused = [answer for answer in answers.values() if answer.status == 403]
        tap.equal((len(made), len(refused)), (LIMIT, CREATORS - LIMIT), "of 32 creators 10 succeed, 22 are refused")
        tap.equal({answer.error()["message"] for answer in refused},
                  {"Quota exceeded: tables of tenant acme: the limit is 10, in use are 10"}, "the answer names quota, limit and use")
        tap.equal({answer.error()["type"] for answer in refused}, {"ForbiddenException"}, "by a type that no client takes for another one")
        tap.equal(sorted(int(name[1:]) for name in c.sql("SELECT table_name FROM icecat.tables").split()), made, "those that succeeded are there, and no other")
        tap.equal(gateway.request("DELETE", "/v1/lake/namespaces/n/tables/t%d" % made[0]).status, 204, "a drop")
        answer = gateway.request("POST", "/v1/lake/namespaces/n/tables", {"name": "again", "schema": {"type": "struct", "fields": []}})
        tap.equal(answer.status, 200, "gives its place back")
        key = ["Idempotency-Key: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F"]
        body = {"name": "more", "schema": {"type": "struct", "fields": []}}
        tap.equal(gateway.request("POST", "/v1/lake/namespaces/n/tables", body, key).status, 403, "a keyed request is refused, too")
        c.sql("SELECT icecat.set_tenant_quota('acme', 'tables', 11)")
        tap.equal(gateway.request("POST", "/v1/lake/namespaces/n/tables", body, key).status, 200, "and succeeds under its key once the quota is raised")
    tap.equal(c.sql("SELECT * FROM icecat.check_integrity()"), "", "use is what there is")


if __name__ == "__main__":
    cluster.main(test)
