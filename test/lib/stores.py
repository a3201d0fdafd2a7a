"""Object stores for the tests, on loopback, and a proxy before one that breaks what passes through it.

find("versitygw")   the program: as ICECAT_VERSITYGW names it, on the path, or in ICECAT_STORES_DIR; test/stores/install fetches it.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import email.utils
import hashlib
import hmac
import http.client
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import session_policy

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
    """An S3 store that checks signatures. A bucket is a folder in data, an object a file in it. With host_style a bucket can be in
    the host: bucket.localhost."""

    access_key = "icecat-test"
    secret_key = "a secret of the tests"
    region = "us-east-1"

    def __init__(self, folder, buckets=("lake",), host_style=False):
        program = find("versitygw")
        if program is None:
            raise RuntimeError("versitygw is not installed: test/stores/install versitygw DIR")
        self.data = os.path.join(folder, "data")
        for name in ("data", "iam", "sidecar"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        for bucket in buckets:
            os.makedirs(os.path.join(self.data, bucket), exist_ok=True)
        port = free_port()
        command = [program, "--port", "127.0.0.1:%d" % port, "--iam-dir", os.path.join(folder, "iam"), "--quiet"]
        if host_style:
            command += ["--virtual-domain", "localhost:%d" % port]
        command.append("posix")
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
    "unconditional": "answers 501 NotImplemented to a request with If-None-Match",
    "careless": "says that a file was written where the store refused to, because there is one",
    "nonsense": "answers 200 with what is no XML",
}


class Faults:
    """A proxy before a store. fault names what it does, times for how many requests (None: until it is set again), only what must be
    in their path. requests has "METHOD path" of every request that came."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.fault = "pass"
        self.times = None
        self.only = ""
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

    def set(self, fault, times=None, only=""):
        assert fault in FAULTS
        with self.lock:
            self.fault, self.times, self.only = fault, times, only
            self.over.set()
            self.over = threading.Event()

    def take(self, path):
        """The fault of the request at hand."""
        with self.lock:
            if self.only not in path:
                return "pass"
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

    def saw(self, request, body):
        """For those that look at what passes."""

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
        self.saw(request, body)
        try:
            self.answer(request, body, self.take(request.path), self.over)
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
        elif fault == "unconditional" and request.headers.get("If-None-Match") is not None:
            answer(request, 501, b"<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>")
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
        status = reply.status
        if fault == "careless" and status == 412:
            status = 200
            kept.append(("ETag", '"as-asked"'))
        answer(request, status, data, kept, slow=fault == "slow", over=self.over)


def answer(request, status, body, headers=(), slow=False, over=None):
    """Answers a request; slowly until over is set."""
    request.send_response_only(status)
    for name, value in headers:
        request.send_header(name, value)
    if not any(name.lower() == "content-length" for name, _ in headers) and status not in (204, 304):
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command == "HEAD":
        return
    if not slow:
        request.wfile.write(body)
        return
    for i in range(len(body)):
        request.wfile.write(body[i:i + 1])
        request.wfile.flush()
        if over.wait(1 / SLOW_BYTES_PER_S):
            request.wfile.write(body[i + 1:])
            return


