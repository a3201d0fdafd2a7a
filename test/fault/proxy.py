"""A TCP proxy before PostgreSQL that cuts a connection around a commit that goes by.

Modes of a cut: "before" (the request never arrives), "race" (some moment after it was forwarded), "after" (the
server has answered, and the client gets none of it), "partial" (the client gets all but the end).
"""
# SPDX-License-Identifier: PostgreSQL
import random
import select
import socket
import threading
import time

MODES = ("before", "race", "after", "partial")
COMMIT_MARK = b"add-snapshot"
READY_FOR_QUERY = b"Z\x00\x00\x00\x05I"
PARTIAL_LEFT_OUT = 10
REFUSED = b"CIC203\0"  # the SQLSTATE field of an ErrorResponse
ANSWER_WAIT_S = 30
RACE_S_MAX = 0.008
CHUNK = 1 << 18


class Proxy:
    def __init__(self, server_socket):
        self.server_socket = server_socket
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.armed = None
        self.cuts = {mode: 0 for mode in MODES}
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def arm(self, mode):
        """The next commit is cut in this way."""
        with self.lock:
            self.armed = mode

    def _take(self):
        with self.lock:
            mode, self.armed = self.armed, None
            if mode:
                self.cuts[mode] += 1
            return mode

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self.server_socket)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._forward(client, server)
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def _forward(self, client, server):
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client in ready:
                data = client.recv(CHUNK)
                if not data:
                    return
                mode = self._take() if COMMIT_MARK in data else None
                if mode and self._cut(mode, client, server, data):
                    return
                if mode:
                    continue
                server.sendall(data)
            if server in ready:
                data = server.recv(CHUNK)
                if not data:
                    return
                client.sendall(data)

    def _cut(self, mode, client, server, data):
        """False when the commit was refused: its answer is passed on, and the next commit is cut instead."""
        if mode == "before":
            return True
        server.sendall(data)
        if mode == "race":
            time.sleep(random.uniform(0, RACE_S_MAX))
            return True
        answer = b""
        while not answer.endswith(READY_FOR_QUERY):
            ready, _, _ = select.select([client, server], [], [], ANSWER_WAIT_S)
            if not ready:
                return True
            if client in ready:  # the rest of a long request
                more = client.recv(CHUNK)
                if not more:
                    return True
                server.sendall(more)
            if server in ready:
                more = server.recv(CHUNK)
                if not more:
                    return True
                answer += more
        if REFUSED in answer:
            client.sendall(answer)
            with self.lock:
                self.cuts[mode] -= 1
                self.armed = self.armed or mode
            return False
        if mode == "partial":
            client.sendall(answer[:-PARTIAL_LEFT_OUT])
        return True
