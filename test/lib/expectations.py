"""What a test expects, and waiting for it.

SPDX-License-Identifier: PostgreSQL
"""
import time


class Failure(Exception):
    """An expectation that does not hold."""


def expect(condition, message, note=None):
    if not condition:
        raise Failure(message if note is None else f"{message}\n{note}")


def expect_equal(got, wanted, what="value"):
    if got != wanted:
        raise Failure(f"{what}: expected {wanted!r}, found {got!r}")


def wait_until(condition, what, timeout=30.0):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure(f"timeout: {what}")
