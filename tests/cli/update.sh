#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# One pass after the other over a street of lamps: canary, wave, nothing to do, what is told.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/street.sh
. "$root/tests/cli/street.sh"

for i in 1 2 3; do
	lamp $i
done
release 1.0.0
channel 1.0.0.sota --stage 100%
street 3
update 0
json 'r["delivered"] == 3 and r["failed"] == 0'
for i in 1 2 3; do
	runs $i 1.0.0
done
json '[e["device"] for e in events if e["event"] == "begin" and e["canary"]] == ["lamp-1"]'
# The others only after the canary was healthy.
json '[e["event"] for e in events if e["event"] in ("begin", "device_result")][:2] == ["begin", "device_result"]'
json 'events[-1]["event"] == "result" and r["schema"] == 1'
json 'all(e["confirmed"] and "healthy: 1.0.0 is healthy" in e["text"] for e in events if e["event"] == "device_result")'

# Nothing to do: no device is touched, and nobody is told.
for i in 1 2 3; do
	lamp $i
done
quiet
expect 0 stmota update --fleet street.conf -v
prints "up to date: 1.0.0"
for i in 1 2 3; do
	lamp_off $i
	[ "$(lamp_stat $i bytes_to_device)" = 0 ] || fail "lamp-$i was touched: $(cat lamp-$i.stats)"
	lamp $i
done

# The next one, first as a dry run: it changes nothing, also not at the channel's end.
release 2.0.0
channel 2.0.0.sota --stage 100%
expect 0 stmota update --fleet street.conf --dry-run
prints "lamp-1  deliver   2.0.0    canary: 1.0.0 to 2.0.0"
prints "waits for the canary lamp-1"
update 0 --dry-run
json '[e["canary"] for e in events if e["event"] == "decision"] == [True, False, False]'
runs 2 1.0.0
expect 0 stmota update --fleet street.conf
prints "lamp-3  2.0.0    ok"
for i in 1 2 3; do
	runs $i 2.0.0
done

# A bad one: the canary is rolled back, nobody else sees it, today and tomorrow.
release 3.0.0 dark
impatient
channel 3.0.0.sota --stage 100%
update 11
[ "$(outcome 1)" = "rolled back" ] || fail "lamp-1: $(outcome 1)"
json '[e["device"] for e in events if e["event"] == "begin"] == ["lamp-1"]'
json '[e["text"].endswith("; the one before it is back") for e in events if e["event"] == "device_result"] == [True]'
json '[e["reason"] for e in events if e["event"] == "halt"] == ["the canary lamp-1 is rolled back"]'
for i in 1 2 3; do
	runs $i 2.0.0
done
update 0 --now
json 'r["halted"] == 3 and "halted here: the canary lamp-1" in events[1]["reason"]'
quiet

# Somebody insists: it is tried again, and halts again. What repairs is a new release.
id=$(python3 -c 'import json; print(json.load(open("published"))["rollouts"][0]["id"])')
update 11 --now --resume "$id"
runs 1 2.0.0
update 2 --resume nothing
release 4.0.0
patient
channel 4.0.0.sota --stage 100%
update 0
for i in 1 2 3; do
	runs $i 4.0.0
done
[ -z "$(find . -path '*backup*' -name '*.hex')" ] || fail "backups are left: $(find . -name '*.hex')"

# Halted by its publisher: nobody begins. Taken back: they do.
release 5.0.0
channel 5.0.0.sota --stage 100%
channel --halt
update 0
json 'r["delivered"] == 0 and "5.0.0: the rollout is halted" in events[0]["reason"]'
channel --resume
update 0 --device lamp-2
json 'r["delivered"] == 1 and r["devices"] == 1'
runs 2 5.0.0
runs 1 4.0.0
expect 2 stmota update --fleet street.conf --device lamp-9
says "no device 'lamp-9'"
