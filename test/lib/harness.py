"""Starts PostgreSQL and gateways for the tests, and speaks HTTP byte by byte.

Standard library only. The client here is as strict as the server: an answer that is not exactly
framed fails the test that reads it. With TLS set, every gateway that says nothing else of its addresses speaks TLS, and
so do its clients.

SPDX-License-Identifier: PostgreSQL
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from expectations import Failure, expect, expect_equal, wait_until

TLS = None                      # or a tls.Authority


def wait_at_rest(gateway):
    """Whatever clients and backends did: the counters of things under way return to zero."""
    for name, rest in (("iceberg_catalog_http_requests_in_flight", 1), ("icecat_gate_tables", 0),
                       ("icecat_gate_waiting", 0), ("icecat_buffered_bytes", 0),
                       ('icecat_pool_calls_in_flight{pool="read"}', 0),
                       ('icecat_pool_calls_in_flight{pool="write"}', 0),
                       ('icecat_pool_queue_length{pool="read"}', 0),
                       ('icecat_pool_queue_length{pool="write"}', 0),
                       ("iceberg_db_connections_in_use", 0), ("icecat_client_connections", 1)):
        wait_until(lambda name=name, rest=rest: gateway.metric(name) == rest, f"{name} is {rest}")


class Gateway:
    """A running gateway with its own port and log."""

    def __init__(self, binary, dsn, root, config=None, ready=True, **settings):
        self.dir = tempfile.mkdtemp(prefix="gateway-", dir=root)
        self.log_path = os.path.join(self.dir, "log")
        self.config_path = os.path.join(self.dir, "icecat-gateway.conf")
        command = [binary]
        if config is not None:
            self.write_config(config)
            command += ["--config", self.config_path]
        environment = dict(os.environ, ICECAT_DSN=dsn, ICECAT_PORT="0")
        # What a sanitizer keeps of freed memory would hide how much the gateway needs.
        environment.setdefault("ASAN_OPTIONS", "quarantine_size_mb=4")
        self.tls = TLS if "listen" not in settings else None
        if self.tls is not None:
            settings = dict(self.tls.settings(), **settings)
        environment.update({"ICECAT_" + k.upper(): str(v) for k, v in settings.items()})
        self.log_file = open(self.log_path, "w")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log_file, stderr=self.log_file)
        try:
            self.port = int(wait_until(lambda: re.search(r'listening on \S+ port (\d+)', self.log()),
                                       "the gateway listens").group(1))
            if ready:
                wait_until(lambda: self.get("/ready").status == 200, "the gateway is ready")
        except BaseException:       # whoever made it has nothing that they could stop
            self.process.kill()
            self.process.wait()
            self.log_file.close()
            print(self.log()[-3000:])
            raise

    def write_config(self, text):
        with open(self.config_path, "w") as file:
            file.write(text)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def log_lines(self):
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def connect(self, timeout=60):
        return Client(self.port, timeout, self.tls)

    def request(self, method, path, body=None, headers=()):
        with self.connect() as client:
            client.send(request_bytes(method, path, body, headers))
            return client.answer(head=method == "HEAD")

    def get(self, path):
        return self.request("GET", path)

    def check_turned_away(self):
        """One connection too many. With TLS an alert is all that can be said."""
        try:
            with self.connect() as client:
                answer = client.answer()
        except ssl.SSLError as error:
            expect(self.tls is not None and "ALERT_INTERNAL_ERROR" in str(error), f"turned away by {error}")
            return
        expect_equal((answer.status, answer.headers["connection"], answer.headers["retry-after"]), (503, "close", "1"))
        answer.error()

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " ") or (line.startswith(name) and "{" in name):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log_file.close()
        status = self.process.returncode
        log = self.log()
        shutil.rmtree(self.dir, ignore_errors=True)
        expect("Sanitizer" not in log and "runtime error" not in log, "sanitizer report:\n" +
               log[-6000:])
        expect(status in (0, -signal.SIGKILL), f"the gateway ended with {status}\n" + log[-3000:])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def request_bytes(method, path, body=None, headers=()):
    host = () if any(line.lower().startswith("host:") for line in headers) else ("Host: localhost",)
    lines = [f"{method} {path} HTTP/1.1", *host, *headers]
    data = b""
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def error(self):
        """The error object; fails unless it is a sound IcebergErrorResponse."""
        error = self.json()["error"]
        expect_equal(error["code"], self.status, "code of the error body")
        expect(isinstance(error["message"], str) and error["message"], "the error has a message")
        expect(isinstance(error["type"], str) and error["type"], "the error has a type")
        return error


def open_socket(port, timeout, receive_bytes=None, authority=None):
    """A connection to a gateway; with a small buffer for what it sends, if that is said."""
    one = socket.socket()
    if receive_bytes is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    one.settimeout(timeout)
    try:
        one.connect(("127.0.0.1", port))
        return one if authority is None else authority.wrap(one)
    except BaseException:
        one.close()
        raise


class Client:
    """A socket, and answers read from it strictly."""

    def __init__(self, port, timeout, authority=None):
        self.socket = open_socket(port, timeout, authority=authority)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def close_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            raise Failure("the connection was reset") from None
        except (socket.timeout, TimeoutError):
            raise Failure("no answer in time") from None
        self.buffer += data
        return len(data) > 0

    def _take(self, count):
        while len(self.buffer) < count:
            expect(self._fill(), "the connection ended inside an answer")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def answer(self, head=False):
        while b"\r\n\r\n" not in self.buffer:
            expect(self._fill(), "the connection ended before an answer")
        lines = self._take(self.buffer.index(b"\r\n\r\n") + 4).decode().split("\r\n")[:-2]
        match = re.fullmatch(r"HTTP/1\.1 (\d\d\d) [A-Za-z ]+", lines[0])
        expect(match, f"status line {lines[0]!r}")
        status = int(match.group(1))
        headers = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            expect(name.lower() not in headers, f"field {name} is repeated")
            headers[name.lower()] = value
        if status in (100, 101, 204, 304):
            expect("content-length" not in headers, f"a {status} has no length")
            return Answer(status, headers, b"")
        if "transfer-encoding" in headers:
            expect("content-length" not in headers, "chunks and a length")
            return Answer(status, headers, b"".join(self.chunks()))
        if "content-length" not in headers:
            expect_equal(headers["connection"], "close", "how the end is told")
            while self._fill():
                pass
            return Answer(status, headers, self._take(len(self.buffer)))
        length = int(headers["content-length"])
        return Answer(status, headers, b"" if head else self._take(length))

    def _line(self):
        while b"\r\n" not in self.buffer:
            expect(self._fill(), "the connection ended inside an answer")
        return self._take(self.buffer.index(b"\r\n") + 2)[:-2]

    def chunks(self):
        """The chunks of a body, to the last."""
        while True:
            size = int(self._line(), 16)
            piece = self._take(size + 2)
            expect_equal(piece[size:], b"\r\n", "end of a chunk")
            if size == 0:
                return
            yield piece[:size]

    def is_closed(self):
        """True when the server closes; False when it stays open for a while."""
        if self.buffer:
            raise Failure(f"unexpected bytes {self.buffer[:80]!r}")
        self.socket.settimeout(0.3)
        try:
            data = self.socket.recv(1)
        except (socket.timeout, TimeoutError):
            return False
        except ConnectionResetError:
            return True
        expect(data == b"", f"unexpected byte {data!r}")
        return True

    def wait_closed(self, timeout=10):
        self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
        except (socket.timeout, TimeoutError):
            raise Failure("the connection stays open") from None
        except ConnectionResetError:
            pass


def in_background(work):
    """Starts it; returns what waits for its result."""
    results, errors = [], []

    def run():
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait():
        thread.join(60)
        expect(results or errors, "what runs in the background ends")
        if errors:
            raise errors[0]
        return results[0]
    return wait


def in_parallel(functions):
    """Runs them at once; returns results in order, raises the first failure."""
    results = [None] * len(functions)
    errors = []

    def run(i, function):
        try:
            results[i] = function()
        except Exception as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
