#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# Passes that are killed, devices that are dead, cut off or replaced: nothing is lost, the next pass
# goes on, and nobody holds back another.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/street.sh
. "$root/tests/cli/street.sh"

# begin: a pass in the background, until a device is being written
begin() {
	: >pass.out
	stmota update --fleet street.conf --json >pass.out 2>pass.err &
	pass=$!
	tries=0
	until grep -q '"phase":"write"' pass.out; do
		tries=$((tries + 1))
		[ "$tries" -lt 3000 ] || fail "nothing is written: $(cat pass.out pass.err)"
		sleep 0.02
	done
}

history() {
	expect 0 stmota fleet history --fleet street.conf --json
}

lamp 1
lamp 2
release 1.0.0
channel 1.0.0.sota --stage 100%
street 2 'retry = 1s' 'attempts = 9'
update 0

echo "== killed in mid-write; the next pass goes on"
release 2.0.0
channel 2.0.0.sota --stage 100%
cut_short() {
	lamp 1 --wire 115200,2
	begin
	kill -9 $pass
	wait $pass || :
}
cut_short
history
json 'len(str(r)) > 0'
# Its device was in mid-write: it holds neither, and the next pass finishes it.
update 0
json '[e["device"] for e in events if e["event"] == "begin"] == ["lamp-1", "lamp-2"]'
runs 1 2.0.0
runs 2 2.0.0
quiet

echo "== a second one while the first is at work: silent, and harmless"
release 2.1.0
channel 2.1.0.sota --stage 100%
lamp 1 --wire 115200,2
begin
quiet
expect 0 stmota update --fleet street.conf -v
says "$pass"
expect 3 stmota update --fleet street.conf --resume nothing
wait $pass || fail "the first one was disturbed: $(cat pass.err)"
runs 2 2.1.0

echo "== told to stop: it ends, the lines are back, the next one goes on"
release 2.2.0
channel 2.2.0.sota --stage 100%
lamp 1 --wire 115200,2
begin
kill -TERM $pass
got=0
wait $pass || got=$?
[ "$got" = 130 ] || fail "status $got: $(cat pass.err)"
tail -n 1 pass.out | grep -q '"event":"result"' || fail "no result: $(tail -n 1 pass.out)"
grep -q '"outcome":"interrupted"' pass.out || fail "not recorded as interrupted"
update 0
runs 1 2.2.0
runs 2 2.2.0

echo "== cut off in the middle, the next release is bad: what ran before both comes back"
release 2.3.0
channel 2.3.0.sota --stage 100%
cut_short
lamp 1
release 2.4.0 dark
impatient
channel 2.4.0.sota --stage 100%
update 11
json '[e["outcome"] for e in events if e["event"] == "device_result"] == ["rolled back"]'
runs 1 2.2.0
runs 2 2.2.0

echo "== a dead one: silence is a failure, of the canary or of the second"
lamp_off 1
release 3.1.0
channel 3.1.0.sota --stage 100%
update 11
json '[e["outcome"] for e in events if e["event"] == "device_result"] == ["unreachable"]'
json '[e["reason"] for e in events if e["event"] == "halt"] == ["the canary lamp-1 is unreachable"]'
runs 2 2.2.0
lamp_off 1
# Known to be dark: it counts against nobody, and is tried after the others.
street 2 'retry = 1s' 'attempts = 9'
sed -i 's/^\[device lamp-1\]/&\nexcused = yes/' street.conf
release 3.2.0
channel 3.2.0.sota --stage 100%
update 0
json '[(e["device"], e["canary"]) for e in events if e["event"] == "begin"] == [("lamp-2", True), ("lamp-1", False)]'
json 'r["failed"] == 0'
json 'not any(e["event"] == "halt" for e in events)'
runs 2 3.2.0

echo "== another board in the same place: what was known says nothing of it"
street 2 'retry = 1s' 'attempts = 9'
lamp_off 2
rm lamp-2.state
seed=77
lamp 2
seed=
lamp 1
release 3.3.0
channel 3.3.0.sota --stage 100%
update 11 --device lamp-2
json '"fleet adopt" in [e for e in events if e["event"] == "device_result"][0]["hint"] and r["refused"] == 1'
json 'any("another board is there than before" in e.get("text", "") for e in events if e["event"] == "device_result")'
