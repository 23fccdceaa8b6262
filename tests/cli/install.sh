#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh source=tests/cli/lib.sh
#
# What `meson install` brings to a system works there; the units, rules and tables for a gateway are
# what systemd takes; lines for its journal carry their priority.
. "$(dirname "$0")/lib.sh"

DESTDIR=$tmp/root meson install -C "$STMOTA_BUILD" --no-rebuild --quiet >install.log 2>&1 ||
	fail "meson install: $(cat install.log)"
installed=$(find root -type f)

# the PATH-NAME: the one file of that name
the() {
	found=$(printf '%s\n' "$installed" | grep "/$1\$") || fail "not installed: $1"
	echo "$found"
}

expect 0 "$(the bin/stmota)" --version
prints 'stmota '
expect 0 "$(the bin/stmota)" playbook list
expect 0 "$(the bin/stmota-sim)" --help
for page in "$root"/man/*.[15]; do
	section=${page##*.}
	cmp "$page" "$(the "man$section/${page##*/}")" || fail "${page##*/}"
done
if command -v man >/dev/null; then
	MANPATH=$tmp/$(dirname "$(dirname "$(the man1/stmota.1)")")
	export MANPATH
	for page in stmota stmota-sim stmota.conf stmota-package; do
		expect 0 man -w $page
		prints "$tmp/root/"
	done
	unset MANPATH
fi
bash -n "$(the bash-completion/completions/stmota.bash)"
! command -v zsh >/dev/null || zsh -n "$(the site-functions/_stmota)"
! command -v fish >/dev/null || fish -n "$(the vendor_completions.d/stmota.fish)"
for playbook in "$root"/src/playbooks/*.playbook; do
	the "playbooks/${playbook##*/}" >/dev/null
done

# Units: no unknown key, no missing program; little to attack.
systemd=$root/examples/systemd
if command -v systemd-analyze >/dev/null; then
	mkdir units
	for unit in service timer; do
		sed "s|/usr/bin/stmota|$STMOTA_BUILD/src/cmd/stmota|" \
			"$systemd/stmota-update.$unit" >units/stmota-update.$unit
	done
	expect 0 systemd-analyze verify --man=no units/stmota-update.service units/stmota-update.timer
	[ ! -s err ] || fail "systemd says: $(cat err)"
	expect 0 systemd-analyze security --offline=yes --threshold=20 units/stmota-update.service
	echo 'NoSuchKey=yes' >>units/stmota-update.service
	systemd-analyze verify --man=no units/stmota-update.service >out 2>err || :
	says NoSuchKey # it would have been seen
else
	echo '(systemd-analyze is not installed: the units are not looked at)'
fi
# The user that the service runs as is the one that is made, and owns the folder of its state.
grep -q '^User=stmota$' "$systemd/stmota-update.service"
grep -q '^u stmota ' "$systemd/stmota.sysusers"
grep -q '^d /var/lib/stmota [0-9]* stmota stmota ' "$systemd/stmota.tmpfiles"
grep -o 'GROUP="[a-z0-9]*"' "$root/examples/udev/60-stmota.rules" | cut -d '"' -f 2 | sort -u >groups
[ -s groups ]
while read -r group; do
	grep -q "^m stmota $group\$" "$systemd/stmota.sysusers" || fail "nobody is in group $group"
done <groups
[ "$(grep -vc '^#\|^$\|^[A-Z_]*=' "$root/examples/cron/stmota-update")" -eq 1 ] || fail 'one line of work'
! grep -v '^#' "$root/examples/cron/stmota-update" | grep -q '%' || fail 'cron takes % for a new line'

# The journal of systemd: known by device and inode, priorities in front, never anywhere else.
: >err
journal=$(command stat -c %d:%i err)
JOURNAL_STREAM=$journal stmota info missing.elf >out 2>err && fail 'no such file'
grep -q '^<3>stmota: ' err || fail "no priority: $(cat err)"
JOURNAL_STREAM=$journal stmota frobnicate >out 2>err && fail 'no such command'
grep -q '^<3>hint: ' err || fail "no priority: $(cat err)"
grep -v '^<[3-7]>' err && fail 'a line without priority'
JOURNAL_STREAM=1:1 stmota info missing.elf >out 2>err && fail 'no such file'
grep -q '^stmota: ' err || fail "priorities outside the journal: $(cat err)"
board --fault drop@rx:3000
JOURNAL_STREAM=$journal stmota flash --device uart:board "$root/examples/blinky/blinky-1.0.0.elf" \
	>out 2>err || :
grep -q '^<4>trying again: ' err || fail "no warning: $(cat err)"
! grep -q "$(printf '\r')" err || fail 'a bar in the journal'
