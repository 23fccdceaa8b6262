#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Power fails in the middle of an update: status 10, and the same command finishes the work. While
# it is unfinished, nothing on the chip would start. (Every single position: the campaign.)
. "$(dirname "$0")/lib.sh"

blinky 1.0.0
blinky 1.1.0
size=$(wc -c <blinky-1.1.0.bin)

for op in 1 2 3 40 300; do
	rm -rf board.state state
	board
	expect 0 stmota flash --device uart:board blinky-1.0.0.sota --trust pub.pem
	board --fault "cut@op:$op"
	expect 10 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem
	board
	expect 0 stmota read --device uart:board --range 0x08000000:8 --out words.bin
	case $(od -An -tx1 words.bin | tr -d ' \n') in
	ffffffffffffffff | 0000000000000000) ;;
	"$(head -c 8 blinky-1.0.0.bin | od -An -tx1 | tr -d ' \n')")
		# The old vectors still stand: then the rest must be old, too.
		expect 0 stmota read --device uart:board --range "0x08000000:$size" --out found.bin
		same blinky-1.0.0.bin found.bin
		;;
	*) fail "cut at operation $op leaves the vectors $(od -An -tx1 words.bin)" ;;
	esac
	expect 0 stmota flash --device uart:board blinky-1.1.0.sota --trust pub.pem
	expect 0 stmota read --device uart:board --range "0x08000000:$size" --out found.bin
	same blinky-1.1.0.bin found.bin
done
