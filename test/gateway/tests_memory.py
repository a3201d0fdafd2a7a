"""Secrets that went through the gateway are not in its memory afterwards: a core file, or a fault that reads memory, does not show them.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import gzip
import re
import secrets
import urllib.parse

import oauth
from harness import expect, expect_equal, wait_until
from issuer import Issuer
from tests_api_keys import add_key
from tests_auth import T, bearer, prepare
from tests_tls import Secure
from tls import Authority

LOAD = T + "same"
FORM = "Content-Type: application/x-www-form-urlencoded"


def memory(pid):
    """All that the process can write to, region by region."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ \d+ *(.*)", line)
            if found is None or found.group(3).startswith("[v"):
                continue
            start, end = (int(found.group(i), 16) for i in (1, 2))
            if end - start > 1 << 30:
                continue                # a sanitizer's shadow
            mem.seek(start)
            try:
                yield found.group(3), mem.read(end - start)
            except OSError:
                pass


def places(gateway, needles):
    """Where the texts are. Their beginnings may be overwritten by the allocator, so the middle of each is looked for."""
    out = []
    for region, data in memory(gateway.process.pid):
        for name, text in needles.items():
            middle = text[len(text) // 3:len(text) - 8]
            at = data.find(middle)
            if at >= 0:
                out.append((name, region or "anonymous", re.sub(rb"[^ -~]+", b".", data[max(0, at - 60):at + 40])))
    return out


def send(gateway, body, *fields, chunks=None):
    """A form, whole or in pieces that arrive one by one."""
    head = ["POST /v1/oauth/tokens HTTP/1.1", "Host: localhost", FORM, *fields]
    with gateway.connect() as client:
        if chunks is None:
            client.send("\r\n".join([*head, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body)
        else:
            data = "\r\n".join([*head, "Transfer-Encoding: chunked"]).encode() + b"\r\n\r\n"
            data += b"".join(b"%x\r\n" % len(body[at:at + chunks]) + body[at:at + chunks] + b"\r\n" for at in range(0, len(body), chunks))
            data += b"0\r\n\r\n"
            for at in range(0, len(data), 97):
                client.send(data[at:at + 97])
        return client.answer()


class Shown:
    """What was said to the gateway, and by it."""

    def __init__(self, env):
        self.env, self.needles = env, {}

    def client(self, name):
        """A client of its own for each way to log in, so that a secret that is found says which way it was."""
        secret = "ics_" + secrets.token_hex(32)
        oauth.add_client(self.env, name, secret)
        self.needles[name] = secret.encode()
        self.needles[name + ", Basic"] = base64.b64encode(f"{name}:{secret}".encode())
        return secret

    def token(self, what, answer):
        expect_equal(answer.status, 200, what)
        for member in ("access_token", "refresh_token"):
            if member in answer.json():
                self.needles[f"{what}, {member}"] = answer.json()[member].rsplit(".", 1)[1].encode()
        return answer.json()


def form(name, secret, **more):
    return urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": name, "client_secret": secret, **more}).encode()


def log_in(gateway, shown):
    """By every way that there is, with what clients send between."""
    padding = "&unknown=" + "x" * 30000
    ways = {"whole": lambda n, s: send(gateway, form(n, s)), "long": lambda n, s: send(gateway, form(n, s) + padding.encode()),
            "pieces": lambda n, s: send(gateway, form(n, s), chunks=50), "long_pieces": lambda n, s: send(gateway, form(n, s) + padding.encode(), chunks=3000),
            "gzip": lambda n, s: send(gateway, gzip.compress(form(n, s) + padding.encode()), "Content-Encoding: gzip"),
            "basic": lambda n, s: send(gateway, b"grant_type=client_credentials", oauth.basic(n, s)),
            "offline": lambda n, s: send(gateway, form(n, s, scope="offline_access"))}
    tokens = {}
    for name, way in ways.items():
        secret = shown.client(name)
        tokens[name] = shown.token(name, way(name, secret))
    for name in ("wrong", "wrong_basic"):
        shown.client(name)
        wrong = "ics_" + secrets.token_hex(32)
        shown.needles[name + ", not its own"] = wrong.encode()
        answer = send(gateway, form(name, wrong)) if name == "wrong" else send(gateway, b"grant_type=client_credentials", oauth.basic(name, wrong))
        expect_equal(answer.status, 401)
    late = "ics_" + secrets.token_hex(32)
    shown.needles["refused by its size"] = late.encode()
    expect_equal(send(gateway, form("nobody", late) + b"&x=" + b"x" * 70000, chunks=1000).status, 413)
    gone = "ics_" + secrets.token_hex(32)
    shown.needles["left in the middle"] = gone.encode()
    with gateway.connect() as client:
        client.send(b"POST /v1/oauth/tokens HTTP/1.1\r\nHost: h\r\n" + FORM.encode() + b"\r\nContent-Length: 900\r\n\r\n" + form("gone", gone))
    return tokens


def use(gateway, env, shown, issuer, tokens):
    """Calls, exchanges and refreshes with what was got."""
    for token in tokens.values():
        expect_equal(gateway.request("GET", LOAD, headers=bearer(token["access_token"])).status, 200)
    first = tokens["whole"]["access_token"]
    again = shown.token("exchange", oauth.exchange(gateway, first))
    shown.token("refresh", send(gateway, urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": tokens["offline"]["refresh_token"]}).encode()))
    foreign = issuer.token("ann")
    shown.needles["an issuer's token"] = foreign.rsplit(".", 1)[1].encode()
    shown.token("exchange of an issuer's", oauth.exchange(gateway, foreign))
    expect_equal(gateway.request("POST", LOAD, {"a": "x" * 50000}, bearer(again["access_token"])).status, 200)
    for name, field in (("key", "Authorization: Bearer "), ("own_field", "X-Api-Key: ")):
        _, key = add_key(env, "ann")
        shown.needles[name] = key.encode()
        expect_equal(gateway.request("GET", LOAD, headers=[field + key]).status, 200, name)
    forged = first[:-20] + "A" * 20
    shown.needles["a forged token"] = forged.rsplit(".", 1)[1].encode()[:-20] + b"A" * 20
    expect_equal(gateway.request("GET", LOAD, headers=bearer(forged)).status, 401)


def check(gateway, env):
    prepare(env)
    env.pg.sql("INSERT INTO icecat.version VALUES ('same', 1) ON CONFLICT DO NOTHING")
    with Issuer() as issuer:
        gateway = gateway(auth_issuers=f"test={issuer.url}", auth_audiences="icecat", oauth_tokens="on", auth_api_keys="on", auth_keys_pause_s=1)
        with gateway:
            shown = Shown(env)
            oauth.ready(gateway, "ready", oauth.add_client(env, "ready", verdict="role ann"))
            env.pg.sql("CREATE OR REPLACE FUNCTION icecat._credential(p_kind text, p_id text, p_role text DEFAULT NULL) RETURNS json LANGUAGE sql STABLE"
                       " SECURITY DEFINER AS $$ SELECT (document::jsonb || '{\"verdict\": \"role ann\"}')::json FROM icecat.credential"
                       " WHERE kind = p_kind AND id = p_id $$")
            try:
                env.pg.sql("INSERT INTO icecat.mapping SELECT name, 'ann' FROM unnest(ARRAY['whole', 'long', 'pieces', 'long_pieces', 'gzip', 'basic',"
                           " 'offline']) AS name ON CONFLICT DO NOTHING")
                use(gateway, env, shown, issuer, log_in(gateway, shown))
            finally:
                env.pg.sql("CREATE OR REPLACE FUNCTION icecat._credential(p_kind text, p_id text, p_role text DEFAULT NULL) RETURNS json LANGUAGE sql STABLE"
                           " SECURITY DEFINER AS $$ SELECT document FROM icecat.credential WHERE kind = p_kind AND id = p_id $$")
            wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all clients are gone")
            expect(places(gateway, {"dsn": env.pg.dsn.replace("user=tester", "user=gate").encode()}), "the search finds what is there")
            found = places(gateway, shown.needles)
            expect(not found, "secrets in memory:\n" + "\n".join(map(repr, found)))


def test_no_secret_is_left_in_memory(env):
    check(lambda **settings: oauth.gateway(env, **settings), env)


def test_no_secret_is_left_in_memory_by_tls(env):
    authority = Authority(env.root)
    check(lambda **settings: Secure(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, authority, **settings), env)
