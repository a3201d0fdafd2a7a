"""Writes Avro object container files: as little of it as Iceberg's manifests need for a test."""
# SPDX-License-Identifier: PostgreSQL
import ctypes
import json
import zlib

SYNC = b"0123456789abcdef"


def number(n):
    """A zigzag varint."""
    n = (n << 1) ^ (n >> 63)
    out = bytearray()
    while n > 0x7F:
        out.append((n & 0x7F) | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return number(len(data)) + data


def encode(schema, value):
    if isinstance(schema, list):
        branch = schema.index("null") if value is None else [s != "null" for s in schema].index(True)
        return number(branch) + (b"" if value is None else encode(schema[branch], value))
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind in ("int", "long"):
        return number(value)
    if kind in ("string", "bytes"):
        return text(value)
    if kind == "boolean":
        return bytes([value])
    if kind == "array":
        items = b"".join(encode(schema["items"], item) for item in value)
        return (number(len(value)) + items if value else b"") + number(0)
    if kind == "map":
        items = b"".join(text(k) + encode(schema["values"], v) for k, v in value.items())
        return (number(len(value)) + items if value else b"") + number(0)
    if kind == "record":
        return b"".join(encode(f["type"], value[f["name"]]) for f in schema["fields"])
    raise ValueError(kind)


def snappy(data):
    """Snappy without compression: literals only."""
    out = bytearray()
    n = len(data)
    while n > 0x7F:
        out.append((n & 0x7F) | 0x80)
        n >>= 7
    out.append(n)
    for start in range(0, len(data), 60):
        part = data[start:start + 60]
        out.append((len(part) - 1) << 2)
        out += part
    return bytes(out) + zlib.crc32(data).to_bytes(4, "big")


def deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstandard(data):
    """By the library that the extension is built with: Python's own has no Zstandard yet."""
    library = ctypes.CDLL("libzstd.so.1")
    for function in (library.ZSTD_compressBound, library.ZSTD_compress):
        function.restype = ctypes.c_size_t
    room = library.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    packed = ctypes.create_string_buffer(room)
    size = library.ZSTD_compress(packed, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
    if size > room:
        raise ValueError("ZSTD_compress failed")
    return packed.raw[:size]


CODECS = {"null": bytes, "deflate": deflate, "snappy": snappy, "zstandard": zstandard}


def write(path, schema, records, codec="deflate", in_block=1):
    with open(path, "wb") as file:
        file.write(b"Obj\x01" + number(2))
        file.write(text("avro.schema") + text(json.dumps(schema)))
        file.write(text("avro.codec") + text(codec) + number(0) + SYNC)
        for start in range(0, len(records), in_block):
            part = records[start:start + in_block]
            block = CODECS[codec](b"".join(encode(schema, record) for record in part))
            file.write(number(len(part)) + number(len(block)) + block + SYNC)


MANIFEST_LIST = {"type": "record", "name": "manifest_file", "fields": [
    {"name": "manifest_path", "type": "string", "field-id": 500},
    {"name": "manifest_length", "type": "long", "field-id": 501},
    {"name": "partitions", "field-id": 507, "type": ["null", {"type": "array", "items": {
        "type": "record", "name": "r508", "fields": [
            {"name": "contains_null", "type": "boolean"},
            {"name": "lower_bound", "type": ["null", "bytes"]}]}}]},
    {"name": "added_files_count", "type": "int", "field-id": 504}]}

MANIFEST = {"type": "record", "name": "manifest_entry", "fields": [
    {"name": "status", "type": "int", "field-id": 0},
    {"name": "snapshot_id", "type": ["null", "long"], "field-id": 1},
    {"name": "data_file", "field-id": 2, "type": {"type": "record", "name": "r2", "fields": [
        {"name": "content", "type": "int", "field-id": 134},
        {"name": "file_path", "type": "string", "field-id": 100},
        {"name": "partition", "field-id": 102,
         "type": {"type": "record", "name": "r102", "fields": []}},
        {"name": "column_sizes", "type": ["null", {"type": "map", "values": "long"}]},
        {"name": "record_count", "type": "long", "field-id": 103}]}}]}


def manifest_list(path, manifests, codec="deflate"):
    write(path, MANIFEST_LIST, [
        {"manifest_path": m, "manifest_length": 10, "added_files_count": 1,
         "partitions": [{"contains_null": False, "lower_bound": b"\x00"}]} for m in manifests], codec)


def manifest(path, files, codec="deflate", in_block=1, removed=()):
    """removed: files whose entries are marked as deleted."""
    write(path, MANIFEST, [
        {"status": status, "snapshot_id": None,
         "data_file": {"content": 0, "file_path": f, "partition": {}, "column_sizes": {"1": 5},
                       "record_count": 1}} for status, names in ((1, files), (2, removed)) for f in names], codec, in_block)
