#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stmota compare: programs that were built here, one difference at a time.
. "$(dirname "$0")/lib.sh"

command -v arm-none-eabi-gcc >/dev/null || skip "arm-none-eabi-gcc is not installed"

cat >app.ld <<'END'
MEMORY { flash : ORIGIN = 0x08000000, LENGTH = 64K  ram : ORIGIN = 0x20000000, LENGTH = 16K }
SECTIONS {
	.text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > flash
	.bankswap 0x08001000 : { KEEP(*(.bankswap)) } > flash
	.data : { *(.data.*) } > ram AT > flash
	.bss (NOLOAD) : { *(.bss.*) *(COMMON) } > ram
	end = .;
}
END
cat >app.c <<'END'
#include <stdint.h>
#ifndef MODES
#define MODES OFF, DIM, FULL
#endif
#ifndef EXTRA
#define EXTRA
#endif
#ifndef LAMP
#define LAMP uint16_t level; uint8_t zone : 3, group : 5; enum mode mode;
#endif
#ifndef NODE
#define NODE uint32_t key;
#endif
#ifndef STEP
#define STEP 1
#endif
enum mode { MODES };
struct node { struct node *next; NODE };
struct lamp { LAMP };
typedef struct lamp lamp_t;
__attribute__((section(".bss.10_uptime"))) volatile uint32_t uptime;
#ifndef WITHOUT_OLD
__attribute__((section(".bss.20_old"))) uint8_t old_flag[4];
#endif
__attribute__((section(".data.10_lamps"))) lamp_t lamps[LAMPS] = {{.level = 7}};
__attribute__((section(".bss.30_list"))) struct node *list;
__attribute__((section(".bss.40_hook"))) void (*hook)(void);
EXTRA
__attribute__((section(".bankswap"), used)) int swap(void) { return SWAP; }
int count(void)
{
	__attribute__((section(".bss.50_calls"))) static int calls;
	calls += STEP;
	return calls;
}
int main(void)
{
	uptime++;
#ifndef WITHOUT_OLD
	old_flag[0]++;
#endif
	if (hook)
		hook();
	return count() + lamps[0].level + (list != 0);
}
__attribute__((section(".vectors"), used)) const void *const vectors[] = {(void *)0x20004000, main};
END

# build NAME [OPTION]...
build() {
	name=$1
	shift
	case " $* " in *' -DLAMPS='*) ;; *) set -- -DLAMPS=4 "$@" ;; esac
	case " $* " in *' -DSWAP='*) ;; *) set -- -DSWAP=1 "$@" ;; esac
	arm-none-eabi-gcc -g -Os -mcpu=cortex-m4 -mthumb -nostdlib -T app.ld "$@" app.c -o "$name.elf" 2>cc.log ||
		fail "cannot build $name: $(cat cc.log)"
}

# compared NAME SEVERITY
compared() {
	expect 0 stmota compare old.elf "$1.elf" --json
	json "r['schema'] == 1 and r['severity'] == $2 and r['types_compared']"
}

build old

# 0: other code alone.
build code -DSTEP=2
compared code 0
json "r['changes'] == [] and r['types'] == [] and r['same'] == 6"
expect 0 stmota compare old.elf code.elf --fail-above 0
prints 'the RAM map is the same'
prints 'note: 1 variable holds pointers to functions, such as hook'

# 1: removed. Its place stays free, nothing else moves.
build removed -DWITHOUT_OLD '-DEXTRA=__attribute__((section(".bss.20_pad"),used)) static uint32_t old_flag_;'
compared removed 2
json "[c['variable'] for c in r['changes'] if c['what'] == 'removed'] == ['old_flag']"
sed -i 's/\*(\.bss\.\*)/*(.bss.10*) . = 8; *(.bss.30*) *(.bss.40*) *(.bss.50*)/' app.ld
build hole -DWITHOUT_OLD
compared hole 1
json "[(c['variable'], c['severity'], c['new']) for c in r['changes']] == [('old_flag', 1, None)]"
expect 21 stmota compare old.elf hole.elf --fail-above 0
says 'severity 1: variables removed'
expect 0 stmota compare old.elf hole.elf --fail-above 1
sed -i 's/\*(\.bss\.10\*).*\*(\.bss\.50\*)/*(.bss.*)/' app.ld