class Minio(Process):
    """An S3 store with a token service whose session policies it enforces. Its files are its own."""

    access_key = "icecat-test"
    secret_key = "a secret of the tests"
    region = "us-east-1"
    role = "arn:aws:iam::1:role/any"      # it assumes what its own key may do, whatever the role

    def __init__(self, folder, buckets=("lake",)):
        program = find("minio")
        if program is None:
            raise RuntimeError("MinIO is not installed: test/stores/install DIR minio")
        data = os.path.join(folder, "data")
        for bucket in buckets:
            os.makedirs(os.path.join(data, bucket), exist_ok=True)
        port = free_port()
        super().__init__([program, "server", "--quiet", "--address", "127.0.0.1:%d" % port, "--console-address", "127.0.0.1:%d" % free_port(), data],
                         port, os.path.join(folder, "log"),
                         {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key, "MINIO_BROWSER": "off", "HOME": folder,
                          "MINIO_API_REQUESTS_MAX": "1600", "MINIO_UPDATE": "off", "MINIO_CALLHOME_ENABLE": "off"})
        try:
            self.wait_ready()
        except BaseException:
            self.close()
            raise

    def wait_ready(self):
        """It listens before it serves."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            request = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                request.request("GET", "/minio/health/ready")
                if request.getresponse().status == 200:
                    return
            except OSError:
                pass
            finally:
                request.close()
            time.sleep(0.1)
        raise RuntimeError("MinIO does not get ready")


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


class Recorder(Faults):
    """A proxy before a token service. forms has each AssumeRole request that came, as a dict; folders what they were for.

    At its end it is an error if any asked for more than the files of a table in one of roots (session_policy.py)."""

    def __init__(self, target_port, roots):
        super().__init__(target_port)
        self.roots = roots
        self.forms = []
        self.folders = set()
        self.broader = []

    def saw(self, request, body):
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        with self.lock:
            self.forms.append(form)
            try:
                self.folders.update(session_policy.check_request(form, self.roots))
            except (session_policy.Broader, ValueError, KeyError, TypeError) as error:
                self.broader.append("%r: %s" % (error, form))

    def close(self):
        super().close()
        if self.broader:
            raise AssertionError("more than a table's files was asked for: " + "; ".join(self.broader))


class Azurite(Process):
    """A store like Azure's: its Blob interface alone. It checks shared keys and signatures; with a certificate it speaks TLS and takes tokens,
    whose claims alone it looks at."""

    account = "devstoreaccount1"
    # Published by Microsoft, and the same in every emulator.
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, folder, containers=("lake",), certificate=None):
        program = find("azurite-blob")
        if program is None:
            raise RuntimeError("azurite is not installed: test/stores/install DIR azurite-blob")
        port = free_port()
        data = os.path.join(folder, "azurite")
        command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", data, "--silent", "--disableTelemetry",
                   "--skipApiVersionCheck"]      # clients are newer than it
        if certificate is not None:
            command += ["--cert", certificate[0], "--key", certificate[1], "--oauth", "basic"]
        self.certificate = certificate
        super().__init__(command, port, os.path.join(folder, "log"))
        if certificate is not None:
            self.url = "https://127.0.0.1:%d" % port
        for container in containers:
            status, _ = self.ask("PUT", container, "restype:container")
            if status != 201:
                raise RuntimeError("could not make the container: %d" % status)

    def root(self, path, container="lake"):
        return "abfss://%s@%s.dfs.core.windows.net/%s" % (container, self.account, path)

    def options(self, **more):
        """Those of a storage profile, as a list of names and values."""
        found = {"endpoint": self.url, "shared-key": self.key, "allow-private-endpoints": "true"}
        found.update({name.replace("_", "-"): value for name, value in more.items()})
        return [text for pair in found.items() for text in pair]

    def ask(self, method, path, *parameters):
        """A request that is signed by the account's key; parameters are "name:value", in the order of their names. Gives status and body."""
        path = "/%s/%s" % (self.account, path)
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        text = "%s\n\n\n\n\n\n\n\n\n\n\n\n%s/%s%s%s" % (
            method, "".join("%s:%s\n" % pair for pair in sorted(headers.items())), self.account, path, "".join("\n" + p for p in parameters))
        mac = hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()
        headers["Authorization"] = "SharedKey %s:%s" % (self.account, base64.b64encode(mac).decode())
        return self.send(method, path + ("?" + "&".join(p.replace(":", "=", 1) for p in parameters) if parameters else ""), headers)

    def send(self, method, target, headers, body=b""):
        """A request as it stands."""
        if self.certificate is None:
            request = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        else:
            request = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=ssl.create_default_context(cafile=self.certificate[0]))
        request.request(method, target, body, headers)
        reply = request.getresponse()
        answer_body = reply.read()
        request.close()
        return reply.status, answer_body
