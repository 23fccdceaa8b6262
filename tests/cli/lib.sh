# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib.sh - for tests that use the programs from outside; each sources it first
#
# Gives an empty folder of its own as working folder, both programs in PATH, no settings of the
# user, and:
#
#   expect STATUS COMMAND...  runs it; output in ./out, messages in ./err; any other status fails
#   prints TEXT, says TEXT    TEXT (a fixed string) is in ./out, in ./err
#   prints_not TEXT, says_not TEXT
#   same FILE FILE            both hold the same bytes
#   json EXPRESSION           true of `r`, the JSON object in ./out, or the last of several lines;
#                             all of them are `events`
#   board [OPTION]...         starts (or starts again) a virtual board at ./board whose memory
#                             stays in ./board.state; options as of `stmota-sim run`
#   updater NAME [OPTION]...
#                       the same with a device whose program is such an updater; its memory stays in
#                       ./NAME.state, its name in $name
#   board_off                 ends it; statistics are written then
#   stat KEY                  prints a number of the statistics; after board_off
#   blinky VERSION            packs examples/blinky as blinky-VERSION.sota, signed by key.pem
#                             (made when missing, public half pub.pem), and its raw bytes as .bin
#   skip REASON, fail TEXT
#
# By hand: STMOTA_BUILD=build tests/cli/NAME.sh
set -eu

: "${STMOTA_BUILD:?name the build folder}"
STMOTA_BUILD=$(cd "$STMOTA_BUILD" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck disable=SC2034 # for the tests
corpus=$root/../shared/corpus
tmp=$(mktemp -d "${TMPDIR:-/tmp}/stmota-cli.XXXXXX")
sim_pid=

board_off() {
	if [ -n "$sim_pid" ]; then
		kill "$sim_pid" 2>/dev/null || :
		# In a subshell it is nobody's child: then it stays a zombie until the test ends.
		wait "$sim_pid" 2>/dev/null || while :; do
			case $(ps -o stat= -p "$sim_pid" 2>/dev/null) in
			'' | Z*) break ;;
			esac
			sleep 0.02
		done
		sim_pid=
	fi
}

cli_cleanup() {
	status=$?
	board_off
	if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -s "$tmp/sim.log" ]; then
		echo "--- stmota-sim said:"
		cat "$tmp/sim.log"
	fi
	rm -rf "$tmp"
}
trap cli_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

PATH=$STMOTA_BUILD/src/cmd:$STMOTA_BUILD/src/sim:$PATH
# shellcheck disable=SC2046 # one word for each variable
unset $(env | sed -n 's/^\(STMOTA_[A-Z0-9_]*\)=.*/\1/p' | grep -v '^STMOTA_BUILD$') 2>/dev/null || :
export PATH HOME="$tmp" XDG_CONFIG_HOME="$tmp/config" XDG_STATE_HOME="$tmp/state" \
	STMOTA_STATE_DIR="$tmp/state" LC_ALL=C NO_COLOR=1
cd "$tmp"

fail() {
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

expect() {
	want=$1
	shift
	got=0
	"$@" >out 2>err || got=$?
	if [ "$got" -ne "$want" ]; then
		echo "--- out:"
		head -c 4000 out
		echo "--- err:"
		head -c 4000 err
		fail "status $got, wanted $want: $*"
	fi
	echo "ok: status $got: $*"
}

# in_file WANT FILE TEXT
in_file() {
	found=no
	if grep -qF -e "$3" "$2"; then
		found=yes
	fi
	if [ "$found" != "$1" ]; then
		echo "--- $2:"
		head -c 4000 "$2"
		fail "'$3' in $2: $found, wanted: $1"
	fi
}

prints() { in_file yes out "$1"; }
prints_not() { in_file no out "$1"; }
says() { in_file yes err "$1"; }
says_not() { in_file no err "$1"; }

same() {
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

json() {
	python3 - "$1" <<'EOF' || fail "not so: $1"
import json, sys

text = open("out").read()
events = []
try:
    r = json.loads(text)
except ValueError:
    events = [json.loads(line) for line in text.splitlines()]
    r = events[-1]
if not eval(sys.argv[1], {"r": r, "events": events}):
    print(json.dumps(r, indent=2))
    sys.exit(1)
EOF
	echo "ok: $1"
}

board() {
	board_off
	rm -f board
	case " $* " in
	*' --chip '*) ;;
	*) set -- --chip STM32F103C8 "$@" ;;
	esac
	stmota-sim run --uart board --state board.state --stats stats.json --seed 1 --reset-on-open "$@" \
		>sim.log 2>&1 &
	sim_pid=$!
	tries=0
	while [ ! -e board ]; do
		kill -0 "$sim_pid" 2>/dev/null || fail "the virtual board does not start: $*"
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || fail "the virtual board does not appear: $*"
		sleep 0.05
	done
}

updater() {
	board_off
	rm -f board
	name=$1
	shift
	stmota-sim run --updater "$name" --uart board --state "$name.state" --stats stats.json --seed 1 \
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

stat() {
	[ -s stats.json ] || fail "no statistics"
	value=$(tr -d ' \n' <stats.json | grep -oE "\"$1\":[0-9.]+" | head -n 1)
	[ -n "$value" ] || fail "no '$1' in the statistics: $(cat stats.json)"
	printf '%s\n' "${value#*:}"
}

blinky() {
	[ -e key.pem ] || expect 0 stmota keygen --type ed25519 --out key.pem --public pub.pem
	expect 0 stmota pack "$root/examples/blinky/blinky-$1.elf" --product example.com/blinky \
		--version "$1" --chip 0x410 --key key.pem --out "blinky-$1.sota"
	objcopy -I elf32-little -O binary "$root/examples/blinky/blinky-$1.elf" "blinky-$1.bin"
}

# program FILE BYTES SEED [BASE]: a raw image with a vector table for BASE (default 0x08000000),
# filled with pseudo-random bytes; the same arguments give the same file.
program() {
	base=$((${4:-0x08000000}))
	{
		le32 0x20001000
		n=1
		while [ "$n" -lt 128 ]; do
			case $n in
			7 | 8 | 9 | 10 | 13) le32 0 ;;
			*) le32 $((base + 0x201)) ;;
			esac
			n=$((n + 1))
		done
		printf '\376\347' # the handler: b .
		head -c $(($2 - 514)) /dev/zero |
			openssl enc -aes-128-ctr -nosalt -K "$(printf %032x "$3")" -iv "$(printf %032x 0)"
	} >"$1"
}

le32() {
	for shift in 0 8 16 24; do
		# shellcheck disable=SC2059 # the format is the byte
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}
