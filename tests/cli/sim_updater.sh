#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# sim_updater.sh - the virtual updaters from outside: menus by hand, files by lrzsz, which has its
# own opinion of YMODEM; state, reset button, power, decryption
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

for program in rb sb python3; do
	command -v "$program" >/dev/null || skip "$program (lrzsz, python3) is not installed"
done
menu=$root/tests/support/menu

# ---- the command line
expect 0 stmota-sim updaters
prints 'x-cube-dbfu-g4'
expect 2 stmota-sim run --updater nonsense --uart port
says 'stmota-sim updaters lists them'
expect 2 stmota-sim run --updater rb
says '--uart is missing'
expect 2 stmota-sim run --updater rb --chip 0x410 --uart port
says 'leave --chip out'
expect 2 stmota-sim run --updater rb --boot0 high --uart port
expect 2 stmota-sim run --chip 0x413 --aes key --uart port
printf '00112233445566778899aabbccddeeff\n' >key.aes
expect 2 stmota-sim run --updater rb --aes key.aes --uart port
says 'does not decrypt'
echo 0011 >short.aes
expect 1 stmota-sim run --updater x-cube-dbfu-g4 --aes short.aes --uart port
says 'first counter block'

# updater NAME [OPTION]...: lib.sh's board, with the memory of its kind
updater() {
	board_off
	rm -f board
	name=$1
	shift
	stmota-sim run --updater "$name" --uart board --state "$name.state" --seed 1 --reset-on-open \
		"$@" >sim.log 2>&1 &
	sim_pid=$!
	tries=0
	while [ ! -e board ]; do
		kill -0 "$sim_pid" 2>/dev/null || fail "the updater does not start: $name"
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "the updater does not appear: $name"
		sleep 0.05
	done
}

# talk STEP...: see tests/support/menu; what was printed is in ./out
talk() { expect 0 "$menu" board "$@"; }

# holds FILE: its bytes are in the flash of the updater that runs
holds() {
	board_off
	python3 - "$1" "$name.state" <<'EOT' || fail "$1 is not in $name.state"
import sys

sys.exit(open(sys.argv[1], "rb").read() not in open(sys.argv[2], "rb").read())
EOT
	echo "ok: $1 is in flash"
}

program f1.bin 5000 1 0x08004000
printf 'stmota-sim says: version one\0' | dd of=f1.bin bs=1 seek=1000 conv=notrunc 2>/dev/null

# ---- STM32Cube's IAP: sb sends, and takes the device's words with it when it ends; a key that is
# none brings the menu again, which starts the program; rb fetches it
updater iap-f1
talk 'wait:Execute the loaded application' wait:==== key:1 "wait:(press 'a' to abort)" \
	'run:sb -q -k f1.bin' status:0 key:x 'wait:either 1, 2, 3 or 4' 'wait:Enable the write' \
	wait:==== key:3 'wait:version one'
holds f1.bin
updater iap-f1
mkdir got
# It sends all that its constant says, and is in its menu again before rb has seen the end.
cat >fetch <<'EOT'
cd got
exec 3<&0
rb -q -b <&3 &
until [ "$(stat -c %s UploadedFlashImage.bin 2>/dev/null)" = 12288 ]; do sleep 0.1; done
kill $!
wait
EOT
talk 'wait:Enable the write' wait:==== key:2 'wait:Select Receive File' 'run:timeout 60 sh fetch'
head -c 5000 got/UploadedFlashImage.bin >back.bin
same f1.bin back.bin
# Blocks of 128 bytes as well.
program f2.bin 3000 2 0x08004000
updater iap-f1
talk 'wait:Enable the write' wait:==== key:1 'wait:to abort)' 'run:sb -q f2.bin' status:0
holds f2.bin

# ---- the protocol reference, which NAKs the first EOT: one file after another
updater rb
talk 'run:sb -q -k f1.bin' status:0 'run:sb -q f2.bin' status:0
holds f2.bin

# ---- X-CUBE-DBFU: its text in the middle of the transfer is too much for sb
updater x-cube-dbfu-g4
talk 'wait:Program running from Bank 1' 'wait:bank selection -----' wait:==== key:1 'wait:to abort)' \
	'run:sb -q -k f1.bin' status:128
# Ours reads on. The file is encrypted; the state is kept, and so is the bank after the power.
program app.bin 9000 3
printf 'stmota-sim version: 3.2.1\0' | dd of=app.bin bs=1 seek=700 conv=notrunc 2>/dev/null
openssl enc -aes-128-ctr -nosalt -K 00112233445566778899aabbccddeeff -iv "$(printf %032x 0)" \
	<app.bin >app.aes
board_off
rm -f x-cube-dbfu-g4.state
updater x-cube-dbfu-g4 --aes key.aes
talk 'wait:bank selection -----' wait:==== key:1 'wait:to abort)' \
	"run:stmota -q ymodem send --device uart:board app.aes >&2" status:0 'wait:====' key:4 \
	'wait:Other bank check passed.' wait:==== wait:==== key:6 'wait:(Version 3.2.1)' \
	'wait:Program running from Bank 2' 'wait:selection active'
holds app.bin
updater x-cube-dbfu-g4
talk 'wait:Program running from Bank 2' 'wait:bank selection -----' wait:==== key:5 \
	'wait:(Version 2.0.0)' 'wait:Program running from Bank 1'

# ---- power: dead after the cut, and the old program is there when it comes back
board_off
rm -f x-cube-dbfu-g4.state
updater x-cube-dbfu-g4 --fault cut@op:200
cat >send <<'EOT'
stmota -q ymodem send --device uart:board app.bin >&2 &
until grep -q 'the power has failed' sim.log; do sleep 0.1; done
kill $!
wait
EOT
talk 'wait:bank selection -----' wait:==== key:1 'wait:to abort)' 'run:timeout 60 sh send'
kill -s USR2 "$sim_pid"
talk 'wait:Program running from Bank 1'
echo 'ok: power'
