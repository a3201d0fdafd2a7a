#!/usr/bin/env python3
"""Prints docs/reference/settings.md: the extension's settings from a database (PG* environment), the gateway's from
the output of `icecat-gateway --print-settings=markdown` (the program is the first argument)."""
import subprocess
import sys

import printing

SETTINGS = """
SELECT name, boot_val,
	coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''), context, short_desc
FROM pg_catalog.pg_settings WHERE name LIKE 'icecat.%' ORDER BY name"""
CONTEXT = {"user": "anybody, in a session", "superuser": "superuser (or a role granted SET on it)",
           "sighup": "configuration file, reload", "postmaster": "configuration file, restart"}
INTRO = """
# Settings

Every limit is a setting with its unit in its name.

## The extension

In `postgresql.conf`, by `ALTER SYSTEM`, `ALTER DATABASE` or `ALTER ROLE … SET`, or in a session where the last column
allows it.
"""
GATEWAY_INTRO = """
## The gateway

In its configuration file (`name = value`), or in the environment as `ICECAT_` and the name in capitals. The environment
wins.
"""


def extension_rows():
    """One row for each setting."""
    rows = []
    for name, value, unit, low, high, context, text in printing.query(SETTINGS):
        bounds = f"{low} … {high}" if low else ""
        if name.endswith("_mode"):
            value, bounds = f"0{int(value):o}", f"0{int(low):o} … 0{int(high):o}"
        shown = f"`{value}`" if value else "empty"
        rows.append((f"`{name}`", shown + (f" {unit}" if unit else ""), bounds, text, CONTEXT.get(context, context)))
    return rows


def gateway_text(program):
    """The gateway's settings as it prints them."""
    return subprocess.run([program, "--print-settings=markdown"], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.stdout.write(
        printing.mark("src/guc.c and the gateway", "docs/tools/print_settings.py") + INTRO + "\n"
        + printing.table(("setting", "default", "bounds", "meaning", "who may set it"), extension_rows())
        + GATEWAY_INTRO + "\n" + gateway_text(sys.argv[1]))
