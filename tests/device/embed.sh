#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# image_format/EMBED.md is right: its files are put together, its commands run, in its order.
. "$(dirname "$0")/lib.sh"

page=$root/image_format/EMBED.md
work=$tmp/work
mkdir work bin
ln -s "$stmota" bin/stmota
PATH=$tmp/bin:$PATH
arm-none-eabi-objcopy -O binary "$root/examples/blinky/blinky-1.0.0.elf" blinky.bin
# Any vector table that lies in slot 2 will do for the program; blinky's record is another product's.
python3 - blinky.bin work/app.bin <<'PY'
import struct, sys
b = bytearray(open(sys.argv[1], 'rb').read())
for at in range(4, 64, 4):
    v = struct.unpack_from('<I', b, at)[0]
    if v >> 20 == 0x080:
        struct.pack_into('<I', b, at, v + 0x80000)
open(sys.argv[2], 'wb').write(bytes(b).replace(b'\xa5imfinfo', b'\xffxxxxxxx'))
PY

# C blocks to files, shell blocks to one script; the rest is what it prints and what the linker needs.
awk -v work="$work" '
	/^```$/ && kind { kind = ""; next }
	/^```/ && !kind { kind = substr($0, 4); file = ""; n[kind]++; next }
	kind == "c" && !file { file = work "/" $2; next }
	kind == "c" { print > file }
	kind == "sh" { print > "steps.sh" }
	kind == "ld" { print > "rule.ld" }
	kind == "text" { print > "prints" }
	END { if (n["c"] < 7 || n["sh"] < 5 || n["ld"] != 1 || n["text"] != 1) exit 1 }' "$page" ||
	fail 'EMBED.md has lost blocks'
cp "$root/examples/blinky/blinky.ld" .
grep -qF '.stmota_info : ALIGN(4) { KEEP(*(.stmota_info)) } >' blinky.ld || fail 'the linker rule of blinky differs'
grep -qF '.stmota_info : ALIGN(4) { KEEP(*(.stmota_info)) } >' rule.ld || fail 'the linker rule differs'

bearssl=$bear
export work bearssl
(cd "$root" && sh -eu "$tmp/steps.sh") >out 2>err || fail "status $?: $(tail -n 5 out err)"
cat out err | grep -F '.sota: ' >printed || true
same printed prints 'EMBED.md prints something else'

# Its C is clean, with all of the library too.
cd work
for source in imf.c info.c crypto.c update.c; do
	# shellcheck disable=SC2086 # words on purpose
	arm-none-eabi-gcc --specs=picolibc.specs -std=c99 -mcpu=cortex-m0plus -mthumb -Os $warnings \
		-isystem "$bear/inc" -c "$source" -o clean.o || fail "$source: warnings"
done
# The record that the macro makes is one that stmota reads.
arm-none-eabi-gcc -std=c99 -mcpu=cortex-m4 -mthumb -c info.c -o info.o
arm-none-eabi-objcopy -O binary -j .stmota_info info.o info.bin
[ "$(wc -c <info.bin)" = 64 ] || fail 'the record has another size'
{ head -c 64 app.bin; cat info.bin; tail -c +129 app.bin; } >told.bin
"$stmota" -q pack told.bin --address 0x08080000 --product acme.com/streetlight --out told.sota 2>told.err ||
	fail "the record of info.c: $(cat told.err)"
"$stmota" info told.sota | grep -q '1\.2\.0' || fail 'pack does not find the version in the record'
echo 'ok: every block of EMBED.md'
