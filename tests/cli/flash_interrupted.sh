#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Power or port fails in the middle of an update: status 10, and the same command finishes the work. While
# it is unfinished, nothing on the chip would start. (Every single position: the campaign.)
. "$(dirname "$0")/lib.sh"

blinky 1.0.0
blinky 1.1.0
size=$(wc -c <blinky-1.1.0.bin)

# A board that nobody can reset from here is waited for; so few positions, and once the power.
for fault in vanish@rx:1200 vanish@rx:2500 cut@op:300; do
	board_off
	rm -rf board.state state
	board
	expect 0 stmota flash --device uart:board blinky-1.0.0.sota --trust pub.pem
	board --fault "$fault"
	expect 10 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem
	board
	# Only the words that a processor looks at first; reading writes nothing.
	expect 0 stmota read --device uart:board --range 0x08000000:8 --out words.bin
	case $(od -An -tx1 words.bin | tr -d ' \n') in
	ffffffffffffffff | 0000000000000000) ;;
	"$(head -c 8 blinky-1.0.0.bin | od -An -tx1 | tr -d ' \n')")
		# The old vectors still stand: then the rest must be old, too.
		expect 0 stmota read --device uart:board --range "0x08000000:$size" --out found.bin
		same blinky-1.0.0.bin found.bin
		;;
	*) fail "$fault leaves the vectors $(od -An -tx1 words.bin)" ;;
	esac
	expect 0 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem
	expect 0 stmota read --device uart:board --range "0x08000000:$size" --out found.bin
	same blinky-1.1.0.bin found.bin
done

# Bytes lost while the device is compared: the conversation is taken up again, and what --dry-run, or a
# plan that nobody has seen, did not allow is still not done.
for at in 700 1500 2300; do
	board --fault "drop@tx:$at"
	expect 0 stmota flash --device uart:board --dry-run blinky-1.0.0.sota --trust pub.pem --allow-downgrade
	board_off
	[ "$(stat erases)" -eq 0 ] || fail "drop@tx:$at: a dry run has erased"
	[ "$(stat programs)" -eq 0 ] || fail "drop@tx:$at: a dry run has written"
done
