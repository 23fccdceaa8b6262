/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_open.c - the database's file: made, checked, opened for writing or for reading only, locked
 *
 * A gateway whose disk is full or went read-only must still be able to say what it knows. SQLite
 * cannot read a WAL database where it cannot make its shared-memory file; such a one is copied to
 * memory with its log and read there. The same way serves a reader whose file has an older schema.
 */
#include "db_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include <stmota/fs.h>

#define APPLICATION_ID 0x53544F46 /* "STOF", as db_schema.c sets it */
#define BUSY_MS        10000
#define ROOM_MIN       ((uint64_t)1 << 20)
#define COPY_MAX       ((size_t)256 << 20)

/* True: something may be begun, there is room for its end too. */
static bool has_room(const char *path)
{
	char copy[PATH_MAX];
	struct statvfs st;

	snprintf(copy, sizeof(copy), "%s", path);
	if (statvfs(dirname(copy), &st) < 0)
		return true; /* the attempt to write will tell */
	return (uint64_t)st.f_bavail * st.f_frsize >= ROOM_MIN;
}

bool db_has_room(struct fleet_db *db)
{
	if (!db->gone_full && !has_room(db->path))
		db->gone_full = true;
	return !db->gone_full;
}

static void close_sql(struct fleet_db *db)
{
	sqlite3_close_v2(db->sql);
	db->sql = NULL;
}

static int open_sql(struct fleet_db *db, const char *path, int flags, struct err *e)
{
	int rc;

	close_sql(db);
	rc = sqlite3_open_v2(path, &db->sql, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(db->sql, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db->sql, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sql,
			"PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
			"PRAGMA trusted_schema = OFF;",
			NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, "open the tables", e);
}

/* ---- what is there ---- */

static int number_of(struct fleet_db *db, const char *sql, int64_t *ret, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e, sql, "");

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	*ret = sqlite3_column_int64(st, 0);
	return 0;
}

/* A file of another program is not ours to fill, and not called damaged. */
static int check_owner(struct fleet_db *db, struct err *e)
{
	int64_t app = 0, tables = 0;
	int rc = number_of(db, "PRAGMA application_id", &app, e);

	if (rc == 0)
		rc = number_of(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc < 0)
		return rc;
	if (app == APPLICATION_ID || (app == 0 && tables == 0))
		return 0;
	err_set(e, ERR_DAMAGED, "%s is the database of another program", db->path);
	return err_hint(e, "name another file for the state of the fleet");
}

static int check_pages(struct fleet_db *db, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	char text[120];
	int rc = db_query(db, &st, e, "PRAGMA quick_check(1)", "");

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	db_text(st, 0, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, "ok") == 0 ? 0 : db_damaged(db, text, e);
}

/* ---- for writing ---- */

static const char *why_not_writable(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	if (access(path, W_OK) < 0 && errno == EROFS)
		return "the file system is read-only";
	if (access(path, W_OK) < 0 && errno == EACCES)
		return "this user may not write it";
	if (access(dirname(copy), W_OK) < 0)
		return errno == EROFS ? "the file system is read-only"
				      : "this user may not write to its folder";
	return NULL;
}

/* 1: done; 0: it can only be read, db->why says why. */
static int open_writable(struct fleet_db *db, struct err *e)
{
	const char *why = fs_exists(db->path) ? why_not_writable(db->path) : NULL;
	int rc;

	if (why == NULL && fs_exists(db->path) && !has_room(db->path))
		why = "the disk is full";
	if (why != NULL) {
		snprintf(db->why, sizeof(db->why), "%s", why);
		return 0;
	}
	db->writable = true;
	rc = open_sql(db, db->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e);
	if (rc == 0)
		rc = check_owner(db, e);
	if (rc == 0)
		rc = db_run(db, e, "PRAGMA journal_mode = WAL", "");
	if (rc == 0)
		rc = check_pages(db, e);
	if (rc == 0)
		rc = db_migrate(db, db_schema, db_schema_version, e);
	if (rc == 0)
		return 1;
	db->writable = false;
	if (!db->gone_full || !fs_exists(db->path))
		return rc;
	snprintf(db->why, sizeof(db->why), "the disk is full");
	err_clear(e);
	return 0;
}

/* ---- for reading ---- */

static int copy_file(const char *from, const char *to, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	int rc = fs_read(from, COPY_MAX, &b, e);

	return rc == 0 ? fs_write_soon(to, b.data, b.len, 0600, e) : rc;
}

static int open_copy(struct fleet_db *db, struct err *e)
{
	const char *const places[] = {"/dev/shm", "/tmp"};
	char path[PATH_MAX], to[sizeof(db->copy_dir) + 16];
	int rc;

	for (size_t i = 0; i < 2 && db->copy_dir[0] == '\0'; i++) {
		snprintf(db->copy_dir, sizeof(db->copy_dir), "%s/stmota-fleet.XXXXXX", places[i]);
		if (mkdtemp(db->copy_dir) == NULL)
			db->copy_dir[0] = '\0';
	}
	if (db->copy_dir[0] == '\0')
		return err_set_errno(e, ERR_IO, errno, "no room for a copy of %s", db->path);
	snprintf(to, sizeof(to), "%s/fleet.db-wal", db->copy_dir);
	if (snprintf(path, sizeof(path), "%s-wal", db->path) >= (int)sizeof(path))
		return err_set(e, ERR_IO, "file name too long: %s", db->path);
	rc = fs_exists(path) ? copy_file(path, to, e) : 0;
	snprintf(to, sizeof(to), "%s/fleet.db", db->copy_dir);
	if (rc == 0)
		rc = copy_file(db->path, to, e);
	return rc == 0 ? open_sql(db, to, SQLITE_OPEN_READWRITE, e) : rc;
}

