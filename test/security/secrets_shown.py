#!/usr/bin/env python3
"""Is a secret, key or token anywhere but in the answer that it was given in? The extension, a gateway and an issuer, all at their most
talkative: logs of both, pg_stat_activity, views, the audit log, events, metrics, answers, dumps."""
# SPDX-License-Identifier: PostgreSQL
import os
import threading

import cluster
import harness
import oauth
from issuer import Issuer
from oauth import EXCHANGE, exchange, login, send

SETUP = """
CREATE ROLE writers; CREATE ROLE small; GRANT small TO writers;
CREATE ROLE gate LOGIN NOINHERIT;
SELECT icecat.grant_writer('writers'), icecat.grant_user('small'), icecat.grant_gateway('gate');
GRANT writers TO gate;
SELECT icecat.map_principal('corp', 'sub', 'ann', 'writers');
"""
TALKATIVE = ("log_statement = 'all'", "log_min_duration_statement = 0", "log_parameter_max_length = -1",
             "log_parameter_max_length_on_error = -1", "debug_print_plan = on", "log_error_verbosity = verbose")


class Secrets:
    """What must not be seen: whole, and each part that is one by itself."""

    def __init__(self):
        self.parts = set()

    def add(self, text):
        """A secret, a key, or a token, whose parts are separated by points."""
        self.parts.update(part for part in [text, text.split("_")[-1], *text.split(".")] if len(part) >= 24)
        return text


def made(c, secrets, call):
    """A client's secret or an API key, and the id in front of it."""
    name, secret = c.sql(f"SELECT a, b FROM {call} AS r (a, b, c)").split("|")
    return name, secrets.add(secret)


def watch(c, seen, over):
    while not over.wait(0.05):
        seen.append(c.sql("SELECT string_agg(query || coalesce(application_name, ''), ' ') FROM pg_stat_activity"))


def call_all(c, gateway, issuer, secrets, answers):
    """Every way to use a secret, and to use it wrongly."""
    secret = made(c, secrets, "icecat.create_client('etl', 'writers')")[1]
    second = made(c, secrets, "icecat.rotate_client_secret('etl')")[1]
    _, key = made(c, secrets, "icecat.create_api_key('nightly', 'writers')")
    prefix, other = made(c, secrets, "icecat.create_api_key('x', 'writers')")
    made(c, secrets, f"icecat.rotate_api_key('{prefix}')")
    harness.wait_until(lambda: login(gateway, "etl", secret).status != 503, "keys")
    tokens = []
    for text in (secret, second):
        told = login(gateway, "etl", text, scope="offline_access PRINCIPAL_ROLE:small").json()
        tokens += [secrets.add(told["access_token"]), secrets.add(told["refresh_token"])]
    foreign = secrets.add(issuer.token("ann"))
    told = exchange(gateway, foreign).json()
    tokens += [secrets.add(told["access_token"]), secrets.add(told["refresh_token"]), foreign]
    wrong = secrets.add("ics_" + "7" * 64)
    answers += [login(gateway, "etl", wrong), login(gateway, wrong, secret), exchange(gateway, secret), exchange(gateway, tokens[1]),
                send(gateway, {"grant_type": EXCHANGE, "subject_token": key}), send(gateway, {"grant_type": secret}),
                send(gateway, {"grant_type": "client_credentials", "client_id": "etl", "client_secret": secret, "scope": f"PRINCIPAL_ROLE:{wrong}"}),
                login(gateway, "etl", secret, grant_type="x"), send(gateway, "", [oauth.basic("etl", wrong)]),
                send(gateway, "", path=f"{oauth.ENDPOINT}?client_secret={secret}&refresh_token={tokens[1]}")]
    for token in [*tokens, key, other, key[:-1] + "0", wrong, secret]:
        for header in (f"Authorization: Bearer {token}", f"X-Api-Key: {token}", f"Authorization: Basic {token}"):
            answers += [gateway.request("POST", "/v1/w/namespaces", {"namespace": ["n"]}, [header]),
                        gateway.request("GET", "/v1/w/namespaces/none", headers=[header]),
                        gateway.request("GET", f"/v1/config?warehouse=w&access_token={token}", headers=[header])]
    c.sql("SELECT icecat.rotate_signing_key()")


def test(c, tap):
    c.make_warehouse()
    c.sql(SETUP)
    for setting in TALKATIVE:
        c.sql(f"ALTER SYSTEM SET {setting}")
    c.sql("SELECT pg_reload_conf()")
    secrets, answers, seen, over = Secrets(), [], [], threading.Event()
    watcher = threading.Thread(target=watch, args=(c, seen, over))
    watcher.start()
    dsn = f"host={c.dir} port=5432 user=gate dbname=postgres"
    with Issuer() as issuer, harness.Gateway(os.environ["ICECAT_GATEWAY"], dsn, c.dir, auth_issuers=f"corp={issuer.url}", auth_audiences="icecat",
                                             oauth_tokens="on", auth_api_keys="on", log_level="debug", auth_failures_max=0,
                                             database_request_id="all") as gateway:
        call_all(c, gateway, issuer, secrets, answers)
        texts = {"metrics": gateway.get("/metrics").body.decode(), "answers": " ".join(a.body.decode() + str(a.headers) for a in answers)}
        harness.wait_until(lambda: gateway.log().count("operation") >= len(answers), "the log is written")
        texts["log of the gateway"] = gateway.log()
    over.set()
    watcher.join()
    texts["pg_stat_activity"] = " ".join(seen)
    for view in ("clients", "api_keys", "signing_keys", "principal_mappings", "events", "audit_log"):
        texts[f"view {view}"] = c.sql(f"SELECT v::text FROM icecat.{view} AS v")
    for table in ("client", "api_key", "audit", "event", "idempotency"):
        texts[f"table {table}"] = c.sql(f"SELECT v::text FROM icecat_data.{table} AS v", check=False)
    texts["dump"] = c.run("pg_dump", "-h", c.dir, "-p", "5432", "-U", "postgres", "postgres").stdout
    texts["log of the server"] = c.log_text()
    tap.ok("_credential" in texts["log of the server"] and "etl" in texts["log of the server"], "the server logs statements and parameters")
    tap.ok("create-client" in texts["view audit_log"] or "create_client" in texts["view audit_log"], "the audit log has who made a client")
    tap.ok(len(secrets.parts) > 20, "there is something to look for")
    for where, text in texts.items():
        found = [part for part in secrets.parts if part in text]
        tap.ok(not found, f"no secret in: {where}", found[:1])
    seeds = c.sql("SELECT encode(seed, 'hex') FROM icecat_data.signing_key").split()
    for where, text in texts.items():
        tap.ok(not any(seed in text for seed in seeds), f"no private key in: {where}")


if __name__ == "__main__":
    cluster.main(test)
