"""Events as programs follow them: the package websockets, and Server-Sent Events by requests, against a running catalog.

SPDX-License-Identifier: PostgreSQL
"""

import json
import urllib.parse

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import icecat_client as client

WAIT_S = 60


@pytest.fixture(name="made")
def fixture_made(catalog):
    """A namespace, and what happens in it."""
    name = client.unique("events")
    catalog.create_namespace((name,))
    table = catalog.create_table((name, "t"), schema=client.SCHEMA)
    table.append(client.rows(1, 3))
    try:
        yield name, ["create-namespace", "create-table", "commit-table"]
    finally:
        client.remove_namespace(catalog, (name,))


def query(namespace, **more):
    return urllib.parse.urlencode(dict(warehouse=client.WAREHOUSE, namespace=namespace, **{"from": 1}, **more))


def url(**more):
    return client.URL.replace("http", "ws", 1) + "/v1/events/ws?" + query(**more)


@pytest.mark.skipif(bool(client.CREDENTIAL), reason="the catalog asks who it is")
def test_a_websocket_library_follows_events(made):
    namespace, types = made
    with connect(url(namespace=namespace), open_timeout=WAIT_S) as socket:
        events = [json.loads(socket.recv(timeout=WAIT_S)) for _ in types]
    assert [event["data"]["event-type"] for event in events] == types
    assert events[2]["data"]["snapshot"]["summary"]["operation"] == "append"
    with connect(url(namespace=namespace).replace("from=1", "from=" + events[1]["sequence"]), open_timeout=WAIT_S) as socket:
        assert json.loads(socket.recv(timeout=WAIT_S)) == events[1], "it goes on where it was"
        socket.send("hello")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=WAIT_S)
        assert closed.value.rcvd.code == 1003
    with pytest.raises(InvalidStatus) as refused:
        connect(url(namespace=namespace), origin="https://elsewhere.example")
    assert refused.value.response.status_code == 403


@pytest.mark.skipif(bool(client.CREDENTIAL), reason="the catalog asks who it is")
def test_server_sent_events_are_the_same(made):
    namespace, types = made
    with requests.get(client.URL + "/v1/events?" + query(namespace), stream=True, timeout=WAIT_S) as answer:
        lines = (line.decode() for line in answer.iter_lines())
        data = []
        for line in lines:
            if line.startswith("data: "):
                data.append(json.loads(line[6:]))
            if len(data) == len(types):
                break
    with connect(url(namespace=namespace), open_timeout=WAIT_S) as socket:
        assert [json.loads(socket.recv(timeout=WAIT_S)) for _ in types] == data
