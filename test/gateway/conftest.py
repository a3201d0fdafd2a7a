"""The gateway against a real PostgreSQL and a mock of the SQL contract, by raw sockets.

    python3 -m pytest test/gateway --gateway contrib-gateway/build/icecat-gateway [-k NAME] [--tls]

Starts its own PostgreSQL in a temporary folder (as another user when run as root). A test is a function test_…(env) in a
file tests_….py; env is an Environment.

SPDX-License-Identifier: PostgreSQL
"""
import os

import harness
import pytest
from environment import Environment
from icecat_pytest import pytest_unconfigure  # noqa: F401  pylint: disable=unused-import
from tls import Authority

BUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib-gateway", "build", "icecat-gateway")


def pytest_addoption(parser):
    parser.addoption("--gateway", default=BUILT, help="the program to test")
    parser.addoption("--tls", action="store_true", help="every gateway, and every client, speaks TLS")
    parser.addoption("--pg-config", default=os.environ.get("PG_CONFIG", "pg_config"), help="the PostgreSQL to start")


@pytest.fixture(scope="session")
def env(request):
    """Shared by all tests. That its gateway ends well is one more test: an error at the end of the last one."""
    environment = Environment(request.config.getoption("--gateway"), request.config.getoption("--pg-config"))
    if request.config.getoption("--tls"):
        harness.TLS = Authority(environment.root)
    yield environment
    environment.close()
