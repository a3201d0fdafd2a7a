#!/usr/bin/env python3
"""Runs a command beside a gateway that issues tokens, for the catalog that PGHOST, PGPORT and PGDATABASE name.

    with_gateway.py COMMAND…

The command gets ICECAT_URL, ICECAT_WAREHOUSE, which is new, and ICECAT_CREDENTIAL: the id and secret of a client. Nobody else gets
in. The client and the roles are made as the superuser postgres, and removed at the end; the warehouse stays, as the kit leaves what
it has made. ICECAT_GATEWAY is the program, ICECAT_TOKEN_LIFETIME_S how long a token lives.

SPDX-License-Identifier: PostgreSQL
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "test/lib"))

import harness  # noqa: E402  # pylint: disable=wrong-import-position

GATEWAY = os.environ.get("ICECAT_GATEWAY", str(ROOT / "contrib-gateway/build/icecat-gateway"))
DATABASE = os.environ.get("PGDATABASE", "icecat")
CLIENT = "oauth-suite"
SETTINGS = {"oauth_tokens": "on", "auth_expired_419": "PyIceberg/", "oauth_token_lifetime_s": os.environ.get("ICECAT_TOKEN_LIFETIME_S", "3600")}
SET_UP = ("CREATE ROLE icecat_oauth_writer; CREATE ROLE icecat_oauth_gateway LOGIN NOINHERIT;"
          " SELECT icecat.grant_admin('icecat_oauth_writer'), icecat.grant_gateway('icecat_oauth_gateway');"
          " GRANT icecat_oauth_writer TO icecat_oauth_gateway")


GRANTS = ("client_credentials", "token_exchange", "refresh_token")


def tokens(gateway, grant):
    return gateway.metric(f'icecat_oauth_tokens_total{{grant="{grant}"}}')


def connect():
    return psycopg.connect(f"user=postgres dbname={DATABASE}", autocommit=True)


def remove(connection):
    connection.execute("SELECT icecat.drop_client(%s)", (CLIENT,))
    for role in ("icecat_oauth_gateway", "icecat_oauth_writer"):
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount > 0:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def main():
    with connect() as connection, tempfile.TemporaryDirectory() as folder:
        remove(connection)
        connection.execute(SET_UP)
        (secret,) = connection.execute("SELECT client_secret FROM icecat.create_client(%s, 'icecat_oauth_writer')", (CLIENT,)).fetchone()
        try:
            with harness.Gateway(GATEWAY, f"user=icecat_oauth_gateway dbname={DATABASE}", folder, **SETTINGS) as gateway:
                warehouse = f"oauth_{os.getpid()}"
                connection.execute("SELECT icecat.create_warehouse(%s, location || '/' || %s) FROM icecat.warehouses WHERE warehouse = %s",
                                   (warehouse, warehouse, os.environ.get("ICECAT_WAREHOUSE", "demo")))
                environment = {"ICECAT_WAREHOUSE": warehouse, "ICECAT_URL": f"http://127.0.0.1:{gateway.port}", "ICECAT_CREDENTIAL": f"{CLIENT}:{secret}"}
                status = subprocess.run(sys.argv[1:], env={**os.environ, **environment}, check=False).returncode
                log = gateway.log()
                print("tokens by grant:", *(f"{g} {tokens(gateway, g):.0f}" for g in GRANTS))
                if secret in log:
                    print("the secret is in the gateway's log")
                    status = 1
        finally:
            remove(connection)
    sys.exit(status)


main()
