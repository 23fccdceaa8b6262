#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# i2c.sh - stmota over I2C, on the virtual bus that unmodified stm32flash uses too
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x435 --i2c -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}

# on CHIP OPTION... -- COMMAND: the status is that of COMMAND
on() {
	chip=$1
	shift
	stmota-sim exec --chip "$chip" --i2c --state board.state --stats stats.json --seed 1 "$@"
}

# flashed CHIP ADDRESS FILE OPTION...: writes, reads back with a program that is not ours
flashed() {
	chip=$1 address=$2 file=$3
	shift 3
	rm -f board.state
	expect 0 on "$chip" "$@" -- stmota flash --device "i2c:/dev/i2c-1@$address" --yes --after none \
		--address 0x08000000 "$file"
	expect 0 on "$chip" -- stmota read --device "i2c:/dev/i2c-1@$address" --out back.bin \
		--range "0x08000000:$(wc -c <"$file")"
	same "$file" back.bin
	command -v stm32flash >/dev/null || return 0
	expect 0 on "$chip" -- stm32flash -a "$address" -r judge.bin \
		-S "0x08000000:$(wc -c <"$file")" /dev/i2c-1
	same "$file" judge.bin
}

# ---- sectors and pages, protocols 1.0 and 1.2, 32-byte words; the unit tests have all chips
program small.bin 3000 1
flashed 0x460 0x51 small.bin
flashed 0x413 0x3a small.bin
flashed 0x450 0x4e small.bin
flashed 0x435 0x48 small.bin --fault quirk:i2c-write-64
if [ -d "$corpus" ]; then
	flashed 0x468 0x54 "$corpus/mlrs-rx/new.bin"
else
	echo 'not looked at: real firmware is not there'
fi

# ---- an adapter that takes 32 bytes in one message
flashed 0x460 0x51 small.bin --fault quirk:adapter-32
rm -f board.state
expect 1 on 0x450 --fault quirk:adapter-32 -- stmota flash --device i2c:/dev/i2c-1@0x4e --yes \
	--address 0x08000000 small.bin
says 'words of 32 bytes'
rm -f board.state
expect 1 on 0x460 --fault quirk:adapter-smbus -- stmota probe --device i2c:/dev/i2c-1@0x51
says 'SMBus only'

# ---- a cut, and the same command again
program small2.bin 3000 7
expect 10 on 0x460 --fault cut@op:100 -- stmota flash --device i2c:/dev/i2c-1@0x51 --yes \
	--after none --address 0x08000000 small2.bin
says 'same command again'
expect 0 on 0x460 -- stmota flash --device i2c:/dev/i2c-1@0x51 --yes --after none \
	--address 0x08000000 small2.bin
expect 0 on 0x460 -- stmota read --device i2c:/dev/i2c-1@0x51 --range 0x08000000:3000 --out back.bin
same small2.bin back.bin

# ---- again, and nothing is written
expect 0 on 0x460 -- stmota flash --device i2c:/dev/i2c-1@0x51 --yes --after none --json \
	--address 0x08000000 small2.bin
json 'r["event"] == "result" and r["bytes_written"] == 0'
[ "$(stat erases)" -eq 0 ] || fail 'an equal image was erased'

# ---- what there is, where it is
expect 0 on 0x460 -- stmota devices --json
json 'r["buses"][0]["url"] == "i2c:/dev/i2c-1"'
expect 0 on 0x460 -- stmota probe --device i2c:/dev/i2c-1@0x51 --json
json 'r["transport"] == "i2c" and r["bus_hz"] == 100000 and r["protocol"] == "1.2"'
json 'r["address"] == "0x51" and "baud" not in r'
expect 0 on 0x460 -- stmota probe --device i2c:/dev/i2c-1 # looked for
says '0x51: a bootloader'
prints 'STM32G07'
expect 0 on 0x460 -- stmota probe --device i2c:/dev/i2c-1 --chip 0x460
says_not 'a bootloader, it seems'
# Three chips have two addresses in the sources: both are looked at.
rm -f board.state
expect 0 on 0x423 --fault quirk:i2c-other-address -- stmota probe --device i2c:/dev/i2c-1 --chip 0x423
says '@0x3a: a bootloader'
rm -f board.state
expect 0 on 0x454 --fault quirk:i2c-other-address -- stmota probe --device i2c:/dev/i2c-1
says '@0x5a: a bootloader'
rm -f board.state
expect 3 on 0x460 -- stmota probe --device i2c:/dev/i2c-1 --chip 0x452
says 'any of 2 known addresses'
expect 4 on 0x460 -- stmota probe --device i2c:/dev/i2c-1@0x51 --chip 0x435
says 'not STM32L43'

# ---- wrong addresses, no bus, in use
expect 3 on 0x460 -- stmota probe --device i2c:/dev/i2c-1@0x20
says 'no bootloader answers'
expect 2 stmota probe --device i2c:/dev/i2c-1@51
says 'no I2C address'
expect 3 stmota probe --device i2c:/dev/i2c-77@0x51
says 'I2C buses here'
expect 1 stmota probe --device i2c:/dev/i2c-1 --chip 0x410
says 'has no I2C'
expect 1 stmota probe --device i2c:/dev/i2c-1 --chip 0x42A
says 'not confirmed'
cat >two.sh <<'EOF'
(
	exec 9<>/dev/i2c-1
	python3 -c 'import fcntl, struct
fcntl.fcntl(9, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0x51, 1, 0))
import time; open("locked", "w"); time.sleep(30)' &
	echo $! >locker
)
until [ -e locked ]; do sleep 0.05; done
status=0
stmota probe --device i2c:/dev/i2c-1@0x51 || status=$?
kill "$(cat locker)"
exit $status
EOF
expect 3 on 0x460 -- sh two.sh
says 'is held by python3 (pid'

# ---- other commands
expect 0 on 0x460 -- stmota erase --device i2c:/dev/i2c-1@0x51 --range 0x08000800:2048 --yes
expect 0 on 0x460 -- stmota read --device i2c:/dev/i2c-1@0x51 --range 0x08000800:2048 --out back.bin
head -c 2048 /dev/zero | tr '\0' '\377' >blank.bin
same blank.bin back.bin
