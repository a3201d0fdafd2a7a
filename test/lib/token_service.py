"""A token service of S3 that records what it is asked, and answers as a test wants: with credentials, an error, slowly, or not at all."""
# SPDX-License-Identifier: PostgreSQL
import datetime
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>%(key)s</AccessKeyId><SecretAccessKey>%(secret)s</SecretAccessKey><SessionToken>%(token)s</SessionToken>
<Expiration>%(expiration)s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>"


class TokenService:
    """with TokenService() as service: service.url; service.asked is a list of forms, each a dict, with the request's headers."""

    def __init__(self, life_s=3600):
        self.asked = []
        self.life_s = life_s
        self.pause_s = 0
        self.error = None       # (status, code)
        self.body = None        # instead of the answer
        self.at_once = 0        # requests under way now, and most ever
        self.at_once_max = 0
        lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802  the library's name
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with lock:
                    service.asked.append(dict(urllib.parse.parse_qsl(form, strict_parsing=True), _headers=dict(self.headers)))
                    number = len(service.asked)
                    service.at_once += 1
                    service.at_once_max = max(service.at_once_max, service.at_once)
                try:
                    time.sleep(service.pause_s)
                    status, body = service.answer(number)
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass        # it did not wait
                finally:
                    with lock:
                        service.at_once -= 1

            def log_message(self, *unused):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, number):
        if self.error is not None:
            return self.error[0], (ERROR % self.error[1]).encode()
        if self.body is not None:
            return 200, self.body
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.life_s)
        return 200, (ANSWER % {"key": "ASIAKEY%d" % number, "secret": "vended/secret+%d" % number, "token": "vended/token+%d==" % number,
                               "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()
