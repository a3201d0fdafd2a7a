"""What Azure's documents say of requests to its store, put together once more, and a recorder that answers as it is told.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import hmac
import http.server
import threading
import urllib.parse

VERSION = "2021-12-02"


class Recorder:
    """requests has (method, target, headers, body) of what was asked; answers are given in their order, the last one again and again."""

    def __init__(self):
        self.requests = []
        self.answers = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused):
                pass

            def do_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorder.requests.append((self.command, self.path, self.headers, body))
                status, headers, text = recorder.answers.pop(0) if len(recorder.answers) > 1 else recorder.answers[0]
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, *answers):
        self.requests.clear()
        self.answers = [(status, dict({"x-ms-version": VERSION}, **headers), text) for status, headers, text in answers]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def mac(key, text):
    """HMAC-SHA256 by a key in base64, in base64."""
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


def signature_of(key, method, target, headers, body):
    """What Microsoft's document says of the signature, put together once more."""
    path, _, query = target.partition("?")
    standard = ["Content-Encoding", "Content-Language", "Content-Length", "Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match",
                "If-None-Match", "If-Unmodified-Since", "Range"]
    lines = [method] + [headers.get(name, "") if name != "Content-Length" else str(len(body) or "") for name in standard]
    lines += sorted("%s:%s" % (name.lower(), value) for name, value in headers.items() if name.lower().startswith("x-ms-"))
    text = "\n".join(lines) + "\n/acct" + path
    for name, value in sorted(urllib.parse.parse_qsl(query, keep_blank_values=True)):
        text += "\n%s:%s" % (name.lower(), value)
    return "SharedKey acct:" + mac(key, text)


def sas_signature(key, account, container, folder, query):
    """The signature of a SAS for a folder (or, without one, the container), out of its parameters."""
    given = dict(urllib.parse.parse_qsl(query))
    lines = [given["sp"], given["st"], given["se"], "/".join(["/blob", account, container] + ([folder] if folder else []))]
    if "skoid" in given:
        lines += [given[name] for name in ("skoid", "sktid", "skt", "ske", "sks", "skv")] + ["", "", ""]
    else:
        lines += [""]
    return mac(key, "\n".join(lines + ["", given["spr"], given["sv"], given["sr"], "", "", "", "", "", "", ""]))
