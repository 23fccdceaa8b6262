#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sim_stm32flash.sh - Debian's unmodified stm32flash judges the virtual board
#
# -m 8n1 because a pseudo terminal has no parity. What stm32flash shows on its way is one long line.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

command -v stm32flash >/dev/null || skip 'stm32flash is not installed'

# flash OPTION...: stm32flash must succeed
flash() {
	expect 0 stm32flash -m 8n1 "$@" board
}

# refused OPTION...: it must not
refused() {
	expect 1 stm32flash -m 8n1 "$@" board
}

# there_and_back CHIP FILE: writes, verifies, reads back in a new run of the board
there_and_back() {
	board_off
	rm -f board.state back
	board --chip "$1"
	flash -w "$2" -v
	board --chip "$1"
	flash -r back -S "0x08000000:$(wc -c <"$2")"
	same "$2" back
	board_off
	echo "ok: 0x${1#0x}: $(wc -c <"$2") bytes"
}

# stat KEY: a number of stats.json
stat_of() {
	sed -n "s/^ *\"$1\": *\([0-9]*\).*/\1/p" stats.json
}

# a file of N bytes that no two blocks of are equal
head -c 49152 /dev/urandom >image

# One chip of each kind: 0x43, sectors, pages, ECC, 128-byte pages without mass erase, erased 0x00.
for chip in 0x410 0x414 0x413 0x419 0x451 0x415 0x460 0x467 0x447 0x429 0x437 0x440 0x464; do
	there_and_back "$chip" image
done

# Real firmware; the last write of 8-byte parts must be whole.
real() {
	if [ -e "$corpus/$2" ]; then
		there_and_back "$1" "$corpus/$2"
	else
		echo "skipped: $2 is not there"
	fi
}
real 0x410 hoverboard/new.bin
real 0x446 multistepper/new.bin
real 0x438 mlrs-rx/new.bin
real 0x413 pybv11/new.bin
real 0x414 skr-mini-v12/new.bin
real 0x419 coldcard-a/new.bin

# ---- the numbers: 265 bytes out, 3 back and 3 turnarounds for a block of 256
head -c 4096 image >small
head -c 8192 image >large
for f in small large; do
	board_off
	rm -f board.state stats.json
	board
	flash -e 0 -w "$f"
	board_off
	eval "to_$f=$(stat_of bytes_to_device) from_$f=$(stat_of bytes_from_device)"
	eval "turns_$f=$(stat_of turnarounds) programs_$f=$(stat_of programs)"
done
# shellcheck disable=SC2154 # set by eval
[ $((to_large - to_small)) -eq $((16 * 265)) ] || fail "16 blocks took $((to_large - to_small)) bytes"
# shellcheck disable=SC2154
[ $((from_large - from_small)) -eq $((16 * 3)) ] || fail 'not 3 bytes back for a block'
# shellcheck disable=SC2154
[ $((turns_large - turns_small)) -eq $((16 * 3)) ] || fail 'not 3 turnarounds for a block'
# shellcheck disable=SC2154
[ $((programs_large - programs_small)) -eq 1024 ] || fail 'not 64 words for a block'
echo 'ok: statistics'

# ---- pages: -e and -s erase only what they name
board_off
rm -f board.state
board --chip 0x410 --flash-size 64
flash -w image
flash -o -s 4 -e 2
flash -r back -S 0x08000000:49152
{
	head -c 4096 image
	head -c 2048 /dev/zero | tr '\000' '\377'
	tail -c +6145 image
} >wanted
same wanted back
# A write over what is not erased: words that are not blank stay (F1).
head -c 4096 /dev/zero | tr '\000' '\252' >pattern
flash -e 0 -w pattern -S 0x08001000:4096
flash -r back -S 0x08001000:2048
cmp -s -n 2048 pattern back || fail 'the erased half was not written'
flash -r back -S 0x08001800:2048
cmp -s -n 2048 pattern back && fail 'flash that was not erased took the data'
flash -o
flash -r back -S 0x08000000:65536
head -c 65536 /dev/zero | tr '\000' '\377' >blank
same blank back
echo 'ok: pages'

# ---- protection
for chip in 0x410 0x413 0x415; do
	board_off
	rm -f board.state
	board --chip "$chip"
	flash -w image
	flash -j
	board --chip "$chip"
	refused -r back -S 0x08000000:256
	refused -w image
	flash -k
	flash -r back -S 0x08000000:4096
	head -c 4096 blank >wanted
	same wanted back
	flash -u
	flash -w image -v
	echo "ok: $chip: protection"
done

# ---- a cut in the middle of the writing: dead until the port is opened again, then it goes on
board_off
rm -f board.state
board --chip 0x410 --fault cut@op:5000
refused -w image
in_file yes sim.log 'the power has failed'
flash -w image -v
in_file yes sim.log 'power is back'
board --chip 0x410
flash -r back -S 0x08000000:49152
same image back
echo 'ok: cut'

# ---- a state file of another chip, or of nothing
expect 4 stmota-sim run --chip 0x413 --uart elsewhere --state board.state
says 'holds chip 0x410'
echo rubbish >rubbish
expect 1 stmota-sim run --chip 0x413 --uart elsewhere --state rubbish
says 'not a state file'
expect 2 stmota-sim run --chip 0x413 --uart elsewhere --fault drop@op:1
says 'cannot happen at that place'
expect 1 stmota-sim run --chip 0x413 --uart image
says 'no link'
board_off
[ ! -e board ] || fail 'the link stayed'
echo 'ok: refusals'
