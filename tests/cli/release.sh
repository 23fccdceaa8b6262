#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# pack --from release.ini and unpack: the same bytes each time, the same manifest after a round
# trip, mistakes with file and line, and no text that a terminal would obey.
. "$(dirname "$0")/lib.sh"
vectors=$root/image_format/vectors
unset SOURCE_DATE_EPOCH VERSION SHA

stmota keygen --out k.pem --public k.pub >/dev/null
mkdir in
program in/app.bin 3000 1
program in/second.bin 1500 2 0x08010000
program in/other.bin 3000 3 0x08020000
head -c 100 /dev/zero | tr '\0' 'c' >in/settings.bin
head -c 64 /dev/zero | tr '\0' 'r' >in/values.bin
head -c 333 /dev/zero | tr '\0' ':' >in/radio.bin # looks like Intel HEX, is data
printf 'First line.\r\nSecond line; see https://acme.com/7 \303\274\r\n\r\n' >in/notes.txt
cat >in/release.ini <<'END'
# a comment
[package]
product = acme.com/lamp
version = ${VERSION:-1.2.3}+4   ; another one
chip = 0x413
counter = 7
hw = 1..3
min-version = 1.0
title = Acme Lamp $; № 7, 5 $$
build-id = ci-4711
revision = ${SHA}
notes-file = notes.txt
out = lamp.sota

[component app]
file = app.bin
address = 0x08000000

[component second]
kind = second-image
file = second.bin
address = 0x08010000
entry = 0x08010201

[component settings]
kind = configuration
file = settings.bin
address = 0x0800C000

[component counters]
kind = ram-init
file = values.bin
address = 0x20000100

[component helper]
kind = ram-code
format = bin
file = second.bin
address = 0x20001000
entry = 0x20001201

[component radio]
kind = data
file = radio.bin
slot = 2

[component 6]
file = other.bin
address = 0x08020000
slot = 3
END

# Variables; the output beside the description; a date only if somebody tells it.
expect 2 stmota pack --from in/release.ini
says 'in/release.ini:11: revision: the variable SHA is not set'
[ ! -e in/lamp.sota ] || fail "a package in spite of the refusal"
export SHA=v1.2-3-gabcdef0
expect 0 stmota pack --from in/release.ini --json
json 'r["version"] == "1.2.3+4" and r["components"] == 7'
cp in/lamp.sota first.sota
expect 0 stmota pack --from in/release.ini --json
same in/lamp.sota first.sota
expect 0 stmota info first.sota --json
json '(r["title"], r["build_id"], r["revision"]) == ("Acme Lamp ; \u2116 7, 5 $", "ci-4711", "v1.2-3-gabcdef0")'
json 'r["notes"] == "First line.\nSecond line; see https://acme.com/7 \u00fc" and "build_date" not in r'
json '[c.get("name") for c in r["components"]] == ["app", "second", "settings", "counters", "helper", "radio", None]'
json '[c.get("slot") for c in r["components"]][5:] == [2, 3] and r["components"][1]["entry"] == "0x08010201"'
expect 0 stmota info first.sota
prints 'title            Acme Lamp ; № 7, 5 $'
prints 'Second line; see https://acme.com/7'
(cd in && expect 0 stmota pack --from release.ini --out ../here.sota)
same here.sota first.sota

SOURCE_DATE_EPOCH=1700000000 expect 0 stmota pack --from in/release.ini --key k.pem --out dated.sota
expect 0 stmota info dated.sota --json
json 'r["build_date"] == "2023-11-14T22:13:20Z"'
TZ=Pacific/Auckland SOURCE_DATE_EPOCH=1700000000 expect 0 stmota pack --from in/release.ini --key k.pem --out again.sota
same again.sota dated.sota
SOURCE_DATE_EPOCH=today expect 2 stmota pack --from in/release.ini --out x.sota
says 'SOURCE_DATE_EPOCH'

