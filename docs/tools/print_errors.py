#!/usr/bin/env python3
"""Prints docs/reference/errors.md from src/ice_errors.def (or from the file given)."""
import re
import sys

import printing

ERROR = re.compile(r'^ICE_ERROR\((\w+), "(\w+)", (\d+), "(\w+)", "([^"]+)"\)', re.M)
FOREIGN = re.compile(r'^ICE_FOREIGN\("([^"]+)", (\d+), "(\w+)", "([^"]+)"\)', re.M)

INTRO = """
# Errors

Every error that icecat raises has an SQLSTATE of class `IC`. In SQL, catch it by its SQLSTATE; over REST, it becomes the
HTTP status and the type of this table, in Iceberg's error body. The message is the same on both sides; over REST the DETAIL of the
error, which names the place of a fault in a request body, follows it.

```json
{"error": {"message": "Table does not exist: shop.orders", "type": "NoSuchTableException", "code": 404}}
```

`IC1xx` not found, `IC2xx` conflict, `IC3xx` invalid input, `IC4xx` not allowed, `IC5xx` storage and server.
"""

FOREIGN_INTRO = """
## PostgreSQL's own errors over REST

What the gateway answers when PostgreSQL itself raises an error. A pattern that ends in `*` matches a whole class; the
first line that matches decides. A connection that is lost while a commit is under way is always a 500
`CommitStateUnknownException`: the commit may have happened, so the client must not clean up.
"""


def document(text):
    """The Markdown for the text of ice_errors.def."""
    errors = [(f"`{state}`", status, f"`{kind}`", meaning, f"`ICE_ERR_{name}`")
              for name, state, status, kind, meaning in ERROR.findall(text)]
    foreign = [(f"`{pattern}`", status, f"`{kind}`", meaning)
               for pattern, status, kind, meaning in FOREIGN.findall(text)]
    return (printing.mark("src/ice_errors.def", "docs/tools/print_errors.py") + INTRO + "\n"
            + printing.table(("SQLSTATE", "HTTP", "Iceberg type", "meaning", "in C"), errors)
            + FOREIGN_INTRO + "\n"
            + printing.table(("SQLSTATE", "HTTP", "Iceberg type", "meaning"), foreign))


if __name__ == "__main__":
    sys.stdout.write(document(printing.read(sys.argv[1] if len(sys.argv) > 1 else "src/ice_errors.def")))
