#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# Several devices at once: one that fails stops no other, each has its result.
. "$(dirname "$0")/lib.sh"

pids=
boards_off() {
	# shellcheck disable=SC2086 # one word each
	[ -z "$pids" ] || kill $pids 2>/dev/null || :
	wait
	pids=
}
trap 'boards_off; cli_cleanup' EXIT

# boards [OPTION]...: lamp-1 to lamp-4; the third one hangs at byte 3000
boards() {
	boards_off
	: >many.conf
	for i in 1 2 3 4; do
		rm -f "lamp-$i"
		fault=
		[ "$i" != 3 ] || fault="--fault vanish@rx:3000"
		# shellcheck disable=SC2086 # two words
		stmota-sim run --chip 0x410 --uart "lamp-$i" --state "lamp-$i.state" --seed "$i" \
			--reset-on-open $fault "$@" >>sim.log 2>&1 &
		pids="$pids $!"
		printf '[device lamp-%s]\nurl = uart:%s/lamp-%s\n' "$i" "$tmp" "$i" >>many.conf
	done
	for i in 1 2 3 4; do
		while [ ! -e "lamp-$i" ]; do sleep 0.02; done
	done
}

# holds FILE NAME: the lamp has the bytes
holds() {
	expect 0 stmota flash --config many.conf --device "$2" --address 0x08000000 --data \
		--verify-only "$1"
}

head -c 8192 /dev/urandom >data.bin
boards
many() {
	stmota flash --config many.conf --address 0x08000000 --data "$@"
}
# One by one would have found it too; here the others are written meanwhile.
expect 11 many --all-matching 'lamp-*' data.bin
prints "lamp-3  failed"
prints "succeeded  3"
says "lamp-3: "
says "1 of 4 devices failed"
for i in 1 2 4; do
	holds data.bin "lamp-$i"
done

# The same again finishes the third; as JSON each line names its device.
sleep 1
expect 0 many --all-matching 'lamp-*' --jobs 2 --json data.bin
json "r['event'] == 'result' and r['schema'] == 1 and r['succeeded'] == 4 and r['failed'] == 0"
json "[d['device'] for d in r['devices']] == ['lamp-1', 'lamp-2', 'lamp-3', 'lamp-4']"
json "all(e['device'].startswith('lamp-') for e in events[:-1])"
json "sum(e['event'] == 'device_result' for e in events) == 4"
json "r['devices'][0]['bytes_written'] == 0 and r['devices'][2]['bytes_written'] > 0"
holds data.bin lamp-3

# Names, URLs and patterns in one line; a name that is nowhere fails alone.
expect 11 many --device lamp-1 --device nowhere data.bin
says "nowhere: there is no device 'nowhere'"
expect 0 many --device lamp-1 --all-matching 'lamp-[12]' data.bin
prints "succeeded  2"
expect 0 stmota flash --all-matching "uart:$tmp/lamp-[12]" --address 0x08000000 --data data.bin
prints "uart:$tmp/lamp-2"

# A board that is dead from the start: it costs its own time and nobody else's result.
stmota-sim run --chip 0x410 --uart dead --boot0 low >>sim.log 2>&1 &
pids="$pids $!"
while [ ! -e dead ]; do sleep 0.02; done
head -c 4096 /dev/urandom >again.bin
expect 11 many --device "uart:$tmp/dead" --device lamp-2 --device lamp-4 --json again.bin
json "[d['result'] for d in r['devices']] == ['failed', 'ok', 'ok'] and r['devices'][0]['error']"
json "r['succeeded'] == 2 and r['failed'] == 1"
holds again.bin lamp-2
holds again.bin lamp-4

# Refused before anything begins.
expect 2 many --device lamp-1 --device lamp-1 data.bin
says "given twice"
expect 2 many --all-matching 'street-*' data.bin
says "no device"
expect 2 stmota probe --config many.conf --device lamp-1 --device lamp-2
says "one device at a time"
expect 1 many --all-matching 'lamp-*' missing.bin

# Quiet is quiet; a file that fits none of them is each one's failure.
expect 0 many --all-matching 'lamp-*' -q data.bin
test ! -s out || fail "not quiet: $(cat out)"
head -c 400000 /dev/urandom >large.bin
expect 11 many --all-matching 'lamp-*' large.bin
prints "succeeded  0"
expect 11 many --all-matching 'lamp-*' -q large.bin
says "stmota: lamp-4: "

# A process that is killed takes no other with it.
boards --wire 115200
head -c 8192 /dev/urandom >new.bin
expect_killed() {
	stmota flash --config many.conf --address 0x08000000 --data --device lamp-1 --device lamp-2 \
		new.bin >out 2>err &
	parent=$!
	sleep 0.7
	kill -9 "$(ps -o pid= --ppid "$parent" | head -n 1 | tr -d ' ')"
	wait "$parent"
}
expect_status=0
expect_killed || expect_status=$?
[ "$expect_status" = 11 ] || fail "status $expect_status: $(cat err)"
grep -q "its process ended with signal 9" out || fail "not told: $(cat out)"
grep -q "succeeded  1" out || fail "the other one failed too: $(cat out)"

# Ctrl-C, given to the parent alone: all end, and the same command finishes the work.
head -c 16384 /dev/urandom >newer.bin
expect 130 timeout --foreground --preserve-status -s INT 1 \
	stmota flash --config many.conf --address 0x08000000 --data --device lamp-1 --device lamp-2 \
	--device lamp-4 newer.bin
prints "interrupted"
if pgrep -f "stmota flash --config many.conf.*newer.bin" >pgrep.out; then
	fail "somebody is still at work"
fi
boards
expect 0 many --device lamp-1 --device lamp-2 --device lamp-4 newer.bin
for i in 1 2 4; do
	holds newer.bin "lamp-$i"
done