# The command line wins; files come from one place.
VERSION=1.9.0 expect 0 stmota pack --from in/release.ini --version 2.0 --title Other --notes Short --out o.sota
expect 0 stmota info o.sota --json
json '(r["version"], r["title"], r["notes"], r["counter"]) == ("2.0.0", "Other", "Short", 7)'
VERSION=1.9.0 expect 0 stmota pack --from in/release.ini --out o.sota
prints '1.9.0+4'
expect 2 stmota pack in/app.bin --from in/release.ini --out x.sota
expect 2 stmota pack --from in/release.ini --component x=data:in/radio.bin --out x.sota
expect 2 stmota pack --out x.sota
says 'which file'
expect 1 stmota pack --from missing.ini --out x.sota

# Round trip: unsigned, dated and signed, with holes, without a name.
again() {
	expect 0 stmota unpack "$1" --out dir --json
	json 'r["same_manifest"] is True'
	SOURCE_DATE_EPOCH=5 SHA=other expect 0 stmota pack --from dir/release.ini --json
	expect 0 stmota info dir/package.sota --json
	python3 -c 'import json; print(json.load(open("out"))["manifest_digest"])' >made
	expect 0 stmota info "$1" --json
	python3 -c 'import json; print(json.load(open("out"))["manifest_digest"])' >was
	same made was
}
again first.sota
same dir/package.sota first.sota # nothing was signed: the files are equal too
same dir/app.bin in/app.bin
same dir/radio.bin in/radio.bin
same dir/component-6.bin in/other.bin
[ "$(sed 1d dir/release.ini | grep -c '^date = none$')" -eq 1 ] || fail "no 'date = none'"
rm -r dir
again dated.sota
rm -r dir
{
	head -c 600 in/app.bin >part.bin
	objcopy -I binary -O ihex --change-addresses 0x08000000 part.bin part.hex
	objcopy -I binary -O ihex --change-addresses 0x08004000 in/settings.bin more.hex
	grep -hv '^:00000001FF' part.hex more.hex
	echo ':00000001FF'
} >holes.hex
expect 0 stmota pack holes.hex --product acme.com/lamp --version 1.0 --out holes.sota
again holes.sota
[ -e dir/component-0.hex ] || fail "an image with holes is no hex file"
rm -r dir
expect 0 stmota pack "$root/examples/blinky/blinky-1.0.0.elf" --product example.com/blinky --name app --out b.sota
again b.sota

# What unpack refuses, and what it says about trust.
expect 1 stmota unpack first.sota --out dir
says 'not empty'
mkdir empty
expect 0 stmota unpack dated.sota --out empty
prints 'signatures were not checked'
rm -r empty
expect 0 stmota unpack dated.sota --trust k.pub --out empty --json
json 'r["verified"] is True and r["signed"] is True'
stmota keygen --out o.pem --public o.pub >/dev/null
expect 7 stmota unpack dated.sota --trust o.pub --out none
expect 7 stmota unpack first.sota --trust k.pub --out none
head -c 900 dated.sota >cut.sota
expect 7 stmota unpack cut.sota --out none
expect 2 stmota unpack first.sota
expect 1 stmota unpack "$vectors/good-delta.sota" --out none
says 'delta'
for bad in component-name-path text-title-escape text-title-bidi component-name-same; do
	expect 7 stmota unpack "$vectors/$bad.sota" --out none
	expect 7 stmota info "$vectors/$bad.sota"
	LC_ALL=C grep -q "$(printf '\033')" out err && fail "$bad: an escape sequence on the terminal"
done
[ ! -e none ] || fail "a folder in spite of a refusal"
# Of a foreign package the files come out; that its manifest cannot be made again is said.
expect 0 stmota unpack "$vectors/good-unknown-tlv.sota" --out foreign --json
json 'r["same_manifest"] is False'
says 'same manifest'

