#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# When `update` waits, and in which form and by which way back it delivers: window, metered link,
# deadline, budget; deltas; the golden package; a device that takes files.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/street.sh
. "$root/tests/cli/street.sh"

in_hours() { date -d "$1 hours" +%H:%M; }

lamp 1
release 1.0.0
channel 1.0.0.sota --stage 100%
street 1
update 0

echo "== the maintenance window"
release 1.1.0
channel 1.1.0.sota --stage 100%
street 1 "window = $(in_hours 2)-$(in_hours 4)"
update 0
json 'r["waiting"] == 1 and events[0]["decision"] == "waits" and "outside the window" in events[0]["reason"]'
quiet
street 1 "window = $(in_hours -1)-$(in_hours 2)"
update 0
runs 1 1.1.0

echo "== a metered link: small packages and deltas only"
release 1.2.0
channel 1.2.0.sota --stage 100%
street 1 'metered = yes' 'metered_max = 1K'
update 0
json 'r["waiting"] == 1 and "metered link" in events[0]["reason"]'
expect 0 stmota diff 1.1.0.sota 1.2.0.sota --key release.pem --out delta.sota
channel delta.sota
update 0
json '"as a delta" in events[0]["reason"] and any("delta" in e.get("text", "") for e in events if e["event"] == "note")'
runs 1 1.2.0
sum=$(sha256sum 1.2.0.sota | cut -c1-64)
[ -z "$(find "$tmp/state" -name "$sum*")" ] || fail "the full package was fetched"

echo "== a delta whose old image is gone: the full package follows in the same pass"
street 1
release 1.3.0
expect 0 stmota diff 1.2.0.sota 1.3.0.sota --key release.pem --out delta.sota
channel 1.3.0.sota delta.sota --stage 100%
program other.bin 4000 9
expect 0 stmota flash --device "uart:$tmp/lamp-1" --address 0x08000000 other.bin
rm -rf "$tmp/state/cache"
update 0
json '[e["outcome"] for e in events if e["event"] == "device_result"] == ["refused", "ok"]'
runs 1 1.3.0

echo "== a deadline that has passed is a failure, said once; the device is tried all the same"
release 1.4.0
channel 1.4.0.sota --stage 100% --deadline "$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ)"
lamp_off 1
update 11
json '"did not get it until" in [e for e in events if e["event"] == "device_result"][0]["text"]'
lamp 1
id=$(python3 -c 'import json; print(json.load(open("published"))["rollouts"][0]["id"])')
update 0 --now --resume "$id"
json 'sum(e["event"] == "device_result" for e in events) == 1'
runs 1 1.4.0

echo "== a budget: set aside for a day, never for ever"
street 1 'attempts = 2' 'retry = 1h'
sed -i 's/^\[device lamp-1\]/&\nexcused = yes/' street.conf
release 1.5.0 dark
impatient
channel 1.5.0.sota --stage 100%
update 11
update 0
json '"waits until" in events[0]["reason"] and "after 1 attempt (rolled back)" in events[0]["reason"]'
update 11 --now
update 0
json '"set aside until" in events[0]["reason"] and "after 2 attempts (rolled back)" in events[0]["reason"]'
quiet
runs 1 1.4.0

echo "== the way back by the golden package: the one that was healthy last"
street 1
sed -i 's/^\[device lamp-1\]/&\nrollback = golden/' street.conf
release 1.6.0 dark
impatient
channel 1.6.0.sota --stage 100%
update 11
json '[e["outcome"] for e in events if e["event"] == "device_result"] == ["rolled back"]'
json '"the one before it is back" in [e for e in events if e["event"] == "device_result"][0]["text"]'
runs 1 1.4.0
# The next one is good, and becomes the golden one.
release 1.7.0
patient
channel 1.7.0.sota --stage 100%
update 0
runs 1 1.7.0

echo "== without any way back it stays as it is, and says so"
sed -i 's/^rollback = golden/rollback = none/' street.conf
release 1.8.0 dark
impatient
channel 1.8.0.sota --stage 100%
update 11
json '[e["outcome"] for e in events if e["event"] == "device_result"] == ["unhealthy"]'
runs 1 1.8.0
# Not even its version is known now, but for what it ran before; the next release repairs it.
sed -i '/^version = /d' street.conf
release 1.9.0
patient
channel 1.9.0.sota --stage 100%
update 0
runs 1 1.9.0

echo "== an encrypted package needs its key"
printf '00112233445566778899aabbccddeeff' >product.key
chmod 600 product.key
release 1.10.0 healthy --encrypt-key product.key
channel 1.10.0.sota --stage 100%
update 11
prints 'decrypt'
runs 1 1.9.0
sed -i "s|^\[fleet\]|&\ndecrypt_key = product.key|" street.conf
update 0 --now
json 'r["delivered"] == 1'
runs 1 1.10.0
