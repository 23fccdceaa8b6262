#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# status: nothing is sent that could erase, and nothing is written.
board --chip 0x435
expect 0 stmota protect status --device uart:board --json
json "r['protection'][0]['state'] == 'level 0: off'"
json "any(p['what'] == 'nSWBOOT0' for p in r['protection'])"
expect 2 stmota protect wrp-on --device uart:board --yes
expect 2 stmota protect wrp-on --device uart:board --all </dev/null
says "--yes"
expect 6 stmota protect wrp-on --device uart:board --range 0x08000000:100 --yes
says "0x08000000:0x800"
expect 2 stmota protect rdp-set 2 --device uart:board --yes
says "never"
board_off
test "$(stat programs)" -eq 0 || fail "something was written"

# By range; what was there stays; in the way of flash it is named.
board --chip 0x435
expect 0 stmota protect wrp-on --device uart:board --range 0x08000000:8K --yes --json
expect 0 stmota protect wrp-on --device uart:board --range 0x08010000:4K --yes --json
json "[p['size'] for p in r['protected']] == [8192, 4096]"
program a.bin 5000 1
program b.bin 9000 2
expect 5 stmota flash --device uart:board --address 0x08000000 a.bin
says "--lift-wrp"
says "0x08000000:0x2000"
prints "erasing and writing there"
expect 5 stmota flash --device uart:board --address 0x08000000 a.bin --json
json "[p['in_the_way'] for p in r['protection'] if p['what'] == 'write protection'] == [True, False]"
json "r['error']['exit_status'] == 5"
# A dry run lifts nothing.
expect 0 stmota flash --device uart:board --address 0x08000000 a.bin --lift-wrp --dry-run
expect 0 stmota probe --device uart:board --json
json "len(r['write_protection']['ranges']) == 2"

# Lifted for one update, and back.
expect 0 stmota flash --device uart:board --address 0x08000000 a.bin --lift-wrp --after none
expect 0 stmota probe --device uart:board --json
json "[p['size'] for p in r['write_protection']['ranges']] == [8192, 4096]"
expect 0 stmota read --device uart:board --range 0x08000000:5000 --out back.bin
same a.bin back.bin
! grep -q lifted state/*.json || fail "a lift is remembered that is over"

# kill -9 in the middle: the next run puts it back before anything else.
stmota flash --device uart:board --address 0x08000000 b.bin --lift-wrp >out 2>err &
flash_pid=$!
tries=0
until grep -q lifted state/*.json 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -lt 500 ] || fail "the lift was never recorded"
	sleep 0.02
done
kill -9 "$flash_pid"
wait "$flash_pid" || :
board --chip 0x435
expect 5 stmota flash --device uart:board --address 0x08000000 b.bin
expect 0 stmota probe --device uart:board --json
json "[p['size'] for p in r['write_protection']['ranges']] == [8192, 4096]"
! grep -q lifted state/*.json || fail "the lift was not ended"
expect 0 stmota flash --device uart:board --address 0x08000000 b.bin --lift-wrp --after none
expect 0 stmota read --device uart:board --range 0x08000000:9000 --out back.bin
same b.bin back.bin

# Whatever comes next puts it back and says so, if it only asks; a dry run does not.
lift_and_kill() {
	program "$1" 9000 "$2"
	# It stops in mid-write, and the program waits for an answer when it is killed.
	board --chip 0x435 --fault stuck@op:60
	stmota flash --device uart:board --address 0x08000000 "$1" --lift-wrp >out 2>err &
	flash_pid=$!
	tries=0
	until grep -q '^erase' err && grep -q lifted state/*.json; do
		tries=$((tries + 1))
		[ "$tries" -lt 1500 ] || fail "the update did not begin"
		sleep 0.02
	done
	kill -9 "$flash_pid"
	wait "$flash_pid" || :
	board --chip 0x435
}
lift_and_kill k1.bin 31
expect 0 stmota flash --device uart:board --address 0x08000000 b.bin --dry-run
says_not "putting back"
grep -q lifted state/*.json || fail "a dry run ended the lift"
expect 0 stmota protect status --device uart:board
says "putting back the write protection"
prints "0x08000000..0x08001FFF"
! grep -q lifted state/*.json || fail "the lift was not ended by protect status"
lift_and_kill k2.bin 32
expect 0 stmota probe --device uart:board --json
says "putting back the write protection"
json "[p['size'] for p in r['write_protection']['ranges']] == [8192, 4096]"
lift_and_kill k3.bin 33
expect 0 stmota read --device uart:board --range 0x08000000:16 --out back.bin
says "putting back the write protection"

# A power cut in the middle of the update, and a run that finishes it.
program c.bin 9000 3
board --chip 0x435 --fault cut@op:40
expect 10 stmota flash --device uart:board --address 0x08000000 c.bin --lift-wrp
says "could not be put back"
grep -q lifted state/*.json || fail "the lift is forgotten"
board --chip 0x435
expect 0 stmota flash --device uart:board --address 0x08000000 c.bin --lift-wrp --after none
expect 0 stmota protect wrp-off --device uart:board --all --dry-run --json
json "[p['size'] for p in r['protected_before']] == [8192, 4096]"
expect 0 stmota read --device uart:board --range 0x08000000:9000 --out back.bin
same c.bin back.bin

# Off, and a foreign program can write again.
expect 0 stmota protect wrp-off --device uart:board --all --yes --json
json "r['protected'] == []"

# Read-out protection: what it costs to lift is asked for by name.
board_off
rm -f board.state
board --chip 0x440
expect 0 stmota flash --device uart:board --address 0x08000000 --data a.bin
expect 0 stmota protect rdp-set 0 --device uart:board --erase-everything --yes --json
json "r['result'].startswith('stood already')"
expect 2 stmota protect rdp-set 1 --device uart:board </dev/null
says "refuse"
expect 0 stmota protect rdp-set 1 --device uart:board --yes
expect 5 stmota read --device uart:board --range 0x08000000:16 --out x
expect 5 stmota flash --device uart:board --address 0x08000000 --data b.bin
says "rdp-set 0 --erase-everything"
expect 5 stmota option list --device uart:board
expect 5 stmota protect wrp-on --device uart:board --all --yes
expect 0 stmota protect status --device uart:board --json
json "'whole flash' in r['protection'][0]['to_undo']"
expect 2 stmota protect rdp-set 0 --device uart:board --yes
says "--erase-everything"
# The erase itself takes 35 s of waiting: test_protect_job does it in modelled time.
expect 0 stmota protect rdp-set 0 --device uart:board --erase-everything --dry-run --json
json "r['would_erase_everything'] and r['result'] == 'nothing was changed'"
