"""TLS: what is agreed on, what is refused, certificates that change, and clients that do not play along.

SPDX-License-Identifier: PostgreSQL
"""
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from harness import Client, Failure, Gateway, expect, expect_equal, in_parallel, request_bytes, wait_until
from tls import Authority, TlsSocket

LOAD = "/v1/w/namespaces/n/tables/"


@pytest.fixture(scope="module")
def authority(env):
    return Authority(env.root)


def own(env, authority, **settings):
    return Secure(env.binary, env.pg.dsn, env.root, authority, **settings)


class Secure(Gateway):
    """A gateway whose first address speaks TLS, whatever the others of this run do."""

    def __init__(self, binary, dsn, root, authority, **settings):
        self.authority = authority
        super().__init__(binary, dsn, root, ready=False, **dict(authority.settings(), **settings))
        self.tls = authority
        wait_until(lambda: self.get("/ready").status == 200, "the gateway is ready")

    def plain(self, timeout=15):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def wrap(self, context=None, session=None):
        return TlsSocket(self.plain(), context or self.authority.context, session)


def failures(gateway, reason):
    return gateway.metric(f'icecat_tls_handshake_failures_total{{reason="{reason}"}}')


def exchange(one, data=request_bytes("GET", LOAD + "t")):
    """A request and its answer on a socket that is there; the socket stays."""
    client = Client.__new__(Client)
    client.socket, client.buffer = one, b""
    client.send(data)
    return client.answer()


def check_refused(gateway, context, words):
    try:
        with gateway.wrap(context) as one:
            exchange(one)
    except (ssl.SSLError, ConnectionError, Failure) as error:
        said = str(error).upper().replace(" ", "_")
        expect(any(word in said for word in words), f"refused with {error!r}")
    else:
        raise Failure("it was taken")


# -- what is agreed on -----------------------------------------------------------------------------------------


def test_versions_and_ciphers(env, authority):
    with own(env, authority) as gateway:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = authority.client_context(minimum_version=version, maximum_version=version)
            with gateway.wrap(context) as one:
                expect_equal(one.tls.version(), {771: "TLSv1.2", 772: "TLSv1.3"}[version], "version")
                expect("GCM" in one.tls.cipher()[0] or "CHACHA" in one.tls.cipher()[0], one.tls.cipher())
                expect_equal(one.tls.compression(), None, "compression")
                expect_equal(exchange(one).json()["table"], "t")
        context = authority.client_context()
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        check_refused(gateway, context, ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS"))
        context = authority.client_context(maximum_version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("AES128-SHA:@SECLEVEL=0")
        check_refused(gateway, context, ("HANDSHAKE_FAILURE", "RESET"))
        expect(failures(gateway, "protocol") >= 1, "they are counted")
    with own(env, authority, tls_min_version="1.3") as gateway:
        context = authority.client_context(maximum_version=ssl.TLSVersion.TLSv1_2)
        check_refused(gateway, context, ("PROTOCOL_VERSION",))


def test_alpn(env, authority):
    with own(env, authority) as gateway:
        for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)):
            context = authority.client_context()
            if offered:
                context.set_alpn_protocols(offered)
            with gateway.wrap(context) as one:
                expect_equal(one.tls.selected_alpn_protocol(), chosen, f"of {offered}")
        context = authority.client_context()
        context.set_alpn_protocols(["h2"])
        check_refused(gateway, context, ("NO_APPLICATION_PROTOCOL",))


def test_several_listeners(env, authority):
    with own(env, authority, listen="https://127.0.0.1:0, http://127.0.0.1:0, 127.0.0.1:0") as gateway:
        ports = [int(line["message"].rsplit(" ", 1)[1]) for line in gateway.log_lines()
                 if line.get("message", "").startswith("listening on")]
        expect_equal(len(ports), 3, "listeners")
        expect_equal(gateway.get(LOAD + "t").status, 200, "by TLS")
        for port in ports[1:]:
            with Client(port, 10) as client:
                client.send(request_bytes("GET", LOAD + "t"))
                expect_equal(client.answer().status, 200, "plain")


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "DELETE /v1/x HTTP/1.1", "OPTIONS * HTTP/1.1"])
def test_plain_http_is_told_so(env, authority, request_line):
    with own(env, authority) as gateway:
        for text in (f"{request_line}\r\nHost: x\r\n\r\n", request_line[:1]):
            with Client(gateway.port, 10) as client:
                client.send(text.encode())
                answer = client.answer()
                expect_equal((answer.status, answer.headers["connection"]), (400, "close"))
                expect("https" in answer.error()["message"], answer.error())
                client.close_sending()
                client.wait_closed()


