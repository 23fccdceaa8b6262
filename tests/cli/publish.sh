#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# A channel as its publisher makes it: releases, stages, halts, deltas, other keys.
. "$(dirname "$0")/lib.sh"

blinky 1.0.0 # signed by key.pem
mv key.pem release.pem
expect 0 stmota keygen --type p256 --out plan.pem --public plan.pub
expect 0 stmota keygen --type ed25519 --out other.pem --public other.pub
publish() { # STATUS OPTION...
	want=$1
	shift
	expect "$want" stmota publish --channel www "$@" --json
}

# Begun by the first release; nobody has it before the stage is raised.
expect 2 stmota publish blinky-1.0.0.sota
says "which channel?"
publish 2 blinky-1.0.0.sota
says "--key or --plan-key"
publish 2 --status
says "no channel"
publish 0 --key release.pem --plan-key plan.pem blinky-1.0.0.sota
json 'r["plan"] == 1 and r["rollouts"][0]["stage_permyriad"] == 0'
sum=$(sha256sum blinky-1.0.0.sota | cut -c1-64)
same blinky-1.0.0.sota "www/packages/$sum.sota"

# The stage in permyriad or percent; the plan's key is enough, the release's is not.
publish 0 --plan-key plan.pem --stage 5%
json 'r["rollouts"][0]["stage_permyriad"] == 500 and r["plan"] == 2'
publish 0 --plan-key plan.pem --stage 0.25%
json 'r["rollouts"][0]["stage_permyriad"] == 25'
publish 0 --plan-key plan.pem --stage 10000
for bad in 101% 10001 5.001% -1 % five; do
	publish 2 --plan-key plan.pem --stage $bad
done
publish 7 --key release.pem --stage 1
says "may not sign"
publish 7 --plan-key other.pem --stage 1

# What a client verifies: openssl agrees.
python3 - <<'EOF'
sig = open("www/channel/main/head.sig", "rb").read()
assert sig[:8] == b"STMOSIG1" and len(sig) == 12 + 76
open("message", "wb").write(b"stmota-head-v1\0" + open("www/channel/main/head", "rb").read())
r, s = (x.lstrip(b"\0") for x in (sig[24:56], sig[56:88]))
r, s = ((b"\0" + x if x[0] > 127 else x) for x in (r, s))
body = b"\x02" + bytes([len(r)]) + r + b"\x02" + bytes([len(s)]) + s
open("der", "wb").write(b"\x30" + bytes([len(body)]) + body)
EOF
expect 0 openssl dgst -sha256 -verify plan.pub -signature der message

# Each plan is a file of its own; a run without changes signs a fresh head and nothing else.
sha256sum www/channel/main/*.plan >before
cp www/channel/main/head head.before
sleep 1.1
publish 0 --plan-key plan.pem
sha256sum www/channel/main/*.plan >after
same before after
cmp -s head.before www/channel/main/head && fail "the head is the same"

# Halted: in the plan, and in a file of its own that no cache may hold.
publish 0 --plan-key plan.pem --halt
json 'r["rollouts"][0]["halted"]'
grep -q blinky www/halt/main || fail "the halt file does not name it"
publish 0 --plan-key plan.pem --resume
json 'not r["rollouts"][0]["halted"]'
publish 2 --plan-key plan.pem --halt --resume

# A second release, and a delta to it; a package that is not signed for release is not let in.
expect 0 stmota pack "$root/examples/blinky/blinky-1.1.0.elf" --product example.com/blinky \
	--version 1.1.0 --chip 0x410 --key other.pem --out foreign.sota
publish 7 --plan-key plan.pem foreign.sota
expect 0 stmota pack "$root/examples/blinky/blinky-1.1.0.elf" --product example.com/blinky \
	--version 1.1.0 --chip 0x410 --key release.pem --out two.sota
expect 0 stmota diff blinky-1.0.0.sota two.sota --key release.pem --out delta.sota
publish 2 --plan-key plan.pem delta.sota
says "its full package comes first"
publish 0 --plan-key plan.pem two.sota delta.sota --stage 1%
json 'len(r["rollouts"]) == 2 and r["rollouts"][0]["version"] == "1.1.0" and r["rollouts"][0]["deltas"] == 1'
publish 2 --plan-key plan.pem two.sota
says "is there already"

# An older rollout by its id.
id=$(python3 -c 'import json; print(json.load(open("www/channel/main/'"$(find www/channel/main -name '*.plan' | sed 's|.*/||;s|\..*||' | sort -n | tail -n 1)"'.plan"))["rollouts"][1]["id"])')
publish 0 --plan-key plan.pem --rollout "$id" --exclude lamp-7 --include lamp-1 --include lamp-2
json 'r["rollouts"][1]["exclude"] == 1 and r["rollouts"][1]["include"] == 2'
publish 0 --plan-key plan.pem --rollout "$id" --include gateway-1/lamp-9
publish 2 --plan-key plan.pem --rollout "$id" --include 'lamp 9'
says "is no id of a device"
publish 0 --status
publish 2 --plan-key plan.pem --rollout nothing --stage 1
says "--status"

# Who gets what.
seq 2000 | sed 's/^/lamp-/' >lamps
expect 0 stmota publish simulate --channel www --devices lamps --json
json 'r["devices"] == 2000 and r["rollouts"][1]["chosen"] == 1997 and r["rollouts"][1]["excluded"] == 1'
json '0 < r["rollouts"][0]["chosen"] < 60'
expect 0 stmota publish simulate --channel www --devices lamps --list --json
json 'len(r["choices"]) == 1999 and all(c["device"] != "lamp-7" or "1.1.0" in c["rollout"] for c in r["choices"])'
printf 'a acme.com/other\nb example.com/blinky\n# c\n\n' >two-products
expect 0 stmota publish simulate --channel www --devices two-products --json
json 'r["devices"] == 2 and r["rollouts"][0]["devices"] == 1'
says_not "nobody"
expect 0 stmota publish simulate --channel www --devices two-products
prints "a canary of nobody"
expect 1 stmota publish simulate --channel www --devices missing

# Other keys: signed by the old and the new ones; then the old ones are worth nothing.
publish 7 --key other.pem --role root=other.pub
publish 0 --key release.pem --key other.pem --plan-key plan.pem --role root=other.pub \
	--role plan=other.pub --role head=other.pub --role halt=other.pub --plan-key other.pem
json 'r["root"] == 2'
[ -e www/root/1.root ] || fail "old roots stay"
publish 7 --plan-key plan.pem --stage 2%
publish 0 --plan-key other.pem --rollout "$id" --stage 2%
publish 0 --key other.pem --role release=pub.pem --plan-key other.pem
publish 0 --plan-key other.pem --status

# Nothing is built upon what does not verify.
cp -r www broken
printf ' ' >>broken/channel/main/head
expect 7 stmota publish --channel broken --plan-key other.pem --stage 3%
expect 2 stmota publish --channel www --name ../x --plan-key other.pem
