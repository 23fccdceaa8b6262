#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hawkBit server in small, on loopback, that also misbehaves when told to.

usage: fake.py [--state FILE] [--port N] [--ids N] [--tls CERT.pem KEY.pem [--client-ca CA.pem]]

Prints "port N". It speaks what devices speak (DDI) and as much of the Management API as a rollout
with groups needs; thresholds are judged as hawkBit judges them: an error threshold must be passed,
a success threshold reached, a group that has ended goes on whatever came of it, an empty group is
successful at once. Tokens: gateway "gw-token", target "tok-" + its id; Management: admin:admin.
With --state everything survives a restart; ids begin behind N.

    PUT  /fake/fault   {"path": REGEX, "what": WHAT, "times": N}: so many matching requests get it
    PUT  /fake/window  {"open": BOOL}: the maintenance window of all actions that have one
    PUT  /fake/set     {"sleep": "00:00:30", "confirm": BOOL, "links": URL-PREFIX, "mute": BOOL,
                        "old": BOOL, "ancient": BOOL, "forgive": true}; ancient: without what the
                        real 0.3.0M7 was seen not to have
    PUT  /fake/jump    {"seconds": N}: all actions become so much older
    GET  /fake/log     every request of a device: method, path, headers, body, status

WHAT: status-N  cut-N (so many bytes, then the end)  no-range  wrong-range  changed (other bytes
under the same name)  longer (than announced)  away-URL (redirect)  truncated  huge  nested  text
number-id  no-answer
"""
import base64, hashlib, http.server, json, math, os, re, ssl, sys, threading, time
import urllib.parse

lock = threading.RLock()
S = {"next": 1, "modules": {}, "sets": {}, "targets": {}, "actions": {}, "rollouts": {}, "files": {},
     "set": {"sleep": "00:05:00", "confirm": False, "links": None, "window": False,
             "mute": False}}
faults, log = [], []
options = sys.argv[1:]


def option(name):
    return options[options.index(name) + 1] if name in options else None


state_file = option("--state")


def now_ms():
    return int(time.time() * 1000)


def new_id():
    S["next"] += 1
    return S["next"]


def save():
    if state_file:
        with open(state_file + ".new", "w") as f:
            json.dump(S, f)
        os.rename(state_file + ".new", state_file)


if option("--ids"):
    S["next"] = int(option("--ids"))
if state_file and os.path.exists(state_file):
    with open(state_file) as f:
        S = json.load(f)


# ---- targets, actions, rollouts ----

def target(cid, create=False):
    if cid not in S["targets"] and create:
        S["targets"][cid] = {"controllerId": cid, "name": cid, "attributes": {}, "asked": True,
                             "installed": None, "updateStatus": "registered"}
    return S["targets"].get(cid)


def active(cid):
    mine = [a for a in S["actions"].values() if a["target"] == cid and a["active"]]
    return min(mine, key=lambda a: a["id"], default=None)


def assign(ds, cid, kind, window=False, rollout=None, group=None, scheduled=False):
    a = {"id": new_id(), "ds": ds, "target": cid, "kind": kind, "window": window,
         "rollout": rollout, "group": group, "status": "scheduled" if scheduled else "running",
         "active": not scheduled, "confirm": S["set"]["confirm"], "messages": [],
         "createdAt": now_ms(), "lastModifiedAt": now_ms()}
    S["actions"][str(a["id"])] = a
    return a


def end(a, status):
    a.update(active=False, status=status, lastModifiedAt=now_ms())
    t = S["targets"][a["target"]]
    t["asked"] = True
    if status == "finished":
        t["installed"] = a["id"]


def matches(cid, query):
    """Only what the tests need: controllerId==a*, attribute.k==v, joined by , and ;"""
    def one(term):
        key, _, want = term.partition("==")
        t = S["targets"][cid]
        have = t["attributes"].get(key[10:], "") if key.startswith("attribute.") else \
            {"controllerId": cid, "id": cid, "name": t["name"]}.get(key, "")
        return re.fullmatch(re.escape(want).replace(r"\*", ".*"), have) is not None
    return all(any(one(t.strip()) for t in part.split(",")) for part in query.split(";"))


CONDITIONS = {"successCondition": {"condition": "THRESHOLD", "expression": "50"},
              "successAction": {"action": "NEXTGROUP", "expression": ""},
              "errorCondition": {"condition": "THRESHOLD", "expression": "50"},
              "errorAction": {"action": "PAUSE", "expression": ""}}


def make_rollout(body):
    who = sorted(c for c in S["targets"] if matches(c, body["targetFilterQuery"]))
    groups = body.get("groups")
    if groups is None:
        n = body["amountGroups"]
        groups = [{"name": f"group-{i + 1}", "n": len(who) * (i + 1) // n - len(who) * i // n}
                  for i in range(n)]
    r = {"id": new_id(), "name": body["name"], "status": "ready", "ds": body["distributionSetId"],
         "kind": body.get("type", "forced"), "filter": body["targetFilterQuery"], "groups": [],
         "createdAt": now_ms(), "lastModifiedAt": now_ms()}
    left = list(who)
    for g in groups:
        mine = [c for c in left if "targetFilterQuery" not in g or matches(c, g["targetFilterQuery"])]
        if "n" not in g:
            base = mine if "targetFilterQuery" in g else who
            g["n"] = int(math.floor(len(base) * g.get("targetPercentage", 100) / 100 + 0.5))
        mine = mine[:g["n"]]
        left = [c for c in left if c not in mine]
        r["groups"].append({"id": new_id(), "name": g["name"], "status": "ready", "targets": mine,
                            "targetPercentage": g.get("targetPercentage", 100),
                            "createdAt": now_ms(), "lastModifiedAt": now_ms(),
                            **{k: g.get(k) or body.get(k) or v for k, v in CONDITIONS.items()}})
    if left:
        return None
    S["rollouts"][str(r["id"])] = r
    return r


def start_group(r):
    g = next((g for g in r["groups"] if g["status"] in ("ready", "scheduled")), None)
    if g is None:
        r["status"] = "finished" if all(g["status"] in ("finished", "error") for g in r["groups"]) \
            else r["status"]
        return
    g.update(status="running", lastModifiedAt=now_ms())
    for cid in g["targets"]:
        assign(r["ds"], cid, r["kind"], rollout=r["id"], group=g["id"])


def count(r, g):
    mine = [a for a in S["actions"].values() if a["group"] == g["id"]]
    n = {"running": 0, "notstarted": len(g["targets"]) - len(mine), "scheduled": 0, "cancelled": 0,
         "finished": 0, "error": 0}
    for a in mine:
        n["running" if a["active"] else "cancelled" if a["status"] == "canceled" else a["status"]] += 1
    return n


def judge():
    """What the scheduler of the real one does every two seconds."""
    for r in S["rollouts"].values():
        for g in [g for g in r["groups"] if g["status"] == "running"]:
            if r["status"] != "running":
                break
            n, total = count(r, g), len(g["targets"])
            over = n["running"] + n["notstarted"] + n["scheduled"] == 0
            if total and n["error"] * 100 // total > int(g["errorCondition"]["expression"]):
                g["status"], r["status"] = "error", "paused"
            elif over or n["finished"] * 100 >= int(g["successCondition"]["expression"]) * total:
                if over:
                    g["status"] = "finished"
                elif g.get("gone_on"):
                    continue
                g["gone_on"] = True
                if g["successAction"]["action"] == "PAUSE" and g is not r["groups"][-1]:
                    r["status"] = "paused"
                else:
                    start_group(r)


# ---- the server ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def send(self, status, body=b"", kind="application/hal+json", cut=None, **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.status = status
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None and cut < len(body):
            self.close_connection = True

    def refuse(self, status, text="no"):
        self.send(status, {"exceptionClass": "fake", "errorCode": "fake.error", "message": text})

    def take_fault(self):
        for f in faults:
            if f["times"] > 0 and re.search(f["path"], f"{self.command} {self.path}"):
                f["times"] -= 1
                return f["what"]
        return ""

    def do(self):
        with lock:
            size = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(size)
            self.status = 0
            url = urllib.parse.urlsplit(self.path)
            self.query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
            path = [urllib.parse.unquote(p) for p in url.path.split("/")[1:]]
            if path[0] == "fake":
                return self.control(path[1])
            what = "status-503" if S["set"]["mute"] and path[0] != "rest" else self.take_fault()
            if path[0] == "rest":
                self.manage(path[2:])
                judge()
                return save()
            self.device(path, what)
            judge()
            save()
            log.append({"method": self.command, "path": self.path, "headers": dict(self.headers),
                        "body": self.body.decode(errors="replace"), "status": self.status})

    do_GET = do_PUT = do_POST = do_DELETE = do

    def control(self, word):
        global faults
        if word == "log":
            return self.send(200, log)
        body = json.loads(self.body)
        if word == "fault":
            faults.append({"times": 1, **body})
        elif word == "window":
            S["set"]["window"] = body["open"]
        elif word == "set":
            if body.pop("forgive", False):
                faults.clear()
            S["set"].update(body)
        elif word == "jump":
            for a in S["actions"].values():
                a["createdAt"] -= body["seconds"] * 1000
                a["lastModifiedAt"] -= body["seconds"] * 1000
        save()
        self.send(200, {})

    # ---- what devices speak ----

    def href(self, cid, rest):
        scheme = "https" if "--tls" in options else "http"
        host = S["set"]["links"] or f"{scheme}://{self.headers['Host']}"
        return {"href": f"{host}/DEFAULT/controller/v1/{urllib.parse.quote(cid)}/{rest}"}

    def allowed(self, cid):
        has = self.headers.get("Authorization", "")
        return has in ("GatewayToken gw-token", f"TargetToken tok-{cid}") or \
            "--client-ca" in options

    def device(self, path, what):
        if what == "no-answer":
            self.close_connection = True
            return None
        if what.startswith("status-"):
            return self.refuse(int(what[7:]))
        if what.startswith("away-"):
            return self.send(302, b"", Location=what[5:])
        if what == "truncated":
            return self.send(200, b'{"config":{"polling":{"sl')
        if what == "huge":
            return self.send(200, b'{"a":"' + b"x" * 1000000 + b'"}')
        if what == "nested":
            return self.send(200, b'{"a":' * 5000 + b"1" + b"}" * 5000)
        if what == "text":
            return self.send(200, b"<html>please log in</html>", kind="text/html")
        if len(path) < 4 or path[:3] != ["DEFAULT", "controller", "v1"]:
            return self.refuse(404)
        cid, rest = path[3], path[4:]
        if not self.allowed(cid):
            return self.send(401)
        t = target(cid, create=not rest and self.command == "GET")
        if t is None:
            return self.refuse(404)
        if not rest:
            return self.poll(cid, t)
        if rest == ["configData"] and self.command == "PUT":
            data = json.loads(self.body)
            if not data.get("data") or any(len(k) > 128 or len(v) > 128
                                           for k, v in data["data"].items()):
                return self.refuse(400)
            t["attributes"].update(data["data"])
            t["asked"] = False
            return self.send(200)
        if rest[0] == "softwaremodules":
            return self.download(cid, rest[1], rest[3], what)
        a = S["actions"].get(rest[1]) if len(rest) > 1 else None
        if a is None or a["target"] != cid:
            return self.refuse(404)
        feedback = len(rest) > 2 and rest[2] == "feedback"
        if rest[0] == "cancelAction":
            return self.cancel_feedback(a) if feedback else self.cancel(a)
        if rest[0] == "confirmationBase":
            if not a["confirm"]:
                return self.refuse(404)
            if feedback:
                a["confirm"] = json.loads(self.body)["confirmation"] != "confirmed"
                return self.send(200)
            return self.deployment(cid, a, "confirmation", what)
        if rest[0] == "deploymentBase" and feedback:
            return self.feedback(a)
        if rest[0] == "deploymentBase":
            if not a["active"] or a["status"] == "canceling" or a["confirm"]:
                return self.refuse(404)
            return self.deployment(cid, a, "deployment", what)
        if rest[0] == "installedBase" and a["status"] == "finished":
            return self.deployment(cid, a, "deployment", what)
        return self.refuse(404)

    def poll(self, cid, t):
        links, a = {}, active(cid)
        t["seen"] = now_ms()
        if a and a["status"] == "canceling":
            links["cancelAction"] = self.href(cid, f"cancelAction/{a['id']}")
        elif a:
            kind = "confirmationBase" if a["confirm"] else "deploymentBase"
            mark = (a["id"] * 31 + S["set"]["window"]) % 97 - 50
            links[kind] = self.href(cid, f"{kind}/{a['id']}?c={mark}")
        if t["asked"]:
            links["configData"] = self.href(cid, "configData")
        if t["installed"]:
            links["installedBase"] = self.href(cid, f"installedBase/{t['installed']}")
        body = {"config": {"polling": {"sleep": S["set"]["sleep"]}}}
        if links:
            body["_links"] = links
        text = json.dumps(body).encode()
        tag = '"%s"' % hashlib.md5(text).hexdigest()
        if self.headers.get("If-None-Match") == tag:
            return self.send(304, ETag=tag)
        return self.send(200, text, ETag=tag)

    def deployment(self, cid, a, name, what):
        chunks = []
        for m in S["sets"][str(a["ds"])]["modules"]:
            module, files = S["modules"][str(m)], []
            for f in module["files"]:
                data = base64.b64decode(f["data"])
                at = f"softwaremodules/{m}/artifacts/{urllib.parse.quote(f['name'])}"
                files.append({"filename": f["name"], "size": len(data),
                              "hashes": {h: hashlib.new(h, data).hexdigest()
                                         for h in ("sha1", "md5", "sha256")},
                              "_links": {"download-http": self.href(cid, at),
                                         "md5sum-http": self.href(cid, at + ".MD5SUM")}})
            chunks.append({"part": module["type"], "name": module["name"],
                           "version": module["version"], "artifacts": files})
        handling = {"soft": "attempt", "downloadonly": "forced"}.get(a["kind"], a["kind"])
        closed = a["window"] and not S["set"]["window"]
        d = {"download": handling, "chunks": chunks,
             "update": "skip" if closed or a["kind"] == "downloadonly" else handling}
        if a["kind"] == "skip":
            d["download"] = d["update"] = "skip"
        if a["window"]:
            d["maintenanceWindow"] = "unavailable" if closed else "available"
        number = a["id"] if what == "number-id" else str(a["id"])
        return self.send(200, {"id": number, name: d})

    def feedback(self, a):
        if not a["active"]:
            return self.refuse(410)
        if a["confirm"]:
            return self.refuse(404)
        s = json.loads(self.body)["status"]
        execution, finished = s["execution"], s["result"]["finished"]
        a["messages"].append({"execution": execution, "finished": finished, "code": s.get("code"),
                              "details": s.get("details", []), "at": now_ms()})
        a["lastModifiedAt"] = now_ms()
        if execution == "closed":
            end(a, "error" if finished == "failure" else "finished")
        elif execution == "downloaded" and a["kind"] == "downloadonly":
            end(a, "finished")
        elif execution not in ("scheduled", "proceeding", "resumed", "download", "downloaded",
                               "rejected", "canceled"):
            return self.refuse(400)
        return self.send(200)

    def cancel(self, a):
        if a["status"] != "canceling":
            return self.refuse(404)
        return self.send(200, {"id": str(a["id"]), "cancelAction": {"stopId": str(a["id"])}})

    def cancel_feedback(self, a):
        if not a["active"]:
            return self.refuse(410)
        if a["status"] != "canceling":
            return self.refuse(405)
        s = json.loads(self.body)["status"]
        execution, finished = s["execution"], s["result"]["finished"]
        a["messages"].append({"cancel": True, "execution": execution, "finished": finished,
                              "details": s.get("details", []), "at": now_ms()})
        if execution == "closed" and finished != "failure":
            end(a, "canceled")
        elif execution in ("closed", "rejected"):
            a["status"] = "running"
        return self.send(200)

    def download(self, cid, module, name, what):
        mine = [a for a in S["actions"].values() if a["target"] == cid and
                int(module) in S["sets"][str(a["ds"])]["modules"]]
        f = next((f for f in S["modules"][module]["files"] if f["name"] == name), None)
        if f is None or not mine:
            return self.refuse(404)
        data = base64.b64decode(f["data"])
        tag = '"%s"' % hashlib.sha1(data).hexdigest()
        if what == "changed":
            data = bytes(len(data))
        if what == "longer":
            data += bytes(100000)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status, extra, start = 200, {"ETag": tag, "Accept_Ranges": "bytes"}, 0
        if asked and what != "no-range" and self.headers.get("If-Range", tag) == tag:
            start = int(asked[1]) + (what == "wrong-range")
            if start >= len(data):
                return self.send(416, Content_Range=f"bytes */{len(data)}")
            status = 206
            extra["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = int(what[4:]) if what.startswith("cut-") else None
        return self.send(status, data[start:], kind="application/octet-stream", cut=cut, **extra)

    # ---- what operators speak ----

    def manage(self, path):
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"admin:admin").decode():
            return self.send(401)
        kind = self.headers.get("Content-Type", "")
        body = json.loads(self.body) if self.body and kind.startswith("application/json") else None
        do = getattr(self, "manage_" + path[0], None)
        return do(path[1:], body) if do else self.refuse(404)

    def page(self, rows):
        first, n = int(self.query.get("offset", 0)), min(int(self.query.get("limit", 50)), 500)
        part = rows[first:first + n]
        return self.send(200, {"content": part, "total": len(rows), "size": len(part)})

    def manage_system(self, path, body):
        return self.send(200, {})

    def manage_softwaremodules(self, path, body):
        if len(path) > 1 and path[1] == "artifacts":
            boundary = self.headers["Content-Type"].split("boundary=")[1].strip('"').encode()
            part = self.body.split(b"--" + boundary)[1]
            head, _, data = part.partition(b"\r\n\r\n")
            name = self.query.get("filename") or \
                re.search(rb'filename="([^"]*)"', head)[1].decode()
            S["modules"][path[0]]["files"].append(
                {"name": name, "data": base64.b64encode(data[:-2]).decode()})
            return self.send(201, {"id": new_id(), "size": len(data) - 2})
        m = {"id": new_id(), "files": [], **body[0]}
        S["modules"][str(m["id"])] = m
        return self.send(201, [m])

    def manage_distributionsets(self, path, body):
        if len(path) > 1 and path[1] == "assignedTargets":
            made = []
            for b in body:
                for old in [a for a in S["actions"].values() if a["target"] == b["id"] and a["active"]]:
                    old["status"] = "canceling"
                made.append(assign(int(path[0]), b["id"], b.get("type", "forced"),
                                   window="maintenanceWindow" in b))
            return self.send(200, {"assignedActions": [{"id": a["id"]} for a in made]})
        d = {"id": new_id(), "name": body[0]["name"], "version": body[0]["version"],
             "modules": [m["id"] for m in body[0]["modules"]]}
        S["sets"][str(d["id"])] = d
        return self.send(201, [d])

    def action(self, a):
        new = {"detailStatus": a["status"], "active": a["active"], "rollout": a["rollout"],
               "_links": {"target": {"href": f"x/targets/{a['target']}", "name": a["target"]}}}
        return {"id": a["id"], "type": "cancel" if a["status"] in ("canceling", "canceled") else
                "update", "status": "pending" if a["active"] else "finished",
                "createdAt": a["createdAt"], "lastModifiedAt": a["lastModifiedAt"],
                **({} if S["set"].get("ancient") else new)}

    def manage_targets(self, path, body):
        if not path and self.command == "POST":
            for b in body:
                target(b["controllerId"], create=True)
            return self.send(201, body)
        if not path:
            return self.page([{"controllerId": c} for c in sorted(S["targets"])])
        t = S["targets"].get(path[0])
        if t is None:
            return self.refuse(404)
        if path[1:] == ["attributes"]:
            return self.send(200, t["attributes"])
        if path[1:] == ["actions"]:
            return self.page([self.action(a) for a in S["actions"].values()
                              if a["target"] == path[0] and
                              (self.query.get("q") != "status==pending" or a["active"])])
        if len(path) > 2 and path[1] == "actions":
            a = S["actions"][path[2]]
            if path[3:] == ["status"]:
                return self.page([{"type": m["execution"], "messages": m["details"], **m}
                                  for m in reversed(a["messages"])])
            if self.command == "DELETE" and not a["active"]:
                return self.refuse(405)
            if self.command == "DELETE":
                if self.query.get("force") == "true":
                    end(a, "canceled")
                else:
                    a["status"] = "canceling"
                return self.send(204)
            return self.send(200, self.action(a))
        return self.send(200, t)

    def manage_actions(self, path, body):
        """q: rollout.id==N;active==true, or before 0.10.0 (set "old") status==pending"""
        if S["set"].get("ancient"):
            return self.refuse(404)
        rows = list(S["actions"].values())
        for term in self.query.get("q", "").split(";"):
            key, _, value = term.partition("==")
            if key == "rollout.id":
                rows = [a for a in rows if str(a["rollout"]) == value]
            elif key == "status" and S["set"].get("old"):
                rows = [a for a in rows if a["active"] == (value == "pending")]
            elif key == "active" and not S["set"].get("old"):
                rows = [a for a in rows if a["active"] == (value == "true")]
            elif term:
                return self.refuse(400, "unknown field " + key)
        return self.page([self.action(a) for a in rows])

    def rollout(self, r):
        total = {}
        for g in r["groups"]:
            for k, v in count(r, g).items():
                total[k] = total.get(k, 0) + v
        return {"id": r["id"], "name": r["name"], "status": r["status"], "type": r["kind"],
                "targetFilterQuery": r["filter"], "distributionSetId": r["ds"],
                "totalTargets": sum(len(g["targets"]) for g in r["groups"]),
                "totalGroups": len(r["groups"]), "totalTargetsPerStatus": total,
                "createdAt": r["createdAt"], "deleted": False}

    def manage_groups(self, r, path):
        def show(g, counts):
            return {**{k: v for k, v in g.items() if k not in ("targets", "gone_on")},
                    "totalTargets": len(g["targets"]),
                    **({"totalTargetsPerStatus": count(r, g)} if counts else {})}
        if not path:
            return self.page([show(g, not S["set"].get("ancient")) for g in r["groups"]])
        g = next((g for g in r["groups"] if str(g["id"]) == path[0]), None)
        if g is None:
            return self.refuse(404)
        if path[1:] == ["targets"]:
            open_ones = {a["target"] for a in S["actions"].values() if a["active"]}
            return self.page([{"controllerId": c} for c in g["targets"] if c in open_ones or
                              self.query.get("q") != "updatestatus==pending"])
        return self.send(200, show(g, True))

    def manage_rollouts(self, path, body):
        if not path and self.command == "POST":
            if S["set"].get("ancient") and '"action": "PAUSE"' in json.dumps(
                    [g.get("successAction") for g in body.get("groups", [])]):
                return self.refuse(400, "The given request body is not well formed")
            r = make_rollout(body)
            return self.send(201, self.rollout(r)) if r else self.refuse(400, "targets left over")
        if not path:
            want = self.query.get("q", "").partition("==")[2].strip("'")
            return self.page([self.rollout(r) for r in S["rollouts"].values()
                              if want in ("", r["name"])])
        r = S["rollouts"].get(path[0])
        if r is None:
            return self.refuse(404)
        if path[1:2] == ["deploygroups"]:
            return self.manage_groups(r, path[2:])
        if path[1:] == ["start"] and r["status"] == "ready":
            r["status"] = "running"
            start_group(r)
        elif path[1:] == ["pause"] and r["status"] == "running":
            r["status"] = "paused"
        elif path[1:] == ["resume"] and r["status"] == "paused":
            r["status"] = "running"
            last = next((g for g in reversed(r["groups"]) if g["status"] != "ready"), None)
            if last and last["status"] in ("error", "finished"):
                start_group(r)
        elif len(path) > 1:
            return self.refuse(400, f"a rollout that is {r['status']}")
        return self.send(200, self.rollout(r))


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(option("--port") or 0)), Handler)
server.daemon_threads = True
if "--tls" in options:
    i = options.index("--tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options[i + 1], options[i + 2])
    if option("--client-ca"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(option("--client-ca"))
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
print("port", server.server_address[1], flush=True)
server.serve_forever()
