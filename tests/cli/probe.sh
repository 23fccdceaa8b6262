#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# What is printed is what the board is.
board --chip 0x413
expect 0 stmota probe --device uart:board
prints "STM32F40xxx/41xxx"
prints "0x413"
prints "1048576 bytes"
prints "3.1"
prints "by hand"
says_not "error"

expect 0 stmota probe --device uart:board --json
prints '"schema": 1'
prints '"chip": "0x413"'
prints '"size": 1048576'
prints '"read_protected": false'
prints '"can_reset": false'

# The same unique id each time, also through a link to the link, and with options in the URL.
id=$(grep '"unique_id"' out)
ln -s board other
expect 0 stmota probe --device 'uart:./other?baud=57600' --json
prints "$id"
expect 0 stmota probe --device uart:other,baud=9600 --json
prints "$id"

# Another chip than wanted.
expect 4 stmota probe --device uart:board --chip 0x410
says "STM32F40xxx"
expect 0 stmota probe --device uart:board --chip f407

# A [device] section gives the same.
cat >sections.conf <<EOF
[device lamp]
url = uart:$tmp/board
chip = 0x413

[device wrong]
url = uart:$tmp/board?speed=9

[device pins]
url = uart:$tmp/board
boot0 = cts
EOF
expect 0 stmota probe --config sections.conf --device lamp --json
prints "$id"
expect 2 stmota probe --config sections.conf --device wrong
says "sections.conf"
expect 2 stmota probe --config sections.conf --device pins
says "sections.conf:10"
expect 2 stmota probe --config sections.conf --device nowhere
says "there is no device 'nowhere'"

# An identity that is garbled once into another valid one is read again; one that reads otherwise
# each time is not believed.
for place in id size option; do
	board --chip 0x413 --fault garble@$place:1
	expect 0 stmota probe --device uart:board --json
	prints "$id"
	json "r['flash']['size'] == 1048576"
	board --chip 0x413 --fault garble@$place:1 --fault garble@$place:3 --fault garble@$place:5
	expect 4 stmota probe --device uart:board
	says "differ"
done

# A byte that is lost or damaged while the facts are gathered: taken up again.
for fault in drop@rx:40 drop@rx:77 drop@tx:100 double@tx:150 garble@rx:90; do
	board --chip 0x413 --fault "$fault"
	expect 0 stmota probe --device uart:board --json
	prints "$id"
done

# Quirks of the conversation.
for quirk in double-ack-sync sync-twice stray-zero-sync get-wrong-count; do
	board_off
	rm -f board.state
	board --chip 0x450 --fault "quirk:$quirk"
	expect 0 stmota probe --device uart:board
	prints "0x450"
done
