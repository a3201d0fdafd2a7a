#!/usr/bin/env python3
"""Writes the seeds of the pure layers' fuzzers, and their dictionary, from the cases of test/data.

seeds.py DATA TO makes TO/json, TO/metadata and TO/commit, and TO/dictionary. Every crash that was ever
found is a case, so it is a seed, too.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import re
import sys


def files_below(folder):
    for where, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(".json"):
                yield os.path.join(where, name)


def document_of(case, data):
    """The document that a case is about: as case_document() of test/unit/case_file.c."""
    metadata = case.get("metadata")
    if isinstance(metadata, str):
        with open(os.path.join(data, "base", metadata + ".json")) as file:
            metadata = json.load(file)
    if not isinstance(metadata, dict):
        return None
    for key, value in (case.get("with") or {}).items():
        if value is None:
            metadata.pop(key, None)
        else:
            metadata[key] = value
    return metadata


def main():
    data, to = sys.argv[1:3]
    for target in ("json", "metadata", "commit"):
        os.makedirs(os.path.join(to, target), exist_ok=True)
    count = 0
    words = set()

    def put(target, text):
        nonlocal count
        count += 1
        with open(os.path.join(to, target, "%05d" % count), "w", errors="surrogatepass") as file:
            file.write(text)
        words.update(re.findall(r'"[A-Za-z0-9 .:{}\[\],_-]{1,40}"', text))

    for path in files_below(data):
        kind = os.path.relpath(path, data).split(os.sep)[0]
        with open(path) as file:
            text = file.read()
        case = json.loads(text)
        if kind == "json":
            put("json", case["text"])
            continue
        if kind == "base":
            put("metadata", text)
            put("json", text)
            continue
        document = document_of(case, data)
        if kind == "metadata":
            put("metadata", json.dumps(document, separators=(",", ":")))
        if kind in ("update", "requirement", "create", "needs"):
            case.pop("rule", None)
            case.pop("expect", None)
            put("commit", json.dumps(case, separators=(",", ":")))
    with open(os.path.join(to, "dictionary"), "w") as file:
        for word in sorted(words):
            file.write('"%s"\n' % word.replace("\\", "\\\\").replace('"', '\\"'))


main()