def test_sessions_are_resumed(env, authority):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.client_context(minimum_version=version, maximum_version=version)
        with own(env, authority, tls_session_s=2) as gateway:
            with gateway.wrap(context) as one:
                exchange(one)
                session = one.tls.session
            with gateway.wrap(context, session) as one:
                expect(one.tls.session_reused, f"{version}: resumed")
                expect_equal(exchange(one).status, 200)
                session = one.tls.session
            gateway.signal(1)       # its keys outlive a reload of the certificate
            wait_until(lambda: gateway.metric("icecat_tls_reloads_total") == 1, "reloaded")
            with gateway.wrap(context, session) as one:
                expect(one.tls.session_reused, f"{version}: resumed after a reload")
            expect_equal(gateway.metric("icecat_tls_resumptions_total"), 2.0, "resumptions")
            time.sleep(4.5)
            with gateway.wrap(context, session) as one:
                expect(not one.tls.session_reused, f"{version}: its time is over")
                expect_equal(exchange(one).status, 200)
        with own(env, authority, tls_session_s=0) as gateway:
            with gateway.wrap(context) as one:
                exchange(one)
                session = one.tls.session
            if session is not None:
                with gateway.wrap(context, session) as one:
                    expect(not one.tls.session_reused, f"{version}: none is resumed")


def s_client(gateway, *arguments, data=b"", timeout=10):
    """The openssl program as a client."""
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}", "-CAfile",
                                gateway.authority.certificate, *arguments], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        process.stdin.write(data)
        process.stdin.flush()
        time.sleep(1)
        return process.communicate(timeout=timeout)[0].decode(errors="replace")
    finally:
        process.kill()
        process.wait()


def ticket_key(gateway):
    """The name of the key that a ticket was sealed with."""
    return re.search(r"TLS session ticket:\s+0000 - ([0-9a-f -]{47})", s_client(gateway, "-tls1_2", data=b"Q\n")).group(1)


def test_keys_of_tickets_change(env, authority):
    with own(env, authority, tls_session_s=3600) as gateway:
        expect_equal(ticket_key(gateway), ticket_key(gateway), "they stay for a while")
    with own(env, authority, tls_session_s=1) as gateway:
        before = ticket_key(gateway)
        time.sleep(1.5)
        expect(ticket_key(gateway) != before, "but not for long")


def test_renegotiation_and_early_data_are_refused(env, authority):
    with own(env, authority) as gateway:
        said = s_client(gateway, "-tls1_2", data=b"R\n")
        expect("no renegotiation" in said.lower() or "no_renegotiation" in said.lower(), said[-600:])
        said = s_client(gateway, "-tls1_3", data=b"Q\n")
        expect("Max Early Data: 0" in said or "Max Early Data" not in said, said[-1500:])
        expect("Compression: NONE" in said, said[-1500:])


# -- bytes -----------------------------------------------------------------------------------------------------


def test_large_bodies_and_answers(env, authority):
    with own(env, authority) as gateway:
        for size in (1, 16383, 16384, 16385, 70000, 30000000):
            expect_equal(len(gateway.get(LOAD + f"size_{size}").json()["filler"]), size)
        body = {"a": "x" * 8000000}
        expect_equal(gateway.request("POST", LOAD + "t", body).json()["length"], len(json.dumps(body)))
        with gateway.connect() as client:
            client.send(request_bytes("GET", LOAD + "size_500000") * 4)
            for _ in range(4):
                expect_equal(len(client.answer().json()["filler"]), 500000)


