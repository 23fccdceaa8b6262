#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# ymodem send and receive, judged by lrzsz in both directions and by each other.
. "$(dirname "$0")/lib.sh"

for program in rb sb socat; do
	command -v "$program" >/dev/null || skip "$program (lrzsz, socat) is not installed"
done

mkdir files
for n in 0 1 127 128 129 1023 1024 1025 261120 261121; do
	head -c "$n" /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf %032x "$n")" \
		-iv "$(printf %032x 0)" >"files/f$n"
done
head -c 1048576 /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$(printf %032x 7)" \
	-iv "$(printf %032x 0)" >files/f1048576

# peer COMMAND: a program on a pseudo terminal behind a free port of the loopback; sets $port
peer() {
	rm -f peer.log
	socat -d -d TCP-LISTEN:0,bind=127.0.0.1 SYSTEM:"$1",pty,raw,echo=0 2>peer.log &
	peer_pid=$!
	tries=0
	until port=$(sed -n 's/.*listening on .*127\.0\.0\.1:\([0-9]*\)$/\1/p' peer.log) && [ -n "$port" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "socat does not listen: $(cat peer.log)"
		sleep 0.05
	done
}
peer_done() { wait "$peer_pid" 2>/dev/null || :; }

all_equal() {
	for f in files/*; do
		same "$f" "$1/$(basename "$f")"
	done
}

# ---- we send, rb receives ----
mkdir received
peer 'cd received && exec rb -b -q'
expect 0 stmota ymodem send --device "tcp:127.0.0.1:$port" files/f0 files/f1 files/f127 files/f128 \
	files/f129 files/f1023 files/f1024 files/f1025 files/f261120 files/f261121 files/f1048576 --json
peer_done
json "r['files'] == 11 and r['bytes'] == sum((0, 1, 127, 128, 129, 1023, 1024, 1025, 261120, 261121, 1048576))"
all_equal received

# Small blocks.
mkdir small
peer 'cd small && exec rb -b -q'
expect 0 stmota ymodem send --device "tcp:127.0.0.1:$port" --trait small-blocks files/f1025
peer_done
same files/f1025 small/f1025

# A device that counts in 8 bits is spared what it cannot take; nobody needs to be there.
expect 6 stmota ymodem send --device tcp:127.0.0.1:9 --trait counts-8-bits files/f261121
says 'counts blocks in 8 bits'
says '261120 bytes at most'
expect 3 stmota ymodem send --device tcp:127.0.0.1:9 --trait counts-8-bits files/f261120
says 'cannot connect'
expect 3 stmota ymodem send --device tcp:127.0.0.1:9 files/f1
expect 2 stmota ymodem send --device tcp:127.0.0.1:9 --trait nonsense files/f1
says 'traits are small-blocks'
expect 2 stmota ymodem send files/f1
expect 2 stmota ymodem send --device i2c:/dev/i2c-1@0x4a files/f1
says 'no serial line'
expect 1 stmota ymodem send --device tcp:127.0.0.1:9 files/missing

# ---- sb sends, we receive ----
for how in 'sb -q' 'sb -q -k'; do
	rm -rf back
	# Large files take long in blocks of 128 bytes.
	[ "$how" = 'sb -q -k' ] || mv files/f26* files/f1048576 .
	peer "$how files/f0 files/f1 files/f127 files/f128 files/f129 files/f1023 files/f1024 files/f1025 $(find files -size +100k | sort | tr '\n' ' ')"
	expect 0 stmota ymodem receive --device "tcp:127.0.0.1:$port" --out back --json
	peer_done
	json "r['files'] == $(find files -type f | wc -l) and [f['size'] for f in r['received']][:3] == [0, 1, 127]"
	all_equal back
	[ "$how" = 'sb -q -k' ] || mv f26* f1048576 files
done
# Nothing is overwritten.
cp back/f1 kept
peer 'sb -q -k files/f1'
expect 2 stmota ymodem receive --device "tcp:127.0.0.1:$port" --out back
peer_done
says 'exists already'
same kept back/f1
# Too large is refused, and no part of it stays.
rm -rf back
peer 'sb -q -k files/f1025'
expect 1 stmota ymodem receive --device "tcp:127.0.0.1:$port" --out back --size-max 1024
peer_done
says 'more than the 1024'
[ ! -e back/f1025 ] || fail 'a part of a file stayed'

# ---- over a pseudo terminal, both sides ours, and a trace ----
socat PTY,link=left,raw,echo=0 PTY,link=right,raw,echo=0 &
pair=$!
while [ ! -e left ] || [ ! -e right ]; do sleep 0.05; done
rm -rf back
stmota -q ymodem receive --device uart:right --out back &
receiver=$!
expect 0 stmota ymodem send --device uart:left --trace trace files/f261121
wait "$receiver" || fail 'the receiver failed'
kill "$pair"
same files/f261121 back/f261121
grep -q '> 02 01 FE' trace || fail 'no block in the trace'

# What is about memory does not talk to a program; what takes programs wants to know which one.
expect 1 stmota erase --device ymodem:/dev/ttyACM0 --all --yes
says "'stmota ymodem send'"
expect 2 stmota probe --device ymodem:/dev/ttyACM0
says 'playbook list'

