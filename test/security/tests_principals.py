"""REST clients with tokens try to do, or to learn, what only another principal may. The extension, a gateway and an issuer."""
# SPDX-License-Identifier: PostgreSQL
import harness
import pytest
from expectations import expect, expect_equal
from issuer import Issuer

KEY = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"
SETUP = """
CREATE ROLE readers; CREATE ROLE writers; CREATE ROLE others;
CREATE ROLE gate LOGIN NOINHERIT;
SELECT icecat.grant_reader('readers'), icecat.grant_writer('writers'), icecat.grant_writer('others'), icecat.grant_gateway('gate');
GRANT readers, writers TO gate;
SELECT icecat.map_principal('corp', 'groups', 'analysts', 'readers'), icecat.map_principal('corp', 'sub', 'ann', 'writers'),
	icecat.map_principal('corp', 'sub', 'bob', 'writers'), icecat.map_principal('corp', 'sub', 'eve', 'others');
"""


class World:
    """Requests of principals, by name."""

    def __init__(self, c, issuer, gateway):
        self.c, self.issuer, self.gateway = c, issuer, gateway
        self.tokens = {name: issuer.token(name) for name in ("ann", "bob", "eve", "max")}
        self.tokens["zoe"] = issuer.token("zoe", groups=["x", "analysts"])

    def call(self, who, method, path, body=None, *headers):
        return self.gateway.request(method, "/v1" + path, body, [f"Authorization: Bearer {self.tokens[who]}", *headers])

    def expect(self, answer, status, name):
        expect_equal(answer.status, status, name)
        return answer


def prepare(c):
    c.make_warehouse()
    c.sql(SETUP)


@pytest.fixture(scope="module", name="w")
def world(c, program):
    dsn = f"host={c.dir} port=5432 user=gate dbname=postgres"
    with Issuer() as issuer, harness.Gateway(program, dsn, c.dir, auth_issuers=f"corp={issuer.url}", auth_audiences="icecat",
                                             auth_cache_s=1) as gateway:
        yield World(c, issuer, gateway)


def test_roles(w):
    w.expect(w.call("ann", "POST", "/w/namespaces", {"namespace": ["n"]}), 200, "a writer makes a namespace")
    w.expect(w.call("zoe", "GET", "/w/namespaces/n"), 200, "a reader, by an element of an array, loads it")
    answer = w.expect(w.call("zoe", "POST", "/w/namespaces", {"namespace": ["m"]}), 403, "and makes none")
    expect_equal(answer.error()["type"], "ForbiddenException", "the error is ForbiddenException")
    w.expect(w.call("zoe", "DELETE", "/w/namespaces/n"), 403, "and drops none")
    for who in ("eve", "max"):
        answer = w.expect(w.call(who, "GET", "/w/namespaces"), 403, f"{who}: no role, or not one that the gateway may become")
        expect("others" not in answer.body.decode(), "no role is named")
    w.expect(w.gateway.get("/v1/config?warehouse=w"), 401, "without a token not even the configuration is told")
    w.expect(w.call("zoe", "GET", "/config?warehouse=w"), 200, "with one it is")
    expect_equal(w.c.sql("SELECT actor FROM icecat.events WHERE namespace = '{n}'"), "writers", "the event names the role")
    expect("permission denied" in w.c.sql("SET SESSION AUTHORIZATION gate; SELECT icecat.list_warehouses()", check=False),
             "the gateway's login role sees nothing itself")


def test_keys(w):
    body = {"namespace": ["secret"], "properties": {"of": "ann"}}
    key = f"Idempotency-Key: {KEY}"
    w.expect(w.call("ann", "POST", "/w/namespaces", body, key), 200, "ann uses a key")
    w.expect(w.call("ann", "POST", "/w/namespaces", body, key), 200, "and again: the same answer")
    answer = w.expect(w.call("bob", "POST", "/w/namespaces", {"namespace": ["own"]}, key), 200, "bob's same key is his own")
    expect(b"secret" not in answer.body, "and tells nothing of hers")
    answer = w.expect(w.call("bob", "POST", "/w/namespaces", body, key), 422, "for another request of his it is his first one's")
    expect("secret" not in answer.body.decode() and "ann" not in answer.body.decode(), "not hers")
    answer = w.expect(w.call("zoe", "POST", "/w/namespaces", body, key), 403, "a reader with it gets no answer of a writer's")
    expect(b"secret" not in answer.body, "nor a hint")


def test_change(w):
    w.c.sql("SELECT icecat.unmap_principal('corp', 'sub', 'bob')")
    harness.wait_until(lambda: w.call("bob", "GET", "/w/namespaces").status == 403, "a principal that is unmapped is out within auth_cache_s", 4)
    w.c.sql("DROP OWNED BY writers; DROP ROLE writers")
    w.expect(w.call("ann", "GET", "/w/namespaces"), 403, "a role that is dropped is refused at once")
