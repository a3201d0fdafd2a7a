"""Fixtures, and the table of operations and statuses.

SPDX-License-Identifier: PostgreSQL
"""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import icecat_client as client  # noqa: E402
import spec  # noqa: E402
import world  # noqa: E402

SEEN = {}  # (operation, status): True


@pytest.fixture(scope="session")
def seen():
    return SEEN


@pytest.fixture(scope="session")
def api():
    return world.Api(client.URL, client.WAREHOUSE)


@pytest.fixture(scope="session")
def objects(api):
    made = world.Objects(api)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def faults():
    with world.fault_database():
        yield


@pytest.fixture(scope="session")
def fault_api(faults):
    with world.gateway(world.FAULTS, statement_timeout_ms=world.BUSY_MS) as url:
        yield world.Api(url, "w")


@pytest.fixture(scope="session")
def nobody_apis():
    """A gateway whose role may only list views, and one whose role may only list tables."""
    with contextlib.ExitStack() as stack:
        apis = []
        for may in ("list_views", "list_tables"):
            role = stack.enter_context(world.nobody(may))
            url = stack.enter_context(world.gateway(database_role=role, ready_without_writes="on"))
            apis.append(world.Api(url, client.WAREHOUSE))
        yield apis


@pytest.fixture(scope="module")
def small_api():
    """A gateway with small limits."""
    with world.gateway(body_bytes_max=1024, target_bytes_max=512, header_bytes_max=1024, header_count_max=20) as url:
        yield world.Api(url, client.WAREHOUSE)


def pytest_terminal_summary(terminalreporter):
    if not SEEN:
        return
    say = terminalreporter.write_line
    columns = sorted({s for op in spec.served() for s in spec.statuses(op)} | {s for _, s in SEEN})
    say("")
    say("operation                " + " ".join(str(c) for c in columns))
    for operation in spec.served():
        cells = []
        for status in columns:
            mark = "  ."
            if SEEN.get((operation, status)):
                mark = " ok"
            elif status in spec.statuses(operation):
                mark = "  -"
            cells.append(mark)
        say(f"{operation:<24} " + " ".join(cells))
    say("ok: answered, and valid   -: documented, never answered   .: not documented")
    for status, why in spec.NEVER.items():
        say(f"  {status}: {why}")
    for (operation, status), why in spec.NEVER_HERE.items():
        if operation in spec.served():
            say(f"  {operation} {status}: {why}")
    with contextlib.suppress(Exception):
        terminalreporter.ensure_newline()
