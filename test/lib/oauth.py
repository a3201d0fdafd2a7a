"""Clients of the token endpoint for the tests: their rows in the mock, and requests for tokens.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import json
import os
import secrets
import urllib.parse

from harness import Gateway, expect_equal, wait_until

ENDPOINT = "/v1/oauth/tokens"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def verifier(secret, until=None):
    salt = os.urandom(16)
    return {"salt": salt.hex(), "hash": hashlib.sha256(salt + secret.encode()).hexdigest(), "until": until}


def put(env, kind, name, document):
    text = json.dumps(document).replace("'", "''")
    env.pg.sql(f"INSERT INTO icecat.credential VALUES ('{kind}', '{name}', '{text}') "
               "ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document")


def add_client(env, name, *secret_texts, verdict=None, session="s1", until=None):
    """A client of the mock with these secrets, or a new one. Returns the last."""
    texts = secret_texts or ("ics_" + secrets.token_hex(32),)
    put(env, "client", name, {"name": name, "session": session, "verdict": verdict or f"role {name}",
                              "secrets": [verifier(text, until) for text in texts]})
    return texts[-1]


def gateway(env, **settings):
    """One that issues tokens, as the login role of tests_auth."""
    settings.setdefault("oauth_tokens", "on")
    settings.setdefault("auth_keys_pause_s", 1)
    return Gateway(env.binary, env.pg.dsn.replace("user=tester", "user=gate"), env.root, **settings)


def basic(client, secret):
    return "Authorization: Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()


def send(target, form, headers=(), path=ENDPOINT, content_type="application/x-www-form-urlencoded", method="POST"):
    body = (form if isinstance(form, str) else urllib.parse.urlencode(form)).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(body)}")
    with target.connect() as client:
        client.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return client.answer(head=method == "HEAD")


def login(target, client, secret, **more):
    return send(target, {"grant_type": "client_credentials", "client_id": client, "client_secret": secret, **more})


def exchange(target, token, headers=(), **more):
    return send(target, {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN, **more}, headers)


def token_of(answer):
    expect_equal(answer.status, 200, f"status of {answer.body[:200]}")
    return answer.json()["access_token"]


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(token):
    return json.loads(decode(token.split(".")[1]))


def expect_refused(answer, status, error):
    expect_equal((answer.status, answer.json()["error"]), (status, error), f"{answer.body[:200]}")
    expect_equal(set(answer.json()), {"error", "error_description"})
    expect_equal(answer.headers.get("cache-control"), "no-store")
    expect_equal("www-authenticate" in answer.headers, status == 401)


def ready(target, client, secret):
    """Its keys are there: a token can be had."""
    return token_of(wait_until(lambda: (a := login(target, client, secret)).status != 503 and a, "keys"))
