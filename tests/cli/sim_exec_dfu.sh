#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sim_exec_dfu.sh - Debian's unmodified dfu-util judges the virtual USB device
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

command -v dfu-util >/dev/null || skip 'dfu-util is not installed'
stmota-sim exec --chip 0x413 --i2c -- true 2>err || skip "$(head -n 1 err)"

# on CHIP [OPTION]... -- COMMAND...: the board keeps its memory in ./board.state
on() {
	chip=$1
	shift
	stmota-sim exec --chip "$chip" --state board.state --stats stats.json --seed 1 --dfu "$@"
}

# flash OPTION...: dfu-util on the flash of $chip
flash() {
	on "$chip" -- dfu-util -a 0 "$@"
}

# there_and_back CHIP FILE
there_and_back() {
	chip=$1
	rm -f board.state back
	expect 0 flash -s 0x08000000 -D "$2"
	expect 0 flash -s "0x08000000:$(wc -c <"$2")" -U back
	same "$2" back
	echo "ok: $1: $(wc -c <"$2") bytes"
}

head -c 65536 /dev/urandom >image

# ---- one chip of each kind: sectors, pages, erased 0x00, ECC, 1024-byte transfers, early polls
for chip in 0x415 0x447 0x449 0x450 0x468; do
	there_and_back "$chip" image
done
real() {
	if [ -e "$corpus/$2" ]; then
		there_and_back "$1" "$corpus/$2"
	else
		echo "skipped: $2 is not there"
	fi
}
real 0x413 pybv11/new.bin
real 0x419 hoverboard/new.bin
real 0x468 mlrs-rx/new.bin
real 0x448 duckypad-a/new.bin

# ---- what it says of itself, and what goes over the wire: six transfers a block, as dfu-util does
chip=0x413
rm -f board.state
expect 0 flash -l
prints '[0483:df11]'
prints 'name="@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg"'
expect 0 flash -s 0x08000000 -D image
[ "$(stat usb_dnload)" -eq $((2 * 32 + 4)) ] || fail 'not two DNLOADs a block and one for each sector'
[ "$(stat usb_stalls)" -eq 0 ] || fail 'a STALL'

# ---- a DfuSe file; a short last block
head -c 5001 image >odd
expect 0 stmota convert --to dfu --address 0x08020000 --out image.dfu odd
expect 0 flash -D image.dfu
expect 0 flash -s 0x08020000:5001 -U back2
head -c 5000 odd >wanted
head -c 5000 back2 >got
same wanted got

# ---- mass erase; flash that is not erased keeps what it has (no check: the host must verify)
expect 0 flash -s 0x08000000:mass-erase:force -D odd
expect 0 flash -s 0x08008000:64 -U back3
head -c 64 /dev/zero | tr '\000' '\377' >blank
same blank back3

# ---- leave: the program runs, nothing is on the bus any more
program app 8192 1
# listed TEXT|none: for the inner shell; lists devices until one is TEXT, or none is there
cat >listed.sh <<'EOF'
tries=0
while [ "$tries" -lt 300 ]; do
	tries=$((tries + 1))
	dfu-util -l >listed.txt
	if grep -q 'Found' listed.txt; then found=yes; else found=none; fi
	[ "$1" != none ] || [ "$found" != none ] || exit 0
	[ "$1" = none ] || ! grep -qF "$1" listed.txt || exit 0
	sleep 0.1
done
cat listed.txt
exit 1
EOF
expect 0 on 0x413 -- sh -c 'dfu-util -a 0 -s 0x08000000:leave -D app && sh listed.sh none'

# ---- read-out protection by option bytes; the way out takes everything along
printf '\377\000\377\377\000\000\000\000\377\377\377\377\000\000\000\000' >rdp1
on 0x413 -- dfu-util -a 1 -s 0x1FFFC000 -D rdp1 >out 2>err || :
expect 0 on 0x413 -- dfu-util -l
prints 'Found DFU'
if on 0x413 -- dfu-util -a 0 -s 0x08000000:64 -U closed >out 2>err; then
	[ ! -s closed ] || fail 'protected flash was read'
fi
on 0x413 -- dfu-util -a 0 -s 0x08000000:unprotect:force >out 2>err || :
expect 0 flash -s 0x08000000:64 -U back4
same blank back4

# ---- plain DFU 1.1, without addresses: what is behind the bootloader
rm -f board.state back
program behind 65536 2 0x08004000
expect 0 on 0x431 --dfu-as plain-tolerant -- dfu-util -D behind
expect 0 on 0x431 --dfu-as plain-tolerant -- dfu-util -U back
head -c 65536 back >got
same behind got
# What is no program is refused at the end.
on 0x431 --dfu-as plain-tolerant -- dfu-util -D image >out 2>err || :
grep -q 'dfuERROR, status(10)' out err || fail 'noise was taken for a program'

# ---- an application with run-time DFU, that leaves by itself and after a reset
rm -f board.state
expect 0 on 0x431 -- dfu-util -a 0 -s 0x08000000 -D app
for kind in runtime-leaves runtime; do
	expect 0 on 0x431 --boot0 low --dfu-as $kind -- dfu-util -l
	prints 'Found Runtime: [0483:5740]'
	expect 0 on 0x431 --boot0 low --dfu-as $kind -- sh -c \
		'dfu-util -e -d 0483:5740 && sh listed.sh "Found DFU: [0483:df11]"'
done

# ---- faults: unplugged, refused, broken; afterwards it goes on
chip=0x413
rm -f board.state
for fault in vanish fail drop cut; do
	got=0
	timeout 20 stmota-sim exec --chip 0x413 --state board.state --seed 1 --dfu \
		--fault "$fault@usb:60" -- dfu-util -a 0 -s 0x08000000 -D image >out 2>err || got=$?
	[ "$got" -ne 0 ] || fail "$fault: dfu-util has not noticed"
	echo "ok: $fault: status $got"
done
there_and_back 0x413 image
expect 4 stmota-sim exec --chip 0x431 --state board.state --dfu -- true
says 'holds chip 0x413'
expect 1 stmota-sim exec --chip 0x410 --dfu -- true
says 'has no USB DFU'
