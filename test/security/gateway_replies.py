#!/usr/bin/env python3
"""A REST client makes the gateway use a request after its reply: requests that end in every way, and clients that vanish."""
# SPDX-License-Identifier: PostgreSQL
import os

import cluster
import environment
import tests_replies


def main():
    tap = cluster.Tap()
    binary = os.environ.get("ICECAT_GATEWAY_ASAN") or os.environ["ICECAT_GATEWAY"]
    env = environment.Environment(binary, os.environ.get("PG_CONFIG", "pg_config"))
    for name, test in vars(tests_replies).items():
        if name.startswith("test_"):
            attempt(tap, name[5:].replace("_", " "), lambda: test(env))
    attempt(tap, "the gateway ends well", env.close)
    tap.finish()


def attempt(tap, name, function):
    try:
        function()
    except Exception as error:  # pylint: disable=broad-except
        tap.ok(False, name, f"{type(error).__name__}: {error}")
    else:
        tap.ok(True, name)


if __name__ == "__main__":
    main()
