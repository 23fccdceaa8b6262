#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stmota layout: known parts, refusals that say what would be possible, and its fragments used by
# the programs that they are for.
. "$(dirname "$0")/lib.sh"

# The case that everybody meets: two slots just fit, and more room is elsewhere.
expect 0 stmota layout --chip 0x447 --app 93K --bootloader 4K
prints 'slot 1      flash  0x08001000  0x080187FF  94 KiB  0x08001000'
prints 'slot 2      flash  0x08018800  0x0802FFFF  94 KiB  0x08018800'
prints 'room              1024 bytes (1 KiB)'
prints 'staging in external flash is advised'
expect 0 stmota layout --chip STM32L072RZ --app 93K --bootloader 4K --json
json "r['schema'] == 1 and r['chip'] == '0x447' and r['flash_size'] == 192 * 1024"
json "r['slot_size'] == 94 * 1024 and r['room'] == 1024 and r['room_percent'] == 1.1"
json "[a['area'] for a in r['areas']] == ['bootloader', 'slot 1', 'slot 2']"
json "sum(a['size'] for a in r['areas']) == r['flash_size']"
json "any('external flash is advised' in n for n in r['notes'])"
expect 0 stmota layout --chip 0x447 --app 93K --bootloader 4K --external 256K --json
json "r['scheme'] == 'staging' and r['slot_size'] == 188 * 1024"
json "r['areas'][-1]['in'] == 'external' and r['areas'][-1]['size'] == 188 * 1024"

# A smaller part of the same product ID; the largest one is assumed, and that is said.
expect 0 stmota layout --chip 0x447 --flash-size 64K --app 20K --bootloader 4K --json
json "r['banks'] == 1 and not r['by_banks']"
json "r['flash_size'] == 64 * 1024 and not any('largest part' in n for n in r['notes'])"
expect 0 stmota layout --chip STM32F103C8 --app 20K --bootloader 4K --json
json "r['flash_size'] == 128 * 1024 and any('128 KiB of flash are those of the largest part' in n for n in r['notes'])"

# A bit more does not fit, and it says what would.
expect 6 stmota layout --chip 0x447 --app 95K --bootloader 4K --json
json "'94' in r['error']['message'] and '--external 96K' in r['error']['hint']"
expect 6 stmota layout --chip 0x447 --app 60K --bootloader 4K --slots 4
says 'the most is 47'
expect 0 stmota layout --chip 0x447 --app 40K --bootloader 4K --slots 4

# One slot in each bank, both for the same address.
expect 0 stmota layout --chip 0x447 --app 80K --bootloader 4K --json
json "r['by_banks'] and {a['link_address'] for a in r['areas'] if 'slot' in a['area']} == {'0x08001000'}"
json "[a['area'] for a in r['areas']][2] == 'bootloader copy'"

# Street lights: slots of 256 KiB in an F429 of 1 MiB.
f429='--chip STM32F429 --flash-size 1M --app 200K --bootloader 96K'
# shellcheck disable=SC2086 # words
{
	expect 2 stmota layout --chip STM32F429 --flash-size 1M --app 200K
	expect 1 stmota layout $f429
	says '--banks single or --banks dual'
	expect 0 stmota layout $f429 --banks single --slot-size 256K --json
	json "[a['address'] for a in r['areas']] == ['0x08000000', '0x08020000', '0x08060000', '0x080A0000']"
	expect 0 stmota layout $f429 --banks dual --json
	json "r['by_banks'] and r['areas'][1]['address'] == '0x08020000' and r['areas'][3]['address'] == '0x080A0000'"
	expect 0 stmota layout $f429 --banks single --scheme swap
	prints 'scratch     flash  0x080E0000'
}

# F0 has no VTOR.
expect 6 stmota layout --chip STM32F072 --app 30K --bootloader 8K --scheme slots
says 'no VTOR'
says '--scheme staging'
expect 0 stmota layout --chip STM32F072 --app 30K --bootloader 8K
prints 'staging 2'
prints 'MEM_MODE'
expect 0 stmota layout --chip STM32F072 --app 30K --bootloader 0 --scheme self
prints 'slot 1     flash  0x08000000'

# What makes no sense.
expect 2 stmota layout --chip 0x447 --app 0 --bootloader 4K
expect 2 stmota layout --chip 0x447 --app 10K --bootloader 0
expect 2 stmota layout --chip 0x447 --app 10K --bootloader 4K --slots 0
expect 2 stmota layout --chip 0x447 --app 10K --bootloader 4K --slots 9
expect 2 stmota layout --app 10K --bootloader 4K
says '--chip is needed'
expect 6 stmota layout --chip 0x447 --app 10K --bootloader 192K
expect 6 stmota layout --chip 0x450 --flash-size 128K --app 10K --bootloader 16K
says 'the first has 128 KiB'
expect 6 stmota layout --chip 0x447 --flash-size 256K --app 10K --bootloader 4K

# Fragments: a program linked with one runs where the other says, by the rules of check.
expect 0 stmota layout --chip 0x447 --app 93K --bootloader 4K --format c-header
cp out flash_layout.h
printf '#include "flash_layout.h"\n_Static_assert(FLASH_SLOT_2_BASE == 0x08018800 && FLASH_SLOT_2_SIZE == 94 * 1024 && FLASH_IMAGE_SIZE_MAX == 94 * 1024, "");\n' >use.c
expect 0 "${CC:-cc}" -fsyntax-only -Wall -Werror use.c
for slot in 0x08001000 0x08018800; do
	program "app-$slot" 95232 1 "$slot"
	expect 0 stmota check "app-$slot" --chip 0x447 --at "$slot"
done
expect 6 stmota check app-0x08001000 --chip 0x447 --at 0x08018800
expect 0 stmota layout --chip 0x447 --app 93K --bootloader 4K --format ld
cp out slots.ld
prints 'ORIGIN = 0x08018800, LENGTH = 0x00017800'

# The picture is sound XML and names every area.
expect 0 stmota layout --chip 0x447 --app 93K --bootloader 4K --external 256K --svg picture.svg
python3 -c '
import xml.dom.minidom
texts = [t.firstChild.data for t in xml.dom.minidom.parse("picture.svg").getElementsByTagName("text")]
assert "bootloader, 4 KiB" in texts and "external staging 2, 188 KiB" in texts, texts
assert "0x08001000" in texts
'
expect 1 stmota layout --chip 0x447 --app 93K --bootloader 4K --svg missing/picture.svg

command -v arm-none-eabi-ld >/dev/null || skip "no arm-none-eabi-ld to read the linker fragment"
echo 'SECTIONS { .text : { *(.text*) } >SLOT_2 }' >>slots.ld
printf '.text\n.word 1\n' >one.s
expect 0 arm-none-eabi-as one.s -o one.o
expect 0 arm-none-eabi-ld -T slots.ld one.o -o one.elf
expect 0 arm-none-eabi-objdump -h one.elf
prints '08018800'
