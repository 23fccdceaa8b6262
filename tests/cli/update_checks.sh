#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# What `update` must not do, whatever server, cache, plan and devices are like: the checks 6, 7, 8, 9
# and 11 of a signed channel, one attack each. Those of the channel's own files are in
# tests/unit/test_channel.c, number 12 is in test_pass_ending.c.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/street.sh
. "$root/tests/cli/street.sh"

# forge PYTHON: the next plan, changed and signed by somebody who has the plan's key, but not that of
# the releases; `r` is the newest rollout
forge() {
	python3 - "$1" <<'EOF'
import hashlib, json, os, subprocess, sys

def signed(path, role, text):
    open(path, "wb").write(text)
    head = open("www/channel/main/head.sig", "rb").read()[:24]
    open("message", "wb").write(b"stmota-%s-v1\0" % role + text)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", "plan.pem", "-in", "message",
                    "-out", "signature"], check=True)
    open(path + ".sig", "wb").write(head + open("signature", "rb").read())

head = json.load(open("www/channel/main/head"))
plan = json.load(open("www/channel/main/%d.plan" % head["plan_version"]))
r = plan["rollouts"][0]
exec(sys.argv[1])
plan["version"] += 1
text = json.dumps(plan).encode()
signed("www/channel/main/%d.plan" % plan["version"], b"plan", text)
head.update(plan_version=plan["version"], plan_length=len(text),
            plan_sha256=hashlib.sha256(text).hexdigest())
signed("www/channel/main/head", b"head", json.dumps(head).encode())
EOF
}

# Not a byte reached it.
untouched() {
	lamp_off "$1"
	[ "$(lamp_stat "$1" bytes_to_device)" = 0 ] || fail "lamp-$1 was touched"
	lamp "$1"
}

expect 0 stmota keygen --type ed25519 --out plan.pem --public plan.pub
lamp 1
lamp 2
release 1.0.0 healthy --counter 3
channel 1.0.0.sota --stage 100%
street 2 'retry = 1s' 'attempts = 100'
update 0
lamp 1
lamp 2

echo "== check 6: the package's own signature, and that it is what the plan says"
release 1.1.0 healthy --counter 3
channel 1.1.0.sota --stage 100%
cp -r www www.good
for change in 'r["version"] = "9.9.9"' 'r["counter"] = 7' 'r["chip"] = 0' 'r["hw_max"] = 7'; do
	rm -rf www street.db*
	cp -r www.good www
	forge "$change"
	update 7 --now
	json '"announced is" in r["error"]["message"]'
	json '[e["outcome"] for e in events if e["event"] == "device_result"] == ["refused", "refused"]'
done
# A package of somebody else, in a plan that is signed as it must be.
rm -rf www street.db*
cp -r www.good www
expect 0 stmota keygen --type ed25519 --out thief.pem --public thief.pub
stmota pack 1.1.0.bin --address 0x08000000 --product acme.com/lamp --version 1.1.0 --counter 3 \
	--chip 0x410 --key thief.pem --out thief.sota >pack.out
sum=$(sha256sum thief.sota | cut -c1-64)
cp thief.sota "www/packages/$sum.sota"
forge "r['sha256'] = '$sum'; r['length'] = os.path.getsize('thief.sota')"
update 7 --now
json 'r["error"]["code"] == "signature"'
untouched 1
untouched 2
# Another product's package for this one.
rm -rf www street.db*
cp -r www.good www
forge 'r["product"] = "acme.com/pump"'
update 0 --now
json 'all(e["version"] != "1.1.0" for e in events if e["event"] == "decision")'
rm -rf www street.db*
cp -r www.good www
update 0 --now
runs 1 1.1.0

