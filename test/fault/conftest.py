"""Servers that are killed, stopped, cut and filled while clients commit. test/fault/run starts it.

SPDX-License-Identifier: PostgreSQL
"""
import signal

import host
import pytest
from icecat_pytest import pytest_unconfigure  # noqa: F401  pylint: disable=unused-import

LOG_LINES = 40


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=20, help="of each kind of fault")
    parser.addoption("--kinds", default="", help="kinds of faults, with blanks between them; default: all")
    parser.addoption("--keyed", action="store_true", help="clients use idempotency keys")
    parser.addoption("--commits", type=int, default=300, help="of redundant writers")


def pytest_configure():
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM", 143))


@pytest.fixture(scope="session")
def keyed(request):
    return request.config.getoption("keyed")


@pytest.fixture(scope="session")
def commits(request):
    return request.config.getoption("commits")


@pytest.fixture(scope="module")
def server(request):
    """One for each file; see the fixture c of icecat_pytest.py for SETTINGS and prepare()."""
    running = host.Host(getattr(request.module, "SETTINGS", ()))
    try:
        print("disk: %s; fsync: %s" % ("tmpfs of " + host.TMPFS_SIZE if running.is_tmpfs else "folders made read-only",
                                       "preloaded shim" if running.has_shim else "left out, no compiler"), flush=True)
        if hasattr(request.module, "prepare"):
            request.module.prepare(running)
        yield running
    finally:
        running.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    running = getattr(item, "funcargs", {}).get("server")
    if report.failed and running is not None:
        report.sections.append(("server log", "\n".join(running.log_tail()[-LOG_LINES:])))
