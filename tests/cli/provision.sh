#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# A new board from nothing to protected: order, what is refused before anything is touched, and a
# power cut at operations of every kind, after which the same command finishes the work.
#
# usage: provision.sh [CUTS]: more operations at which the power is cut; tests/unit has them all
. "$(dirname "$0")/lib.sh"

# make NAME BASE SIZE: raw bytes with a vector table, and the same as Motorola S-records
cat >make.py <<'END'
import random, struct, sys

name, base, size = sys.argv[1], int(sys.argv[2], 0), int(sys.argv[3])
r = random.Random(name)
data = struct.pack("<16I", 0x20001000, *[base + 0x101] * 15)
data += bytes(r.getrandbits(8) for _ in range(size - 64))
open(name + ".bin", "wb").write(data)
with open(name + ".srec", "w") as f:
    for i in range(0, size, 32):
        part = data[i:i + 32]
        body = bytes([len(part) + 5]) + struct.pack(">I", base + i) + part
        f.write("S3%s%02X\n" % (body.hex().upper(), ~sum(body) & 0xFF))
    f.write("S70500000000FA\n")
END
make() { python3 make.py "$@"; }

has() {
	python3 -c 'import sys
sys.exit(open(sys.argv[1], "rb").read() not in open("board.state", "rb").read())' "$1"
}

# holds FILE...: the memory of the board has these bytes
holds() {
	for f; do
		has "$f" || fail "the board does not hold $f"
	done
}

# step NAME RESULT
step() { json "[s['result'] for s in r['steps'] if s['step'] == '$1'] == ['$2']"; }

make loader 0x08000000 3000
make app 0x08020000 2500
head -c 64 /dev/urandom >unit.key
f4='--device uart:board --loader loader.srec --app app.srec --key-block unit.key@0x08010000
	--blank 0x08008000:0x8000'
everything="$f4 --wrp-loader --rdp 1"

# The plan, and nothing else. Nobody can be asked; and what is refused, is before the first erase.
board --chip STM32F429ZI
# shellcheck disable=SC2086 # words
{
	expect 0 stmota provision $everything --dry-run --json
	step loader 'to be done'
	step blank 'stands already'
	step 'read-out protection' 'to be done'
	json "[s['step'] for s in r['steps']] == ['loader', 'application', 'key block', 'blank', 'write protection', 'read-out protection']"
	json "r['result'] == 'nothing was changed'"
	expect 2 stmota provision $everything
	says 'whole flash'
	expect 2 stmota provision $f4 --option BOR_LEVEL=1 --yes
	says 'has no option byte'
	expect 2 stmota provision $f4 --rdp 2 --yes
	expect 6 stmota provision $f4 --blank 0x08008000:0x100 --yes
	says 'whole erase units'
	expect 6 stmota provision $f4 --key-block unit.key@0x08000C00 --yes
	says 'share the erase unit'
	expect 6 stmota provision $f4 --key-block unit.key@0x08020000 --yes
	says 'lies where the application is'
	expect 6 stmota provision --device uart:board --loader app.srec --yes
	says 'where this chip starts'
	expect 2 stmota provision --device uart:board --app app.srec
	says '--loader is missing'
	expect 7 stmota provision $f4 --trust "$root/tests/cli" --yes
}
board_off
[ $(($(stat erases) + $(stat programs))) -eq 0 ] || fail 'something was changed'

# Bytes alone, and once more: all of it stands. Then what was left out: nothing is written again.
# shellcheck disable=SC2086 # words
{
	board --chip STM32F429ZI
	expect 0 stmota provision $f4
	prints 'written and verified'
	prints 'provisioned'
	board --chip STM32F429ZI
	expect 0 stmota provision $f4 --json
	step application 'stands already'
	board --chip STM32F429ZI
	expect 0 stmota provision $everything --yes --json
	step application 'stands already'
	step 'write protection' 'written and read back'
	step 'read-out protection' 'set, and seen on the device'
	board_off
	holds loader.bin app.bin unit.key
	[ "$(stat erases)" -le 2 ] || fail 'flash was erased again' # of option bytes
	# A board that is protected tells nothing: it is none of this run's work.
	board --chip STM32F429ZI
	expect 5 stmota provision $everything --yes
	says 'cannot be seen'
}

# Named options and write protection are one write. What moves the erase units comes first, alone.
board_off
rm -f board.state
make small 0x08000000 1500
board --chip STM32L476RG
l4='--device uart:board --loader small.srec --yes'
# shellcheck disable=SC2086 # words
{
	expect 2 stmota provision $l4 --option DUALBANK=0
	says 'comes before the bytes'
	expect 0 stmota provision $l4 --option BFB2=1 --wrp-loader --json
	step option 'written and read back'
	step 'write protection' 'written and read back'
	json "[s['detail'] for s in r['steps'] if s['step'] == 'option'] == ['BFB2: 0x0 -> 0x1']"
	json "sum('resets' in (e.get('text') or '') for e in events) == 1"
}

# The state of an earlier life is gone; health is proved before anything is protected.
board_off
rm -f board.state
board --chip STM32F429ZI
head -c 64 /dev/urandom >old.state
expect 0 stmota flash --device uart:board --data --address 0x08008100 old.state --after none
# shellcheck disable=SC2086 # words
expect 9 stmota provision $f4 --confirm 'command: false within 1s' --wrp-loader --rdp 1 --yes
board --chip STM32F429ZI
expect 0 stmota protect status --device uart:board
prints 'level 0'
# shellcheck disable=SC2086 # words
expect 0 stmota provision $f4 --confirm 'command: true within 5s' --wrp-loader --yes --json --wait 5
step 'proof of health' 'seen'
step 'write protection' 'written and read back'
board_off
! has old.state || fail 'the old state is still there'

# The power fails at an operation: the same command finishes the work. At the last one the board cannot
# be read any more, and the note on the host's disk tells.
make small 0x08000000 400
make copy 0x08001800 320
l0='--device uart:board --loader small.srec --app copy.srec --rdp 1 --yes'
cut() {
	board_off
	rm -rf board.state state
	board --chip STM32L072CZ --fault "cut@op:$1"
	# shellcheck disable=SC2086 # words
	expect 10 stmota provision $l0
	board --chip STM32L072CZ
	# shellcheck disable=SC2086 # words
	expect 0 stmota provision $l0
	cp out again
	board_off
	holds small.bin copy.bin
	board --chip STM32L072CZ
	expect 0 stmota protect status --device uart:board
	prints 'level 1'
}
board_off
rm -rf board.state state
board --chip STM32L072CZ
# shellcheck disable=SC2086 # words
expect 0 stmota provision $l0
board_off
last=$(($(stat erases) + $(stat programs)))
for at in ${1-}; do
	cut "$at"
	! grep -q 'that was interrupted' again || fail 'nothing could have told that'
done
cut "$last"
grep -q 'was verified by the run that was interrupted' again || fail 'who told it?'
grep -q 'BOOT0 low' again || fail 'nobody says how it is started'
# The note is gone: the next board at this place is another one.
board --chip STM32L072CZ
# shellcheck disable=SC2086 # words
expect 5 stmota provision $l0
says '--erase-everything'
