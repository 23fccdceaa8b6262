#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# What is wrong with a machine is found, said, and left alone. What this machine itself lacks (a
# time server, a right to some USB device) decides nothing here.
. "$(dirname "$0")/lib.sh"

# doctor [OPTION]...: the result in ./out; the exit status is 1 exactly if something is wrong
doctor() {
	got=0
	"${program:-stmota}" doctor --json "$@" >out 2>err || got=$?
	json "$got == (1 if r['wrong'] else 0)"
	[ "$got" -eq 0 ] || says "checks found something wrong"
}

# row CHECK RESULT [TEXT [ADVICE]]: all rows of that name, and what they say
row() {
	json "[(x['result'], '${3-}' in x['found'], '${4-}' in (x['advice'] or '')) for x in r['checks'] if x['check'] == '$1'] == [('$2', True, True)]"
}

# started NAME PID: it has become that program
started() {
	until [ "$(cat "/proc/$2/comm")" = "$1" ]; do
		sleep 0.02
	done
}

listing() {
	find . -path ./out -prune -o -path ./err -prune -o -printf '%p %s %T@\n' | sort
}

# As found: keys are missing, the rest is there.
mkdir state
touch out err
listing >../before.$$
doctor
listing >../after.$$
cmp "../before.$$" "../after.$$" || fail "something was changed"
rm "../before.$$" "../after.$$"
row 'configuration' ok '0 devices'
row 'program' ok 'OpenSSL 3'
row 'downloads' ok 'libcurl'
row 'trusted keys' warning 'none' '/etc/stmota/trust.d'
row 'clock' ok 'UTC'
json "all(x['advice'] for x in r['checks'] if x['result'] != 'ok')"
json "r['wrong'] == sum(x['result'] == 'wrong' for x in r['checks'])"

# For people: the table, and below it what to do.
stmota doctor >out 2>err || :
prints 'result'
prints 'what to do'
prints '  trusted keys: '

# A configuration that cannot be read keeps nothing else from being looked at.
printf '[flash]\nrequire_signatur = yes\n' >bad.conf
doctor --config bad.conf
row 'configuration' wrong "unknown key" "did you mean"
row 'clock' ok
doctor --config missing.conf
row 'configuration' wrong 'missing.conf'

# Keys: good, ending soon, over, revoked; and a folder that anybody may write to.
mkdir trust
for k in good soon over gone; do
	expect 0 stmota keygen --type ed25519 --out $k.pem --public trust/$k.pem
done
printf 'not-after = %s\n' "$(date -u -d '+90 days' +%F)" >trust/good.conf
printf 'not-after = %s\n' "$(date -u -d '+3 days' +%F)" >trust/soon.conf
printf 'not-after = 2020-02-29\n' >trust/over.conf
expect 0 stmota key show --json trust/gone.pem
python3 -c 'import json; print(json.load(open("out"))["fingerprint"], "lost with a laptop")' \
	>trust/revoked.list
printf '[trust]\ndir = trust\n' >keys.conf
doctor --config keys.conf
row 'key good' ok 'ed25519, role release'
row 'key soon' warning 'expires soon'
row 'key over' wrong '2020-02-29' 'key rotate'
row 'key gone' warning 'lost with a laptop'
rm trust/over.*
chmod 777 trust
doctor --config keys.conf
row 'trusted keys' wrong 'by anybody' 'chmod go-w'
chmod 755 trust
echo 'no key at all' >trust/x.pem
doctor --config keys.conf
row 'trusted keys' wrong 'x.pem'
printf '[flash]\nrequire_signature = yes\n' >signed.conf
doctor --config signed.conf
row 'trusted keys' wrong 'none'

# A clock that is older than the program.
cp "$(command -v stmota)" later
touch -d 2035-01-01 later
program=./later doctor
row 'clock' wrong '2035-01-01' 'set it'

# Folders: a file in the way; and one that is not ours (root may write anywhere).
touch file
printf '[state]\ndir = %s/file/x\n[cache]\nsize = 0\n' "$tmp" >file.conf
env -u STMOTA_STATE_DIR "$(command -v stmota)" doctor --json --config file.conf >out 2>err || :
row 'state' wrong 'file' 'should be'
row 'cache' ok 'none is kept'

