#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator's side of a hawkBit server, for tests.

usage: api.py URL METHOD PATH [JSON | @FILE] [EXPRESSION]

Prints the answer, or what EXPRESSION makes of it (`r` is the answer). @FILE is uploaded.
STMOTA_TEST_CA names a CA to believe. Ends with 1 and the answer if it is no success.
"""
import base64, json, os, sys, urllib.error, urllib.request

url, method, path = sys.argv[1:4]
data = sys.argv[4] if len(sys.argv) > 4 else ""
headers = {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode(),
           "Accept": "application/hal+json, application/json"}
body = None
if data.startswith("@"):
    name = os.path.basename(data[1:])
    with open(data[1:], "rb") as f:
        body = (b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
                b"Content-Type: application/octet-stream\r\n\r\n" % name.encode() + f.read() +
                b"\r\n--xyz--\r\n")
    headers["Content-Type"] = "multipart/form-data; boundary=xyz"
elif data:
    body = data.encode()
    headers["Content-Type"] = "application/json"
handlers = [urllib.request.ProxyHandler({})]
if os.environ.get("STMOTA_TEST_CA"):
    import ssl
    handlers.append(urllib.request.HTTPSHandler(
        context=ssl.create_default_context(cafile=os.environ["STMOTA_TEST_CA"])))
opener = urllib.request.build_opener(*handlers)
try:
    with opener.open(urllib.request.Request(url + path, body, headers, method=method),
                     timeout=30) as answer:
        text = answer.read()
except urllib.error.HTTPError as e:
    sys.exit(f"{method} {path}: {e.code} {e.read()[:500]!r}")
except (OSError, urllib.error.URLError) as e:
    sys.exit(f"{method} {path}: {e}")
r = json.loads(text) if text else None
if len(sys.argv) > 5:
    print(eval(sys.argv[5]))
elif r is not None:
    print(json.dumps(r))
