"""A REST client makes the gateway use a request after its reply: requests that end in every way, and clients that vanish.

These are the tests of test/gateway, with the gateway that has sanitizers, where there is one.
"""
# SPDX-License-Identifier: PostgreSQL
import os

import environment
import pytest
from tests_replies import *  # noqa: F401,F403  pylint: disable=wildcard-import,unused-wildcard-import


@pytest.fixture(scope="module")
def env(program):
    binary = os.environ.get("ICECAT_GATEWAY_ASAN") or program
    running = environment.Environment(binary, os.environ.get("PG_CONFIG", "pg_config"))
    yield running
    running.close()