echo "== check 7: the release counter never goes back, but where a signed plan names the device"
release 1.2.0 healthy --counter 5
channel 1.2.0.sota --stage 100%
update 0
runs 2 1.2.0
lamp 1
lamp 2
old='o = plan["rollouts"][1]; o["stage"] = 10000; plan["rollouts"] = [o]; r = o; '
forge "$old"
update 0 --now
json 'all(e["decision"] == "refused" and e["reason"] == "release counter 3 is below 5 that ran here" for e in events if e["event"] == "decision")'
untouched 1
untouched 2
forge 'r["downgrade"] = ["gw.lamp-2"]'
update 0 --now
json '[e["device"] for e in events if e["event"] == "begin"] == ["lamp-2"]'
runs 2 1.1.0
runs 1 1.2.0

echo "== a lower version is not taken either"
release 1.0.5 healthy --counter 5
channel 1.0.5.sota --stage 100%
update 0 --now --device lamp-1
json '"lower version, not allowed by the plan: 1.0.5, runs 1.2.0" in events[0]["reason"]'
channel --allow-downgrade gw.lamp-1
update 0 --now --device lamp-1
runs 1 1.0.5

echo "== check 8: the stepping stone first"
release 3.0.0 healthy --counter 5
channel 3.0.0.sota --stage 100% --min-version 2.0.0
update 0 --now --dry-run
json '"stepping stone: 3.0.0 needs 2.0.0 first" in events[0]["reason"]'
release 2.0.0 healthy --counter 5
channel 2.0.0.sota --stage 100% --min-version 1.0.0
forge 'plan["rollouts"].sort(key=lambda r: r["version"], reverse=True)'
update 0 --now --device lamp-1
runs 1 2.0.0
update 0 --now --device lamp-1
runs 1 3.0.0

echo "== check 9: halted, or no fresh word: nobody begins"
release 3.1.0 healthy --counter 5
channel 3.1.0.sota --stage 100%
cp -r www/halt halt.none 2>/dev/null || mkdir halt.none
cp -r www www.before
channel --halt
cp -r www/halt halt.file
rm -rf www
cp -r www.before www
rm -rf www/halt
cp -r halt.file www/halt
lamp 1
update 0 --now --device lamp-1
json '"3.1.0: the rollout is halted" in events[0]["reason"]'
mv www gone
update 12 --now
mv gone www
rm www/channel/main/head.sig
update 12 --now
cp www.before/channel/main/head.sig www/channel/main/
# An old head: a cache that lags behind, or somebody plays old files again.
cp www.good/channel/main/head* www/channel/main/
update 12 --now
untouched 1

echo "== check 11: what is written is what was verified"
rm -rf www
cp -r www.before www
rm -rf www/halt
sum=$(sha256sum 3.1.0.sota | cut -c1-64)
cached=$tmp/state/cache/$sum.sota
rm -f "$tmp/street.db"*
release 3.2.0 healthy --counter 5
channel 3.2.0.sota --stage 100%
sum=$(sha256sum 3.2.0.sota | cut -c1-64)
cached=$tmp/state/cache/$sum.sota
update 0 --now --device lamp-1
[ -s "$cached" ] || fail "nothing in the cache: $(find "$tmp/state")"
chmod u+w "$cached"
printf X | dd of="$cached" bs=1 seek=1500 conv=notrunc 2>/dev/null
update 0 --now --device lamp-2
runs 2 3.2.0
release 3.3.0 healthy --counter 5
channel 3.3.0.sota --stage 100%
sum=$(sha256sum 3.3.0.sota | cut -c1-64)
printf X | dd of="www/packages/$sum.sota" bs=1 seek=1500 conv=notrunc 2>/dev/null
lamp 1
update 7 --now --device lamp-1
untouched 1
# Cut short, or longer than announced: the same.
head -c 1000 3.3.0.sota >"www/packages/$sum.sota"
update 7 --now --device lamp-1
cat 3.3.0.sota 3.3.0.sota >"www/packages/$sum.sota"
expect_failure=0
stmota update --fleet street.conf --now --device lamp-1 --json >out 2>err || expect_failure=$?
[ "$expect_failure" != 0 ] || fail "taken: $(cat out)"
untouched 1
