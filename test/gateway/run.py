#!/usr/bin/env python3
"""Runs the gateway's tests against a real PostgreSQL and a mock of the SQL contract.

    python3 test/gateway/run.py --gateway contrib-gateway/build/icecat-gateway

Starts its own PostgreSQL in a temporary directory (as another user when run as root). Prints one
line per failed test (all with -v) and ends with "N passed, N failed".

SPDX-License-Identifier: PostgreSQL
"""
import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback

import tests_catalog
import tests_conditional
import tests_cors
import tests_files
import tests_hostile
import tests_http
import tests_keys
import tests_replies
import tests_service
import tests_session
import tests_stream
from harness import Gateway, HERE, Postgres


class Environment:
    """What every test gets: the database, the binary, and a gateway that they share."""

    def __init__(self, binary, pg_config):
        self.binary = os.path.abspath(binary)
        self.root = tempfile.mkdtemp(prefix="icecat-gw-")
        os.chmod(self.root, 0o755)
        database = os.path.join(self.root, "pg")
        os.mkdir(database)
        self.pg = None
        self._gateway = None
        try:
            self.pg = Postgres(pg_config, database)
            self.pg.sql("CREATE ROLE reader; GRANT USAGE ON SCHEMA icecat TO reader;"
                        " GRANT SELECT ON icecat.answer, icecat.version, icecat.file_of TO reader")
        except BaseException:
            self.close()
            raise

    @property
    def gateway(self):
        if self._gateway is None or self._gateway.process.poll() is not None:
            self._gateway = Gateway(self.binary, self.pg.dsn, self.root)
        return self._gateway

    def restore_mock(self):
        """Puts icecat.act back as mock.sql has it."""
        with open(os.path.join(HERE, "mock.sql")) as script:
            text = script.read()
        start = text.index("CREATE FUNCTION icecat.act")
        end = text.index("END $$;", start) + len("END $$;")
        self.pg.sql(text[start:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))

    def close(self):
        try:
            if self._gateway is not None:
                self._gateway.stop()
        finally:
            if self.pg is not None:
                self.pg.stop()
            shutil.rmtree(self.root, ignore_errors=True)


def all_tests():
    yield from tests_http.framing_tests()
    for module in (tests_catalog, tests_conditional, tests_cors, tests_files, tests_http, tests_keys, tests_replies, tests_service,
                   tests_session, tests_stream, tests_hostile):
        for name, function in list(vars(module).items()):
            if name.startswith("test_"):
                yield name[5:].replace("_", " "), function


def run(env, name, test, verbose):
    began = time.monotonic()
    try:
        test(env)
    except Exception as error:  # noqa: BLE001 - reported
        print(f"FAILED {name}: {error}")
        if verbose or not type(error).__name__ == "Failure":
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        return False
    if verbose:
        print(f"ok     {name} ({time.monotonic() - began:.2f} s)", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", default=os.path.join(
        HERE, "../../contrib-gateway/build/icecat-gateway"))
    parser.add_argument("--pg-config", default=os.environ.get("PG_CONFIG", "pg_config"))
    parser.add_argument("--only", default="", help="run tests whose name contains this")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    passed = failed = 0
    env = Environment(options.gateway, options.pg_config)
    try:
        for name, test in all_tests():
            if options.only not in name:
                continue
            if run(env, name, test, options.verbose):
                passed += 1
            else:
                failed += 1
    finally:
        if not run(env, "the shared gateway ends well", lambda e: e.close(), False):
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
