#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A street of virtual devices behind one gateway, a channel on nginx over TLS, four releases.

usage: rollout.py BUILD [--boards N] [--kills N] [--seed N] [--keep]

Release 1 arrives, 2 goes out by canary while stmota is killed again and again, the server does what
servers do (gone, slow, cut short, replayed, mixed), 3 is bad and must end at the canary, 4 repairs
all. Most devices are ROM boards with a proof of health; every eighth takes files over YMODEM and
tells no version; one is slow, one is another chip than the file says, one is dark and excused.

What must hold at the end, whatever happened: every device runs release 4, none ever went backwards
but the canary of release 3, no device was touched again once it was recorded as proved, nobody but
the canary saw release 3, and a pass with nothing to do touches nothing.
"""
import argparse, json, os, random, re, shutil, signal, socket, struct, subprocess, sys, tempfile, time

ap = argparse.ArgumentParser()
ap.add_argument("build")
ap.add_argument("--boards", type=int, default=12)
ap.add_argument("--kills", type=int, default=4)
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--keep", action="store_true")
args = ap.parse_args()

build = os.path.abspath(args.build)
stmota, sim = f"{build}/src/cmd/stmota", f"{build}/src/sim/stmota-sim"
for program in ("nginx", "openssl"):
    if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin") is None:
        print(f"SKIP: there is no {program}")
        sys.exit(77)

tmp = tempfile.mkdtemp(prefix="stmota-fleet.")
os.chdir(tmp)
env = {k: v for k, v in os.environ.items() if not k.startswith("STMOTA_")}
env.update(HOME=tmp, XDG_CONFIG_HOME=f"{tmp}/config", XDG_STATE_HOME=f"{tmp}/state",
           STMOTA_STATE_DIR=f"{tmp}/state", LC_ALL="C", NO_COLOR="1")
rnd = random.Random(args.seed)
processes = []
began = time.monotonic()


def say(text):
    print(f"{time.monotonic() - began:6.1f}  {text}", flush=True)


def fail(text):
    print(f"FAILED: {text}\n(seed {args.seed}, {args.boards} boards, {args.kills} kills)")
    sys.exit(1)


def must(condition, text):
    if not condition:
        fail(text)


def run(*command, status=0):
    p = subprocess.run(command, env=env, capture_output=True, text=True)
    if status is not None and p.returncode != status:
        fail(f"status {p.returncode}, not {status}: {' '.join(command)}\n{p.stdout[-3000:]}\n{p.stderr[-3000:]}")
    return p


# ---- programs and packages ----

FILL, UNIT = 5000, 1024  # bytes of a program beside its vectors; erase unit of a lamp


def program(base, version, says):
    """A vector table, a fill that differs from release to release, what it says when it starts."""
    words = [0x20001000] + [0 if n in (7, 8, 9, 10, 13) else base + 0x201 for n in range(1, 128)]
    fill = random.Random(version * 1000 + base)
    body = bytes(fill.getrandbits(8) for _ in range(FILL))
    return struct.pack("<128I", *words) + b"\xfe\xe7" + body + b"stmota-sim says: " + says.encode() + b"\0"


def release(version, says):
    """Packages of both products."""
    for product, base, chip in (("lamp", 0x08000000, "0x410"), ("cabinet", 0x08004000, "0x418")):
        name = f"{product}-{version}"
        with open(f"{name}.bin", "wb") as f:
            f.write(program(base, version, f"{product} {version} {says}"))
        run(stmota, "pack", f"{name}.bin", "--address", hex(base), "--product", f"example.com/{product}",
            "--version", f"{version}.0.0", "--counter", str(version), "--chip", chip,
            "--key", "release.pem", "--out", f"{name}.sota")


def publish(*options):
    keys = ["--plan-key", "plan.pem"] + ([] if os.path.exists("1.root") else ["--key", "release.pem"])
    run(stmota, "publish", "--channel", "www", *keys, *options)
    if not os.path.exists("1.root"):
        shutil.copy("www/root/1.root", "1.root")


# ---- the server ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


port = free_port()


def certificate():
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=street test CA")
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    with open("san", "w") as f:
        f.write("subjectAltName=IP:127.0.0.1\n")
    run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-days", "2", "-extfile", "san", "-out", "server.pem")


class Server:
    def __init__(self):
        self.p = None

    def start(self, how=""):
        self.stop()
        user = "user root;" if os.geteuid() == 0 else ""
        with open("nginx.conf", "w") as f:
            f.write(f"""{user} daemon off; worker_processes 1; pid {tmp}/nginx.pid; error_log {tmp}/nginx.err;
