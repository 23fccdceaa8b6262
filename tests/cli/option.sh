#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# What is listed, and what a name is not.
board --chip 0x415
expect 0 stmota option list --device uart:board --json
json "r['schema'] == 1"
json "[o for o in r['options'] if o['name'] == 'BFB2'][0]['value'] == '0'"
json "[o for o in r['options'] if o['name'] == 'RDP'][0]['can_be_undone'] == 'not by option set'"
expect 0 stmota option get --device uart:board BFB2
test "$(cat out)" = 0x0 || fail "one value is not alone: $(cat out)"
expect 0 stmota option get --device uart:board BFB2 DUALBANK --json
json "r['BFB2'] == '0x0' and r['DUALBANK'] == '0x1'"
expect 2 stmota option get --device uart:board bfb2
says "did you mean BFB2"

# Nonsense, and what is not to be had by name.
for bad in BFB2 =1 BFB2= BFB2=x BFB2=2 BFB2=-1 BFB2=4294967296 NOPE=1 \
	AVERYLONGNAMETHATNOOPTIONOFANYCHIPHAS=1; do
	expect 2 stmota option set --device uart:board "$bad" --yes
done
expect 2 stmota option set --device uart:board BFB2=1 BFB2=0 --yes
for level in 0xAA 0xBB 0xCC; do
	expect 2 stmota option set --device uart:board RDP=$level --irreversible RDP --yes
	says "rdp-set"
done
expect 2 stmota option set --device uart:board nBOOT1=0 --yes
says "--irreversible nBOOT1"
expect 1 stmota option set --device uart:board WRP1A_STRT=1 WRP2A_STRT=1 --yes
says "2 option writes"
expect 2 stmota option set --device uart:board BFB2=1 </dev/null
says "0x0 -> 0x1"
says "--yes"
expect 0 stmota option set --device uart:board BFB2=1 --dry-run --json
json "r['changes'] == [{'name': 'BFB2', 'from': '0x0', 'to': '0x1'}]"
json "r['resets_device'] and not r['changes_erase_units'] and r['can_be_undone']"
board_off
test "$(stat programs)" -eq 0 || fail "something was written"

# Once, and it holds; the second time nothing is written. A foreign program reads the same bytes.
board --chip 0x415
expect 0 stmota option set --device uart:board BFB2=1 --yes --json
json "r['result'] == 'written and read back'"
expect 0 stmota option set --device uart:board BFB2=1 --yes --json
json "r['result'].startswith('stood already') and r['changes'] == []"
if command -v stm32flash >/dev/null; then
	expect 0 stm32flash -m 8n1 -r area.bin -S 0x1FFF7800:40 board
	python3 - <<'EOF' || fail "the option words that stm32flash reads"
import struct
w = struct.unpack("<10I", open("area.bin", "rb").read())
assert w[0] & 0xFF == 0xAA and w[0] >> 20 & 1 == 1, hex(w[0])
assert w[1] == w[0] ^ 0xFFFFFFFF
EOF
fi

# A bank mode has other erase units: the next command sees them.
board_off
rm -f board.state
board --chip 0x472
expect 0 stmota option set --device uart:board DBANK=0 --yes --json
json "r['changes_erase_units']"
expect 0 stmota probe --device uart:board --json
json "r['flash']['banks'] == 1"

# Other erase units and other flash words: 600 bytes are whole words of 16 bytes, not of 32. A board that
# was off between still has two banks.
board_off
rm -f board.state
board --chip 0x451
program tiny.bin 600 1
expect 0 stmota option set --device uart:board nDBANK=0 --yes
board_off
board --chip 0x451
expect 0 stmota flash --device uart:board --address 0x08100000 --data --after none --yes tiny.bin
prints 'verified       yes'
expect 0 stmota read --device uart:board --range 0x08100000:600 --out back.bin
same tiny.bin back.bin
expect 0 stmota probe --device uart:board --json
json "r['flash']['banks'] == 2 and r['flash']['write_align'] == 16"

# Families: bytes with complements, half words with complements, registers, plain words.
for pair in 0x430:BFB2=0 0x436:nBFB2=0 0x419:BFB2=1 0x474:SWAP_BANK=1; do
	board_off
	rm -f board.state
	board --chip "${pair%%:*}"
	expect 0 stmota option set --device uart:board "${pair#*:}" --yes --json
	json "r['result'] == 'written and read back'"
	json "len(r['changes']) == 1"
done
