#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

cat >two.conf <<EOF
[device lamp]
url = uart:/dev/ttyUSB7
chip = 0x413
product = acme.com/lamp

[device pump]
url = uart:/dev/ttyUSB8
EOF
expect 0 stmota devices --config two.conf
prints "lamp"
prints "uart:/dev/ttyUSB8"
expect 0 stmota devices --config two.conf --json
prints '"schema": 1'
prints '"product": "acme.com/lamp"'
prints '"ports": ['
