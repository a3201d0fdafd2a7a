"""Object stores for the tests, on loopback, and a proxy before one that breaks what passes through it.

find("versitygw")   the program: as ICECAT_VERSITYGW names it, on the path, or in ICECAT_STORES_DIR; test/stores/install fetches it.

SPDX-License-Identifier: PostgreSQL
"""
import http.client
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time

START_S = 30
SLOW_BYTES_PER_S = 1


def find(name):
    """The path of a store's program; None where it is not installed."""
    named = os.environ.get("ICECAT_" + name.upper().replace("-", "_"))
    if named:
        return named
    folder = os.environ.get("ICECAT_STORES_DIR")
    if folder and os.access(os.path.join(folder, name), os.X_OK):
        return os.path.join(folder, name)
    return shutil.which(name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port, process):
    """Until somebody listens there."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("the store ended with status %d" % process.returncode)
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the store does not listen")


class Process:
    """A program that listens on a port of its own, and ends with close()."""

    def __init__(self, command, port, log, environment=None):
        self.port = port
        self.url = "http://127.0.0.1:%d" % port
        with open(log, "ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env=dict(os.environ, **(environment or {})))
        try:
            wait_port(port, self.process)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Versitygw(Process):
    """An S3 store that checks signatures. A bucket is a folder in data, an object a file in it."""

    access_key = "icecat-test"
    secret_key = "a secret of the tests"
    region = "us-east-1"

    def __init__(self, folder, buckets=("lake",)):
        program = find("versitygw")
        if program is None:
            raise RuntimeError("versitygw is not installed: test/stores/install versitygw DIR")
        self.data = os.path.join(folder, "data")
        for name in ("data", "iam", "sidecar"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        for bucket in buckets:
            os.makedirs(os.path.join(self.data, bucket), exist_ok=True)
        port = free_port()
        command = [program, "--port", "127.0.0.1:%d" % port, "--iam-dir", os.path.join(folder, "iam"), "--quiet", "posix"]
        if not has_attributes(self.data):
            command += ["--sidecar", os.path.join(folder, "sidecar")]
        super().__init__(command + [self.data], port, os.path.join(folder, "log"),
                         {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key})

    def options(self, **more):
        """Those of a storage profile, as a list of names and values."""
        found = {"endpoint": self.url, "region": self.region, "access-key-id": self.access_key,
                 "secret-access-key": self.secret_key, "allow-private-endpoints": "true"}
        found.update({name.replace("_", "-"): value for name, value in more.items()})
        return [text for pair in found.items() for text in pair]


def has_attributes(folder):
    """Does the file system take extended attributes?"""
    try:
        os.setxattr(folder, "user.icecat_probe", b"1")
        os.removexattr(folder, "user.icecat_probe")
        return True
    except OSError:
        return False


# -- a proxy that breaks things ------------------------------------------------------------------------------

FAULTS = {
    "pass": "nothing",
    "hang": "takes the request and answers nothing until the fault is over",
    "503": "answers 503 SlowDown",
    "slow": "answers a byte a second",
    "late": "answers 50 ms later",
    "cut": "sends the request on, and closes the connection instead of the answer",
    "corrupt": "changes a byte of the body that it sends on, or that it gives back",
    "expired": "answers 403 ExpiredToken",
    "denied": "answers 403 AccessDenied",
    "redirect": "answers 307 to another place",
    "nonsense": "answers 200 with what is no XML",
}


class Faults:
    """A proxy before a store. fault names what it does, times for how many requests (None: until it is set again).
    requests has "METHOD path" of every request that came."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.fault = "pass"
        self.times = None
        self.requests = []
        self.under_way = self.most = 0      # requests at once
        self.lock = threading.Lock()
        self.over = threading.Event()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused):
                pass

            def handle_any(self):
                proxy.handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def set(self, fault, times=None):
        assert fault in FAULTS
        with self.lock:
            self.fault, self.times = fault, times
            self.over.set()
            self.over = threading.Event()

    def take(self):
        """The fault of the request at hand."""
        with self.lock:
            if self.times is None:
                return self.fault
            if self.times == 0:
                return "pass"
            self.times -= 1
            return self.fault

    def close(self):
        self.set("pass")
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # -- one request

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self.lock:
            self.requests.append("%s %s" % (request.command, request.path))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            self.answer(request, body, self.take(), self.over)
        finally:
            with self.lock:
                self.under_way -= 1

    def answer(self, request, body, fault, over):
        if fault == "late":
            time.sleep(0.05)
        if fault == "hang":
            over.wait(60)
            request.close_connection = True
        elif fault in ("503", "expired", "denied"):
            status, code = {"503": (503, "SlowDown"), "expired": (403, "ExpiredToken"), "denied": (403, "AccessDenied")}[fault]
            answer(request, status, b"<Error><Code>%s</Code><Message>as asked</Message></Error>" % code.encode())
        elif fault == "redirect":
            answer(request, 307, b"", (("Location", "http://127.0.0.1:1/"),))
        elif fault == "nonsense":
            answer(request, 200, b"<a><b></a>")
        else:
            self.pass_on(request, body, fault)

    def pass_on(self, request, body, fault):
        if fault == "corrupt" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        target = http.client.HTTPConnection("127.0.0.1", self.target_port, timeout=60)
        target.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            target.putheader(name, value)
        target.endheaders(body)
        reply = target.getresponse()
        data = reply.read()
        target.close()
        if fault == "cut":
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault == "corrupt" and data and request.command == "GET":
            data = bytes([data[0] ^ 1]) + data[1:]
        kept = [(n, v) for n, v in reply.getheaders() if n.lower() not in ("content-length", "transfer-encoding", "connection")]
        if request.command == "HEAD":
            kept += [(n, v) for n, v in reply.getheaders() if n.lower() == "content-length"]
        answer(request, reply.status, data, kept, slow=fault == "slow", over=self.over)


def answer(request, status, body, headers=(), slow=False, over=None):
    """Answers a request; slowly until over is set."""
    request.send_response_only(status)
    for name, value in headers:
        request.send_header(name, value)
    if not any(name.lower() == "content-length" for name, _ in headers) and status not in (204, 304):
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if not slow:
        request.wfile.write(body)
        return
    for i in range(len(body)):
        request.wfile.write(body[i:i + 1])
        request.wfile.flush()
        if over.wait(1 / SLOW_BYTES_PER_S):
            request.wfile.write(body[i + 1:])
            return


class FakeGcs(Process):
    """A store like Google's, in memory; it accepts any token."""

    def __init__(self, folder, buckets=("lake",)):
        program = find("fake-gcs-server")
        if program is None:
            raise RuntimeError("fake-gcs-server is not installed: test/stores/install DIR fake-gcs-server")
        port = free_port()
        super().__init__([program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
                          "-public-host", "127.0.0.1:%d" % port, "-log-level", "error"], port, os.path.join(folder, "log"))
        for bucket in buckets:
            request = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            request.request("POST", "/storage/v1/b?project=test", '{"name":"%s"}' % bucket, {"Content-Type": "application/json"})
            reply = request.getresponse()
            reply.read()
            request.close()
            if reply.status != 200:
                raise RuntimeError("could not make the bucket: %d" % reply.status)
