#!/usr/bin/env python3
"""Runs schemathesis over the specification against a running catalog, for a bounded time.

Makes a warehouse of its own (named by what it is, so that a left-over one is recognised), fills it, and lets
schemathesis send what it makes up for every operation that is served. A failure is an answer with 5xx, with a
status that the document has not, with another content type, or with a body that is not as its schema says.

SPDX-License-Identifier: PostgreSQL
"""

import argparse
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients" / "lib")]

import icecat_client as client  # noqa: E402
import spec  # noqa: E402
import world  # noqa: E402

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SEED = 20261121
TABLES = 60
MODE = '{"icecat.metadata-write-mode": "none"}'  # no files: locations are made up, too


def document():
    """What is served of the specification, with what is answered beyond it (BEYOND)."""
    served = spec.served()
    whole = copy.deepcopy(spec.DOCUMENT)
    for path, item in list(whole["paths"].items()):
        for method in [m for m in item if m != "parameters"]:
            operation = item[method]["operationId"]
            if operation not in served:
                del item[method]
                continue
            item[method].pop("security", None)
            for (name, status), why in spec.BEYOND.items():
                if name in ("*", operation):
                    item[method]["responses"][str(status)] = {
                        "description": why, "content": {"application/json": {
                            "schema": {"$ref": "#/components/schemas/IcebergErrorResponse"}}}}
        if set(item) <= {"parameters"}:
            del whole["paths"][path]
    whole.pop("security", None)
    whole["servers"] = [{"url": client.URL}]
    return whole


def fill(api):
    """Names of what is there for the requests to meet."""
    objects = world.Objects(api)
    spare = [objects.namespace() for _ in range(8)]
    tables = [objects.table()[0] for _ in range(TABLES)]
    views = [objects.view()[0] for _ in range(TABLES)] if "createView" in spec.served() else []
    return {"space": objects.space, "spare": spare, "table": tables, "view": views}


def run(folder, objects, warehouse, seconds, extra):
    target = pathlib.Path(folder, "served.json")
    target.write_text(json.dumps(document()))
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), "ICECAT_CONTRACT_WAREHOUSE": warehouse,
                   "ICECAT_CONTRACT_OBJECTS": json.dumps(objects)}
    command = [str(pathlib.Path(sys.executable).parent / "schemathesis"), "run", str(target), "--url", client.URL,
               "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--workers", "1", "--max-time", str(seconds),
               "--seed", str(SEED), "--no-shrink", "--generation-database", "none", "--suppress-health-check", "all",
               "--request-timeout", "30", "--continue-on-failure", "--warnings", "off", "--no-color", *extra]
    return subprocess.run(command, cwd=folder, env=environment).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=75)
    options, extra = parser.parse_known_args()
    warehouse = client.unique("schemathesis")
    world.sql(f"SELECT icecat.create_warehouse('{warehouse}', 's3://nowhere/{warehouse}', '{MODE}')")
    with tempfile.TemporaryDirectory() as folder:
        status = run(folder, fill(world.Api(client.URL, warehouse)), warehouse, options.seconds, extra)
    # Everything answered so far; is everything whole, too?
    wrong = world.sql(f"SELECT * FROM icecat.check_integrity('{warehouse}')")
    for line in wrong:
        print("check_integrity:", *line)
    passed = status == 0 and not wrong
    print(f"{int(passed)} passed, {int(not passed)} failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
