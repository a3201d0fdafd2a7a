"""Asks 28 to 36 and 39: details of the protocol. The threads stand in docs/use/known-pitfalls.md.

SPDX-License-Identifier: PostgreSQL
"""

import pytest
import requests

import icecat_client as client
import world
from asklib import SCHEMA, error, own_warehouse, properties, ref, snapshot

ODD = ["a.b", "a b", "a/b", 'a"b', "a'b", "a%b", "a+b", "é日本", "a\\b", "%1F", "a?b#c"]


@pytest.mark.parametrize("odd", ODD)
def test_ask_28_odd_names_in_paths(space, odd):
    """As levels of a namespace and as names of tables."""
    assert space.api.call("POST", "/{prefix}/namespaces", {"namespace": [space.name, odd]}).ok
    path = f"/{{prefix}}/namespaces/{client.levels((space.name, odd))}"
    assert space.api.call("GET", path).json()["namespace"] == [space.name, odd]
    assert space.api.call("POST", path + "/tables", {"name": odd, "schema": SCHEMA}).ok
    assert space.api.call("GET", f"{path}/tables/{client.quote(odd)}").status_code == 200
    listed = space.api.call("GET", path + "/tables").json()["identifiers"]
    assert listed == [{"namespace": [space.name, odd], "name": odd}]


def test_ask_28_separators_of_levels(space):
    assert space.api.call("POST", "/{prefix}/namespaces", {"namespace": [space.name, "b"]}).ok
    for separator in ("%1F", "%1f", "\x1f"):
        assert space.api.call("GET", f"/{{prefix}}/namespaces/{space.name}{separator}b").json()["namespace"] == [space.name, "b"]
    twice = space.api.call("GET", f"/{{prefix}}/namespaces/{space.name}%251Fb")
    assert twice.status_code in (400, 404)
    assert "%1F" in twice.json()["error"]["message"] or "%251F" in twice.json()["error"]["message"]
    for empty in (f"{space.name}%1F", f"%1F{space.name}", "%1F", "%1F%1F"):
        assert space.api.call("GET", f"/{{prefix}}/namespaces/{empty}").status_code == 400


def test_ask_29_plus_and_space_are_both_reachable(space):
    for name in ("a b", "c+d"):
        space.create(name)
    assert space.api.call("GET", space.path() + "/a%20b").ok
    assert space.api.call("GET", space.path() + "/a+b").ok  # as the Java client spells the space
    assert space.api.call("GET", space.path() + "/c+d").ok
    assert space.api.call("GET", space.path() + "/c%2Bd").ok
    space.create("a+b")  # the literal name is found first
    literal = space.api.call("GET", space.path() + "/a+b").json()["metadata"]["table-uuid"]
    assert literal != space.api.call("GET", space.path() + "/a%20b").json()["metadata"]["table-uuid"]


def test_ask_30_engines_that_lower_names_find_them():
    with own_warehouse(**{"icecat.case-mode": "insensitive"}) as space:
        space.create("Orders")
        assert space.load("orders").ok and space.load("ORDERS").ok
        assert space.api.call("GET", space.path()).json()["identifiers"][0]["name"] == "Orders"
        taken = space.api.call("POST", space.path(), {"name": "oRDERS", "schema": SCHEMA})
        assert error(taken) == (409, "AlreadyExistsException")


def test_ask_30_case_matters_by_default(space):
    space.create("Orders")
    assert space.load("orders").status_code == 404
    space.create("orders")


def test_ask_31_a_list_is_never_cut_short(warehouse):
    space, count = warehouse, 10_000
    world.sql(f"""DO $$ BEGIN FOR i IN 1 .. {count} LOOP
        PERFORM icecat.create_table('{space.api.prefix}', '{{{space.name}}}', 't' || i,
            '{{"type":"struct","fields":[]}}'); END LOOP; END $$""")
    whole = space.api.call("GET", space.path()).json()
    assert len(whole["identifiers"]) == count
    assert whole.get("next-page-token") is None
    pages, token = [], ""
    while token is not None:
        page = space.api.call("GET", space.path(), params={"pageToken": token, "pageSize": 999}).json()
        pages.append([i["name"] for i in page["identifiers"]])
        token = page.get("next-page-token")
    assert [len(p) for p in pages] == [999] * 10 + [10]
    assert sorted(n for p in pages for n in p) == sorted(i["name"] for i in whole["identifiers"])


