"""REST client: no property of a table, view or namespace sends its readers elsewhere, or has them load code."""
# SPDX-License-Identifier: PostgreSQL
import json
import os
import shutil

import pytest
from expectations import expect, expect_equal

SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "a", "required": False, "type": "long"}]}
VIEW_VERSION = {"version-id": 1, "schema-id": 0, "timestamp-ms": 1, "summary": {}, "default-namespace": ["ns"],
                "representations": [{"type": "sql", "sql": "SELECT 1", "dialect": "spark"}]}
# What clients read from a table's properties, by name and by the families of names.
STEERING = (
    "io-impl", "py-io-impl", "s3.endpoint", "s3.access-key-id", "s3.secret-access-key", "s3.session-token", "s3.region", "s3.signer", "s3.signer.uri",
    "s3.signer.endpoint", "s3.remote-signing-enabled", "s3.proxy-uri", "s3.acl", "s3.sse.key", "s3.access-points.b", "s3.write.other",
    "gcs.service.host", "gcs.oauth2.token", "gcs.no-auth", "adls.connection-string.a", "adls.sas-token.a", "adls.token", "client.region",
    "client.credentials-provider", "client.factory", "client.refresh-credentials-endpoint", "signer.uri", "signer.endpoint", "signer", "token", "credential",
    "uri", "oauth2-server-uri", "header.Authorization", "rest.auth.type", "hdfs.host", "hf.endpoint", "s3.")
HARMLESS = (
    "s3.write.tags.team", "s3.write.storage-class", "s3.delete.tags.team", "s3.delete.batch-size", "s3.multipart.part-size-bytes", "s3.checksum-enabled",
    "write.format.default", "s3", "urian", "tokens", "my.s3.endpoint", "client", "py-io-implementation", "comment")


def call(c, function, *arguments):
    """One of the functions that the gateway calls; (answer, "") or (None, SQLSTATE and message)."""
    values = ", ".join("'%s'" % (a if isinstance(a, str) else json.dumps(a)).replace("'", "''") for a in arguments)
    out = c.sql("\\set VERBOSITY verbose\nSELECT %s(icecat.%s(%s))" % ("" if function == "rest_commit_transaction" else "to_json", function, values), check=False)
    if "ERROR" in out:
        return None, out
    answer = json.loads(out or "{}")
    return (answer.get("body", answer) if isinstance(answer, dict) else answer), ""


def commit(updates, requirements=()):
    return {"requirements": list(requirements), "updates": updates}


def setting(properties):
    return commit([{"action": "set-properties", "updates": properties}])


