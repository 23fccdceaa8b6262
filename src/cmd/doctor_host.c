/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_host.c - libraries, locale, clock, folders and the room in them
 */
#include "doctor.h"

#include <errno.h>
#include <jansson.h>
#include <langinfo.h>
#include <libserialport.h>
#include <libusb.h>
#include <limits.h>
#include <linux/magic.h>
#include <locale.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <stmota/fetch.h>
#include <stmota/state.h>
#include <stmota/text.h>

#define MIB        (1ull << 20)
#define STATE_NEED (16 * MIB) /* journals and kept bytes of a few hundred devices */
#define FILES_NEED 1000u

/* ---- libraries ---- */

void doctor_libraries(struct doctor *d)
{
	const struct libusb_version *usb = libusb_get_version();
	struct err e = ERR_INIT;
	char curl[32];

	doctor_say(d, DOCTOR_OK, "program",
		"stmota %s; OpenSSL %s, SQLite %s, libusb %u.%u.%u, libserialport %s, jansson %s",
		STMOTA_VERSION, OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion(),
		usb->major, usb->minor, usb->micro, sp_get_package_version_string(),
		jansson_version_str());
	/* Not needed at a desk, where all files are at hand. */
	if (fetch_library(curl, sizeof(curl), &e) < 0)
		doctor_failed(d, DOCTOR_WARNING, "downloads", &e);
	else
		doctor_say(d, DOCTOR_OK, "downloads", "libcurl %s", curl);
}

/* Only the width and the signs of the bars depend on it. */
void doctor_locale(struct doctor *d)
{
	const char *wanted = getenv("LC_ALL");

	if (wanted == NULL || wanted[0] == '\0')
		wanted = getenv("LC_CTYPE");
	if (wanted == NULL || wanted[0] == '\0')
		wanted = getenv("LANG");
	if (setlocale(LC_CTYPE, "") == NULL) {
		doctor_say(d, DOCTOR_WARNING, "locale", "'%.60s' is not installed",
			wanted != NULL ? wanted : "");
		doctor_advise(d, "LANG=C.UTF-8 is there on every system");
		return;
	}
	doctor_say(d, DOCTOR_OK, "locale", "%s", nl_langinfo(CODESET));
}

/* ---- clock ---- */

static void clock_day(time_t t, char ret[32])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(ret, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(ret, 32, "?");
}

static void clock_synchronised(struct doctor *d)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	if (state < 0) {
		doctor_say(d, DOCTOR_OK, "time server", "the kernel does not tell");
		return;
	}
	if (state != TIME_ERROR && (t.status & STA_UNSYNC) == 0) {
		doctor_say(d, DOCTOR_OK, "time server", "the clock is kept, within %ld ms",
			t.maxerror / 1000 + 1);
		return;
	}
	doctor_say(d, DOCTOR_WARNING, "time server", "nothing keeps the clock right");
	doctor_advise(d, "keys and channels expire by this clock: run systemd-timesyncd or chrony "
			 "('timedatectl set-ntp true')");
}

/* The file of the program is as old as its package: a clock before that is certainly wrong. */
void doctor_clock(struct doctor *d)
{
	time_t now = time(NULL);
	struct stat self;
	char today[32], built[32];

	clock_day(now, today);
	if (stat("/proc/self/exe", &self) == 0 && now < self.st_mtime) {
		clock_day(self.st_mtime, built);
		doctor_say(d, DOCTOR_WRONG, "clock", "%s, before this program was made (%s)", today,
			built);
		doctor_advise(d, "set it: what has expired looks valid, and TLS certificates do "
				 "not; a gateway without a battery needs a time server at start");
	} else {
		doctor_say(d, DOCTOR_OK, "clock", "%s", today);
	}
	clock_synchronised(d);
}

/* ---- folders ---- */

/* The nearest folder above that exists, where a missing one would be made. */
static void existing_part(const char *path, char ret[PATH_MAX])
{
	char *slash;

	snprintf(ret, PATH_MAX, "%s", path);
	while (access(ret, F_OK) < 0 && (slash = strrchr(ret, '/')) != NULL)
		slash[slash == ret] = '\0';
	if (access(ret, F_OK) < 0)
		snprintf(ret, PATH_MAX, ".");
}