def test_a_request_in_records_of_one_byte(env, authority):
    with own(env, authority) as gateway, gateway.connect() as client:
        for _ in range(2):
            for byte in request_bytes("POST", LOAD + "t", {"a": 1}):
                client.send(bytes([byte]))
            expect_equal(client.answer().json()["request"], {"a": 1})


def test_many_requests_in_one_record(env, authority):
    with own(env, authority) as gateway, gateway.connect() as client:
        names = [f"t{i}" for i in range(150)]
        client.send(b"".join(request_bytes("GET", LOAD + name) for name in names))
        expect_equal([client.answer().json()["table"] for _ in names], names)


def test_input_that_waits_in_the_library_is_not_forgotten(env, authority):
    """While a call is under way the gateway stops reading at some point; what was decrypted by then must be found again."""
    with own(env, authority) as gateway, gateway.connect(30) as client:
        rest = b"".join(request_bytes("GET", LOAD + f"t{i}", headers=["X-Filler: " + "x" * 900]) for i in range(400))
        client.send(request_bytes("GET", LOAD + "sleep_500") + rest)
        expect_equal(client.answer().json()["table"], "sleep_500")
        for i in range(400):
            expect_equal(client.answer().json()["table"], f"t{i}")


def test_the_last_bytes_of_a_body_are_not_forgotten(env, authority):
    """They lie in a record that the library has taken from the socket together with the one before; one read had no room for them."""
    with own(env, authority) as gateway:
        for extra in (1, 7, 30, 60, 90, 120, 200):
            with gateway.connect(10) as client:
                client.send(request_bytes("POST", LOAD + "t", {"pad": "x" * 8000000}))      # opens the window of TCP
                client.answer()
                head = len(request_bytes("POST", LOAD + "t", b"x" * 60000)) - 60000
                body = b'{"pad":"' + b"x" * (65536 + extra - head - 10) + b'"}'
                data = request_bytes("POST", LOAD + "t", body)
                expect_equal(len(data), 65536 + extra, "size")
                gateway.signal(signal.SIGSTOP)      # so that all of it is there when it looks
                client.send(data)
                time.sleep(0.05)
                gateway.signal(signal.SIGCONT)
                expect_equal(client.answer().json()["length"], len(body))


