#!/usr/bin/env python3
"""Prints docs/reference/storage-options.md from src/storage/profile_option.def (or from the file given)."""
import re
import sys

import printing

OPTION = re.compile(r'^ICE_PROFILE_OPTION\("([^"]+)", (ICE_FOR_[\w |]+), (\w+), \w+, (true|false), "([^"]+)"\)', re.M)
STORES = {"ICE_FOR_ALL": "all", "ICE_FOR_S3": "s3", "ICE_FOR_GCS": "gcs", "ICE_FOR_ADLS": "adls"}

INTRO = """
# Options of storage profiles

What `p_options` and `p_secrets` of `icecat.create_storage_profile()` and `icecat.alter_storage_profile()` may hold: objects of texts
([object-stores.md](../use/object-stores.md)). A secret stands in `p_secrets` alone, and all others in `p_options`. What is the owner's is set by the
owner of the extension, or a superuser, alone; so is an endpoint that is not in `icecat.store_endpoints_allowed`.
"""


def document(text):
    """The Markdown for the text of profile_option.def."""
    rows = [(f"`{name}`", ", ".join(STORES[kind] for kind in kinds.split(" | ")), "secret" if kind == "SECRET" else "the owner's" if guarded == "true" else kind.lower(), meaning)
            for name, kinds, kind, guarded, meaning in OPTION.findall(text)]
    return (printing.mark("src/storage/profile_option.def", "docs/tools/print_storage_options.py") + INTRO + "\n"
            + printing.table(("option", "store", "kind", "meaning"), rows))


if __name__ == "__main__":
    sys.stdout.write(document(printing.read(sys.argv[1] if len(sys.argv) > 1 else "src/storage/profile_option.def")))