# Mistakes have file and line; nothing is written.
wrong() {
	want=$1 text=$2
	printf '%b' "$3" >in/bad.ini
	rm -f x.sota
	expect "$want" stmota pack --from in/bad.ini --out x.sota
	says "$text"
	[ ! -e x.sota ] || fail "a package of a wrong description"
}
head='[package]\nproduct = acme.com/lamp\nversion = 1.0\nchip = 0x413\n'
app='[component app]\nfile = app.bin\naddress = 0x08000000\n'
wrong 2 'in/bad.ini:5: unknown key' "${head}produkt = x\n$app"
says "did you mean 'product'?"
wrong 2 'in/bad.ini:6: unknown section [komponent app]' "${head}[komponent app]\nfile = app.bin\n"
wrong 2 'in/bad.ini:5: title is empty' "${head}title =\n$app"
wrong 2 'in/bad.ini:5: the title holds a control character' "${head}title = a\\033[2Jb\n$app"
wrong 2 'in/bad.ini:5: the title is not UTF-8' "${head}title = a\\377b\n$app"
wrong 2 'in/bad.ini:5: the title has 65 bytes' "${head}title = $(printf %065d 0)\n$app"
wrong 2 'in/bad.ini:5: the build id holds' "${head}build-id = a b\n$app"
wrong 2 'in/bad.ini:5: version stands in line 3' "${head}version = 1.1\n$app"
wrong 2 'in/bad.ini:5: counter' "${head}counter = many\n$app"
wrong 2 'in/bad.ini:5: date is' "${head}date = yesterday\n$app"
wrong 2 'in/bad.ini:5: date is' "${head}date = 2026-02-30T00:00:00Z\n$app"
wrong 2 'in/bad.ini:5: a section without settings' "${head}[component app]\n[component b]\nfile = app.bin\n"
wrong 2 'in/bad.ini:6: [component app] names no file' "${head}[component app]\nkind = data\n"
wrong 2 'in/bad.ini: no [component NAME]' "$head"
wrong 2 "in/bad.ini:6: component name '../app'" "${head}[component ../app]\nfile = app.bin\n"
wrong 2 'in/bad.ini:8: kind: ' "$head${app}kind = program\n"
wrong 2 'in/bad.ini:8: slot' "$head${app}slot = 0\n"
wrong 2 'in/bad.ini:8: format: no format' "$head${app}format = tape\n"
wrong 1 'not elf' "$head${app}format = elf\n"
wrong 1 'in/missing.bin' "${head}[component app]\nfile = missing.bin\n"
wrong 2 'closing brace' "${head}title = \${A\n$app"
wrong 2 'a single $' "${head}title = 5 \$ off\n$app"
wrong 2 'is no variable' "${head}title = \${A B}\n$app"

# Addresses of each kind: flash and RAM of the chip, overlaps, slots, names.
two='[component two]\nfile = settings.bin\n'
wrong 6 "component 'two': 0x20030000 is no RAM of" "$head$app${two}kind = ram-init\naddress = 0x20030000\n"
wrong 6 'the image ends behind the RAM of' "$head$app${two}kind = ram-init\naddress = 0x2001FFF0\n"
wrong 6 'is no RAM' "$head$app${two}kind = ram-code\nformat = bin\naddress = 0x08020000\n"
wrong 6 'is no flash' "$head$app${two}kind = configuration\naddress = 0x20000000\n"
wrong 6 'is no flash' "$head$app${two}kind = configuration\naddress = 0x40000000\n"
wrong 6 'ends behind the flash' "$head$app${two}kind = configuration\naddress = 0x080FFFF0\n"
wrong 2 'components 0 and 1 overlap' "$head$app${two}kind = configuration\naddress = 0x08000100\n"
wrong 2 'components 1 and 2 overlap' "$head$app${two}kind = ram-init\naddress = 0x20000000\n[component c]\nfile = values.bin\nkind = ram-code\nformat = bin\naddress = 0x20000020\n"
wrong 2 'same slot 4' "$head${app}slot = 4\n${two}kind = configuration\naddress = 0x08008000\nslot = 4\n"
wrong 2 'has no name' "$head${app}[component 1]\nfile = radio.bin\nkind = data\n"
wrong 2 'cannot have an entry point' "$head$app${two}kind = configuration\naddress = 0x08008000\nentry = 0x08008001\n"
wrong 2 'is even' "$head${app}entry = 0x08000200\n"
nochip='[package]\nproduct = acme.com/lamp\nversion = 1.0\n'
wrong 6 'is no RAM' "$nochip$app${two}kind = ram-init\naddress = 0x08008000\n"
wrong 6 'is no flash' "$nochip$app${two}kind = configuration\naddress = 0x20000000\n"