def test_both_halves_end_one_by_one(env, authority):
    with own(env, authority) as gateway:
        with gateway.connect() as client:
            client.send(request_bytes("GET", LOAD + "sleep_200"))
            client.close_sending()
            expect_equal(client.answer().json()["table"], "sleep_200")
            expect(client.is_closed(), "and then ends")
        with gateway.connect() as client:
            client.send(request_bytes("GET", LOAD + "t", headers=["Connection: close"]))
            client.answer()
            expect_equal(client.socket.recv(1), b"", "an end that is signed")
        with gateway.connect() as client:       # a connection that is cut leaves nothing behind
            client.send(b"POST " + LOAD.encode() + b"t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
            client.socket.plain.shutdown(socket.SHUT_WR)
            client.wait_closed()
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone")
        expect_equal(env.pg.effects("t") >= 0, True)


def test_a_broken_record_ends_the_connection(env, authority):
    with own(env, authority) as gateway:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x17\x03\x03\x00\x20" + b"x" * 32, b"\x17\x03\x03\xff\xff" + b"x" * 70000):
            with gateway.connect() as client:
                client.send(request_bytes("GET", LOAD + "t"))
                client.answer()
                client.socket.plain.sendall(garbage)
                client.socket.plain.settimeout(10)
                try:
                    while client.socket.plain.recv(65536):
                        pass
                except ConnectionError:
                    pass
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone")
        expect_equal(gateway.get(LOAD + "t").status, 200)


# -- hostile handshakes ----------------------------------------------------------------------------------------


def hello(authority):
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        authority.context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def test_garbage_instead_of_a_handshake(env, authority):
    good = hello(authority)
    random.seed(7)
    with own(env, authority, linger_timeout_ms=300) as gateway:
        flights = [b"\0", b"\x16", b"\x16\x03\x01\xff\xff" + b"\0" * 66000, os.urandom(40000), b"\x80\x2e\x01\0\2" + b"x" * 60,
                   b"\x15\x03\x01\0\2\2\0", good[:50], good + good, good + b"\x17\x03\x03\0\5hello"]
        for _ in range(60):
            flight = bytearray(good)
            for _ in range(random.randint(1, 8)):
                flight[random.randrange(len(flight))] = random.randrange(256)
            flights.append(bytes(flight))
        for flight in flights:
            with gateway.plain() as one:
                try:
                    one.sendall(flight)
                    one.shutdown(socket.SHUT_WR)
                    one.settimeout(5)
                    while one.recv(65536):
                        pass
                except (ConnectionError, TimeoutError):
                    pass
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone")
        expect(failures(gateway, "protocol") > 5, "they are counted")
        expect_equal(gateway.metric("icecat_tls_handshakes_in_progress"), 0.0)
        expect_equal(gateway.get(LOAD + "t").status, 200)


def test_a_thousand_handshakes_that_do_not_go_on(env, authority):
    with own(env, authority, tls_handshake_timeout_ms=60000, tls_handshakes_max=500) as gateway:
        before = gateway.metric("process_resident_memory_bytes")
        first = hello(authority)
        crowd = []
        try:
            for i in range(1000):
                one = gateway.plain()
                if i % 2:
                    one.sendall(first[:1 + i % len(first)])
                crowd.append(one)
                if i == 500:
                    time.sleep(1.2)     # old enough to make room for others
            for _ in range(20):
                expect_equal(gateway.get(LOAD + "t").status, 200, "a good client gets in")
            expect(gateway.metric("icecat_tls_handshakes_in_progress") <= 500, "there are not more than may be")
            expect(failures(gateway, "too_many") > 0, "and that is counted")
            grown = gateway.metric("process_resident_memory_bytes") - before
            print(f"# 500 handshakes under way: {grown / 500:.0f} bytes each")
            expect(grown < 500 * 131072, f"memory {grown:.0f}")
        finally:
            for one in crowd:
                one.close()
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone")


def test_a_handshake_has_a_time(env, authority):
    with own(env, authority, tls_handshake_timeout_ms=700) as gateway:
        first = hello(authority)
        with gateway.plain() as silent, gateway.plain() as slow:
            began = time.monotonic()
            slow.settimeout(5)
            for byte in first:          # steady, and too slow
                try:
                    slow.sendall(bytes([byte]))
                except ConnectionError:
                    break
                time.sleep(0.02)
                if time.monotonic() - began > 5:
                    break
            expect(time.monotonic() - began < 5, "a slow one is ended")
            silent.settimeout(5)
            try:
                expect_equal(silent.recv(10), b"", "a silent one is ended")
            except ConnectionError:
                pass
        wait_until(lambda: failures(gateway, "timeout") == 2, "both are counted")


class Foreign:
    """OpenSSL's own client, for what Python's does not offer: new keys in the middle of a connection."""

    def __init__(self, plain):
        self.plain = plain
        self.lib = ctypes.CDLL("libssl.so.3")
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        plain.settimeout(None)
        self.context = ctypes.c_void_p(self.lib.SSL_CTX_new(ctypes.c_void_p(self.lib.TLS_client_method())))
        self.ssl = ctypes.c_void_p(self.lib.SSL_new(self.context))
        self.lib.SSL_set_fd(self.ssl, plain.fileno())
        expect_equal(self.lib.SSL_connect(self.ssl), 1, "handshake")

    def write(self, data):
        expect_equal(self.lib.SSL_write(self.ssl, data, len(data)), len(data), "bytes written")

    def read(self, size):
        buffer = ctypes.create_string_buffer(size)
        count = self.lib.SSL_read(self.ssl, buffer, size)
        return buffer.raw[:max(count, 0)]

    def ask_for_new_keys(self):
        self.lib.SSL_key_update(self.ssl, 1)
        self.lib.SSL_do_handshake(self.ssl)

    def close(self):
        self.lib.SSL_free(self.ssl)
        self.lib.SSL_CTX_free(self.context)
        self.plain.close()


def test_new_keys_in_the_middle(env, authority):
    with own(env, authority) as gateway:
        one = Foreign(gateway.plain())
        try:
            for _ in range(20):
                one.ask_for_new_keys()
                one.write(request_bytes("GET", LOAD + "t"))
                expect(one.read(65536).startswith(b"HTTP/1.1 200"), "answered under new keys")
        finally:
            one.close()


def test_a_client_that_never_reads_costs_no_time(env, authority):
    """It asks for new keys again and again and reads no answer: the gateway must not turn in circles for it."""
    with own(env, authority) as gateway:
        one = Foreign(gateway.plain())
        try:
            one.write(request_bytes("GET", LOAD + "size_30000000"))
            wait_until(lambda: gateway.metric("icecat_buffered_bytes") > 1000000, "its answer waits", 60)
            for _ in range(25):
                one.ask_for_new_keys()
            began = processor_seconds(gateway)
            time.sleep(2)
            expect(processor_seconds(gateway) - began < 1, "the gateway rests")
            expect_equal(gateway.get(LOAD + "t").status, 200)
            left = 30000000     # and when it reads at last, all is there
            while left > 0:
                piece = one.read(1 << 20)
                expect(piece, f"the connection ended {left} bytes before its end")
                left -= len(piece)
        finally:
            one.close()
        wait_until(lambda: gateway.metric("icecat_client_connections") == 1, "all are gone")


def processor_seconds(gateway):
    with open(f"/proc/{gateway.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- certificates that change ----------------------------------------------------------------------------------


class Files:
    """Copies of a certificate and its key that can be replaced."""

    def __init__(self, authority, folder):
        os.makedirs(folder, exist_ok=True)
        self.certificate, self.key = os.path.join(folder, "server.pem"), os.path.join(folder, "server.key")
        self.replace(authority.server)

    def replace(self, pair):
        for source, target in zip(pair, (self.certificate, self.key)):
            shutil.copyfile(source, target + ".new")
            os.chmod(target + ".new", 0o600)
            os.rename(target + ".new", target)

    def settings(self):
        return {"tls_cert_file": self.certificate, "tls_key_file": self.key}


def serial(gateway):
    with gateway.wrap() as one:
        return int(one.tls.getpeercert()["serialNumber"], 16)


def test_certificates_are_reloaded_without_a_lost_connection(env, authority):
    files = Files(authority, os.path.join(authority.dir, "reload"))
    fresh = authority.issue("127.0.0.1", "subjectAltName=IP:127.0.0.1", usage="serverAuth", days=7)
    with own(env, authority, **files.settings()) as gateway:
        before = serial(gateway)
        expiry = gateway.metric("icecat_tls_certificate_expiry_timestamp_seconds")
        expect(4 * 86400 < expiry - time.time() < 6 * 86400, f"expiry {expiry}")
        over, counts = threading.Event(), [0] * 4

        def work(number):
            with gateway.connect(20) as client:
                while not over.is_set():
                    client.send(request_bytes("GET", LOAD + f"t{number}"))
                    expect_equal(client.answer().status, 200, "an answer meanwhile")
                    counts[number] += 1

        def change():
            try:
                files.replace(fresh)    # nobody says anything
                wait_until(lambda: serial(gateway) != before, "the new certificate is in use", 20)
                files.replace(authority.server)
                gateway.signal(1)
                wait_until(lambda: serial(gateway) == before, "the old one again", 20)
            finally:
                over.set()

        in_parallel([lambda n=n: work(n) for n in range(4)] + [change])
        expect(all(count > 10 for count in counts), f"requests meanwhile: {counts}")
        wait_until(lambda: gateway.metric("icecat_tls_reloads_total") >= 2, "reloads are counted")


def test_a_broken_file_keeps_the_old_certificate(env, authority):
    files = Files(authority, os.path.join(authority.dir, "broken"))
    other = authority.issue("127.0.0.1", "subjectAltName=IP:127.0.0.1", usage="serverAuth")
    with own(env, authority, **files.settings()) as gateway:
        before = serial(gateway)
        for number, (path, text) in enumerate(((files.certificate, "nonsense"), (files.key, "nonsense"),
                                               (files.certificate, open(other[0], encoding="ascii").read()))):
            good = open(path, encoding="ascii").read()
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            wait_until(lambda n=number: gateway.metric("icecat_tls_reload_failures_total") > n, "it is noticed", 20)
            expect_equal(serial(gateway), before, "the certificate")
            with open(path, "w", encoding="ascii") as file:
                file.write(good)
            reloads = number + 1
            wait_until(lambda n=reloads: gateway.metric("icecat_tls_reloads_total") >= n, "and then it is good", 20)
        expect("stay as they were" in gateway.log(), gateway.log()[-2000:])
        expect("key values mismatch" in gateway.log(), "the log says why")
        expect("BEGIN" not in gateway.log(), "no key in the log")


def check_config(env, **settings):
    environment = dict(os.environ, ICECAT_DSN="", **{"ICECAT_" + k.upper(): str(v) for k, v in settings.items()})
    done = subprocess.run([env.binary, "--check-config"], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_settings_that_cannot_be(env, authority):
    good = authority.settings()
    other = authority.issue("x")
    locked = os.path.join(authority.dir, "locked.key")
    subprocess.run(["openssl", "pkey", "-in", good["tls_key_file"], "-aes256", "-passout", "pass:secret", "-out", locked],
                   check=True, capture_output=True)
    os.chmod(locked, 0o600)
    shown = os.path.join(authority.dir, "shown.key")
    shutil.copyfile(good["tls_key_file"], shown)
    os.chmod(shown, 0o644)
    expect_equal(check_config(env, **good)[0], 0, "the good ones")
    for changes, words in (({"tls_cert_file": ""}, "tls_cert_file"), ({"tls_key_file": ""}, "tls_key_file"),
                           ({"tls_cert_file": "/nowhere"}, "tls_cert_file"), ({"tls_key_file": "/nowhere"}, "No such file"),
                           ({"tls_key_file": other[1]}, "mismatch"), ({"tls_key_file": locked}, "tls_key_file"),
                           ({"tls_key_file": shown}, "chmod 0600"), ({"tls_key_file": authority.dir}, "regular file"),
                           ({"tls_ciphers": "nonsense"}, "tls_ciphers"), ({"tls_ciphersuites": "nonsense"}, "tls_ciphersuites"),
                           ({"tls_min_version": "1.1"}, "tls_min_version"), ({"listen": "ftp://127.0.0.1"}, "listen"),
                           ({"tls_client_auth": "required"}, "tls_client_ca_file"),
                           ({"tls_client_auth": "optional", "listen": "127.0.0.1"}, "https://"),
                           ({"tls_client_auth": "optional", "tls_client_ca_file": "/nowhere"}, "tls_client_ca_file")):
        status, said = check_config(env, **dict(good, **changes))
        expect(status == 1 and words in said, f"{changes}: {status} {said}")


# -- the end ---------------------------------------------------------------------------------------------------


def test_draining(env, authority):
    with own(env, authority) as gateway:
        with gateway.connect() as idle, gateway.connect() as busy, gateway.plain() as silent:
            for client in (idle, busy):
                client.send(request_bytes("GET", LOAD + "t"))
                client.answer()
            busy.send(request_bytes("GET", LOAD + "sleep_700"))
            wait_until(lambda: gateway.metric("iceberg_catalog_http_requests_in_flight") == 2, "a request is under way")
            gateway.signal(15)
            expect_equal(idle.socket.recv(1), b"", "an idle one is ended, and told so")
            answer = busy.answer()
            expect_equal((answer.status, answer.headers["connection"]), (200, "close"))
            silent.settimeout(10)
            try:
                silent.recv(1)
            except ConnectionError:
                pass
            expect_equal(gateway.process.wait(10), 0, "it has ended")
