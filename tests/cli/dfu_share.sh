#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dfu_share.sh - several programs at one USB device, several devices that look alike, and devices
# that come later
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

stmota-sim exec --chip 0x413 --dfu -- true 2>err || {
	grep -q 'built without umockdev' err && skip 'built without umockdev'
	cat err
	fail 'exec does not work'
}

# on OPTION... -- COMMAND
on() {
	timeout 120 stmota-sim exec --chip 0x413 --dfu --state board.state --seed 1 "$@"
}

program a.bin 4000 1
program b.bin 4000 2

# ---- the second one is told who has it
# hold.py WORD COMMAND...: starts it on a terminal and reads until it says WORD: then it has the device
# and waits, for an answer or for a flash that is slow. Others ask for the device; then it is ended.
cat >hold.py <<'EOF'
import os, pty, subprocess, sys

word, command = sys.argv[1].encode(), sys.argv[2:]
r, w = pty.openpty()
first = subprocess.Popen(command, stdin=w, stdout=w, stderr=w)
said = b""
while word not in said:
    said += os.read(r, 1)
os.close(w)
def ask(name, *argv):
    with open(name, "wb") as out:
        return subprocess.call(argv, stdout=out, stderr=out)
second = ask("second", "stmota", "probe", "--device", "dfu:")
ask("devices", "stmota", "devices")
try:
    ask("third", "dfu-util", "-a", "0", "-s", "0x08000000:64", "-U", "third.bin")
except FileNotFoundError:
    with open("third", "w") as out:
        out.write("LIBUSB_ERROR_BUSY")
first.terminate()
first.wait()
with open("pid", "w") as out:
    out.write(str(first.pid))
sys.exit(second)
EOF

expect 3 on -- python3 hold.py '[y/N]' stmota protect wrp-on --all --chip 0x413 --device dfu:
in_file yes second "in use by stmota (pid $(cat pid))"
in_file yes devices "stmota (pid $(cat pid))"
in_file yes third 'LIBUSB_ERROR_BUSY'
if command -v dfu-util >/dev/null; then
	head -c 262144 /dev/zero >large
	expect 3 on --fault quirk:dfu-poll-long -- \
		python3 hold.py Erase dfu-util -a 0 -s 0x08000000 -D large
	in_file yes second "in use by dfu-util (pid $(cat pid))"
	in_file yes third 'LIBUSB_ERROR_BUSY'
fi
# Whoever ended, even by force, holds nothing.
# shellcheck disable=SC2016 # for the inner shell
expect 0 on -- sh -c '
	stmota read --device dfu: --all --out whole2.bin >/dev/null 2>&1 & sleep 0.2; kill -KILL $!; wait
	stmota probe --device dfu:'

# ---- Ctrl-C while a transfer is not answered: no waiting for its end of seconds
cat >silence.py <<'EOF'
import signal, subprocess, sys, time

with open("late", "wb") as out:
    stmota = subprocess.Popen(sys.argv[1:], stdout=out, stderr=out)
    time.sleep(1)
    began = time.monotonic()
    stmota.send_signal(signal.SIGINT)
    status = stmota.wait()
print("%d after %.1f s" % (status, time.monotonic() - began))
sys.exit(status)
EOF
for n in 20 60; do
	rm -f board.state
	expect 130 on --fault "stuck@usb:$n" -- python3 silence.py stmota flash --device dfu: --chip 0x413 \
		--address 0x08000000 --data --yes a.bin
	in_file yes late interrupted
	cat out
done
# shellcheck disable=SC2119 # without a fault the same command finishes
expect 0 on -- stmota flash --device dfu: --chip 0x413 --address 0x08000000 --after none --data --yes a.bin

# ---- alike but for the port: serial numbers of bootloaders are not unique
rm -f board.state*
three() {
	on --boards 3 --fault quirk:dfu-serial-same "$@"
}
expect 0 three -- stmota devices --json
json '[u["url"] for u in r["usb"]] == ["dfu:0483:df11#1-%d" % i for i in (1, 2, 3)]'
json 'len({u["serial"] for u in r["usb"]}) == 1'
for device in dfu: dfu:0483:df11 dfu:@STM32FxSTM32; do
	expect 2 three -- stmota flash --device "$device" --address 0x08000000 --yes a.bin
	says 'several devices fit'
	says 'dfu:0483:df11#1-1, dfu:0483:df11#1-2, dfu:0483:df11#1-3'
done
says 'this serial number is not unique'
expect 2 three -- stmota flash --address 0x08000000 --yes a.bin
expect 0 three -- stmota flash --device 'dfu:#1-2' --chip 0x413 --entry-by-hand --address 0x08000000 --after none --yes a.bin
expect 0 three -- stmota flash --device 'dfu:#1-1' --device 'dfu:@STM32FxSTM32#1-3' --chip 0x413 --entry-by-hand \
	--address 0x08000000 --after none --yes b.bin
for row in 1:b 2:a 3:b; do
	expect 0 three -- stmota read --device "dfu:#1-${row%:*}" --range 0x08000000:4000 --out back.bin
	same "${row#*:}.bin" back.bin
done

# ---- one that comes later, one that never comes
rm -f board.state*
before=$(date +%s)
expect 3 on --boot0 low -- stmota probe --device dfu: --wait 2
[ $(($(date +%s) - before)) -ge 1 ] || fail 'it has not waited'
says 'no STM32 bootloader'
# Unplugged at its tenth transfer; somebody plugs it in again after a second.
# shellcheck disable=SC2016
expect 0 on --fault vanish@usb:10 -- sh -c '
	stmota probe --device dfu: 2>first.err && exit 91
	stmota probe --device dfu: --wait 60 --json'
json 'r["transport"] == "dfu"'

# ---- a transfer without an answer, and the device leaves meanwhile: whoever waits for it is told
command -v gpioset >/dev/null || exit 0
# (Too late or too soon for that on a machine that is busy, it ends all the same.)
rm -f board.state*
for n in 10 40; do
	got=0
	# shellcheck disable=SC2016
	on --gpio --fault "drop@usb:$n" -- sh -c '
		timeout -s KILL 60 stmota read --device dfu: --range 0x08000000:65536 --out whole3.bin &
		sleep 1
		gpioset -m time -s 1 gpiochip0 1=0
		wait $!' >out 2>err || got=$?
	case $got in
	124 | 137) fail "unplugged in transfer $n: it hangs: $(cat out err)" ;;
	*) echo "ok: unplugged in transfer $n: status $got" ;;
	esac
done
