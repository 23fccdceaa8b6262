#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stmota-sim(1) has an entry for each option, fault and quirk of the program, and for no others.
. "$(dirname "$0")/lib.sh"

page=$root/man/stmota-sim.1
expect 0 stmota-sim run --help

# both WHAT: the lists ./program and ./manual are the same.
both() {
	sort -u program >program.sorted
	sort -u manual >manual.sorted
	[ -s program.sorted ] || fail "no $1 found in the help text"
	diff program.sorted manual.sorted || fail "$1: < help text, > manual page"
	echo "ok: $(wc -l <program.sorted) $1"
}

sed -n 's/^  \(-., \)\{0,1\}\(--[a-z0-9-]*\).*/\2/p' out >program
sed -n 's/^\.It Fl \(. , Fl \)\{0,1\}Fl \([a-z0-9-]*\).*/--\2/p' "$page" >manual
both options

sed -n 's/^  \([a-z]*@[^: ]*\)[: ].*/\1/p' out >program
sed -n 's/^\.It Cm \([a-z]*\) Ns @ Ns Ar \([^ ]*\) .*/\1@\2/p' "$page" >manual
both faults

sed -n '/^Quirks:/,/^$/{/^  /p;}' out | tr -s ' ' '\n' | grep . >program
sed -n '/^\.Sh QUIRKS/,/^\.Sh STAT/s/^\.It Cm \([^ ]*\)$/\1/p' "$page" >manual
both quirks

