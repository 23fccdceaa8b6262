#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# Recipes of the configuration: lines, commands, and an application that is asked.
. "$(dirname "$0")/lib.sh"

cat >entry.conf <<EOC
[entry fixture]
enter = echo "\$STMOTA_ENTRY \$STMOTA_PORT" >>$tmp/did
leave = echo leave >>$tmp/did
idle = echo idle >>$tmp/did
boot_ms = 1

[entry broken]
enter = echo first; echo the relay does not answer >&2; exit 7

[entry slow]
enter = echo \$\$ >slow.pid; exec sleep 30
command_s = 1

[entry ask]
send = "bo\\x6Ft\\r"
send_baud = 9600
boot_ms = 20

[entry break]
break_ms = 150
boot_ms = 20

[entry demo]
enter = $tmp/restart.sh
needs_application = yes
boot_ms = 20

[entry mixed]
send = x
enter = y

[entry pins]
boot0 = gpio:gpiochip0/BOOT0
nrst = gpio:gpiochip9/3

[device lamp]
url = uart:$tmp/board
before = fixture

[device app]
url = uart:/dev/ttyUSB7
before = ask
EOC
head -c 2048 /dev/urandom >data.bin

# A command that enters, one that leaves, one that puts the lines back.
board --chip 0x413
expect 0 stmota flash --config entry.conf --device lamp --address 0x08000000 --data data.bin
printf 'enter %s/board\nidle\n' "$tmp" >wanted
same did wanted
: >did
program app.bin 4096 1
expect 0 stmota flash --config entry.conf --device lamp --address 0x08000000 app.bin
printf 'enter %s/board\nleave\n' "$tmp" >wanted
same did wanted
expect 0 stmota probe --config entry.conf --device lamp
prints "by the command of its recipe"

# One that fails tells why, one that hangs is ended, Ctrl-C reaches it.
expect 3 stmota probe --config entry.conf --device uart:board --before broken
says "failed with status 7: the relay does not answer"
expect 3 stmota probe --config entry.conf --device uart:board --before slow
says "did not end within 1 s"
sed -i 's/command_s = 1$/command_s = 60/' entry.conf
expect 130 timeout --preserve-status -s INT 1 stmota probe --config entry.conf \
	--device uart:board --before slow
if kill -0 "$(cat slow.pid)" 2>/dev/null; then
	fail "the command outlived Ctrl-C"
fi

# Sections that are wrong name file and line, or what is in the way.
expect 2 stmota probe --config entry.conf --device uart:board --before mixed
says "both enter and send"
printf '[entry x]\nsend = a\\q\n' >bad.conf
expect 2 stmota probe --config bad.conf --device uart:board --before x
says "bad.conf:2: send: '"
says "is no escape"
printf '[entry x]\nboot0 = gpio:7\n' >bad.conf
expect 2 stmota probe --config bad.conf --device uart:board --before x
says "is not a GPIO line"
printf '[entry x]\nleave = true\n' >bad.conf
expect 2 stmota probe --config bad.conf --device uart:board --before x
says "no enter"
expect 2 stmota probe --config entry.conf --device uart:board --before nowhere
says "not an entry recipe"
expect 3 stmota probe --config entry.conf --device uart:board --before pins
says "gpiochip9/3"

# A board whose application is asked by a command: nothing answers, so the command is run.
cat >restart.sh <<EOC
#!/bin/sh
kill \$(cat $tmp/app.pid)
while [ -e $tmp/app ]; do sleep 0.02; done
stmota-sim run --chip 0x413 --uart $tmp/app --state $tmp/app.state --boot0 high >/dev/null 2>&1 &
echo \$! >$tmp/app.pid
while [ ! -e $tmp/app ]; do sleep 0.02; done
EOC
chmod +x restart.sh
stmota-sim run --chip 0x413 --uart app --state app.state --boot0 low >/dev/null 2>&1 &
echo $! >app.pid
while [ ! -e app ]; do sleep 0.02; done
expect 0 stmota probe --config entry.conf --device uart:app --before demo
prints "by the application"
kill "$(cat app.pid)"

support=$STMOTA_BUILD/tests/support
[ -x "$support/umock_board" ] || skip "built without umockdev"
if [ -n "${CLI_SANITIZED-}" ]; then
	echo "(the sanitizer wants to be loaded first, and so does umockdev: the rest is not looked at)"
	exit 0
fi
UMOCK_PRELOAD=$support/libpty_parity.so:libumockdev-preload.so.0
export UMOCK_PRELOAD

# The application understands "boot\r" at 9600 baud, or a break.
expect 0 env UMOCK_APP="$(printf 'boot\r')" "$support/umock_board" 0x413 log \
	stmota probe --config entry.conf --device app
prints "by the application"
grep -q '^application hears it at 9600 baud$' log || fail "not asked: $(cat log)"
expect 0 env UMOCK_APP=break "$support/umock_board" 0x413 log \
	stmota probe --config entry.conf --device "uart:/dev/ttyUSB7?before=break"
grep -q '^application hears it' log || fail "no break: $(cat log)"

# Nobody could ask an application that is half erased.
env_app() {
	env UMOCK_APP="$(printf 'boot\r')" "$support/umock_board" 0x413 log stmota flash \
		--config entry.conf --device app --address 0x08000000 app.bin "$@"
}
expect 2 env_app
says "--entry-by-hand"
expect 0 env_app --entry-by-hand

# An application that does not understand: it was asked; Ctrl-C while lining up.
expect 130 env UMOCK_APP=other "$support/umock_board" 0x413 log timeout --preserve-status -s INT 5 \
	stmota probe --config entry.conf --device app
says "entering the bootloader: 5 bytes at 9600 8N1 to the application"

# A chip that was empty at power-up starts its ROM after every reset: started without one.
expect 0 "$support/umock_board" 0x466 log stmota flash --device uart:/dev/ttyUSB7 --before dtr-rts \
	--address 0x08000000 app.bin
grep -q '^application runs: yes$' log || fail "still in the ROM: $(cat log)"
says "the chip was empty"
