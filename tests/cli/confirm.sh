#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# confirm.sh - flash --confirm and --backup: health is proven, or what was there before is back
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

dev=uart:$tmp/board
flash() { stmota flash --device "$dev" --address 0x08000000 --entry-by-hand --wait 5 "$@"; }
whole() { expect 0 stmota read --device "$dev" --range 0x08000000:0x4000 --out "$1"; }
ready='uart: expect "ready" within 1s'

program old.bin 5000 1
program good.bin 6000 2
program mute.bin 7000 3
printf 'stmota-sim says: version 2 is ready' >>good.bin
printf 'stmota-sim says: panic at 0x0800' >>mute.bin

board
expect 0 flash old.bin
whole before.bin

# It says it in time. What was heard is in the result; the backup is there all the same.
expect 0 flash --backup old.hex --confirm "$ready" --json good.bin
json 'r["confirmed"] and r["seen"] == "version 2 is ready" and r["backup"] == "old.hex"'

# Its file is an image that anything can write back.
expect 0 stmota flash --device "$dev" old.hex
whole after.bin
same before.bin after.bin

# Another text, or none: exit status 9, and the old one is back.
expect 9 flash --backup b1.hex --confirm "$ready" mute.bin
says 'did not say "ready"'
says 'panic at 0x0800'
says 'restored from b1.hex'
whole after.bin
same before.bin after.bin
program silent.bin 7000 4
expect 9 flash --backup b3.hex --confirm "$ready" silent.bin
says 'said nothing within 1 s'
whole after.bin
same before.bin after.bin

# Without a backup it stays, and the hint says what would have helped.
expect 9 flash --confirm "$ready" silent.bin
says '--backup'
whole after.bin
expect 0 cmp -n 7000 after.bin silent.bin
expect 0 flash old.bin

# A command is a proof too; it may use the port.
expect 0 flash --backup b4.hex --confirm "command: test -e old.bin && echo w'e'll within 20s" good.bin
says 'well'
prints_not 'well'
expect 0 flash old.bin
whole before.bin
expect 9 flash --backup b5.hex --confirm 'command: exit 3' good.bin
says 'exit status 3'
whole after.bin
same before.bin after.bin
expect 9 flash --backup b6.hex --confirm 'command: sleep 60 within 1s' good.bin
says 'not done within 1 s'
whole after.bin
same before.bin after.bin

# A file that is there already may be the only copy of something.
cp b6.hex keep.hex
expect 2 flash --backup keep.hex --confirm "$ready" good.bin
says 'exists already'
same b6.hex keep.hex
whole after.bin
same before.bin after.bin
# ... but it is the backup of a run that was interrupted.
board --fault cut@op:9
expect 10 flash --backup cut.hex good.bin
board
cp cut.hex first.hex
expect 1 flash --backup cut.hex mute.bin
says 'of another image'
expect 9 flash --backup cut.hex --confirm 'uart: expect "perfect" within 1s' good.bin
same first.hex cut.hex
whole after.bin
same before.bin after.bin

# The chip does not take the bytes, neither the new ones nor the old ones: the file remains.
board --fault quirk:write-after-read-loses-32
expect 9 flash --backup b7.hex good.bin
says 'could not be restored'
says 'stmota flash b7.hex'
board
expect 0 stmota flash --device "$dev" b7.hex
whole after.bin
same before.bin after.bin

# Forms that are none are refused before anything is opened.
for form in 'uart expect "a"' 'uart: "a"' 'uart: expect "" within 3s' 'uart: expect "a' \
	'uart: expect "a" within 3' 'uart: expect "a" within 90m' 'uart: expect "a\q"' 'command: ' \
	'command: within 3s' 'smoke: signal' 'uart: expect "a" at 9 within 3s'; do
	expect 2 flash --confirm "$form" good.bin
done
expect 2 flash --after none --confirm "$ready" good.bin
says '--after none'
expect 2 stmota flash --device "$dev" --address 0x08000000 --backup n.hex --confirm "$ready" good.bin
says '--entry-by-hand'
[ ! -e n.hex ] || fail "a refused command wrote a backup"