def test_ask_32_ids_of_64_bits(space):
    space.create()
    most = 2**63 - 1
    assert space.commit("t", [snapshot(most, 1), ref(most)], []).ok
    assert space.metadata()["current-snapshot-id"] == most
    assert f'"current-snapshot-id":{most}' in space.load().text.replace(" ", "")
    assert space.commit("t", [properties(a="b")], [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": most}]).ok
    late = space.commit("t", [properties(a="c")], [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": most - 1}])
    assert error(late) == (409, "CommitFailedException")
    assert world.sql(f"SELECT snapshot_id FROM icecat.snapshots WHERE namespace = '{{{space.name}}}'") == [(most,)]
    over = space.commit("t", [snapshot(most + 1, 2)])
    assert over.status_code == 400 and str(most + 1) in over.json()["error"]["message"]


def test_ask_33_config():
    def config(**query):
        return requests.get(client.URL + "/v1/config", params=query, timeout=30)

    for answer in (config(), config(warehouse=""), config(warehouse=client.WAREHOUSE)):
        assert answer.status_code == 200
        assert isinstance(answer.json()["defaults"], dict) and isinstance(answer.json()["overrides"], dict)
    assert error(config(warehouse="no such")) == (404, "NoSuchWarehouseException")
    location, = world.sql(f"SELECT location FROM icecat.warehouses WHERE warehouse = '{client.WAREHOUSE}'")[0]
    by_location = config(warehouse=location).json()
    assert {**by_location["defaults"], **by_location["overrides"]}["prefix"] == client.WAREHOUSE


def test_ask_34_below_any_path():
    with world.gateway(base_path="/lake/iceberg") as url:
        assert requests.get(url + "/lake/iceberg/v1/config", timeout=30).ok
        assert requests.get(url + "/v1/config", timeout=30).status_code == 404
        catalog = client.load_catalog("icecat", type="rest", uri=url + "/lake/iceberg", warehouse=client.WAREHOUSE)
        name = (client.unique("ask"),)
        catalog.create_namespace(name)
        table = catalog.create_table((*name, "t"), schema=client.SCHEMA)
        table.append(client.rows(1, 2))
        assert client.ids(catalog.load_table((*name, "t"))) == [1, 2]
        client.remove_namespace(catalog, name)


def test_ask_34_forwarded_headers_count_from_trusted_proxies_only():
    head = {"X-Forwarded-Prefix": "/lake", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with world.gateway() as url:
        assert requests.get(url + "/v1/config", headers=head, timeout=30).status_code == 200
        assert requests.get(url + "/lake/v1/config", headers=head, timeout=30).status_code == 404
    with world.gateway(trusted_proxies="127.0.0.1") as url:
        assert requests.get(url + "/lake/v1/config", headers=head, timeout=30).status_code in (200, 404)
        assert requests.get(url + "/v1/config", headers=head, timeout=30).status_code == 200


def test_ask_34_a_doubled_path_is_404_in_json(space):
    answer = requests.get(client.URL + "/v1/config/v1/config", timeout=30)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == 404


def test_ask_35_no_token_endpoint_is_offered_and_none_is_pretended(space):
    """This gateway gives out no tokens (its setting oauth_tokens is off): a client is told so clearly, in the form of OAuth."""
    for body in ({"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"},
                 {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "x"}):
        answer = requests.post(client.URL + "/v1/oauth/tokens", data=body, timeout=30)
        assert answer.status_code == 404
        assert answer.json()["error"] == "invalid_request" and "oauth2-server-uri" in answer.json()["error_description"]
        assert "secret" not in answer.text
    config = space.api.call("GET", "/config?warehouse={prefix}").json()
    assert not any("oauth" in e for e in config["endpoints"])
    assert not any("oauth" in k or k == "token" for k in {**config["defaults"], **config["overrides"]})
    # A token that a client sends all the same does not break it.
    assert space.api.call("GET", "/{prefix}/namespaces", headers={"Authorization": "Bearer abc"}).status_code == 200


def test_ask_36_head_and_missing_parents(space):
    api = space.api
    here = api.call("HEAD", f"/{{prefix}}/namespaces/{space.name}")
    gone = api.call("HEAD", "/{prefix}/namespaces/no_such")
    assert (here.status_code, here.content, gone.status_code, gone.content) == (204, b"", 404, b"")
    assert api.call("HEAD", space.path("no_such")).status_code == 404
    assert error(api.call("GET", "/{prefix}/namespaces?parent=no_such")) == (404, "NoSuchNamespaceException")
    assert api.call("POST", "/{prefix}/namespaces", {"namespace": [space.name, "child"]}).ok
    assert error(api.call("DELETE", f"/{{prefix}}/namespaces/{space.name}")) == (409, "NamespaceNotEmptyException")


def test_ask_39_registering_again_keeps_the_identity(space):
    made = space.create()
    before = world.sql(f"SELECT table_id FROM icecat.tables WHERE namespace = '{{{space.name}}}'")
    assert space.commit("t", [properties(a="b")]).ok
    here = {"name": "t", "metadata-location": made["metadata-location"]}
    path = f"/{{prefix}}/namespaces/{space.name}/register"
    assert error(space.api.call("POST", path, here)) == (409, "AlreadyExistsException")
    assert space.api.call("POST", path, {**here, "overwrite": True}).status_code == 200
    assert world.sql(f"SELECT table_id FROM icecat.tables WHERE namespace = '{{{space.name}}}'") == before
    assert "a" not in space.metadata().get("properties", {})


def test_ask_39_import_from_a_sql_catalog(space):
    made = space.create()
    assert space.api.call("DELETE", space.path("t")).status_code == 204
    tables, target = client.unique("iceberg_tables"), client.unique("moved")
    world.sql(f"CREATE TABLE {tables} (catalog_name text, table_namespace text, table_name text, metadata_location text, "
              "previous_metadata_location text)")
    try:
        world.sql(f"INSERT INTO {tables} VALUES ('old', '{target}', 'orders', '{made['metadata-location']}', NULL)")
        world.sql(f"SELECT * FROM icecat.import_sql_catalog('{space.api.prefix}', '{tables}', NULL, 'old')")
        moved = space.api.call("GET", f"/{{prefix}}/namespaces/{target}/tables/orders").json()["metadata"]
        assert moved["table-uuid"] == made["metadata"]["table-uuid"]
    finally:
        world.sql(f"DROP TABLE {tables}")
    client.remove_namespace(client.connect(), (target,))


def test_ask_39_a_view_is_replaced_by_a_former_version(space):
    objects = world.Objects(space.api)
    objects.space = space.name
    body = objects.view_body("v")
    assert space.api.call("POST", space.path(kind="views"), body).ok

    def replace(text):
        version = {**body["view-version"], "representations": [{"type": "sql", "sql": text, "dialect": "spark"}]}
        return space.api.call("POST", space.path("v", "views"), {"requirements": [], "updates": [
            {"action": "add-view-version", "view-version": version},
            {"action": "set-current-view-version", "view-version-id": -1}]})

    for text in ("SELECT 2", "SELECT 1", "SELECT 2"):
        answer = replace(text)
        assert answer.status_code == 200, answer.text
        metadata = answer.json()["metadata"]
        current = next(v for v in metadata["versions"] if v["version-id"] == metadata["current-version-id"])
        assert current["representations"][0]["sql"] == text
    assert len(metadata["versions"]) == 2
    assert space.api.call("DELETE", space.path("v", "views")).ok
