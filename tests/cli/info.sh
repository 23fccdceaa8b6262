#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stmota info: every kind of file is described or refused by name; JSON is one object.
. "$(dirname "$0")/lib.sh"

# A program of 1 KiB for 0x08004000: table, then "push {r4, lr}" and a pointer to each function.
python3 -c '
import struct
image = bytearray(1024)
struct.pack_into("<4I", image, 0, 0x20001000, 0x08004201, 0x08004181, 0x08004181)
at, step = 512, 7
while at < 960:
    image[at:at + 2] = b"\x10\xb5"
    struct.pack_into("<I", image, at + 12, 0x08004001 + at)
    step = step * 5 % 23
    at += 16 + 4 * (step % 7)
open("app.bin", "wb").write(image)
'

expect 0 stmota info app.bin
prints 'guessed addresses  0x08004000'
prints 'verdict        good'
expect 0 stmota info app.bin --address 0x08000000
prints 'verdict        bad'
prints 'the vector table fits 0x08004000'
expect 0 stmota info app.bin --chip STM32F103C8 --json
prints '"chip": "0x410"'
python3 -c '
import hashlib, json
o = json.load(open("out"))
assert o["schema"] == 1 and o["format"] == "bin" and o["file_size"] == 1024
assert o["guessed_addresses"] == ["0x08004000"]
assert o["sha256"] == hashlib.sha256(open("app.bin", "rb").read()).hexdigest()
assert o["segments"] == [{"address": "0x08004000", "last": "0x080043FF", "size": 1024, "sha256": o["sha256"]}]
assert o["vectors"]["verdict"] == "good"
'

# The firmware's own record: shown once, doubted twice.
python3 -c '
import struct
image = bytearray(open("app.bin", "rb").read())
words = [0x666D69A5, 0x6F666E69, 0x40, 9, 1 | 2 << 8 | 3 << 16, 4, 0x2e5a0d1f, 2, 3, 4, 2 | 5 << 16, 0x410, 0, 0, 0]
factors = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23]
words.append(0xFFFFFFFF - sum(w * f for w, f in zip(words, factors)) & 0xFFFFFFFF)
image[960:1024] = struct.pack("<16I", *words)
open("record.bin", "wb").write(image)
image[128:192] = image[960:1024]
open("records.bin", "wb").write(image)
'
expect 0 stmota info record.bin
prints 'version       1.2.3+4'
prints 'hardware      2..5'
prints '0x410 STM32F10xxx medium-density'
expect 0 stmota info records.bin
prints 'several app_info records'
prints_not '1.2.3+4'

# With a hole, an entry, and no table at its start.
cat >app.hex <<'EOF'
:020000040800F2
:0401000001020304F1
:0402000005060708E0
:0400000508000101ED
:00000001FF
EOF
expect 0 stmota info app.hex
prints 'entry       0x08000101'
prints '0x08000104  0x080001FF  252 bytes'
prints 'verdict  bad'
expect 2 stmota info app.hex --address 0x08000000
says 'carries its own'

expect 1 stmota info missing.bin
says 'missing.bin'
echo 'just some words' >words
expect 1 stmota info words
says 'words: this is a text file, not a firmware image'
expect 2 stmota info
expect 2 stmota info app.bin --chip STM32X999
printf 'SFU1............' >app.sfb
expect 1 stmota info app.sfb
says 'app.sfb: no header of SBSFU with its 320 bytes'
printf 'S30708001234ABCD32\nS70508000101F0\n' >app.s37
expect 0 stmota info app.s37
prints 'format      srec'
prints 'entry       0x08000101'
printf 'S30708001234ABCD32\n' >cut.s37
expect 1 stmota info cut.s37
says 'no terminator'

# Containers: for whom they are, and what they hold for an STM32.
python3 -c '
import struct
def block(family, number, total, addr, data):
    return struct.pack("<8I", 0x0a324655, 0x9e5d5157, 0x2000, addr, len(data), number, total,
        family) + data.ljust(476, b"\0") + struct.pack("<I", 0x0ab16f30)
