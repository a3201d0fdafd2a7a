"""Token services that record what they are asked, and answer as a test wants: with credentials, an error, slowly, or not at all: that of S3, those of
Google, the metadata of a machine of either, and the agent of a container."""
# SPDX-License-Identifier: PostgreSQL
import datetime
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import session_policy

ANSWER = """<%(action)sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%(action)sResult><Credentials>
<AccessKeyId>%(key)s</AccessKeyId><SecretAccessKey>%(secret)s</SecretAccessKey><SessionToken>%(token)s</SessionToken>
<Expiration>%(expiration)s</Expiration></Credentials></%(action)sResult></%(action)sResponse>"""
ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>"


class TokenService:
    """with TokenService() as service: service.url; service.asked is a list of forms, each a dict, with the request's headers and path;
    service.seen has method and path of every request.

    At its end it is an error if any of them asked for more than a table's files (session_policy.py)."""

    def __init__(self, life_s=3600):
        self.asked = []
        self.seen = []
        self.broader = []
        self.life_s = life_s
        self.pause_s = 0
        self.error = None       # (status, code)
        self.only_at = None     # error and body are for requests of this path alone
        self.body = None        # instead of the answer
        self.at_once = 0        # requests under way now, and most ever
        self.at_once_max = 0
        lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802  the library's name
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with lock:
                    service.seen.append("POST " + self.path)
                    service.asked.append(dict(urllib.parse.parse_qsl(form, strict_parsing=True), _headers=dict(self.headers), _path=self.path))
                    service.judge(service.asked[-1])
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

            def do_local(self):
                """What a machine or a container tells of itself."""
                with lock:
                    service.seen.append("%s %s" % (self.command, self.path))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = (200, service.local(self.path)) if service.error is None else (service.error[0], b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_local

            def log_message(self, *unused):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def judge(self, form):
        if form["_path"] == "/token" or form.get("Action") == "AssumeRoleWithWebIdentity":
            return              # the server's own
        try:
            if form["_path"] == "/v1/token":
                session_policy.check_boundary(form)
            else:
                session_policy.check_request(form)
        except (session_policy.Broader, ValueError, KeyError, TypeError) as error:
            self.broader.append("%r: %s" % (error, form))

    def answer(self, number):
        path = self.asked[number - 1]["_path"]
        meant = self.only_at in (None, path)
        if self.error is not None and meant:
            return self.error[0], (ERROR % self.error[1]).encode() if path == "/" else json.dumps({"error": self.error[1]}).encode()
        if self.body is not None and meant:
            return 200, self.body
        if path != "/":
            return 200, self.token(number, path)
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.life_s)
        action = self.asked[number - 1].get("Action", "AssumeRole")
        return 200, (ANSWER % {"action": action, "key": "ASIAKEY%d" % number, "secret": "vended/secret+%d" % number, "token": "vended/token+%d==" % number,
                               "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()

    def token(self, number, path):
        """Google's: the server's own, and the narrower one that it is exchanged for."""
        own = path == "/token"
        answer = {"access_token": ("ya29.server-%d" if own else "ya29.vended/token-%d") % number, "token_type": "Bearer"}
        if own:
            answer["expires_in"] = self.life_s
        return json.dumps(answer).encode()

    def local(self, path):
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3600)
        if path == "/latest/api/token":
            return b"the-token"
        if path == "/latest/meta-data/iam/security-credentials/":
            return b"machine"
        if "service-accounts" in path:
            return json.dumps({"access_token": "ya29.machine", "expires_in": self.life_s}).encode()
        return json.dumps({"Code": "Success", "AccessKeyId": "ASIALOCAL", "SecretAccessKey": "local/secret", "Token": "local/token+=",
                           "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()
        if self.broader:
            raise AssertionError("more than a table's files was asked for: " + "; ".join(self.broader))
