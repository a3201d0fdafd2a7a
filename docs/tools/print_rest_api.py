#!/usr/bin/env python3
"""Prints docs/reference/rest-api.md from src/routes.def and the gateway's parameters.def (or from the files given)."""
import re
import sys

import printing

ROUTE = re.compile(
    r'^GW_ROUTE\((\w+),\s*"([^"]+)",\s*(\w+),\s*(READ|WRITE),\s*(\w+),\s*([\w |]+),\s*(?:RECORD\()?"([^"]+)"\)?((?:,\s*\w+)*)\)', re.M)
ANSWERS = {"JSON": "200 with a body", "TAGGED": "200 with a body and an ETag", "VOID": "204", "EXISTS": "204 or 404"}
PARAMETER = re.compile(r'^GW_PARAMETER\((\w+), (QUERY|HEADER), "([^"]+)", (\w+)\)', re.M)
SOURCES = ("src/routes.def", "contrib-gateway/src/catalog/parameters.def")

INTRO = """
# The REST API

The gateway serves the Apache Iceberg REST catalog protocol. Each endpoint is one line of `src/routes.def` and
one SQL call; the gateway holds no Iceberg rule of its own. Bodies pass to the database unparsed, and its answer to
the client. What a function does, see [sql-api.md](sql-api.md); errors, see [errors.md](errors.md); limits and
timeouts, see [settings.md](settings.md).

`{prefix}` is the name of a warehouse: `GET /v1/config?warehouse=demo` answers it in `overrides.prefix`. The levels of
`{namespace}` are separated by `%1F`, or by the gateway's `namespace_separator`, which the answer names in `overrides.namespace-separator`.
Names are percent-encoded; `%2F`, `%25` and `%20` are parts of a name, not of the path. A
`+` in a path is itself; where no such name exists, it is a space, as some clients mean it. `%2B` is always itself.

Lists answer everything when there is no `pageToken`. With one, which is empty for the first page, they answer at most `pageSize` names
(default `icecat.page_size_default`, at most `icecat.page_size_max`) and in `next-page-token` what to send for the page behind it, null at the
end. A name that exists from the first page to the last is listed exactly once, whatever is made or dropped in between. A token is signed:
changed, or sent for another list, it is 400.

## Endpoints
"""

OUTRO = """
`GET /v1/config` lists exactly these endpoints in `endpoints`. A `GET` may also be sent as `HEAD`. An unknown path is 404,
a known one with another method is 405.

Not offered, and therefore not listed by `/v1/config`: credential vending and remote signing, scan planning,
and an endpoint for OAuth tokens: clients get them from the issuer (docs/use/authentication.md).

## Beside the protocol

| path | answers |
|---|---|
| `/health` | 200 while the process runs |
| `/ready` | 200 when the database can be reached and the gateway is not draining, else 503 |
| `/metrics` | counters in Prometheus' text format |
"""


def routes(text):
    """Tuples (method, path, operation, access, answer, flags, sql, parameters) in the file's order."""
    return [(m, path, name, access, answer, flags.split(" | "), sql, re.findall(r"\w+", parameters))
            for m, path, name, access, answer, flags, sql, parameters in ROUTE.findall(text)]


def shown(text):
    """{name: as the table shows it} of the parameters that come from the query or the header fields."""
    return {name: f"`{wire}`" + (": 304" if decoder == "tags" else "")
            for name, _, wire, decoder in PARAMETER.findall(text)}


def document(text, parameters_text):
    """The Markdown for the texts of routes.def and parameters.def."""
    names = shown(parameters_text)
    rows = []
    for method, path, name, access, answer, flags, sql, parameters in routes(text):
        function = re.search(r"icecat\.(\w+)", sql).group(1)
        query = [names[p] for p in parameters if p in names]
        rows.append((f"`{method} {path}`", name, f"`icecat.{function}`", ", ".join(query), ANSWERS[answer]))
    return (printing.mark("src/routes.def", "docs/tools/print_rest_api.py") + INTRO + "\n"
            + printing.table(("endpoint", "operation", "function", "query", "success"), rows) + OUTRO)


if __name__ == "__main__":
    sys.stdout.write(document(*map(printing.read, sys.argv[1:] or SOURCES)))