# Ports that are named: missing, forbidden, held by another program. A fleet would need them; what is
# only configured may lie in a drawer.
mkfifo forbidden
chmod 0 forbidden
cat >ports.conf <<END
[device lamp]
url = uart:/dev/ttyNOTHERE
[device pump]
url = uart:$tmp/forbidden
[device none]
chip = 0x413
[device strange]
url = smoke:signal
[entry wired]
boot0 = gpio:gpiochip97/4
END
chmod 755 . && chmod 777 state
cp "$(command -v stmota)" program
as_nobody=
[ "$(id -u)" -ne 0 ] || as_nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
$as_nobody ./program doctor --json --config ports.conf >out 2>err || :
row 'device lamp' warning 'not there' 'plugged in'
row 'device pump' wrong 'Permission denied' 'group'
row 'device none' warning 'no url'
row 'device strange' wrong 'smoke'
row 'entry wired boot0' wrong 'gpiochip97' 'gpiodetect'
if [ -n "$as_nobody" ]; then
	chmod 755 state
	$as_nobody ./program doctor --json --config ports.conf >out 2>err || :
	row 'state' wrong 'Permission denied' 'give it to the user'
fi
mkdir dev
touch dev/port
sleep 60 5<dev/port >/dev/null 2>&1 &
holder=$!
started sleep $holder
printf '[defaults]\ndevice = uart:%s/dev/port\n' "$tmp" >held.conf
doctor --config held.conf
row 'default device' warning "sleep (pid $holder)" 'end that program'
kill $holder
wait $holder || :
doctor --config held.conf
row 'default device' ok 'may be used'

# Programs that take ports for themselves.
cp "$(command -v sleep)" ModemManager
./ModemManager 60 >/dev/null 2>&1 &
rival=$!
started ModemManager $rival
doctor
json "[x['found'].startswith('runs') for x in r['checks'] if x['check'] == 'ModemManager'] == [True]"
support=$STMOTA_BUILD/tests/support
if [ -x "$support/umock_board" ] && [ -z "${CLI_SANITIZED-}" ]; then
	UMOCK_PRELOAD=$support/libpty_parity.so:libumockdev-preload.so.0 \
		"$support/umock_board" 0x413 log stmota doctor --json >out 2>err || :
	row 'ModemManager' warning '/dev/ttyUSB7' 'ID_MM_PORT_IGNORE'
	json "any('/dev/ttyUSB7 may be used' in x['found'] for x in r['checks'])"
	grep -q '^lines at the end' log
fi
kill $rival
wait $rival || :

# A fleet: its file, its database, its server, and the ports of its devices, which must be there.
blinky 1.0.0
expect 0 stmota publish --channel www --key key.pem blinky-1.0.0.sota --stage 100%
cp www/root/1.root root
fleet() {
	{
		printf '[fleet]\ngateway = gw\nstate = %s/street.db\n' "$tmp"
		printf '%s\n' "$@"
		printf '[device lamp]\nurl = uart:%s/dev/port\n' "$tmp"
		printf '[device far]\nurl = uart:/dev/ttyNOTHERE\n'
		printf '[device dark]\nurl = uart:/dev/ttyNOTHERE2\nexcused = yes\n'
	} >street.conf
}
fleet "channel = $tmp/www" "root = $tmp/root"
doctor --fleet street.conf
row 'fleet' ok '3 devices, a channel'
json "any(x['check'] == 'fleet file' and 'no confirm' in x['found'] for x in r['checks'])"
row 'fleet state' ok ''
row 'fleet database' ok 'not made yet'
row 'channel' ok 'plan 1, 1 rollout'
row 'device lamp' ok 'may be used'
row 'device far' wrong 'not there'
row 'device dark' warning 'not there'
[ ! -e street.db ] || fail 'a database was made'
expect 0 stmota keygen --type ed25519 --out other.pem --public other.pub
expect 0 stmota pack "$root/examples/blinky/blinky-1.0.0.elf" --product example.com/blinky \
	--version 1.0.0 --chip 0x410 --key other.pem --out other.sota
expect 0 stmota publish --channel elsewhere --key other.pem other.sota --stage 100%
cp elsewhere/root/1.root root
doctor --fleet street.conf
row 'channel' wrong ''
mv www gone
doctor --fleet street.conf
row 'channel' wrong ''
echo 'no database, for certain' >street.db
doctor --fleet street.conf
row 'fleet database' wrong ''
rm street.db
echo token >token && chmod 644 token
fleet 'hawkbit = http://127.0.0.1:9' "hawkbit_token_file = $tmp/token" '[fetch]' 'allow_http = yes'
doctor --fleet street.conf
row 'hawkBit token' wrong 'by anybody' 'chmod 600'
row 'hawkBit server' wrong ''
chmod 600 token
fleet 'hawkbit = https://127.0.0.1:9' "hawkbit_token_file = $tmp/token" 'no_such_key = 1'
doctor --fleet street.conf
row 'fleet file' wrong 'no_such_key'
row 'clock' ok
doctor --fleet nowhere.conf
row 'fleet file' wrong 'nowhere.conf'
expect 2 stmota doctor --fleet street.conf --config keys.conf
