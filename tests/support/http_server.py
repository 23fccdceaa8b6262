#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server that misbehaves on purpose, on loopback.

usage: http_server.py FOLDER [--tls CERT.pem KEY.pem] [--client-ca CA.pem]

Prints "port N" and serves the files of FOLDER. The first folder of the path says how:

    /plain/FILE          as it should be: ETag, ranges, If-None-Match, If-Range
    /etag-less/FILE      without ETag, with ranges
    /no-range/FILE       always the whole
    /wrong-range/FILE    206 with another part than asked for
    /cut-N/FILE          ends the connection after N bytes of each answer; ranges work
    /cut-once-N/FILE     only the first time
    /trickle/FILE        a byte now and then
    /silent/FILE         takes the request and says nothing
    /busy-N/FILE         503 with Retry-After: 1, N times, then as /plain
    /status-N/FILE       that status
    /endless/FILE        zeros without length, for ever
    /long/FILE           announces a terabyte
    /redirect-N/FILE     N times sent on within this server, then as /plain
    /to-http/FILE        sent on to http://
    /to-host/FILE        sent on to localhost, which is another host than 127.0.0.1
    /echo/...            the request's headers and body as JSON

Every request is a line in FOLDER/requests.log: METHOD PATH RANGE.
"""
import http.server, json, os, re, ssl, sys, time

folder = sys.argv[1]
seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def note(self):
        with open(os.path.join(folder, "requests.log"), "a") as f:
            f.write(f"{self.command} {self.path} {self.headers.get('Range', '-')}\n")

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, where):
        self.answer(302, b"elsewhere", Location=where)

    def send_file(self, name, ranges=True, etag=True, shift=0, cut=None):
        try:
            with open(os.path.join(folder, os.path.basename(name)), "rb") as f:
                data = f.read()
        except OSError:
            return self.answer(404, b"no such file")
        tag = '"%x-%x"' % (len(data), hash(data) & 0xFFFFFFFF)
        extra = {"ETag": tag} if etag else {}
        if etag and self.headers.get("If-None-Match") == tag:
            return self.answer(304, **extra)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if_range = self.headers.get("If-Range")
        status, start = 200, 0
        if ranges and asked and if_range in (None, tag):
            start = int(asked[1]) + shift
            if start >= len(data):
                return self.answer(416, Content_Range=f"bytes */{len(data)}")
            status = 206
            extra["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:]
        self.send_response(status)
        for k, v in extra.items():
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None and cut < len(body):
            self.close_connection = True

    def do_GET(self):
        self.note()
        parts = self.path.split("/", 2)
        how, name = parts[1], parts[2] if len(parts) > 2 else ""
        kind, _, number = how.rpartition("-")
        n = int(number) if number.isdigit() else 0
        times = seen[self.path] = seen.get(self.path, 0) + 1
        if how == "plain":
            self.send_file(name)
        elif how == "etag-less":
            self.send_file(name, etag=False)
        elif how == "no-range":
            self.send_file(name, ranges=False)
        elif how == "wrong-range":
            self.send_file(name, shift=1, cut=None if times > 1 else 100)
        elif kind == "cut":
            self.send_file(name, cut=n)
        elif kind == "cut-once":
            self.send_file(name, cut=n if times == 1 else None)
        elif how == "trickle":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            for _ in range(60):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.5)
            self.close_connection = True
        elif how == "silent":
            time.sleep(30)
            self.close_connection = True
        elif kind == "busy":
            if times <= n:
                self.answer(503, b"busy", Retry_After="1")
            else:
                self.send_file(name)
        elif kind == "status":
            self.answer(n, b"no")
        elif how == "endless":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            while True:
                self.wfile.write(bytes(65536))
        elif how == "long":
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            self.close_connection = True
            self.wfile.write(b"x")
        elif kind == "redirect":
            self.redirect(f"/redirect-{n - 1}/{name}" if n > 1 else f"/plain/{name}")
        elif how == "to-http":
            self.redirect(f"http://127.0.0.1:{port}/plain/{name}")
        elif how == "to-host":
            self.redirect(f"{scheme}://localhost:{port}/echo/{name}")
        elif how == "echo":
            size = int(self.headers.get("Content-Length") or 0)
            body = {"method": self.command, "headers": dict(self.headers),
                    "body": self.rfile.read(size).decode()}
            self.answer(200, json.dumps(body).encode())
        else:
            self.answer(404, b"no such place")

    do_POST = do_PUT = do_GET


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
port = server.server_address[1]
scheme = "http"
if "--tls" in sys.argv:
    i = sys.argv.index("--tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[i + 1], sys.argv[i + 2])
    if "--client-ca" in sys.argv:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(sys.argv[sys.argv.index("--client-ca") + 1])
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    scheme = "https"
print("port", port, flush=True)
server.serve_forever()