static int open_readable(struct fleet_db *db, struct err *e)
{
	int version = 0;
	int rc;

	if (!fs_exists(db->path)) {
		err_set_errno(e, ERR_IO, errno, "cannot open %s", db->path);
		return err_hint(e, "the first pass of stmota update makes it");
	}
	rc = open_sql(db, db->path, SQLITE_OPEN_READONLY, e);
	if (rc == 0)
		rc = db_schema_of(db, &version, e);
	if (rc == ERR_NOMEM || rc == ERR_BUSY || rc == ERR_DAMAGED)
		return rc;
	if (rc < 0 || version < db_schema_version) {
		err_clear(e);
		rc = open_copy(db, e);
	}
	if (rc == 0)
		rc = check_owner(db, e);
	if (rc == 0)
		rc = check_pages(db, e);
	if (rc == 0)
		rc = db_migrate(db, db_schema, db_schema_version, e);
	return rc;
}

/* ---- from outside ---- */

static int read_id(struct fleet_db *db, struct err *e)
{
	cleanup_stmt sqlite3_stmt *st = NULL;
	int rc = db_query(db, &st, e, "SELECT value FROM meta WHERE key = 'id'", "");

	if (rc == 0)
		rc = db_step(db, st, e);
	if (rc < 0)
		return rc;
	db_text(st, 0, db->id, sizeof(db->id));
	return strlen(db->id) == DB_ID_SIZE - 1 ? 0 : db_damaged(db, "it has no name", e);
}

static int make_folder(const char *path, struct err *e)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	return fs_exists(path) ? 0 : fs_mkdir(dirname(copy), e);
}

int fleet_db_open(const char *path, bool read_only, struct fleet_db **ret, struct err *e)
{
	struct fleet_db *db = calloc(1, sizeof(*db));
	int rc = 0;

	if (db == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	db->lock_fd = -1;
	if (snprintf(db->path, sizeof(db->path), "%s", path) >= (int)sizeof(db->path) - 8)
		rc = err_set(e, ERR_IO, "file name too long: %s", path);
	if (rc == 0 && !read_only)
		rc = make_folder(path, e);
	if (rc == 0 && !read_only)
		rc = open_writable(db, e);
	if (rc == 0)
		rc = open_readable(db, e);
	if (rc >= 0)
		rc = read_id(db, e);
	if (rc < 0) {
		fleet_db_close(db);
		return rc;
	}
	*ret = db;
	return 0;
}

static void remove_copy(const char *dir)
{
	const char *const names[] = {"fleet.db-wal", "fleet.db-shm", "fleet.db"};
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

void fleet_db_close(struct fleet_db *db)
{
	if (db == NULL)
		return;
	close_sql(db);
	if (db->copy_dir[0] != '\0')
		remove_copy(db->copy_dir);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db);
}

const char *fleet_db_why_read_only(const struct fleet_db *db)
{
	if (db->gone_full)
		return "the disk is full";
	if (db->writable)
		return NULL;
	return db->why[0] != '\0' ? db->why : "it was opened for reading";
}

const char *fleet_db_disk(const struct fleet_db *db)
{
	if (access(db->path, W_OK) < 0 && errno == EROFS)
		return "the file system is read-only";
	return db->gone_full || !has_room(db->path) ? "the disk is full" : NULL;
}

void fleet_db_set_fleet(struct fleet_db *db, const struct fleet *f)
{
	db->fleet = f;
}

const char *fleet_db_id(const struct fleet_db *db)
{
	return db->id;
}

/* ---- one pass at a time ---- */

static int name_holder(const char *path, int fd, struct err *e)
{
	char text[24] = "", comm_path[48], comm[32] = "";
	cleanup_file FILE *f = NULL;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	snprintf(comm_path, sizeof(comm_path), "/proc/%ld/comm", pid);
	f = pid > 0 ? fopen(comm_path, "re") : NULL;
	if (f == NULL || fgets(comm, sizeof(comm), f) == NULL)
		return err_set(e, ERR_BUSY, "another process works on this fleet (%s)", path);
	comm[strcspn(comm, "\n")] = '\0';
	err_set(e, ERR_BUSY, "%s (pid %ld) works on this fleet", comm, pid);
	return err_hint(e, "it goes on; nothing was started a second time");
}

int fleet_db_lock(struct fleet_db *db, struct err *e)
{
	char path[PATH_MAX + 8], text[24];
	cleanup_close int fd = -1;
	int len;

	if (db->lock_fd >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s.lock", db->path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set_errno(e, ERR_IO, errno, "cannot create %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return name_holder(path, fd, e);
	/* For people only; the lock is what counts, also on a disk that is full. */
	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		(void)ftruncate(fd, 0);
	db->lock_fd = fd;
	fd = -1;
	return 0;
}
