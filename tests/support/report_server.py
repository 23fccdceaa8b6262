#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes reports as an operator's server would, on loopback, and not always willingly.

usage: report_server.py FOLDER

Prints "port N". Each batch that is taken becomes FOLDER/N.ndjson, its signature (binary)
FOLDER/N.sig, its Idempotency-Key a line in FOLDER/keys. The path says how:

    /ok           200
    /busy-N       503, N times, then as /ok
    /lost-N       takes it and says nothing, N times, then as /ok
    /small-N      413 for more than N bytes
    /silent       takes the request and never answers
"""
import glob, http.server, re, sys, time

folder = sys.argv[1]
seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def take(self, body):
        taken = len(glob.glob(f"{folder}/*.ndjson")) + 1
        with open(f"{folder}/{taken}.ndjson", "wb") as f:
            f.write(body)
        if self.headers.get("Stmota-Signature"):
            with open(f"{folder}/{taken}.sig", "wb") as f:
                f.write(bytes.fromhex(self.headers["Stmota-Signature"]))
        with open(f"{folder}/keys", "a") as f:
            f.write(f"{self.headers.get('Idempotency-Key')}\n")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        how, n = re.fullmatch(r"/([a-z]+)(?:-(\d+))?", self.path).groups()
        seen[self.path] = seen.get(self.path, 0) + 1
        first = n is not None and seen[self.path] <= int(n)
        if self.headers.get("Content-Type") != "application/x-ndjson":
            return self.answer(415)
        if how == "busy" and first:
            return self.answer(503)
        if how == "small" and len(body) > int(n):
            return self.answer(413)
        if how == "silent":
            time.sleep(600)
        self.take(body)
        if how == "lost" and first:
            self.close_connection = True
            return
        self.answer(200)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print("port", server.server_address[1], flush=True)
server.serve_forever()
