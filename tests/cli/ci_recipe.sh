#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The recipe in examples/ci does what it says.
. "$(dirname "$0")/lib.sh"

expect 0 stmota keygen --type p256 --out key.pem --public pub.pem
expect 0 sh "$root/examples/ci/release.sh" "$root/examples/blinky/blinky-1.0.0.elf" \
	example.com/blinky 1.0.0 STM32F103C8 key.pem blinky.sota
expect 0 stmota verify blinky.sota --trust pub.pem

# The same commit, the same package; what CI knows about the build is in it.
expect 0 stmota keygen --type ed25519 --out ed.pem
for out in a.sota b.sota; do
	SOURCE_DATE_EPOCH=1700000000 CI_PIPELINE_ID=4711 CI_COMMIT_SHA=0123abc expect 0 \
		sh "$root/examples/ci/release.sh" "$root/examples/blinky/blinky-1.0.0.elf" \
		example.com/blinky 1.0.0 STM32F103C8 ed.pem "$out"
done
same a.sota b.sota
expect 0 stmota info a.sota --json
json '(r["build_id"], r["revision"], r["build_date"]) == ("4711", "0123abc", "2023-11-14T22:13:20Z")'
json 'r["components"][0]["name"] == "app"'
