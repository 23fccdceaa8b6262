#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stmota check: all rules, on images made for it and on real firmware at right and wrong addresses.
. "$(dirname "$0")/lib.sh"

program app.bin 4096 1 0x08004000

expect 0 stmota check app.bin --chip 0x410
prints 'address  0x08004000'
prints 'ok        all of it lies in the 128 KiB of flash that the largest part has'
prints 'ok        it begins with an erase unit of STM32F10xxx medium-density'
prints 'runs     yes'
expect 0 stmota check app.bin --chip 0x410 --at 0x08004000 --json
json "r['schema'] == 1 and r['runs'] and r['verdict'] == 'ok' and r['chip'] == '0x410'"
json "' '.join(f['rule'] for f in r['findings']) == 'flash erase_unit stack_pointer reset handlers alignment link_address loader'"
json "all(f['verdict'] == 'ok' and f['todo'] is None for f in r['findings'])"

# The wrong address: all that is wrong, and where it fits.
expect 6 stmota check app.bin --chip 0x410 --at 0x08000000 --json
json "not r['runs'] and r['verdict'] == 'error' and r['error']['exit_status'] == 6"
json "any(f['rule'] == 'reset' and f['word'] == 1 and '0x08004000' in f['todo'] for f in r['findings'])"
says 'will not run at 0x08000000'

# A part of the family that is too small, and one that is none.
expect 6 stmota check app.bin --chip 0x410 --flash-size 16K
prints 'is outside the 16 KiB of flash'
expect 6 stmota check app.bin --chip 0x410 --flash-size 256K
says 'more than'
expect 2 stmota check app.bin
says 'for which chip?'
expect 2 stmota check app.bin --chip nonsense
expect 1 stmota check missing.bin --chip 0x410

# Alignment: H7 needs 0x400, 0x200 is not enough.
program h7.bin 4096 1 0x08020200
expect 6 stmota check h7.bin --chip 0x450 --at 0x08020200
prints 'must begin at a multiple of 0x400'
prints 'link it for 0x08020000 or 0x08020400'
program h7.bin 4096 1 0x08020400
expect 0 stmota check h7.bin --chip 0x450 --at 0x08020400

# F0 has no VTOR: refused in a second slot, unless the program could bring its table to 0 itself.
program f0.bin 4096 1 0x08002000
expect 6 stmota check f0.bin --chip 0x440 --at 0x08002000
prints 'cannot move its vector table (no VTOR)'
prints 'let a loader copy it there from a staging area'
{ cat f0.bin; le32 0x40010000; } >f0copy.bin
expect 0 stmota check f0copy.bin --chip 0x440 --at 0x08002000
prints 'cannot move its vector table: the program must copy it to RAM'
program f0.bin 4096 1 0x08000000
expect 0 stmota check f0.bin --chip 0x440
# pack and flash know the same rule.
program f0.bin 4096 1 0x08002000
expect 6 stmota pack f0.bin --address 0x08002000 --product a.com/b --version 1.0.0 --chip 0x440 \
	--out f0.sota
says 'no VTOR'

# ST's loaders: doubtful behind a loader, nothing at the start of flash.
program f4.bin 4096 1 0x08008000
{ le32 0x20020000; tail -c +5 f4.bin; } >stack.bin
expect 0 stmota check stack.bin --chip 0x413 --at 0x08008000 --json
json "r['verdict'] == 'doubtful' and r['runs']"
json "[f for f in r['findings'] if f['verdict'] == 'doubtful'][0]['rule'] == 'loader'"
json "'2FFE0000' in str(r['findings']) and '0x2001FFF8' in str(r['findings'])"
expect 0 stmota pack stack.bin --address 0x08008000 --product a.com/b --version 1.0.0 --chip 0x413 \
	--out stack.sota
says 'this loader will not start it'

# Not at an erase unit: F4's first sectors have 16 KiB. Behind a header of 0x200 bytes it is usual.
program odd.bin 4096 1 0x08006000
expect 0 stmota check odd.bin --chip 0x413 --at 0x08006000
prints 'doubtful  it begins inside an erase unit (0x08004000, 16384 bytes)'
program odd.bin 4096 1 0x08004200
expect 0 stmota check odd.bin --chip 0x413 --at 0x08004200
prints '0x200 behind the start of an erase unit'

# What is no image.
printf 'words' >text
expect 1 stmota check text --chip 0x410 --at 0x08000000
head -c 4096 /dev/zero >zeros
expect 2 stmota check zeros --chip 0x410
says '--at ADDR'

[ -d "$corpus" ] || skip "no corpus of real firmware beside the source tree"

# right CHIP ADDR FILE: runs there, and the address is found without help, but at no other one.
right() {
	expect 0 stmota check "$corpus/$3" --chip "$1" --at "$2" --json
	json "r['runs'] and r['address'] == '$2'"
	expect 0 stmota check "$corpus/$3" --chip "$1"
	for wrong in 0x08000000 0x08001000 0x08002000 0x08004000 0x08008000 0x08010000 0x08040000; do
		[ "$wrong" != "$2" ] || continue
		expect 6 stmota check "$corpus/$3" --chip "$1" --at "$wrong"
	done
}
for v in old new; do
	right 0x415 0x08008000 coldcard-a/$v.bin
	right 0x413 0x08000000 vesc60-a/$v.bin
	right 0x411 0x08008000 btt-tft35-a/$v.bin
	right 0x450 0x08000000 portenta-boot/$v.bin
	right 0x410 0x08003000 cleanflight-cc3d/$v.bin
	right 0x446 0x08000000 multistepper/$v.bin
	right 0x448 0x08000000 duckypad-a/$v.bin
	right 0x414 0x08000000 hoverboard/$v.bin
	right 0x414 0x08007000 skr-mini-v12/$v.bin
	right 0x468 0x08000000 mlrs-rx/$v.bin
done
right 0x414 0x08000000 files/hoverboard.elf
right 0x414 0x08000000 files/baseflight.hex
right 0x410 0x08000000 files/mlrs-tx-f103.elf
right 0x468 0x08000000 files/blink-g431.elf
right 0x468 0x08000000 files/mlrs-rx-g431.hex
right 0x413 0x08000000 files/pybv11-v1.10.elf
right 0x448 0x08000000 files/duckypad-2.1.0.dfu
right 0x448 0x08000000 files/duckypad-2.3.2.dfu
right 0x413 0x08000000 files/pybv11-1f5d945af.elf

# Not STM32 at all: nowhere on one.
for name in smoothie-a uvk5-a synthesizer shell; do
	expect 6 stmota check "$corpus/$name/new.bin" --chip 0x413 --at 0x08000000
done