app = open("app.bin", "rb").read()
f1 = [block(0x5ee21072, i, 4, 0x08004000 + 256 * i, app[256 * i:256 * i + 256]) for i in range(4)]
other = block(0xe48bff56, 0, 1, 0x10000000, b"other chip")
open("app.uf2", "wb").write(b"".join(f1) + other)
open("other.uf2", "wb").write(other)
open("both.uf2", "wb").write(b"".join(f1) + block(0x57755a57, 0, 1, 0x08000000, b"F4"))
'
expect 0 stmota info app.uf2
prints '0x5EE21072  STM32F1       4               0     1 KiB'
prints '0x08004000  0x080043FF  1 KiB'
prints 'verdict        good'
expect 0 stmota info other.uf2
prints 'readable        no'
prints 'for no known STM32 family: it has 0xE48BFF56'
expect 0 stmota info both.uf2 --json
python3 -c '
import json
o = json.load(open("out"))
assert o["readable"] is False and "several STM32 families: STM32F1, STM32F4" in o["reason"]
assert [f["name"] for f in o["families"]] == ["STM32F1", "STM32F4"]
'
# MCUboot: described, its hash checked.
python3 -c '
import hashlib, struct
app = open("app.bin", "rb").read()
image = struct.pack("<IIHHIIBBHII", 0x96f3b83d, 0, 1024, 12, len(app), 0, 1, 2, 3, 4, 0).ljust(1024, b"\0")
image += app + struct.pack("<HHHHI", 0x6908, 12, 0x50, 4, 7)
image += struct.pack("<HHHH", 0x6907, 40, 0x10, 32) + hashlib.sha256(image).digest()
open("app.img", "wb").write(image)
image = bytearray(image)
image[1100] ^= 1
open("changed.img", "wb").write(image)
'
expect 0 stmota info app.img --json
json 'r["format"] == "mcuboot" and r["version"] == "1.2.3+4" and r["hash"] == "matches"'
json 'r["security_counter"] == 7 and [t["name"] for t in r["tlvs"]] == ["SEC_CNT", "SHA256"]'
json 'r["body"]["guessed_address"] == "0x08004000" and r["readable"]'
expect 7 stmota info changed.img
says 'changed.img: the image does not match the hash in it'
[ ! -s out ] || fail "a damaged image is described: $(cat out)"
expect 2 stmota pack app.img --product acme.com/lamp --out img.sota
says 'an MCUboot image does not say where its slot is'
says 'its program looks linked for a slot at 0x08003C00: --address 0x08003C00'

expect 1 stmota pack both.uf2 --product acme.com/lamp --version 1 --out both.sota
says 'both.uf2: the UF2 file is for several STM32 families: STM32F1, STM32F4'
expect 0 stmota pack app.uf2 --product acme.com/lamp --version 1.2.3 --out uf2.sota
expect 0 stmota info uf2.sota
prints '0x08004000  0x080043FF  1 KiB'
expect 0 stmota info - <app.bin
prints 'guessed addresses  0x08004000'

stmota keygen --type ed25519 --out key.pem --public pub.pem >/dev/null
expect 0 stmota pack app.bin --address 0x08004000 --product acme.com/lamp --version 1.2.3+4 \
	--chip 0x410 --hw 2..5 --counter 7 --key key.pem --out app.sota
expect 0 stmota info app.sota
prints 'version          1.2.3+4'
prints 'hardware         2..5'
prints 'verdict        good'
expect 0 stmota info app.sota --json
python3 -c '
import json
o = json.load(open("out"))
assert (o["format"], o["product"], o["version"], o["counter"]) == ("sota", "acme.com/lamp", "1.2.3+4", 7)
assert (o["chip"], o["hw_min"], o["hw_max"], o["signed"]) == ("0x410", 2, 5, True)
assert len(o["signature_keys"]) == 1 and len(o["components"]) == 1
c = o["components"][0]
assert (c["kind"], c["address"], c["plain_size"]) == ("application", "0x08004000", 1024)
assert len(c["segments"]) == 1 and c["vectors"]["verdict"] == "good"
'
head -c 1000 app.sota >short.sota
expect 7 stmota info short.sota
says 'short.sota: the package is truncated'
prints_not 'format'

if [ -d "$corpus" ]; then
	for file in "$corpus"/*/*.bin "$corpus"/files/*.*; do
		case $file in
		*.md) continue ;;
		*/pybv11/*.bin | *.uf2) verdict= ;;   # no table; for other chips
		*/blink-g431.elf) verdict=doubtful ;;       # its NMI vector is 0
		*) verdict=good ;;
		esac
		expect 0 stmota info "$file"
		[ -z "$verdict" ] || prints "verdict        $verdict"
	done
else
	echo "no corpus of real firmware beside the source tree: own files only"
fi
