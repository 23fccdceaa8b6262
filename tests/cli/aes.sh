#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# aes.sh - files that are AES-CTR and nothing else: made and read as NIST and openssl say
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/lib.sh"

unhex() { python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$1"; }

# xor_hex A B: the counter block of a salted file.
xor_hex() { python3 -c 'import sys; print("%032x" % (int(sys.argv[1], 16) ^ int(sys.argv[2], 16)))' "$1" "$2"; }

# NIST SP 800-38A, F.5.1 and F.5.5
iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
key128=2b7e151628aed2a6abf7158809cf4f3c
big=603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4
unhex 6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710 >nist.bin
unhex 874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee >want128
unhex 601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6 >want256
echo $key128 >key128
unhex $big >key256
for bits in 128 256; do
	expect 0 stmota convert nist.bin --to aes --aes-key key$bits --iv $iv --out got
	same got want$bits
	expect 0 stmota convert got --from aes --decrypt-key key$bits --iv $iv --to bin --out back
	same back nist.bin
	says 'does not begin as a program does' # NIST's text is none
done

# A program of an odd size, judged by openssl, and the warning.
blinky 1.0.0
head -c $(($(wc -c <blinky-1.0.0.bin) - 3)) blinky-1.0.0.bin >app.bin
expect 0 stmota convert app.bin --to aes --aes-key key128 --iv $iv --out app.aes --json
json 'r["format"] == "aes" and r["cipher"] == "aes-128-ctr" and r["salt"] is None'
says 'no signature, no checksum'
says 'who has two files of this key and IV'
openssl enc -aes-128-ctr -nosalt -K $key128 -iv $iv -in app.bin -out judge.aes
same app.aes judge.aes
expect 0 stmota convert app.aes --from aes --decrypt-key key128 --iv $iv --to bin --out back.bin
same back.bin app.bin
says_not warning
expect 0 stmota convert app.aes --from aes --decrypt-key key128 --iv $iv --to hex \
	--address 0x08000000 --out back.hex
expect 0 stmota convert app.bin --address 0x08000000 --to hex --out app.hex
same back.hex app.hex
expect 2 stmota convert app.aes --from aes --decrypt-key key128 --iv $iv --to hex --out x.hex
says 'fits --address 0x08000000'

# With addresses known, a program is judged; its holes are filled with what the chip has there.
expect 0 stmota convert "$root/examples/blinky/blinky-1.0.0.elf" --chip 0x410 --to aes \
	--aes-key key128 --iv $iv --out elf.aes
openssl enc -d -aes-128-ctr -nosalt -K $key128 -iv $iv -in elf.aes -out elf.bin
same elf.bin blinky-1.0.0.bin
expect 6 stmota convert app.bin --address 0x20000000 --to aes --aes-key key128 --iv $iv --out x.aes

# Salted: openssl opens it with the counter that the salt makes; no two files are alike.
expect 0 stmota convert app.bin --to aes --aes-key key128 --iv $iv --salt --out one.aes --json
json 'len(r["salt"]) == 32 and r["salt"].endswith("0" * 8) and r["size"] == '"$(wc -c <app.bin)"' + 16'
says 'no signature, no checksum'
says_not 'who has two files'
expect 0 stmota convert app.bin --to aes --aes-key key128 --iv $iv --salt --out two.aes
cmp -s one.aes two.aes && fail 'the same salt twice'
salt=$(head -c 16 one.aes | od -An -v -tx1 | tr -d ' \n')
tail -c +17 one.aes | openssl enc -d -aes-128-ctr -nosalt -K $key128 -iv "$(xor_hex $iv "$salt")" -out judge.bin
same judge.bin app.bin
expect 0 stmota convert one.aes --from aes --decrypt-key key128 --iv $iv --salt --to bin --out back.bin
same back.bin app.bin
# A file of others: any salt, an IV of zeros, so that the file begins with its counter block.
openssl enc -aes-128-ctr -nosalt -K $key128 -iv 00112233445566778899aabbccddeeff -in app.bin -out body
{ unhex 00112233445566778899aabbccddeeff && cat body; } >others.aes
expect 0 stmota convert others.aes --from aes --decrypt-key key128 --iv "$(printf %032d 0)" --salt \
	--to bin --out back.bin
same back.bin app.bin

# What is wrong, and nothing is written.
expect 0 stmota convert app.aes --from aes --decrypt-key key256 --iv $iv --to bin --out rubbish.bin
says 'does not begin as a program does'
expect 0 stmota convert app.aes --from aes --decrypt-key key128 --iv $iv --salt --to bin --out rubbish.bin
says 'does not begin as a program does'
for wrong in 00 ${iv}00 "${iv%f}g" "0x${iv#f0}" ''; do
	expect 2 stmota convert app.bin --to aes --aes-key key128 --iv "$wrong" --out x.aes
	says 'is no initial counter block'
done
expect 2 stmota convert app.bin --to aes --aes-key key128 --out x.aes
expect 2 stmota convert app.bin --to aes --iv $iv --out x.aes
says 'needs --aes-key and --iv'
expect 2 stmota convert app.aes --from aes --aes-key key128 --iv $iv --to bin --out x.bin
expect 2 stmota convert app.aes --from aes --decrypt-key key128 --iv $iv --to aes --out x.aes
says 'one step at a time'
expect 2 stmota convert app.bin --to bin --iv $iv --out x.bin
expect 2 stmota convert app.bin --to bin --salt --out x.bin
expect 2 stmota convert app.bin --to aes --aes-key key128 --iv $iv --scheme ecdsa --out x.aes
expect 2 stmota convert app.aes --from aes --payload --decrypt-key key128 --iv $iv --to bin --out x.bin
expect 7 stmota convert app.bin --to aes --aes-key app.bin --iv $iv --out x.aes
says 'is no product key'
expect 7 stmota convert app.bin --to aes --aes-key key.pem --iv $iv --out x.aes
expect 1 stmota convert app.bin --to aes --aes-key nowhere --iv $iv --out x.aes
head -c 16 one.aes >short.aes
expect 1 stmota convert short.aes --from aes --decrypt-key key128 --iv $iv --salt --to bin --out x.bin
says '16 bytes are too few for a salt and an image'
: >empty
expect 1 stmota convert empty --from aes --decrypt-key key128 --iv $iv --to bin --out x.bin

# An STM32 counts in 32 bits: the last block that fits, and the first that does not.
edge=$(printf %024x 5)fffffffc
expect 0 stmota convert nist.bin --to aes --aes-key key128 --iv "$edge" --out edge.aes
{ cat nist.bin && printf x; } >more.bin
expect 2 stmota convert more.bin --to aes --aes-key key128 --iv "$edge" --out x.aes
says 'counter 0xFFFFFFFC of the IV would run over in 65 bytes'
expect 2 stmota convert more.bin --to aes --aes-key key128 --iv "$edge" --salt --out x.aes
for left in x.aes x.bin; do
	[ ! -e $left ] || fail 'a refused command left a file'
done

# It cannot be recognised: nobody flashes it by mistake.
expect 2 stmota flash app.aes --device uart:/dev/null --dry-run
says 'a raw binary does not say where it belongs'