events {{ worker_connections 256; }}
http {{
  access_log {tmp}/nginx.log; default_type application/octet-stream;
  client_body_temp_path {tmp}/n1; proxy_temp_path {tmp}/n2; fastcgi_temp_path {tmp}/n3;
  uwsgi_temp_path {tmp}/n4; scgi_temp_path {tmp}/n5;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {tmp}/server.pem; ssl_certificate_key {tmp}/server.key;
    root {tmp}/www; {how}
  }}
}}
""")
        self.p = subprocess.Popen(["nginx", "-c", f"{tmp}/nginx.conf", "-e", f"{tmp}/nginx.err"],
                                  env=dict(env, PATH=os.environ["PATH"] + ":/usr/sbin"),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.p.poll() is not None:
                    fail("nginx ended: " + open("nginx.err").read())
                time.sleep(0.02)
        fail("nginx does not listen")

    def stop(self):
        if self.p is not None:
            self.p.terminate()
            self.p.wait()
            self.p = None


server = Server()


def sign(role, path, key):
    """A signature by openssl, put in the place of the one that is there (P-256, one record)."""
    with open("to-sign", "wb") as f:
        f.write(f"stmota-{role}-v1\0".encode() + open(path, "rb").read())
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, "to-sign"], capture_output=True).stdout
    r_len = der[3]
    r, s = der[4:4 + r_len], der[6 + r_len:]
    sig = bytearray(open(path + ".sig", "rb").read())
    sig[24:88] = r.lstrip(b"\0").rjust(32, b"\0") + s.lstrip(b"\0").rjust(32, b"\0")
    open(path + ".sig", "wb").write(sig)


# ---- the street ----

class Device:
    def __init__(self, i):
        self.i, self.name = i, f"d{i:02}"
        self.dark = i == args.boards - 1        # nobody is there; excused
        self.other = i == args.boards - 2       # another chip than the file says
        self.files = i % 8 == 5                 # takes files, tells nothing of itself
        self.slow = i % 8 == 3
        self.noisy = i % 8 == 6                 # bytes get lost and changed on its line
        self.lamp = not (self.dark or self.other or self.files)
        self.p = None

    def start(self):
        if self.dark:
            return
        command = [sim, "run", "--uart", self.name, "--state", f"{self.name}.state", "--seed", str(self.i),
                   "--stats", f"{self.name}.stats"]
        if self.files:
            command += ["--updater", "iap-f1", "--reset-on-open"]
        else:
            command += ["--chip", "0x421" if self.other else "0x410", "--reset-on-open"]
        if self.noisy:
            command += ["--fault", "garble@tx:900", "--fault", "drop@rx:2500", "--fault", "garble@rx:4000"]
        if self.slow:
            command += ["--wire", "115200,1", "--flash-size", "16"]
        if os.path.lexists(self.name):
            os.unlink(self.name)
        self.p = subprocess.Popen(command, env=env, stdout=open("sim.log", "a"), stderr=subprocess.STDOUT)
        with open(f"{self.name}.pid", "w") as f:
            f.write(str(self.p.pid))
        for _ in range(1000):
            if os.path.lexists(self.name):
                return
            if self.p.poll() is not None:
                fail(f"{self.name} does not start: " + open("sim.log").read()[-1000:])
            time.sleep(0.01)
        fail(f"{self.name} does not appear")

    def stop(self):
        if self.p is not None:
            self.p.terminate()
            self.p.wait()
            self.p = None

    def section(self):
        product = "cabinet" if self.files else "lamp"
        lines = [f"[device {self.name}]", "version = 0.9", f"product = example.com/{product}", f"group = cable-{self.i // 4}"]
        if self.files:
            lines += [f"url = ymodem:{tmp}/{self.name}?playbook=iap-f1", "wave = 2"]
        else:
            lines += [f"url = uart:{tmp}/{self.name}", f"before = reset-{self.name}", "chip = 0x410", "wave = 1"]
        lines += ['confirm = uart: expect "healthy" within 6s']
        if self.dark:
            lines += ["excused = yes"]
        lines += [f"[entry reset-{self.name}]", f"enter = kill -USR1 $(cat {tmp}/{self.name}.pid)", "boot_ms = 20"]
        return "\n".join(lines) + "\n"

    def holds(self, version):
        """What it has in flash, read from the virtual chip itself, which is off."""
        with open(f"{('cabinet' if self.files else 'lamp')}-{version}.bin", "rb") as f:
            wanted = f.read()
        with open(f"{self.name}.state", "rb") as f:
            return wanted in f.read()


street = [Device(i) for i in range(args.boards)]
served = [d for d in street if not d.dark and not d.other]


def fleet_file():
    with open("street.conf", "w") as f:
        f.write(f"""[fleet]
