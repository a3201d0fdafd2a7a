"""Fixtures of the asks: a table by plain REST, and the faults of test/contract.

SPDX-License-Identifier: PostgreSQL
"""

import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "contract")]

import asklib  # noqa: E402


@pytest.fixture
def space():
    """A namespace of one test, for plain requests."""
    with asklib.Space() as made:
        yield made


@pytest.fixture
def warehouse():
    """A warehouse that writes no metadata files, so that thousands of tables are quick to make; its Space."""
    with asklib.own_warehouse() as made:
        yield made
