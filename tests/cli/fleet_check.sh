#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# fleet check: where the file is looked for, all mistakes at once, what a look at the host adds.
. "$(dirname "$0")/lib.sh"

# No file: the message says how one is named.
expect 2 env XDG_CONFIG_HOME=/nonexistent STMOTA_DEFAULTS_FLEET="$tmp/none.conf" stmota fleet check
says "there is no fleet file $tmp/none.conf"
says 'fleet = FILE in [defaults]'
expect 2 stmota fleet check --fleet none.conf
says 'stmota fleet adopt --fleet none.conf'
: >empty.conf
expect 2 stmota fleet check --fleet none.conf --config empty.conf
says 'exclude each other'

# A good one; the port is a link, which is no device, but it is there.
mkdir -p keys dev
: >keys/1.root
: >dev/port1
: >dev/port2
cat >street.conf <<EOF
[fleet]
gateway = s-17
channel = https://ota.example.com/lamps
root = keys/1.root
[device lamp-1]
url = uart:$tmp/dev/port1
confirm = uart: expect "ready" within 20s
[device lamp-2]
url = uart:$tmp/dev/port2
confirm = uart: expect "ready" within 20s
EOF
expect 0 stmota fleet check --fleet street.conf
prints_not error
prints_not warning
prints 's-17'
expect 0 stmota fleet check --fleet "$tmp/street.conf" --json
json "r['devices'] == 2 and r['source'] == 'channel' and r['findings'] == []"
json "r['state'] == '$tmp/state/street.db'"

# Named by the configuration; found from another folder.
mkdir -p config/stmota
printf '[defaults]\nfleet = %s/street.conf\n' "$tmp" >config/stmota/stmota.conf
(cd / && stmota fleet check --json) >out 2>err || fail 'the fleet of [defaults] is not found'
json "r['devices'] == 2"

# A second look: two names for one port, files that are missing, what is seldom meant.
ln -s port1 dev/other
cat >bad.conf <<EOF
[fleet]
channel = http://ota.example.com/lamps
root = keys/2.root
[device lamp-1]
url = uart:$tmp/dev/port1
rollback = golden
chip = 0x999
[device lamp-2]
url = uart:$tmp/dev/other
golden = old.sota
[device lamp-3]
url = ymodem:$tmp/dev/port2
[device lamp-4]
url = ymodem:$tmp/dev/port4?playbook=iap-f5
[device lamp-5]
url = i2c:/dev/i2c-1@0x4a
[device lamp-6]
url = i2c:/dev/i2c-1@0x4b
EOF
expect 2 stmota fleet check --fleet bad.conf
prints 'bad.conf:3: root: there is no file keys/2.root'
prints 'bad.conf:2: channel is without TLS'
prints "bad.conf:7: '0x999' is not in the chip table"
prints 'bad.conf:10: golden: there is no file old.sota'
prints 'lamp-3 does not say which updater is there'
prints "lamp-1 and lamp-2 are both $tmp/dev/port1"
prints 'lamp-5 and lamp-6 are on one bus'
prints 'lamp-1, lamp-2, lamp-3 and 3 more: no confirm'
prints 'lamp-1: rollback = golden, and no golden = FILE'
prints 'lamp-4, lamp-5, lamp-6: the port is not there'
says 'bad.conf: 7 mistakes'
expect 2 stmota fleet check --fleet bad.conf --json
json "len([f for f in r['findings'] if f['severity'] == 'error']) == 7"
json "any('iap-f5' in f['finding'] for f in r['findings'])"

# Warnings alone leave the status 0.
sed -i 's|^root = .*|root = keys/1.root|; s|http:|https:|' bad.conf
sed '/^chip/d; /^golden/d; /lamp-[234]/,/^url/d' bad.conf >warn.conf
expect 0 stmota fleet check --fleet warn.conf
prints warning

# What cannot be read at all is one line, with its place.
printf '[device a]\nurl = uart:/dev/a\nwaev = 1\n' >broken.conf
expect 2 stmota fleet check --fleet broken.conf
says "broken.conf:3: unknown key 'waev'"
says "did you mean 'wave'?"
