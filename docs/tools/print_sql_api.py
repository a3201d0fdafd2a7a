#!/usr/bin/env python3
"""Prints docs/reference/sql-api.md from the comments of a database with the extension (PG* environment)."""
import re
import sys

import printing

# Heading, how its functions' names start or what they are. The first that matches takes a function.
GROUPS = (
    ("REST bodies", lambda n: n.startswith("rest_"),
     "The same operations with the body of the REST request as one JSON value. The gateway calls these."),
    ("Warehouses", lambda n: "warehouse" in n or n == "get_config",
     "A warehouse is a catalog of its own and the prefix of its REST paths."),
    ("Namespaces", lambda n: "namespace" in n, "A namespace is an array of levels: `'{sales,eu}'`."),
    ("Metadata files and the worker", lambda n: "worker" in n or "metadata" in n,
     "See [operations.md](../use/operations.md) for who writes the files, and when."),
    ("Tables", lambda n: "table" in n or n in ("commit_transaction", "report_metrics"),
     "Every function takes part in the caller's transaction; a rollback takes back what it did."),
    ("Events", lambda n: "event" in n, "One row for each change, numbered after its commit."),
    ("Other", lambda n: True, ""),
)
VOLATILITY = {"v": "volatile", "s": "stable", "i": "immutable"}
FUNCTIONS = """
SELECT p.proname, pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid),
	p.provolatile, coalesce(pg_catalog.obj_description(p.oid, 'pg_proc'), '')
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = 'icecat'::regnamespace AND p.proname NOT LIKE '\\_%'
ORDER BY p.proname, 2"""
VIEWS = """
SELECT c.relname, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''), a.attname,
	pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(pg_catalog.col_description(c.oid, a.attnum), '')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'icecat'::regnamespace AND c.relkind = 'v'
ORDER BY c.relname, a.attnum"""
INTRO = """
# The SQL API

Schema `icecat` is the contract: functions, one for each operation of the REST protocol, and views. The tables behind it
are described in [data-model.md](data-model.md), the errors in [errors.md](errors.md). Parameters can be named
(`p_warehouse => 'demo'`); those with a default can be left out.
"""


def function_text(row):
    """One function: its call, its comment's first line, and the further lines as a list."""
    name, arguments, result, volatility, comment = row
    arguments = re.sub(r"(DEFAULT (?:NULL|'[^']*'))::[\w\[\]]+", r"\1", arguments)
    shown = f"icecat.{name}({arguments}) -> {result}"
    if len(shown) > 100 and arguments:
        shown = f"icecat.{name}(\n    " + arguments.replace(", p_", ",\n    p_") + f"\n) -> {result}"
    first, *further = comment.replace("<", "&lt;").split("\n")
    return (f"### {name}\n\n```sql\n{shown}\n```\n\n{first} *({VOLATILITY[volatility]})*\n"
            + ("\n" if further else "") + "".join(f"- {line}\n" for line in further))


def functions_text(rows):
    """All functions, by group."""
    parts, left = [], list(rows)
    for title, belongs, intro in GROUPS:
        mine = [row for row in left if belongs(row[0])]
        left = [row for row in left if not belongs(row[0])]
        if mine:
            parts.append((title, f"## {title}\n\n" + (intro + "\n\n" if intro else "")
                          + "\n".join(function_text(row) for row in mine)))
    parts.sort(key=lambda part: part[0] == GROUPS[0][0])      # the gateway's forms come last
    return "\n".join(text for _, text in parts)


def views_text(rows):
    """All views with their columns."""
    views = {}
    for view, comment, column, kind, meaning in rows:
        views.setdefault((view, comment), []).append((f"`{column}`", kind, meaning))
    return "## Views\n\n" + "\n".join(
        f"### icecat.{view}\n\n{comment}\n\n" + printing.table(("column", "type", "meaning"), columns)
        for (view, comment), columns in views.items())


if __name__ == "__main__":
    sys.stdout.write(printing.mark("the COMMENTs of the extension", "docs/tools/print_sql_api.py") + INTRO + "\n"
                     + functions_text(printing.query(FUNCTIONS)) + "\n" + views_text(printing.query(VIEWS)))
