#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# flash through the updater of a device: what is refused before a byte of the file goes out, what
# proves success, what is kept of a session; two banks, with cuts and lost hosts in between.
# (Every position: the campaign.)
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# flash STATUS PLAYBOOK FILE [OPTION]...
flash() {
	want_=$1 book=$2
	shift 2
	expect "$want_" stmota flash --device "ymodem:board?playbook=$book" "$@"
}

holds() {
	board_off
	python3 -c 'import sys; sys.exit(open(sys.argv[1], "rb").read() not in open(sys.argv[2], "rb").read())' \
		"$1" "$name.state" || fail "$1 is not in $name.state"
}

# The same with so little patience that a test can wait for its end; for what has to fail.
mkdir -p config/stmota/playbooks
for book in x-cube-dbfu x-cube-dbfu-both iap-f1; do
	printf '[playbook]\ntitle = quick\nbased-on = %s\n[menu]\nwithin = 1s\n[send]\nstart = 2s\nfirst-block = 1s\nblock = 500ms\nsuccess-within = 500ms\nrestarts = 0\n' \
		"$book" >"config/stmota/playbooks/quick-$book.playbook"
done
for book in x-cube-dbfu x-cube-dbfu-both; do
	for step in check switch select rewrite; do
		printf '[step %s]\nwithin = 2s\n' "$step" >>"config/stmota/playbooks/quick-$book.playbook"
	done
done

program app.bin 20000 1 0x08004000
program elsewhere.bin 20000 1 0x08010000
program long.bin 261121 2 0x08004000
program bank1.bin 30000 3
program bank2.bin 30000 4

# ---- nobody is there, nothing is named ----
expect 2 stmota flash --device ymodem:/nonexistent app.bin
says 'does not say which updater'
expect 2 stmota flash --device 'ymodem:/nonexistent?playbook=iap-f2' app.bin
says "did you mean 'iap-f"
expect 3 stmota flash --device 'ymodem:/nonexistent?playbook=iap-f1' app.bin
expect 3 stmota flash --device 'tcp:127.0.0.1:9?playbook=iap-f1' app.bin
expect 3 stmota flash --device 'ymodem:tcp:127.0.0.1:9?playbook=iap-f1' app.bin

# ---- what does not fit gets no byte of the file out ----
updater iap-f1
flash 6 iap-f1 elsewhere.bin
says 0x08010000
flash 6 iap-f1 long.bin
says "has room for 245760"
flash 6 iap-f7 long.bin
says 'counts blocks in 8 bits'
flash 6 iap-f4 app.bin
flash 4 quick-x-cube-dbfu bank1.bin
says "it looks like 'iap'"
flash 6 x-cube-sbsfu-boot app.bin
says "takes the form sfb"
flash 2 iap-f1 app.bin --bank inactive
expect 0 stmota keygen --type ed25519 --out key.pem --public pub.pem
expect 0 stmota keygen --type ed25519 --out other.pem --public other.pub.pem
pack() { # VERSION COUNTER FILE
	expect 0 stmota pack "$3" --address 0x08004000 --product example.com/lamp --version "$1" \
		--counter "$2" --key key.pem --out "lamp-$1.sota"
}
pack 1.0.0 1 app.bin
flash 7 iap-f1 lamp-1.0.0.sota --trust other.pub.pem
flash 7 iap-f1 app.bin --trust pub.pem
flash 0 iap-f1 app.bin --dry-run
board_off
if grep -rq 'sends' state/transcripts; then fail 'a file was sent'; fi

# ---- it works, and says so in the same way as every other device ----
updater iap-f1
flash 0 iap-f1 lamp-1.0.0.sota --trust pub.pem --json
json "r['event'] == 'result' and r['updater'] == 'iap-f1' and 'Successfully' in r['device_said'] and r['proof'] == 'reported by the device'"
json "[e['done'] for e in events if e.get('event') == 'progress'][-1] == 20000"
log=$(python3 -c 'import json; print(json.loads(open("out").read().splitlines()[-1])["transcript"])')
grep -q 'Programming Completed Successfully!' "$log" || fail 'no success in the transcript'
grep -q '\[block 20, 1024 bytes\]' "$log" || fail 'no blocks in the transcript'
[ "$(wc -c <"$log")" -lt 20000 ] || fail 'the transcript holds what was sent'
holds app.bin

# What an earlier run has proven is remembered: such a device cannot be read.
pack 0.9.0 1 app.bin
pack 1.1.0 0 app.bin
updater iap-f1
# Where the device takes packages as they are it takes all of it: no part can be chosen here.
printf '[playbook]\ntitle = whole\nbased-on = iap-f1\n[file]\nform = package\n' >config/stmota/playbooks/whole.playbook
expect 0 stmota pack app.bin --address 0x08004000 --component "set=configuration:key.pem@0x08020000" \
	--product example.com/lamp --version 1.0.0 --key key.pem --out two.sota
flash 2 whole two.sota --trust pub.pem --component set
says 'goes to this device whole'
says 'leave out --component'
flash 8 iap-f1 lamp-0.9.0.sota --trust pub.pem
flash 8 iap-f1 lamp-1.1.0.sota --trust pub.pem --allow-downgrade
printf '[device lamp]\nurl = ymodem:board?playbook=iap-f1\nproduct = example.com/other\n' >lamp.conf
expect 4 stmota flash --config lamp.conf --device lamp lamp-1.0.0.sota --trust pub.pem

# Noise costs a few blocks, and a lost host nothing: the next one takes the device out of its receiver.
updater iap-f1 --fault garble@rx:5000 --fault drop@rx:9000
flash 0 iap-f1 app.bin
# The program was started, which has no menu; the button is held at the reset.
kill -USR1 "$sim_pid"
stmota -q flash --device 'ymodem:board?playbook=iap-f1' --trace trace app.bin 2>err2 &
host=$!
tries=0
until grep -q '> 02 05' trace 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -lt 400 ] || break
	sleep 0.02
done
kill -9 "$host"
wait "$host" || :
flash 0 iap-f1 app.bin
holds app.bin

# ---- two banks ----
updater x-cube-dbfu-g4
flash 0 x-cube-dbfu-g4 bank1.bin --json
json "'Bank 2' in r['device_said'] and 'selection active' in r['device_said']"
flash 0 x-cube-dbfu bank2.bin
prints 'Program running from Bank 1'
flash 0 x-cube-dbfu-both bank1.bin --json
json "'Bank 1' in r['device_said'] and 'deactivated' in r['device_said']"
json "[e['text'].split()[0] for e in events if e['event'] == 'note' and e['text'].endswith(('bank', 'resets'))] == ['check', 'switch', 'select', 'rewrite', 'check', 'switch', 'select']"
board_off
python3 -c 'import sys; sys.exit(open("x-cube-dbfu-g4.state", "rb").read().count(open("bank1.bin", "rb").read()) != 2)' ||
	fail 'not in both banks'

# The power fails in the middle: 10, and the same command goes on from where the device is; at every
# point it starts a whole program.
for at in 40 2200; do
	board_off
	rm -rf x-cube-dbfu-g4.state state
	updater x-cube-dbfu-g4 --fault "cut@op:$at"
	got=0
	stmota flash --device 'ymodem:board?playbook=quick-x-cube-dbfu-both' bank1.bin >out 2>err || got=$?
	[ "$got" -ne 0 ] || { cat out err; fail "cut@op:$at: it was not cut"; }
	kill -USR2 "$sim_pid"
	flash 0 x-cube-dbfu-both bank1.bin
	prints 'Program running from Bank 1, System ROM bank selection deactivated'
done
echo "ok: cuts"
