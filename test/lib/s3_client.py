"""A client of S3 that signs (Signature Version 4), with the standard library alone: one request a call, and its bytes are the test's.

SPDX-License-Identifier: PostgreSQL
"""
import base64
import hashlib
import hmac
import http.client
import time
import urllib.parse

UNSIGNED = "UNSIGNED-PAYLOAD"


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self):
        """The code of an error of S3: what is in its first <Code>."""
        text = self.body.decode(errors="replace")
        return text.partition("<Code>")[2].partition("</Code>")[0]

    def keys(self):
        """Those of a list."""
        return [part.partition("</Key>")[0] for part in self.body.decode().split("<Key>")[1:]]

    def __repr__(self):
        return "%d %s" % (self.status, self.code)


def send(host, method, target, headers, body=b"", timeout=30):
    """A request as it is written here, to a host and port; nothing of it is encoded again."""
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        return Reply(reply.status, dict((n.lower(), v) for n, v in reply.getheaders()), reply.read())
    finally:
        connection.close()


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3:
    """For one key: S3(endpoint, access, secret, token).put("bucket/key", b"…")."""

    def __init__(self, endpoint, access, secret, token=None, region="us-east-1"):
        self.host = endpoint.split("://")[1]
        self.access, self.secret, self.token, self.region = access, secret, token, region

    def ask(self, method, path, query=None, body=b"", headers=()):
        """path: bucket/key, not encoded."""
        target = "/" + urllib.parse.quote(path, safe="/-_.~")
        query = "&".join("%s=%s" % (urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                         for k, v in sorted((query or {}).items()))
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signed = {"host": self.host, "x-amz-date": stamp, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
                  **{name.lower(): value for name, value in headers}}
        if self.token:
            signed["x-amz-security-token"] = self.token
        names = ";".join(sorted(signed))
        canonical = "\n".join([method, target, query, *("%s:%s" % (n, signed[n]) for n in sorted(signed)), "", names,
                               signed["x-amz-content-sha256"]])
        scope = "%s/%s/s3/aws4_request" % (stamp[:8], self.region)
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = digest(key, part)
        text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (stamp, scope, hashlib.sha256(canonical.encode()).hexdigest())
        signed["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s" % (
            self.access, scope, names, digest(key, text).hex())
        return send(self.host, method, target + ("?" + query if query else ""), list(signed.items()), body)

    def put(self, path, body, headers=()):
        return self.ask("PUT", path, body=body, headers=headers)

    def get(self, path):
        return self.ask("GET", path)

    def delete(self, path):
        return self.ask("DELETE", path)

    def list(self, bucket, prefix, **more):
        return self.ask("GET", bucket, {"list-type": "2", "prefix": prefix, **more})

    def delete_many(self, bucket, keys):
        body = "<Delete>%s</Delete>" % "".join("<Object><Key>%s</Key></Object>" % key for key in keys)
        sum_of = base64.b64encode(hashlib.md5(body.encode()).digest()).decode()
        return self.ask("POST", bucket, {"delete": ""}, body.encode(), [("Content-MD5", sum_of)])
