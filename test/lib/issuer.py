"""An issuer of tokens for the tests: an HTTP server with a configuration document and keys, signing by the openssl program.

Standard library only. Signatures of RS256; the key pairs are made once for all issuers, because that takes time.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time

AUDIENCE = "icecat"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Key:
    """An RSA key pair under a name."""

    made = {}

    def __init__(self, name):
        self.name = name
        self.pem = Key.made.setdefault(name, openssl("genrsa", "2048"))
        modulus = openssl("rsa", "-noout", "-modulus", data=self.pem).decode().strip().split("=")[1]
        self.jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, text):
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.pem)
            file.flush()
            return openssl("dgst", "-sha256", "-sign", file.name, data=text)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        issuer = self.server.issuer
        issuer.asked.append((time.monotonic(), self.path))
        time.sleep(issuer.delay_s)
        if issuer.bearer is not None and self.headers.get("Authorization") != f"Bearer {issuer.bearer}":
            self.send_error(401)
            return
        body = issuer.documents.get(self.path)
        if body is None and self.path in ("/keys", "/openid/v1/jwks"):
            body = json.dumps({"keys": [key.jwk for key in issuer.keys]}).encode()
        elif body is None:
            body = json.dumps({"issuer": issuer.url, "jwks_uri": issuer.url + "/keys"}).encode()
        try:
            self.send_response(issuer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass                # the gateway has hung up

    def log_message(self, *unused):
        pass


class Issuer:
    """Its keys, what it answers and how late may be changed while it runs."""

    def __init__(self, key="one", certificate=None):
        self.keys = [Key(key)]
        self.asked = []
        self.documents = {}
        self.status = 200
        self.delay_s = 0
        self.bearer = None      # what must be shown before anything is told
        self.certificate = certificate
        self.server = None
        self.port = 0
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.issuer = self
        self.port = self.server.server_address[1]
        scheme = "http"
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def fetches(self):
        return sum(1 for _, path in self.asked if path in ("/keys", "/openid/v1/jwks"))

    def token(self, sub, key=None, kid=None, **claims):
        """A good token; claims of None are left out, and so is an empty kid."""
        key = key or self.keys[-1]
        now = int(time.time())
        body = {"iss": self.url, "aud": AUDIENCE, "sub": sub, "iat": now, "exp": now + 600, **claims}
        header = {"alg": "RS256", "typ": "JWT", "kid": key.name if kid is None else kid}
        if kid == "":
            del header["kid"]
        text = b64(json.dumps(header).encode()) + "." + \
            b64(json.dumps({name: value for name, value in body.items() if value is not None}).encode())
        return text + "." + b64(key.sign(text.encode()))


def certificate(folder):
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    path = os.path.join(folder, "certificate.pem")
    key = os.path.join(folder, "key.pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", path, "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    with open(key, encoding="ascii") as source, open(path, "a", encoding="ascii") as out:
        out.write(source.read())
    return path
