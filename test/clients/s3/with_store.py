#!/usr/bin/env python3
"""Runs a command beside an object store, for the catalog that PGHOST, PGPORT, PGUSER and PGDATABASE name.

    with_store.py STORE HOW COMMAND…

    STORE   versitygw: checks signatures; minio: has a token service, too, and enforces session policies; azurite: a store like Azure's, keys alone
    HOW     keys: clients have the store's key; vend: they get credentials with each table; sign: the catalog signs their requests

The command gets ICECAT_WAREHOUSE, which is new and lies in the store, ICECAT_S3_HOW, and in ICECAT_S3_FILE a file of what reaches the
store by its key, as properties of PyIceberg. A user of PostgreSQL who owns the catalog runs this; the server has a file of keys for secrets.

What the token service is asked goes through a recorder: it is a failure if anything asked for more than the files of a table, or if
nothing was asked; and with vend, if a folder was asked for that is no table's.

SPDX-License-Identifier: PostgreSQL
"""
import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "test/lib"))

import stores  # noqa: E402  # pylint: disable=wrong-import-position

DELEGATION = {"keys": "none", "vend": "vend", "sign": "sign"}
BUCKET = "lake"


class Versitygw(stores.Versitygw):
    secret_key = secrets.token_hex(16)


class Minio(stores.Minio):
    secret_key = secrets.token_hex(16)


def make_warehouse(connection, name, store, recorder, how):
    options = {"endpoint": store.url, "allow-private-endpoints": "true", "path-style": "true"}
    if isinstance(store, stores.Azurite):
        root, keys = store.root(name, BUCKET), {"shared-key": store.key}
    else:
        root, keys = f"s3://{BUCKET}/{name}", {"access-key-id": store.access_key, "secret-access-key": store.secret_key}
        options["region"] = store.region
    if recorder:
        options.update({"endpoint-sts": recorder.url, "role-arn": store.role})
    connection.execute("SELECT icecat.create_storage_profile(%s, %s, %s, %s)", (name, root, json.dumps(options), json.dumps(keys)))
    connection.execute("SELECT icecat.create_warehouse(%s, %s, %s, %s)", (
        name, root, json.dumps({"icecat.access-delegation": DELEGATION[how]}), name))


def properties(store):
    if isinstance(store, stores.Azurite):
        return {"adls.account-name": store.account, "adls.account-key": store.key, "adls.connection-string":
                f"DefaultEndpointsProtocol=http;AccountName={store.account};AccountKey={store.key};BlobEndpoint={store.url}/{store.account};"}
    return {"s3.endpoint": store.url, "s3.region": store.region, "s3.access-key-id": store.access_key, "s3.secret-access-key": store.secret_key,
            "s3.force-virtual-addressing": "false"}


def check_folders(connection, name, recorder):
    """Every folder that was asked for is the location, or a folder by property, of a table; the audit log has who got it."""
    known = {location for (location,) in connection.execute(
        "SELECT DISTINCT details ->> 'location' FROM icecat.audit_log WHERE action = 'vend-credentials' AND warehouse = %s", (name,))}
    asked = {f"s3://{bucket}/{key}" for bucket, key in recorder.folders}
    print(f"the token service was asked {len(recorder.forms)} times, for {len(asked)} folders")
    if not asked:
        raise AssertionError("the token service was not asked")
    strange = {folder for folder in asked if folder not in known and not folder.endswith(("-data", "-of-my-own"))}
    if strange:
        raise AssertionError(f"asked for what is no table's: {sorted(strange)[:5]}")


def main():
    kind, how, *command = sys.argv[1:]
    name = f"{kind}_{how}_{os.getpid()}"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        connection = stack.enter_context(psycopg.connect(autocommit=True))
        store = stack.enter_context({"versitygw": Versitygw, "minio": Minio, "azurite": stores.Azurite}[kind](folder, (BUCKET,)))
        recorder = stack.enter_context(stores.Recorder(store.port, [f"{BUCKET}/{name}"])) if kind == "minio" else None
        make_warehouse(connection, name, store, recorder, how)
        file = pathlib.Path(folder, "s3.json")
        file.write_text(json.dumps(properties(store)), encoding="ascii")
        file.chmod(0o600)
        status = subprocess.run(command, check=False, env={
            **os.environ, "ICECAT_WAREHOUSE": name, "ICECAT_S3_HOW": how, "ICECAT_S3_FILE": str(file)}).returncode
        if how == "vend":
            check_folders(connection, name, recorder)
        # The store goes: nothing of the catalog looks for it any more.
        connection.execute("SELECT icecat.alter_storage_profile(%s, p_options => %s)", (
            name, json.dumps({"endpoint": "http://127.0.0.1:9"})))
    sys.exit(status)


main()
