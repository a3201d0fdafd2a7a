"""Calls with NULL, and with odd arrays, for each argument of each function that takes NULL: an answer or an error, never the end of the server."""
# SPDX-License-Identifier: PostgreSQL
import subprocess

from expectations import expect

ARGUMENTS = """SELECT p.oid::regproc || '(' || n || ')', p.oid::regproc::text, format_type(a.type, NULL)
FROM pg_proc p LEFT JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, n) ON true
WHERE p.pronamespace = 'icecat'::regnamespace AND p.prokind = 'f' AND NOT p.proisstrict AND n IS NOT NULL
	AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY p.oid, n"""
VALUES = {"text": "'lake'", "uuid": "gen_random_uuid()", "bigint": "1", "integer": "1", "smallint": "1", "boolean": "true", "json": "'{}'",
          "jsonb": "'{}'", "interval": "'1 day'", "timestamp with time zone": "now()", "oid": "1", "regrole": "current_user::regrole", "name": "'lake'",
          "bytea": "'x'", "double precision": "1", "numeric": "1", "text[]": "ARRAY['sales']", "uuid[]": "ARRAY[gen_random_uuid()]",
          "bigint[]": "ARRAY[1]", "integer[]": "ARRAY[1]", "json[]": "ARRAY['{}'::json]", "boolean[]": "ARRAY[true]"}
ODD_ARRAYS = "ARRAY[NULL]", "'{}'", "ARRAY[[NULL, NULL], [NULL, NULL]]"


def functions(c):
    """Function → types of its arguments."""
    found = {}
    for line in c.sql(ARGUMENTS).split("\n"):
        _, function, kind = line.split("|")
        found.setdefault(function, []).append(kind)
    return found


def calls(function, kinds):
    usual = [f"{VALUES.get(kind, 'NULL')}::{kind}" for kind in kinds]
    yield ["NULL::" + kind for kind in kinds]
    for n, kind in enumerate(kinds):
        for odd in ("NULL",) + (ODD_ARRAYS if kind.endswith("[]") else ()):
            yield usual[:n] + [f"{odd}::{kind}"] + usual[n + 1:]


def test_null_and_odd_arrays(c):
    c.make_warehouse()
    script, count = ["\\set ON_ERROR_STOP off", "SET statement_timeout = '10s';"], 0
    for function, kinds in functions(c).items():
        for values in calls(function, kinds):
            call = f"SELECT {function}({', '.join(values)});"
            script.append("\\echo '%s'\nBEGIN; %s ROLLBACK;" % (call.replace("'", "''"), call))
            count += 1
    expect(count > 300, f"{count} calls")
    done = subprocess.run(c.psql_command(), input="\n".join(script) + "\n\\echo all\n", text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("SELECT ") or line == "all"]
    expect(lines[-1] == "all", f"ended the server: {lines[-1]}")
