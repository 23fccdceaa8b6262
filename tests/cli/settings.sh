#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `devices --show` tells which source made a setting; the later source wins.
. "$(dirname "$0")/lib.sh"

mkdir -p config/stmota
cat >config/stmota/stmota.conf <<'EOF'
[defaults]
device = bench
baud = 9600

[device bench]
url = uart:/dev/ttyUSB7
chip = 0x413
EOF
cat >extra.conf <<'EOF'
[device bench]
url = uart:./other
EOF

# by SECTION KEY VALUE SET_BY: so it stands in the JSON object
by() {
	json "{'section': '$1', 'key': '$2', 'value': '$3', 'set_by': '$4'} in r['settings']"
}

expect 0 stmota devices --show --json
user=$tmp/config/stmota/stmota.conf
by defaults device bench "$user:2"
by defaults baud 9600 "$user:3"
by flash require_known no 'built in'
by 'device bench' url uart:/dev/ttyUSB7 "$user:6"
json "r['configured'][0]['name'] == 'bench'"

expect 0 env STMOTA_DEFAULTS_BAUD=57600 stmota devices --show --json --config extra.conf
by defaults baud 57600 environment
by 'device bench' url uart:./other extra.conf:2
by 'device bench' chip 0x413 "$user:7"

expect 0 stmota devices --show
prints 'bench'
prints 'stmota.conf:6'
expect 0 stmota devices
prints_not 'stmota.conf:6'

# The default device is used, and named in the error.
expect 3 stmota probe
says 'ttyUSB7'
expect 2 stmota probe --device bnech
says "'bnech'"
