"""TLS for the tests: an authority that signs certificates, by the openssl program, and sockets that speak it.

Standard library only. Python's own SSLSocket cannot end one half of a connection, so TlsSocket moves the bytes itself.

SPDX-License-Identifier: PostgreSQL
"""
import os
import socket
import ssl
import subprocess
import tempfile

RECORD = 65536


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.decode()}")
    return done.stdout


class Authority:
    """A certificate that signs others, in a folder of its own."""

    def __init__(self, root, name="authority"):
        self.dir = tempfile.mkdtemp(prefix="tls-", dir=root)
        self.certificate = os.path.join(self.dir, "ca.pem")
        self.key = os.path.join(self.dir, "ca.key")
        self.serial = 0
        self.revoked = []
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                "-out", self.certificate, "-days", "9", "-subj", f"/CN={name}",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.server = self.issue("127.0.0.1", "subjectAltName=IP:127.0.0.1", usage="serverAuth")
        self.context = self.client_context()

    def issue(self, cn=None, extension=None, usage="clientAuth", days=5, kind="ec", subject=None, until=None):
        """Paths of a certificate and its key; subject is in the form of openssl's -subj."""
        self.serial += 1
        name = os.path.join(self.dir, f"c{self.serial}")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-newkey", kind]
        request = openssl("req", "-new", *key, "-nodes", "-keyout", name + ".key", "-utf8", "-multivalue-rdn",
                          "-subj", subject if subject is not None else f"/CN={cn}")
        with open(name + ".ext", "w", encoding="utf-8") as file:
            file.write(f"extendedKeyUsage={usage}\n" + (extension + "\n" if extension else ""))
        if until is not None:
            self._sign_until(request, name, until)
        else:
            pem = openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-set_serial", str(self.serial),
                          "-days", str(days), "-extfile", name + ".ext", data=request)
            with open(name + ".pem", "wb") as file:
                file.write(pem)
        os.chmod(name + ".key", 0o600)
        return name + ".pem", name + ".key"

    def _ca_config(self):
        """Of "openssl ca", with an empty index."""
        config, index = os.path.join(self.dir, "crl.cnf"), os.path.join(self.dir, "index")
        open(index, "w", encoding="ascii").close()
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\ndefault_md=sha256\ndefault_crl_days=3\npolicy=p\n"
                       f"certificate={self.certificate}\nprivate_key={self.key}\nrand_serial=yes\nnew_certs_dir={self.dir}\n"
                       "[p]\ncommonName=optional\n")
        return config

    def _sign_until(self, request, name, until):
        with open(name + ".csr", "wb") as file:
            file.write(request)
        openssl("ca", "-batch", "-notext", "-config", self._ca_config(), "-in", name + ".csr", "-out", name + ".pem",
                "-enddate", until, "-extfile", name + ".ext")

    def crl(self, *paths):
        """A list that revokes these certificates."""
        path, config = os.path.join(self.dir, "list.crl"), self._ca_config()
        for one in paths:
            openssl("ca", "-config", config, "-revoke", one)
        openssl("ca", "-config", config, "-gencrl", "-out", path + ".new")
        os.rename(path + ".new", path)
        return path

    def settings(self):
        """Of a gateway with a certificate of this authority."""
        return {"listen": "https://127.0.0.1", "tls_cert_file": self.server[0], "tls_key_file": self.server[1]}

    def client_context(self, certificate=None, **changes):
        context = ssl.create_default_context(cafile=self.certificate)
        if certificate is not None:
            context.load_cert_chain(*certificate)
        for name, value in changes.items():
            setattr(context, name, value)
        return context

    def wrap(self, plain, context=None, session=None):
        return TlsSocket(plain, context or self.context, session)


class TlsSocket:
    """A socket with TLS, whose two halves end one by one. What is not here is the socket's."""

    def __init__(self, plain, context, session=None, name="127.0.0.1"):
        self.plain = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        self.unsent = b""
        while not self._step(self.tls.do_handshake):
            self._fill()
        self._flush()

    def __getattr__(self, name):
        return getattr(self.plain, name)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def _step(self, function, *arguments):
        """False when more must come in first."""
        try:
            self.result = function(*arguments)
            return True
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.plain.sendall(data)

    def _fill(self):
        data = self.plain.recv(RECORD)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def sendall(self, data):
        self.tls.write(data) if data else None
        self._flush()

    def send(self, data):
        """Of a socket that may not block: what was taken counts once it is on its way."""
        if self.unsent:
            self.unsent = self.unsent[self.plain.send(self.unsent):]
            return 0
        count = self.tls.write(data[:RECORD])
        self.unsent = self.outgoing.read()
        self.unsent = self.unsent[self.plain.send(self.unsent):]
        return count

    def settimeout(self, seconds):
        self.plain.settimeout(seconds)
        if self.unsent:
            self.plain.sendall(self.unsent)
            self.unsent = b""

    def recv(self, size):
        """b"" at an end that is signed; one that is not is an error, except where the socket says that it is reset."""
        try:
            while not self._step(self.tls.read, size):
                self._fill()
            return self.result
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLEOFError:
            raise ConnectionResetError("the connection was cut off") from None
        except ssl.SSLError as error:
            if "ALERT" not in (error.reason or ""):
                raise
            raise ConnectionResetError(f"the connection was ended: {error.reason}") from None

    def shutdown(self, how):
        if how != socket.SHUT_RD:
            try:
                self._step(self.tls.unwrap)
            except ssl.SSLError:
                pass
        self.plain.shutdown(how)

    def close(self):
        self.plain.close()
