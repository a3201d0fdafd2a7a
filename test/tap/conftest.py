"""Restarts, crashes, broken storage: PostgreSQL with icecat, in temporary folders.

    PG_CONFIG=… /usr/bin/python3 -m pytest test/tap [-k NAME]

PG_CONFIG names a PostgreSQL in which icecat is installed. A test is a function test_…(c) in a file tests_….py; test/lib/icecat_pytest.py says
what c is. Tests over HTTP need the gateway in contrib-gateway/build, and are skipped without it.

SPDX-License-Identifier: PostgreSQL
"""
from icecat_pytest import (  # noqa: F401  pylint: disable=unused-import
    c, gateway, program, pytest_collect_file, pytest_pycollect_makemodule, pytest_runtest_makereport, pytest_unconfigure)