static void folder_refused(struct doctor *d, const char *check, const char *there, int why)
{
	doctor_say(d, DOCTOR_WRONG, check, "%s: %s", there, strerror(why));
	if (why == EROFS)
		doctor_advise(d,
			"the file system is mounted read-only; after an error of the disk, "
			"'dmesg' says so");
	else if (why == ENOTDIR)
		doctor_advise(d, "a file stands where the folder should be");
	else
		doctor_advise(d, "give it to the user who runs stmota, or choose another one: "
				 "[state] dir, [cache] dir");
}

static void folder_room(struct doctor *d, const char *check, const char *path, const char *there,
	unsigned long long need)
{
	struct statvfs v;
	struct statfs type;
	unsigned long long room;
	char text[32];
	const char *would = strcmp(path, there) == 0 ? "" : ", not made yet";

	if (statvfs(there, &v) < 0) {
		doctor_say(d, DOCTOR_WARNING, check, "%s: %s", there, strerror(errno));
		return;
	}
	room = (unsigned long long)v.f_bavail * v.f_frsize;
	text_size(room, text, sizeof(text));
	if (room < need / 16 || (v.f_files > 0 && v.f_favail < FILES_NEED / 16)) {
		doctor_say(d, DOCTOR_WRONG, check, "%s: %s and %llu files are free", path, text,
			(unsigned long long)v.f_favail);
		doctor_advise(d, "make room: what cannot be noted is not begun");
	} else if (room < need || (v.f_files > 0 && v.f_favail < FILES_NEED)) {
		doctor_say(d, DOCTOR_WARNING, check, "%s: only %s and %llu files are free", path,
			text, (unsigned long long)v.f_favail);
		doctor_advise(d, "make room before it runs out");
	} else if (statfs(there, &type) == 0 &&
		   ((unsigned long)type.f_type == TMPFS_MAGIC ||
			   (unsigned long)type.f_type == RAMFS_MAGIC)) {
		doctor_say(d, DOCTOR_WARNING, check, "%s lies in memory, %s free", path, text);
		doctor_advise(d, "after a power cut an interrupted update could not be finished: "
				 "put it on a disk");
	} else {
		doctor_say(d, DOCTOR_OK, check, "%s%s, %s free", path, would, text);
	}
}

void doctor_folder(struct doctor *d, const char *check, const char *path, unsigned long long need)
{
	char there[PATH_MAX];
	struct stat st;

	existing_part(path, there);
	if (stat(there, &st) == 0 && !S_ISDIR(st.st_mode))
		folder_refused(d, check, there, ENOTDIR);
	else if (access(there, W_OK | X_OK) < 0)
		folder_refused(d, check, there, errno);
	else
		folder_room(d, check, path, there, need);
}

void doctor_folders(struct doctor *d)
{
	const char *cache = config_get(d->config, "cache", NULL, "dir");
	char state[PATH_MAX - sizeof("/cache")], path[PATH_MAX];
	struct err e = ERR_INIT;
	uint32_t size = 0;

	if (state_folder(config_get(d->config, "state", NULL, "dir"), state, sizeof(state), &e) <
		0) {
		doctor_failed(d, DOCTOR_WRONG, "state", &e);
		return;
	}
	doctor_folder(d, "state", state, STATE_NEED);
	if (config_u32(d->config, "cache", NULL, "size", 0, &size, &e) < 0) {
		doctor_failed(d, DOCTOR_WRONG, "cache", &e);
		return;
	}
	if (size == 0) {
		doctor_say(d, DOCTOR_OK, "cache", "none is kept ([cache] size = 0)");
		return;
	}
	if (cache != NULL)
		snprintf(path, sizeof(path), "%s", cache);
	else
		snprintf(path, sizeof(path), "%s/cache", state);
	doctor_folder(d, "cache", path, size);
}
