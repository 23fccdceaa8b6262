#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# What a foreign program wrote is what read gets.
command -v stm32flash >/dev/null || skip "stm32flash is not installed"
head -c 20000 /dev/urandom >random.bin
board --chip 0x410
expect 0 stm32flash -m 8n1 -w random.bin board
expect 0 stmota read --device uart:board --range 0x08000000:20000 --out back.bin
prints "20000 bytes"
same random.bin back.bin
expect 0 stmota read --device uart:board --range 0x08000064:7 --out some.bin --json
prints '"size": 7'
tail -c +101 random.bin | head -c 7 >want.bin
same want.bin some.bin
stmota read --device uart:board --range 0x08000000:20000 --out - >stdout.bin 2>err
same random.bin stdout.bin
expect 0 stmota read --device uart:board --all --twice --out all.bin
test "$(wc -c <all.bin)" -eq 131072 || fail "--all: $(wc -c <all.bin) bytes"

# Questions that have no answer.
expect 2 stmota read --device uart:board --out x
expect 2 stmota read --device uart:board --all
expect 2 stmota read --device uart:board --all --range 0:4 --out x
expect 2 stmota read --device uart:board --all --out - --json
expect 6 stmota read --device uart:board --range 0x0801FFF0:32 --out x
says "0x08000000:0x20000"
expect 1 stmota read --device uart:board --all --out missing/folder/x
test ! -e x || fail "a file for nothing"

# Erase: whole units only, with consent, and nothing else.
expect 2 stmota erase --device uart:board --range 0x08000400:1K </dev/null
says "--yes"
expect 6 stmota erase --device uart:board --range 0x08000410:1K --yes
says "0x08000400:0x800"
expect 6 stmota erase --device uart:board --range 0x08020000:1K --yes
expect 2 stmota erase --device uart:board --yes
expect 0 stmota read --device uart:board --range 0x08000000:20000 --out back.bin
same random.bin back.bin
expect 0 stmota erase --device uart:board --range 0x08000400:2K --yes
head -c 1024 random.bin >want.bin
head -c 2048 /dev/zero | tr '\0' '\377' >>want.bin
tail -c +3073 random.bin >>want.bin
expect 0 stmota read --device uart:board --range 0x08000000:20000 --out back.bin
same want.bin back.bin
expect 6 stmota erase --device uart:board --range 0x08000000:1K --range 0x08000410:1K --yes
expect 0 stmota read --device uart:board --range 0x08000000:20000 --out back.bin
same want.bin back.bin
expect 0 stmota erase --device uart:board --range 0x08000000:1K --range 0x08001000:1K --yes
expect 0 stmota read --device uart:board --range 0x08000000:1K --out a.bin
expect 0 stmota read --device uart:board --range 0x08001000:1K --out b.bin
same a.bin b.bin
expect 0 stmota erase --device uart:board --all --yes --json
prints '"blank": true'
expect 0 stmota read --device uart:board --all --out back.bin
head -c 131072 /dev/zero | tr '\0' '\377' >want.bin
same want.bin back.bin

# A chip whose erased value is 0x00 and that has no mass erase.
board_off
rm -f board.state
board --chip 0x417
expect 0 stmota erase --device uart:board --all --yes
expect 0 stmota read --device uart:board --range 0x08000000:4K --out back.bin
head -c 4096 /dev/zero >want.bin
same want.bin back.bin
board_off
rm -f board.state

# The connection breaks in mid-work: the same run ends it.
board --chip 0x410
expect 0 stm32flash -m 8n1 -w random.bin board
for fault in drop@rx:300 drop@tx:900 garble@tx:1200 double@rx:400; do
	board --chip 0x410 --fault "$fault"
	expect 0 stmota read --device uart:board --range 0x08000000:20000 --twice --out back.bin
	same random.bin back.bin
done