# 2: added, with its first value and its source line.
sed -i 's/\.data : /.data 0x20000000 : /; s/\.bss (NOLOAD)/.bss 0x20000100 (NOLOAD)/' app.ld
build old
build code -DSTEP=2
build added '-DEXTRA=__attribute__((section(".data.90"))) uint32_t fade = 0x11223344; __attribute__((section(".bss.90"))) uint16_t zero;'
compared added 2
json "[(c['variable'], c['what'], c['new']['size']) for c in r['changes']] == [('fade', 'added', 4), ('zero', 'added', 2)]"
line=$(grep -n '^EXTRA' app.c | cut -d: -f1)
json "r['changes'][0]['new']['file'] == 'app.c' and r['changes'][0]['new']['line'] == $line"
expect 22 stmota compare old.elf added.elf --fail-above 1 --json
json "r['error']['exit_status'] == 22"
expect 0 stmota compare old.elf added.elf --ram-init added.hex
expect 0 objcopy -I ihex -O binary added.hex added.bin
address=$(arm-none-eabi-nm added.elf | awk '$3 == "fade" { print $1 }')
expect 0 stmota info added.hex
prints "0x$(echo "$address" | tr a-f A-F)"
[ "$(head -c 4 added.bin | od -An -tx1 | tr -d ' ')" = 44332211 ] || fail "the first value of fade"
expect 2 stmota compare old.elf code.elf --ram-init none.hex

# 3: moved.
build moved '-DEXTRA=__attribute__((section(".bss.00"))) uint32_t first;'
compared moved 3
json "[c['variable'] for c in r['changes'] if c['what'] == 'moved'] == ['uptime', 'old_flag', 'list', 'hook', 'calls']"
json "all(c['new']['address'] != c['old']['address'] for c in r['changes'] if c['what'] == 'moved')"

# 4: each kind of difference in a type, told field by field.
changed() {
	compared "$1" 4
	json "any('$2' in f for c in r['changes'] + r['types'] for f in c['fields'])"
}
build field '-DLAMP=uint8_t zone : 3, group : 5; uint16_t level; enum mode mode;'
changed field 'level: from offset 0 to 2'
build bits '-DLAMP=uint16_t level; uint8_t zone : 4, group : 4; enum mode mode;'
changed bits 'zone: from 3 to 4 bits'
changed bits 'group: from offset 2 bit 3 to 2 bit 4'
build kind '-DLAMP=int16_t level; uint8_t zone : 3, group : 5; enum mode mode;'
changed kind 'level: was short unsigned int, is short int now'
build count -DLAMPS=5
compared count 4
json "[c['variable'] for c in r['changes'] if c['severity'] == 4] == ['lamps']"
json "'16 bytes before, 20 now' in r['changes'][0]['fields']"
build values '-DMODES=OFF, BLINK, DIM, FULL'
changed values 'DIM was 1, is 2 now'
build value_added '-DMODES=OFF, DIM, FULL, BLINK'
compared value_added 0
build node '-DNODE=uint16_t flags; uint32_t key;'
changed node 'key: from offset 4 to 8'
json "[t['type'] for t in r['types']] == ['struct node'] and r['changes'] == []"
expect 24 stmota compare old.elf node.elf --fail-above 3
prints 'struct node'
# A new name for the same type is no difference.
sed 's/lamp_t/light_t/g; s/struct lamp/struct light/g' app.c >renamed.c
mv app.c kept.c && mv renamed.c app.c
build renamed
mv kept.c app.c
compared renamed 0

# Code that must not change.
expect 0 stmota compare old.elf code.elf --frozen .bankswap
build swap -DSWAP=2
expect 9 stmota compare old.elf swap.elf --frozen .bankswap
says 'frozen section .bankswap differs'
says '08001000'
sed -i 's/0x08001000/0x08001100/' app.ld
build away
expect 9 stmota compare old.elf away.elf --frozen .bankswap
says '0x08001100'
expect 2 stmota compare old.elf code.elf --frozen .nothing
says 'neither program has section .nothing'

# Without debug information a gate stays closed, unless it is told that size is enough.
arm-none-eabi-strip -g code.elf -o bare.elf
expect 0 stmota compare old.elf bare.elf
prints 'the new program has no debug information'
expect 1 stmota compare old.elf bare.elf --fail-above 0
says 'build with -g'
expect 0 stmota compare old.elf bare.elf --fail-above 0 --by-size
arm-none-eabi-strip code.elf -o stripped.elf
expect 1 stmota compare old.elf stripped.elf
says 'it has no symbols'

# Wrong files.
expect 2 stmota compare old.elf
expect 2 stmota compare old.elf code.elf --fail-above 5
expect 1 stmota compare old.elf app.c
expect 1 stmota compare old.elf missing.elf
for len in 20 52 100 400 1000 3000; do
	head -c "$len" old.elf >cut.elf
	status=0
	stmota compare old.elf cut.elf >out 2>err || status=$?
	[ "$status" -eq 1 ] || fail "cut at $len: status $status"
done

# Real programs: one with itself, and two versions.
if [ -d "$corpus/files" ]; then
	expect 0 stmota compare "$corpus/files/hoverboard.elf" "$corpus/files/hoverboard.elf" --fail-above 0 --json
	json "r['severity'] == 0 and r['same'] > 50 and r['growth'] == []"
	expect 0 stmota compare "$corpus/files/pybv11-v1.10.elf" "$corpus/files/pybv11-1f5d945af.elf" --json
	json "r['new_flash'] - r['old_flash'] == 1748 and r['severity'] == 4"
	json "'mp_state_ctx' in [c['variable'] for c in r['changes'] if c['severity'] == 4]"
fi
