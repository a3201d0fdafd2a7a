"""What README.md says under "Install by hand", as it stands there, into a private tree of PostgreSQL.

    PG_CONFIG=… /usr/bin/python3 -m pytest test/quickstart

PG_CONFIG names a PostgreSQL that may be written to. Put in are folders and ports; sudo runs its command as it is.

SPDX-License-Identifier: PostgreSQL
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import urllib.request

import pytest
from expectations import expect, expect_equal, wait_until
from postgres import Postgres

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PG_CONFIG = os.environ["PG_CONFIG"]
BUILT = shutil.ignore_patterns("*.o", "*.so", "build", "build-*", ".git", ".icecat", "__pycache__")


def blocks():
    """The four blocks: build, setting, SQL, start."""
    with open(os.path.join(ROOT, "README.md")) as file:
        section = re.search(r"^## Install by hand\n(.*?)^## ", file.read(), re.M | re.S)[1]
    found = re.findall(r"^```(\w*)\n(.*?)^```", section, re.M | re.S)
    expect_equal([language for language, _ in found], ["", "", "sql", ""], "blocks of README.md")
    return [text for _, text in found]


class Machine:
    """Where it is installed: a folder, its PATH, and the words that are put in."""

    def __init__(self, folder):
        self.folder = folder
        self.lake = os.path.join(folder, "lake")
        includes = subprocess.check_output([PG_CONFIG, "--includedir"], text=True).strip()
        # A private tree has the server's headers, but not those of libpq.
        self.env = dict(os.environ, PG_CONFIG=PG_CONFIG, CPATH=includes.split("/pgroot")[-1], prefix=os.path.join(folder, "usr"),
                        PATH=os.pathsep.join([os.path.join(folder, "bin"), os.path.join(folder, "usr", "bin"), os.environ["PATH"]]))
        os.mkdir(os.path.join(folder, "bin"))
        sudo = os.path.join(folder, "bin", "sudo")
        with open(sudo, "w") as file:
            file.write('#!/bin/sh\nexec "$@"\n')
        os.chmod(sudo, 0o755)

    def words(self, text):
        return text.replace("/srv/lake", self.lake).replace("/run/postgresql", os.path.join(self.folder, "pg"))


@pytest.fixture(scope="module", name="machine")
def made():
    folder = tempfile.mkdtemp(prefix="icecat_by_hand_")
    os.chmod(folder, 0o755)
    shutil.copytree(ROOT, os.path.join(folder, "src"), ignore=BUILT, symlinks=True)
    yield Machine(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", name="server")
def started(machine):
    """A server that somebody else has set up: a database, and its owner, who may make roles."""
    folder = os.path.join(machine.folder, "pg")
    os.mkdir(folder)
    server = Postgres(PG_CONFIG, folder)
    server.sql("CREATE ROLE owner LOGIN CREATEROLE; CREATE DATABASE lake OWNER owner")
    yield server
    server.stop("immediate")


def test_build_and_install(machine):
    done = subprocess.run(["bash", "-euc", blocks()[0]], cwd=os.path.join(machine.folder, "src"), env=machine.env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    expect_equal(done.returncode, 0, "status of make\n" + done.stdout[-2000:])
    expect(os.access(os.path.join(machine.folder, "usr", "bin", "icecat-gateway"), os.X_OK), "the gateway is installed")


def test_create_the_catalog(machine, server):
    os.mkdir(machine.lake)
    if server.user:
        shutil.chown(machine.lake, server.user)
    with open(os.path.join(server.data, "postgresql.conf"), "a") as conf:
        conf.write(machine.words(blocks()[1]))
    server.run("pg_ctl", "-D", server.data, "reload")
    found = server.sql("\\connect lake owner\n" + machine.words(blocks()[2]), "lake")
    expect_equal(server.sql("SELECT icecat.list_warehouses()", "lake"), "lake", "the warehouse is there\n" + found)


def test_start_the_gateway(machine, server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(os.path.join(machine.folder, "log"), "w") as log:
        gateway = subprocess.Popen(["bash", "-euc", "exec env " + machine.words(blocks()[3])], cwd=machine.folder, stdout=log, stderr=log,
                                   env=dict(machine.env, ICECAT_PORT=str(port), PGPORT="5432"))
    try:
        def call(path, body=None):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", None if body is None else json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
            return None

        wait_until(lambda: call("/ready"), "the gateway is ready", 60)
        expect_equal(call("/v1/config?warehouse=lake")["overrides"]["prefix"], "lake", "the prefix")
        expect_equal(call("/v1/lake/namespaces", {"namespace": ["zoo"]})["namespace"], ["zoo"], "a namespace")
        table = call("/v1/lake/namespaces/zoo/tables", {"name": "cats", "schema": {"type": "struct", "fields": []}})
        expect(os.path.exists(table["metadata-location"].removeprefix("file://")), "its metadata file is there")
    finally:
        gateway.terminate()
        gateway.wait(20)
    expect_equal(gateway.returncode, 0, "the gateway's end")
