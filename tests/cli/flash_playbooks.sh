#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every shipped playbook drives the virtual device that it is for, which was written from the same
# facts by somebody else: menus, prompts, file forms, follow-up steps, what proves the end.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

program p4.bin 9000 1 0x08004000
program p8.bin 9000 2 0x08008000
program p20.bin 9000 3 0x08020000
program p0.bin 9000 4
expect 0 stmota keygen --type p256 --out key.pem --public pub.pem
expect 0 stmota convert p0.bin --address 0x08000000 --to mcuboot --version 1.2.3 --header-size 1024 \
	--pad-header --slot-size 0x20000 --key key.pem --out signed.img
expect 0 stmota convert p0.bin --address 0x08000000 --to sfb --version 2 --scheme ecdsa \
	--header-size 512 --key key.pem --out p.sfb
# A container of RT-Thread: CRC-32 of its head, of what is stored, sizes.
python3 - <<'EOT'
import struct, zlib

body = open("p0.bin", "rb").read()
head = bytearray(96)
head[0:3] = b"RBL"
struct.pack_into("<I", head, 76, zlib.crc32(body))
struct.pack_into("<II", head, 84, len(body), len(body))
struct.pack_into("<I", head, 92, zlib.crc32(bytes(head[:92])))
open("p.rbl", "wb").write(bytes(head) + body)
EOT

# drives NAME FILE TEXT: with the playbook of the same name; the device said TEXT
drives() {
	case $1 in
	tfm-*) updater tfm ;;
	*) updater "$1" ;;
	esac
	expect 0 stmota flash --device "ymodem:board?playbook=$1" "$2" --json
	json "r['event'] == 'result' and '$3' in (r['device_said'] or '-')"
	board_off
}

for family in f0 f3; do
	drives "iap-$family" p4.bin Successfully
done
drives iap-f4 p8.bin Successfully
drives iap-f7 p8.bin Successfully
drives iap-l4 p8.bin Successfully
drives iap-h7 p20.bin Successfully
drives x-cube-dbfu-l4 p0.bin 'Bank 2'
drives x-cube-dbfu-l0 p0.bin 'Bank 2'
drives x-cube-sbsfu-app p.sfb 'User App #'
drives x-cube-sbsfu-boot p.sfb ''
drives x-cube-sbsfu-loader p.sfb ''
drives tfm signed.img 'New Fw Image'
drives tfm-secure signed.img 'New Fw Image'
drives oemurot signed.img 'New firmware image'
drives rt-fota p.rbl 'apply new firmware'
drives rb p0.bin -
