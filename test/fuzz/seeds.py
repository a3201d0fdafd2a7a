#!/usr/bin/env python3
"""Writes the seeds of the pure layers' fuzzers, and their dictionary, from the cases of test/data.

seeds.py DATA TO makes TO/json, TO/metadata, TO/commit, TO/request, TO/view, TO/vend, TO/sts, TO/xml and TO/lists, and TO/dictionary; TO/avro and TO/snappy by the writer
of test/lib. Every crash that was ever found is a case, so it is a seed, too.
"""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
import avro  # noqa: E402

EVERY_TYPE = {"type": "record", "name": "all", "fields": [
    {"name": "data_file", "type": {"type": "record", "name": "r2", "fields": [
        {"name": "n", "type": "null"}, {"name": "f", "type": "float"}, {"name": "d", "type": "double"},
        {"name": "x", "type": {"type": "fixed", "name": "fx", "size": 3}},
        {"name": "e", "type": {"type": "enum", "name": "en", "symbols": ["a", "b"]}},
        {"name": "again", "type": "fx"},
        {"name": "list", "type": {"type": "array", "items": {"type": "map", "values": ["null", "string"]}}},
        {"name": "file_path", "type": "string"}]}}]}
EVERY_TYPE_BYTES = (b"\0\0\0\0" b"\0\0\0\0\0\0\0\0" b"abc" b"\x02" b"xyz"
                    b"\x01\x0c" b"\x02\x02k\x00\x00" b"\x00" b"\x06a/b")


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


def container(schema, blocks, codec):
    """An Avro file of blocks, each a number of records and their bytes."""
    out = b"Obj\x01" + avro.number(2) + avro.text("avro.schema") + avro.text(json.dumps(schema))
    out += avro.text("avro.codec") + avro.text(codec) + avro.number(0) + avro.SYNC
    for records, block in blocks:
        block = avro.CODECS[codec](block)
        out += avro.number(records) + avro.number(len(block)) + block + avro.SYNC
    return out


def write_avro(to):
    """Manifests, manifest lists and a schema of every type, by every codec."""
    lists = avro.encode(avro.MANIFEST_LIST, {
        "manifest_path": "file:///w/m.avro", "manifest_length": 10, "added_files_count": 1,
        "partitions": [{"contains_null": False, "lower_bound": b"\x00"}]})
    entry = avro.encode(avro.MANIFEST, {
        "status": 1, "snapshot_id": None, "data_file": {
            "content": 0, "file_path": "file:///w/1.parquet", "partition": {}, "column_sizes": {"1": 5},
            "record_count": 1}})
    recursive = {"type": "record", "name": "t", "fields": [
        {"name": "manifest_path", "type": "string"}, {"name": "next", "type": ["null", "t"]}]}
    for folder in ("avro", "snappy"):
        os.makedirs(os.path.join(to, folder), exist_ok=True)
    for codec in avro.CODECS:
        for name, schema, blocks in (
                ("list", avro.MANIFEST_LIST, [(2, lists * 2), (1, lists)]), ("entry", avro.MANIFEST, [(3, entry * 3)]),
                ("empty", avro.MANIFEST, []), ("recursive", recursive, [(1, b"\x02a\x02\x02b\x00")]),
                ("types", EVERY_TYPE, [(1, EVERY_TYPE_BYTES)])):
            with open(os.path.join(to, "avro", "%s-%s" % (name, codec)), "wb") as file:
                file.write(container(schema, blocks, codec))
    for name, data in (("literal", avro.snappy(b"some bytes" * 9)[:-4]), ("copy1", b"\x09\x00a\x11\x01"),
                       ("copy2", b"\x14\x08abc\x42\x03\x00"), ("copy4", b"\x14\x08abc\x43\x03\x00\x00\x00"),
                       ("long", b"\x48\xf0\x46" + b"x" * 71 + b"\x00y")):
        with open(os.path.join(to, "snappy", name), "wb") as file:
            file.write(data)


def main():
    data, to = sys.argv[1:3]
    write_avro(to)
    for target in ("json", "metadata", "commit", "view", "request", "vend", "sts", "xml", "lists"):
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
        if kind == "scale":
            put("request", "[" + ",".join(part for part in (case["before"], case["each"].replace("#", "1000000")) if part) + "]")
            continue
        if kind == "budget":
            put("json", case["start"] + case["each"].replace("#", "1000000") + case["end"])
            continue
        if kind == "xml":
            put("xml", case["text"])
            continue
        if kind == "answer":
            put("sts" if case["from"] == "sts" else "lists", case["text"])
            continue
        if kind == "vend":
            sign = case.get("sign", {})
            for text in case["locations"] + [sign.get("uri", ""), sign.get("body", "")]:
                put("vend", text)
            continue
        if kind == "base":
            put("metadata", text)
            put("json", text)
            continue
        document = document_of(case, data)
        if kind == "metadata":
            put("metadata", json.dumps(document, separators=(",", ":")))
        if kind in ("update", "requirement", "create", "needs", "view"):
            case.pop("rule", None)
            case.pop("expect", None)
            put("view" if kind == "view" else "commit", json.dumps(case, separators=(",", ":")))
        if kind in ("update", "view") and case.get("updates"):
            put("request", json.dumps(case["updates"], separators=(",", ":")))
    with open(os.path.join(to, "dictionary"), "w") as file:
        for word in sorted(words):
            file.write('"%s"\n' % word.replace("\\", "\\\\").replace('"', '\\"'))


main()