def creation(properties):
    return commit([{"action": "assign-uuid", "uuid": "00000000-0000-4000-8000-000000000009"}, {"action": "upgrade-format-version", "format-version": 2},
                   {"action": "add-schema", "schema": SCHEMA, "last-column-id": 1}, {"action": "set-current-schema", "schema-id": -1},
                   {"action": "add-spec", "spec": {"spec-id": 0, "fields": []}}, {"action": "set-default-spec", "spec-id": -1},
                   {"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}, {"action": "set-default-sort-order", "sort-order-id": -1},
                   {"action": "set-properties", "updates": properties}], [{"type": "assert-create"}])


def ways(properties):
    """Every call that can give a property to something."""
    return {
        "createTable": ("rest_create_table", "w", "{ns}", {"name": "new", "schema": SCHEMA, "properties": properties}),
        "createTable, staged": ("rest_create_table", "w", "{ns}", {"name": "new", "schema": SCHEMA, "properties": properties, "stage-create": True}),
        "updateTable": ("rest_commit_table", "w", "{ns}", "t", setting(properties)),
        "updateTable that creates": ("rest_commit_table", "w", "{ns}", "new", creation(properties)),
        "commitTransaction": ("rest_commit_transaction", "w", {"table-changes": [
            dict(setting(properties), identifier={"namespace": ["ns"], "name": "t"})]}),
        "createView": ("rest_create_view", "w", "{ns}", {"name": "new", "schema": SCHEMA, "view-version": VIEW_VERSION, "properties": properties}),
        "replaceView": ("rest_replace_view", "w", "{ns}", "v", setting(properties)),
        "createNamespace": ("rest_create_namespace", "w", {"namespace": ["new"], "properties": properties}),
        "updateProperties": ("rest_update_namespace_properties", "w", "{ns}", {"updates": properties}),
    }


def prepare(c):
    c.make_warehouse()
    c.sql(c.create_table_sql("t"))
    for arguments in (("rest_create_view", "w", "{ns}", {"name": "v", "schema": SCHEMA, "view-version": VIEW_VERSION, "properties": {}}),):
        expect_equal(call(c, *arguments)[1], "", "a view")


@pytest.mark.parametrize("way", list(ways({})))
def test_refused(c, way):
    before = c.sql("SELECT count(*) FROM icecat.events")
    for name in STEERING:
        answer, error = call(c, *ways({"a": "b", name: "http://127.0.0.1:1/"})[way])
        expect(answer is None and "IC301" in error and "Property %s of a" % name in error, "%s refuses %s" % (way, name), (answer, error))
    expect_equal(c.sql("SELECT count(*) FROM icecat.events"), before, "nothing was changed")


@pytest.mark.parametrize("way", [w for w in ways({}) if "staged" not in w])
def test_harmless(c, way):
    answer, error = call(c, *ways({name: "x" for name in HARMLESS})[way])
    expect(answer is not None, "%s takes what does not steer" % way, error)
    for text in ("SELECT icecat.drop_table('w', '{ns}', 'new')", "SELECT icecat.drop_view('w', '{ns}', 'new')", "SELECT icecat.drop_namespace('w', '{new}')"):
        c.sql(text, check=False)


def register(c, name, properties):
    """A document that another catalog wrote."""
    source = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 't'")[len("file://"):]
    c.queue_is_empty()
    with open(source) as file:
        document = json.load(file)
    document.update({"location": "file://%s/%s" % (c.files, name), "table-uuid": "00000000-0000-4000-8000-00000000000a", "properties": properties})
    path = "%s/%s.metadata.json" % (c.files, name)
    with open(path, "w") as file:
        json.dump(document, file)
    if c.user:
        shutil.chown(path, c.user)
    return call(c, "rest_register_table", "w", "{ns}", {"name": name, "metadata-location": "file://" + path})


def shown(answer):
    return (json.loads(answer) if isinstance(answer, str) else answer)["metadata"]["properties"]


def stored(c, name):
    c.queue_is_empty()
    with open(c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = '%s'" % name)[len("file://"):]) as file:
        return json.load(file)["properties"]


def test_imported(c):
    """What a registered document has is kept, and not shown."""
    imported = {"s3.endpoint": "http://127.0.0.1:1/", "owner": "ann", "py-io-impl": "evil.FileIO", "s3.write.storage-class": "x"}
    harmless = {"owner": "ann", "s3.write.storage-class": "x"}
    answer, error = register(c, "imported", imported)
    expect(answer is not None, "a document with such properties is registered", error)
    expect_equal(shown(answer), harmless, "its answer shows the others")
    body = c.sql("SELECT body FROM icecat.rest_load_table('w', '{ns}', 'imported')")
    expect_equal(shown(body), harmless, "so does a load")
    pieces = c.sql("SELECT string_agg(piece, '') FROM (SELECT * FROM icecat.rest_load_table_pieces('w', '{ns}', 'imported') AS piece OFFSET 1) AS p")
    expect_equal(shown(pieces), harmless, "and one in pieces")
    answer, error = call(c, "rest_commit_table", "w", "{ns}", "imported", setting({"k": "v"}))
    expect(answer is not None, "it can be changed", error)
    expect_equal(shown(answer), dict(harmless, k="v"), "the answer of a commit shows the others")
    expect_equal(stored(c, "imported"), dict(imported, k="v"), "its file keeps all of them")
    answer, error = call(c, "rest_commit_table", "w", "{ns}", "imported", setting({"s3.endpoint": "http://127.0.0.1:1/", "k": "w"}))
    expect(answer is not None, "what is there already may be said again", error)
    answer, error = call(c, "rest_commit_table", "w", "{ns}", "imported", setting({"s3.endpoint": "http://127.0.0.1:2/"}))
    expect(answer is None and "IC301" in error, "but not changed", error)
    answer, error = call(c, "rest_commit_table", "w", "{ns}", "imported", commit([{"action": "remove-properties", "removals": ["py-io-impl"]}]))
    expect(answer is not None, "and it may be removed", error)
    expect("py-io-impl" not in stored(c, "imported"), "then it is gone")
    etag = "SELECT etag FROM icecat.rest_load_table('w', '{ns}', 'imported')"
    before = c.sql(etag)
    c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.steering-properties\": \"allow\"}')")
    expect_equal(shown(c.sql("SELECT body FROM icecat.rest_load_table('w', '{ns}', 'imported')")).get("s3.endpoint"), "http://127.0.0.1:1/",
                 "where the warehouse allows them, they are shown")
    expect(c.sql(etag) != before, "under another entity tag")
    answer, error = call(c, "rest_commit_table", "w", "{ns}", "imported", setting({"uri": "http://127.0.0.1:2/"}))
    expect(answer is not None, "and set", error)
    c.sql("SELECT icecat.alter_warehouse('w', p_removals => '{icecat.steering-properties}')")
    out = c.sql("SELECT icecat.alter_warehouse('w', p_updates => '{\"icecat.steering-properties\": \"perhaps\"}')", check=False)
    expect("expected refuse or allow" in out, "no other value is taken", out)


def test_files_of_clients(c):
    """A client of the SQL catalog writes the document itself."""
    c.queue_is_empty()
    location = c.sql("SELECT metadata_location FROM icecat.tables WHERE table_name = 't'")
    with open(location[len("file://"):]) as file:
        document = json.load(file)
    document["metadata-log"].append({"timestamp-ms": document["last-updated-ms"], "metadata-file": location})
    for name, refused in (("py-io-impl", True), ("owner", False)):
        document["properties"] = dict(document["properties"], **{name: "evil.FileIO"})
        if not refused:
            del document["properties"]["py-io-impl"]
        path = "%s/%s-own.metadata.json" % (os.path.dirname(location[len("file://"):]), name)
        with open(path, "w") as file:
            json.dump(document, file)
        if c.user:
            shutil.chown(path, c.user)
        answer, error = call(c, "commit_metadata_file", "w", "{ns}", "t", "file://" + path)
        expect((answer is None and "IC301" in error) if refused else answer is True, "a file with %s" % name, (answer, error))
