"""An S3 store in memory that does to single keys what a test wants, and records every request. It looks at no signature.

    with MemoryStore() as store:
        store.refuses = lambda method, key: (403, "AccessDenied") if key.endswith("/x") else None

SPDX-License-Identifier: PostgreSQL
"""
import http.server
import re
import socket
import threading
import time
import urllib.parse
import xml.sax.saxutils

TAKEN = b"<Error><Code>PreconditionFailed</Code></Error>"
BUFFER_BYTES = 2048     # of a socket's: what is not taken is not sent for long


class Request:
    def __init__(self, handler, body):
        self.method, self.target, self.body = handler.command, handler.path, body
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.status = None
        path, _, query = handler.path.partition("?")
        self.key = urllib.parse.unquote(path)[1:]         # bucket/key
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    @property
    def kind(self):
        """PUT, GET, HEAD, DELETE of an object; list, delete (many), start, part, complete, abort (of parts)."""
        if "list-type" in self.query:
            return "list"
        if "delete" in self.query:
            return "delete"
        if "uploads" in self.query:
            return "start"
        if "uploadId" in self.query:
            return {"PUT": "part", "POST": "complete", "DELETE": "abort"}[self.method]
        return self.method


class MemoryStore:
    """objects has the bytes of each "bucket/key"; requests every request that came, in the order of their ends.

    refuses(method, key) may say (status, code) of the error to answer. drips(method, key): is the body taken a byte a second, until
    drip_over is set?"""

    def __init__(self):
        self.objects = {}
        self.parts = {}
        self.requests = []
        self.lock = threading.Lock()
        self.refuses = lambda method, key: None
        self.drips = lambda method, key: False
        self.drip_over = threading.Event()
        self.pause_s = lambda method, key: 0        # before the answer
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused):
                pass

            def do_any(self):
                store.handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass

            def server_bind(self):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
                super().server_bind()

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.drip_over.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def options(self, **more):
        """Those of a storage profile, as a list of names and values."""
        found = {"endpoint": self.url, "region": "us-east-1", "access-key-id": "any", "secret-access-key": "any", "allow-private-endpoints": "true"}
        found.update({name.replace("_", "-"): value for name, value in more.items()})
        return [text for pair in found.items() for text in pair]

    def of_kind(self, *kinds):
        with self.lock:
            return [r for r in self.requests if r.kind in kinds]

    # -- one request

    def take_body(self, handler, length):
        """All of it; None where its sender gave up."""
        body = b""
        key = urllib.parse.unquote(handler.path.partition("?")[0])[1:]
        while len(body) < length and self.drips(handler.command, key) and not self.drip_over.wait(1):
            byte = handler.rfile.read(1)
            if not byte:
                return None
            body += byte
        body += handler.rfile.read(length - len(body))
        return body if len(body) == length else None

    def handle(self, handler):
        body = self.take_body(handler, int(handler.headers.get("Content-Length") or 0))
        if body is None:
            handler.close_connection = True
            return
        request = Request(handler, body)
        time.sleep(self.pause_s(request.method, request.key))
        with self.lock:
            self.requests.append(request)
            refused = self.refuses(request.method, request.key)
            if refused is not None:
                status, headers, text = refused[0], {}, b"<Error><Code>%s</Code><Message>as asked</Message></Error>" % refused[1].encode()
            else:
                status, headers, text = getattr(self, "on_" + request.kind.lower())(request)
        request.status = status
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        if request.method != "HEAD":
            handler.wfile.write(text)

    def on_put(self, request):
        if request.headers.get("if-none-match") == "*" and request.key in self.objects:
            return 412, {}, TAKEN
        self.objects[request.key] = request.body
        return 200, {"ETag": '"t"'}, b""

    def on_get(self, request):
        if request.key not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        data = self.objects[request.key]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if asked is None:
            return 200, {}, data
        first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
        return 206, {"Content-Range": "bytes %d-%d/%d" % (first, last, len(data))}, data[first:last + 1]

    on_head = on_get

    def on_delete(self, request):
        if request.query.get("delete") is None:
            self.objects.pop(request.key, None)
            return 204, {}, b""
        for key in re.findall(r"<Key>(.*?)</Key>", request.body.decode()):
            self.objects.pop("%s/%s" % (request.key.rstrip("/"), xml.sax.saxutils.unescape(key)), None)
        return 200, {}, b"<DeleteResult></DeleteResult>"

    def on_list(self, request):
        bucket = request.key.rstrip("/")
        rows = ["<Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>" % (
                    urllib.parse.quote(key[len(bucket) + 1:]), len(data))
                for key, data in sorted(self.objects.items()) if key.startswith("%s/%s" % (bucket, request.query["prefix"]))]
        return 200, {}, ("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>%s</ListBucketResult>" % "".join(rows)).encode()

    def on_start(self, request):
        upload = "u%d" % (len(self.parts) + 1)
        self.parts[upload] = b""
        return 200, {}, b"<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>" % upload.encode()

    def on_part(self, request):
        self.parts[request.query["uploadId"]] += request.body
        return 200, {"ETag": '"p%s"' % request.query["partNumber"]}, b""

    def on_complete(self, request):
        if request.headers.get("if-none-match") == "*" and request.key in self.objects:
            return 412, {}, TAKEN
        self.objects[request.key] = self.parts[request.query["uploadId"]]
        return 200, {}, b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"

    def on_abort(self, request):
        self.parts.pop(request.query["uploadId"], None)
        return 204, {}, b""