gateway = gw
channel = https://127.0.0.1:{port}
root = {tmp}/1.root
state = {tmp}/street.db
parallel = 8
per_group = 2
attempts = 100
stop_after = 2
retry = 1s
[fetch]
ca_file = {tmp}/ca.pem
tries = 2
retry_ms = 50
connect_s = 5
stall_s = 10
total_s = 30
[trust]
dir = {tmp}/trust
""")
        for d in street:
            f.write(d.section())
    run(stmota, "fleet", "check", "--fleet", "street.conf")


def parsed(text):
    """Lines of JSON; the last may be cut off by a kill."""
    events = []
    for line in text.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            pass
    return events


def check_limits(events):
    """Never more of one cable than two, and of all than eight."""
    busy = {}
    for e in events:
        if e.get("event") == "begin":
            busy[e["device"]] = street[int(e["device"][1:])].i // 4
            cables = list(busy.values())
            must(len(cables) <= 8, f"{len(cables)} at once")
            must(max(cables.count(c) for c in cables) <= 2, f"too many of one cable: {sorted(busy)}")
        elif e.get("event") == "device_result":
            busy.pop(e["device"], None)


def update(*statuses, options=()):
    p = run(stmota, "update", "--fleet", "street.conf", "--json", "--now", *options, status=None)
    events = parsed(p.stdout)
    check_limits(events)
    # One that is another chip and one that is dark are told of in each pass; nobody else may fail.
    bad = [e for e in events if e.get("event") == "device_result" and
           e["outcome"] not in ("ok", "already there") and e["device"] in {d.name for d in served}]
    if p.returncode not in statuses and not (p.returncode == 11 and 0 in statuses and not bad):
        fail(f"update ended with {p.returncode}, not {statuses}:\n{p.stdout[-4000:]}\n{p.stderr[-2000:]}")
    return events


def began_with(events):
    return [e["device"] for e in events if e.get("event") == "begin"]


def killed_update():
    """Ends within a random time by kill -9: the pass alone, or all that it started as well."""
    p = subprocess.Popen([stmota, "update", "--fleet", "street.conf", "--json", "--now"], env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
    try:
        p.wait(rnd.uniform(0.05, 1.2))
    except subprocess.TimeoutExpired:
        if rnd.random() < 0.5:
            p.kill()
        else:
            os.killpg(p.pid, signal.SIGKILL)
    events = parsed(p.communicate()[0])
    check_limits(events)
    return events


def versions():
    r = json.loads(run(stmota, "fleet", "list", "--fleet", "street.conf", "--json").stdout)
    return {d["name"]: d["version"] for d in r["devices"]}


def history():
    """Oldest first: device, version, outcome."""
    out = run(stmota, "fleet", "export", "--fleet", "street.conf", "--table", "attempt").stdout
    rows = [r for r in parsed(out) if r.get("table") == "attempt"]
    return sorted(rows, key=lambda r: r["id"])


# ---- the story ----

def story():
    certificate()
    run(stmota, "keygen", "--type", "ed25519", "--out", "release.pem", "--public", "release.pub")
    run(stmota, "keygen", "--type", "p256", "--out", "plan.pem", "--public", "plan.pub")
    os.mkdir("trust")
    shutil.copy("release.pub", "trust/release.pem")
    for version, says in ((1, "healthy"), (2, "healthy"), (3, "dark"), (4, "healthy")):
        release(version, says)
    for d in street:
        d.start()
    publish("lamp-1.sota", "--stage", "100%")
    publish("cabinet-1.sota", "--stage", "100%")
    server.start()
    fleet_file()

    events = update(0)
    must(set(began_with(events)) >= {d.name for d in served}, f"only {began_with(events)} began")
    v = versions()
    for d in served:
        must(v[d.name] == "1.0.0", f"{d.name} has {v[d.name]}")
    for rollout in {e["rollout"] for e in events if e.get("event") == "begin"}:
        first = [e["event"] for e in events if e.get("rollout") == rollout and e["event"] in ("begin", "device_result")]
        must(first[:2] == ["begin", "device_result"], f"the canary of {rollout} was not alone")
    say(f"release 1: {len(served)} devices, each canary first and alone")
    shutil.copytree("www", "www.1")

    server_faults()

    publish("cabinet-2.sota", "--stage", "100%")
    for i in range(args.kills):
        killed_update()
    until_done(2)
    say(f"release 2: by canary, stmota killed {args.kills} times on the way")

    canary = bad_release()
    say(f"release 3: bad, halted at its canary {canary}, which runs release 2 again")

    publish("lamp-4.sota", "--stage", "100%")
    publish("cabinet-4.sota", "--stage", "100%")
    for i in range(args.kills // 2):
        killed_update()
    until_done(4)
    say("release 4: repairs all")

    nothing_to_do()
    judge(canary)


def until_done(version):
    for _ in range(8):
        update(0, 10, 11)
        v = versions()
        if all(v[d.name] == f"{version}.0.0" for d in served):
            return
    fail(f"release {version} does not arrive: {v}")


def server_faults():
    """New signed things, and a server that mangles them: nobody is begun, nothing is believed."""
    shutil.copytree("www", "www.good")
    publish("lamp-2.sota", "--stage", "100%")
    shutil.rmtree("www.new", ignore_errors=True)
    shutil.copytree("www", "www.new")
    before = versions()

    def no_delivery(name, because, *statuses):
        events = update(*statuses)
        why = (events[-1].get("error") or {}).get("message", "nothing")
        must(re.search(because, why), f"{name}: '{why}' has no '{because}'")
        must(began_with(events) == [], f"{name}: {began_with(events)} began")
        must(versions() == before, f"{name}: versions changed")
        say(f"server {name}: nobody was begun")

    plan = max((f for f in os.listdir("www/channel/main") if f.endswith(".plan")), key=lambda f: int(f[:-5]))
    whole = open(f"www/channel/main/{plan}", "rb").read()

    server.stop()
    no_delivery("gone", "connect", 12)
    server.start("limit_rate 1000;")
    os.truncate(f"www/channel/main/{plan}", len(whole) // 2)
    no_delivery("slow, with half a plan", "not what head announces", 7)
    server.start()
    with open(f"www/channel/main/{plan}", "wb") as f:   # an old plan under the new name
        f.write(open("www.good/channel/main/" + sorted(os.listdir("www.good/channel/main"))[0], "rb").read())
    no_delivery("mixed: new head, other plan", "not what head announces", 7)
    os.unlink(f"www/channel/main/{plan}")
    no_delivery("mixed: new head, no plan", "404", 12)
    with open(f"www/channel/main/{plan}", "wb") as f:
        f.write(whole)
    for name in ("head", "head.sig"):
        data = bytearray(open(f"www/channel/main/{name}", "rb").read())
        good = bytes(data)
        data[len(data) // 2] ^= 1
        open(f"www/channel/main/{name}", "wb").write(data)
        no_delivery(f"lies in {name}", "signature.* is wrong|no signature|damaged", 7)
        open(f"www/channel/main/{name}", "wb").write(good)
    stale_head(no_delivery)
    # The server goes away in the middle of a package; then it has half of one. A dry run believes the
    # new head before.
    update(0, options=("--dry-run",))
    server.start("limit_rate 1200;")
    p = subprocess.Popen([stmota, "update", "--fleet", "street.conf", "--json", "--now"], env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(1.0)
    server.stop()
    out = p.communicate()[0]
    must(p.returncode in (10, 11, 12), f"server cut in a package: status {p.returncode}\n{out[-2000:]}")
    must(versions() == before, "a package that was cut arrived somewhere")
    say("server cut in the middle: nobody changed")
    server.start()
    package = next(f for f in os.listdir("www/packages") if not os.path.exists(f"www.good/packages/{f}"))
    bytes_ = open(f"www/packages/{package}", "rb").read()
    os.truncate(f"www/packages/{package}", len(bytes_) // 2)
    events = update(7, 11)
    must(versions() == before, "a package cut short arrived somewhere")
    say("server with half a package: nobody changed")
    open(f"www/packages/{package}", "wb").write(bytes_)
    # An older tree, whole and well signed: it was believed once and is not believed again.
    os.rename("www", "www.now")
    os.rename("www.good", "www")
    no_delivery("replayed", "older than", 12)
    shutil.rmtree("www")
    os.rename("www.now", "www")


def stale_head(no_delivery):
    """Rightly signed, and older than it may be: whoever holds the server holds devices back with it."""
    path = "www/channel/main/head"
    good = open(path, "rb").read(), open(path + ".sig", "rb").read()
    head = json.loads(good[0])
    head["expires"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    with open(path, "w") as f:
        json.dump(head, f)
    sign("head", path, "plan.pem")
    run(stmota, "publish", "--channel", "www", "--status")
    no_delivery("stale: a head that has expired", "head has expired", 12, 7)
    for name, data in zip((path, path + ".sig"), good):
        open(name, "wb").write(data)


def bad_release():
    publish("lamp-3.sota", "--stage", "100%")
    for i in range(args.kills // 2):
        killed_update()
    for _ in range(6):
        events = update(0, 10, 11)
        r = json.loads(run(stmota, "fleet", "status", "--fleet", "street.conf", "--json", status=None).stdout)
        if any(x.get("halted") for x in r.get("rollouts", [])):
            break
    else:
        fail("release 3 was not halted")
    saw = {r["device"] for r in history() if r["version"] == "3.0.0"}
    must(len(saw) == 1, f"release 3 was seen by {saw}")
    events = update(0)
    must(began_with(events) == [], f"halted, and {began_with(events)} began")
    canary = saw.pop()
    v = versions()
    for d in served:
        must(v[d.name] == "2.0.0", f"{d.name} has {v[d.name]} after release 3")
    return canary


def check_writes(d):
    """What was written and read back is not written again: a kill costs the unit of the vectors, which is
    finished last, and the one in hand."""
    with open(f"{d.name}.stats") as f:
        words = json.load(f)["programs"]
    mine = [r["outcome"] for r in history() if r["device"] == d.name]
    if "rolled back" in mine:  # a kill between release 3 and the way back costs the way there again
        return
    whole = mine.count("ok") + mine.count("already there")
    once = os.stat("lamp-1.bin").st_size // 4 + 8
    most = once * whole + UNIT // 4 * (2 * mine.count("interrupted") + (4 if d.noisy else 0))
    must(words <= most, f"{d.name}: {words} words were written, {most} at most: {mine}")


def nothing_to_do():
    for d in street:
        d.stop()
        if d.lamp:
            check_writes(d)
        d.start()
    events = update(0)
    other = {d.name for d in street if d not in served}   # refused or silent: asked again, and no more
    must(set(began_with(events)) <= other, f"nothing to do, and {began_with(events)} began")
    for d in street:
        d.stop()
        if not d.dark:
            with open(f"{d.name}.stats") as f:
                touched = json.load(f)["bytes_to_device"]
            must(touched == 0 or d.other, f"{d.name} was touched by a pass with nothing to do")
    say("nothing to do: no device was touched")


def judge(canary):
    for d in served:
        must(d.holds(4), f"{d.name} does not hold release 4")
        must(not d.holds(3), f"{d.name} holds release 3")
    proved = {}
    for r in history():
        device, version = r["device"], int(r["version"].split(".")[0])
        again = street[int(device[1:])].files and r["outcome"] in ("ok", "already there")
        must(version >= proved.get(device, 0), f"{device} went back to {version}")
        must(version > proved.get(device, 0) or again or device == canary,
             f"{device} was tried again with {version}: {r['outcome']}")
        if r["outcome"] == "ok":
            proved[device] = version
    counts = {}
    for r in history():
        counts[r["outcome"]] = counts.get(r["outcome"], 0) + 1
    say("attempts: " + ", ".join(f"{n} {o}" for o, n in sorted(counts.items())))


try:
    story()
    say("all devices run release 4")
finally:
    server.stop()
    for d in street:
        d.stop()
    if args.keep:
        print(tmp)
    else:
        shutil.rmtree(tmp, ignore_errors=True)
