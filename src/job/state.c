/* SPDX-License-Identifier: Apache-2.0 */
#include <stmota/state.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include <jansson.h>

#include <stmota/fs.h>
#include <stmota/strparse.h>

#define SCHEMA   1
#define FILE_MAX ((size_t)64 << 20)

struct state {
	char path[PATH_MAX];      /* KEY.json */
	char unit_path[PATH_MAX]; /* KEY.unit: the unit being written */
	char image_path[PATH_MAX]; /* KEY.image: the image being written */
	char key[128];
	int lock_fd;
	int unit_fd; /* -1 until the first note */
	struct saved_units saved;
	struct installed installed;
	struct lifted lifted;
	struct span suspect;
};

void saved_units_done(struct saved_units *s)
{
	free(s->units);
	segments_done(&s->bytes);
	*s = (struct saved_units){0};
}

/* ---- names and the lock ---- */

static int make_path(const char *dir, const char *key, const char *suffix, char *ret, struct err *e)
{
	size_t len = (size_t)snprintf(ret, PATH_MAX, "%s/", dir);

	if (len >= PATH_MAX)
		return err_set(e, ERR_IO, "folder name too long: %s", dir);
	/* Keys are URLs at worst: whatever could be a path becomes %XX. */
	for (const char *p = key; *p != '\0' && len + 4 < PATH_MAX; p++) {
		bool plain = isalnum((unsigned char)*p) || *p == '-' || *p == '_';

		len += (size_t)snprintf(
			ret + len, PATH_MAX - len, plain ? "%c" : "%%%02X", (unsigned char)*p);
	}
	if (len + strlen(suffix) >= PATH_MAX)
		return err_set(e, ERR_IO, "device name too long: %s", key);
	memcpy(ret + len, suffix, strlen(suffix) + 1);
	return 0;
}

static int take_lock(struct state *s, const char *dir, struct err *e)
{
	char path[PATH_MAX];
	int rc = make_path(dir, s->key, ".lock", path, e);

	if (rc < 0)
		return rc;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock_fd < 0) {
		err_set_errno(e, ERR_IO, errno, "cannot create %s", path);
		return err_hint(e, "choose another folder: [state] dir in the configuration, or "
				   "STMOTA_STATE_DIR");
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_BUSY, "another stmota works on the device %s", s->key);
	return 0;
}

/* ---- JSON ---- */

static json_t *bytes_to_json(const uint8_t *data, size_t len)
{
	char *text = malloc(2 * len + 1);
	json_t *j;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	j = json_string(text);
	free(text);
	return j;
}

static int bytes_from_json(const json_t *j, uint32_t addr, struct segments *ret, struct err *e)
{
	const char *text = json_string_value(j);
	size_t len = text != NULL ? strlen(text) / 2 : 0;
	cleanup_free uint8_t *data = NULL;

	if (len == 0 || len > UINT32_MAX || text[2 * len] != '\0')
		return ERR_FORMAT;
	data = malloc(len);
	if (data == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (!parse_hex(text, 2 * len, data, len))
		return ERR_FORMAT;
	return segments_add(ret, addr, data, (uint32_t)len, e);
}

static json_t *addr_to_json(uint32_t addr)
{
	return json_sprintf("0x%08X", addr);
}

static int addr_from_json(const json_t *j, uint32_t *ret)
{
	const char *text = json_string_value(j);

	return text != NULL && parse_u32(text, ret, NULL) == 0 ? 0 : ERR_FORMAT;
}

static json_t *spans_to_json(const struct span *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:o, s:I}", "address", addr_to_json(v[i].addr), "size",
				      (json_int_t)v[i].len));
	return list;
}

static int spans_from_json(const json_t *j, struct span *ret, size_t max, size_t *ret_n)
{
	size_t i;
	json_t *item;

	if (!json_is_array(j) || json_array_size(j) > max)
		return ERR_FORMAT;
	json_array_foreach(j, i, item)
	{
		json_int_t size = json_integer_value(json_object_get(item, "size"));

		if (addr_from_json(json_object_get(item, "address"), &ret[i].addr) < 0 ||
			size <= 0 || size > UINT32_MAX ||
			(uint64_t)ret[i].addr + (uint64_t)size > (uint64_t)1 << 32)
			return ERR_FORMAT;
		ret[i].len = (uint32_t)size;
	}
	*ret_n = json_array_size(j);
	return 0;
}

static json_t *saved_to_json(const struct saved_units *s)
{
	json_t *bytes = json_array();

	for (size_t i = 0; i < s->bytes.n; i++)
		json_array_append_new(bytes,
			json_pack("{s:o, s:o}", "address", addr_to_json(s->bytes.v[i].addr), "data",
				bytes_to_json(s->bytes.v[i].data, s->bytes.v[i].len)));
	return json_pack("{s:o, s:o}", "units", spans_to_json(s->units, s->n), "bytes", bytes);
}

static int saved_from_json(const json_t *j, struct saved_units *ret, struct err *e)
{
	const json_t *units = json_object_get(j, "units"), *bytes = json_object_get(j, "bytes");
	size_t i;
	json_t *item;

	if (!json_is_array(bytes))
		return ERR_FORMAT;
	ret->units = calloc(json_array_size(units) + 1, sizeof(*ret->units));
	if (ret->units == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (spans_from_json(units, ret->units, json_array_size(units), &ret->n) < 0)
		return ERR_FORMAT;
	json_array_foreach(bytes, i, item)
	{
		uint32_t addr = 0;
		int rc = addr_from_json(json_object_get(item, "address"), &addr);

		if (rc == 0)
			rc = bytes_from_json(json_object_get(item, "data"), addr, &ret->bytes, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static json_t *installed_to_json(const struct installed *in)
{
	return json_pack("{s:s, s:s, s:I, s:o, s:s, s:o}", "product", in->product_uuid, "version",
		in->version, "counter", (json_int_t)in->counter, "pieces",
		spans_to_json(in->pieces, in->n_pieces), "sha256", in->sha256, "record",
		addr_to_json(in->record_addr));
}

static int installed_from_json(json_t *j, struct installed *ret)
{
	const char *product, *version, *sha256;
	json_int_t counter;
	json_t *pieces, *record;

	if (json_unpack(j, "{s:s, s:s, s:I, s:o, s:s, s:o}", "product", &product, "version",
		    &version, "counter", &counter, "pieces", &pieces, "sha256", &sha256, "record",
		    &record) < 0)
		return ERR_FORMAT;
	if (spans_from_json(pieces, ret->pieces, INSTALLED_PIECES, &ret->n_pieces) < 0 ||
		addr_from_json(record, &ret->record_addr) < 0 || counter < 0 ||
		counter > UINT32_MAX || strlen(product) >= sizeof(ret->product_uuid) ||
		strlen(version) >= sizeof(ret->version) || strlen(sha256) >= sizeof(ret->sha256))
		return ERR_FORMAT;
	snprintf(ret->product_uuid, sizeof(ret->product_uuid), "%s", product);
	snprintf(ret->version, sizeof(ret->version), "%s", version);
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", sha256);
	ret->counter = (uint32_t)counter;
	ret->known = true;
	return 0;
}

static json_t *lifted_to_json(const struct lifted *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const struct lifted_field *f = &l->field[i];

		json_array_append_new(list,
			json_pack("{s:o, s:i, s:i, s:I}", "address", addr_to_json(f->addr), "bit",
				f->bit, "width", f->width, "value", (json_int_t)f->value));
	}
	return list;
}

static int lifted_from_json(const json_t *j, struct lifted *ret)
{
	size_t i;
	json_t *item;

	if (!json_is_array(j) || json_array_size(j) > LIFTED_FIELDS)
		return ERR_FORMAT;
	json_array_foreach(j, i, item)
	{
		struct lifted_field *f = &ret->field[i];
		json_int_t bit = 0, width = 0, value = -1;
		json_t *addr = NULL;

		if (json_unpack(item, "{s:o, s:I, s:I, s:I}", "address", &addr, "bit", &bit,
			    "width", &width, "value", &value) < 0 ||
			addr_from_json(addr, &f->addr) < 0 || bit < 0 || bit > 31 || width < 1 ||
			width > 32 - bit || value < 0 || value >> width != 0)
			return ERR_FORMAT;
		f->bit = (uint8_t)bit;
		f->width = (uint8_t)width;
		f->value = (uint32_t)value;
	}
	ret->n = json_array_size(j);
	return 0;
}

static int load_json(struct state *s, json_t *root, struct err *e)
{
	json_t *saved = json_object_get(root, "saved");
	json_t *installed = json_object_get(root, "installed");
	json_t *lifted = json_object_get(root, "lifted");
	int rc = 0;

	if (json_integer_value(json_object_get(root, "schema")) != SCHEMA)
		return ERR_FORMAT;
	if (saved != NULL)
		rc = saved_from_json(saved, &s->saved, e);
	if (rc == 0 && installed != NULL)
		rc = installed_from_json(installed, &s->installed);
	if (rc == 0 && lifted != NULL)
		rc = lifted_from_json(lifted, &s->lifted);
	return rc;
}

static int load(struct state *s, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_t *root;
	int rc;

	if (!fs_exists(s->path))
		return 0;
	rc = fs_read(s->path, FILE_MAX, &text, e);
	if (rc < 0)
		return rc;
	root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	rc = root != NULL ? load_json(s, root, e) : ERR_FORMAT;
	json_decref(root);
	if (rc == ERR_FORMAT) {
		err_set(e, ERR_FORMAT, "the state file %s is damaged", s->path);
		err_hint(e, "it may hold bytes of an interrupted update; remove it to go on "
			    "without them");
	}
	return rc;
}

static int store(struct state *s, struct err *e)
{
	json_t *root = json_pack("{s:i, s:s}", "schema", SCHEMA, "device", s->key);
	char *text;
	int rc;

	if (s->saved.n > 0)
		json_object_set_new(root, "saved", saved_to_json(&s->saved));
	if (s->installed.known)
		json_object_set_new(root, "installed", installed_to_json(&s->installed));
	if (s->lifted.n > 0)
		json_object_set_new(root, "lifted", lifted_to_json(&s->lifted));
	text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	if (text == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = fs_write(s->path, text, strlen(text), 0600, e);
	free(text);
	return rc;
}

static void load_suspect(struct state *s)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (fs_read(s->unit_path, 64, &text, NULL) < 0 || buf_append(&text, "", 1, NULL) < 0)
		return;
	text.data[strcspn((char *)text.data, "\n")] = '\0';
	parse_span((const char *)text.data, &s->suspect, NULL);
}

/* ---- interface ---- */

int state_folder(const char *configured, char *ret, size_t size, struct err *e)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len;

	if (configured != NULL)
		len = snprintf(ret, size, "%s", configured);
	else if (geteuid() == 0)
		len = snprintf(ret, size, "/var/lib/stmota");
	else if (xdg != NULL && xdg[0] == '/')
		len = snprintf(ret, size, "%s/stmota", xdg);
	else if (home != NULL && home[0] == '/')
		len = snprintf(ret, size, "%s/.local/state/stmota", home);
	else
		return err_set(e, ERR_IO,
			"no folder for state files: neither HOME nor [state] dir is set");
	if (len < 0 || (size_t)len >= size)
		return err_set(e, ERR_IO, "name of the state folder is too long");
	return 0;
}

int state_open(const char *dir, const char *key, struct state **ret, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->lock_fd = s->unit_fd = -1;
	snprintf(s->key, sizeof(s->key), "%s", key);
	rc = fs_mkdir(dir, e);
	if (rc == 0)
		rc = make_path(dir, s->key, ".json", s->path, e);
	if (rc == 0)
		rc = make_path(dir, s->key, ".unit", s->unit_path, e);
	if (rc == 0)
		rc = make_path(dir, s->key, ".image", s->image_path, e);
	if (rc == 0)
		rc = take_lock(s, dir, e);
	if (rc == 0)
		rc = load(s, e);
	if (rc < 0) {
		state_close(s);
		return rc;
	}
	load_suspect(s);
	*ret = s;
	return 0;
}

bool state_is_there(const char *dir, const char *key)
{
	char path[PATH_MAX];

	return make_path(dir, key, ".json", path, NULL) == 0 && fs_exists(path);
}

void state_close(struct state *s)
{
	if (s == NULL)
		return;
	saved_units_done(&s->saved);
	if (s->unit_fd >= 0)
		close(s->unit_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

const struct saved_units *state_saved(const struct state *s)
{
	return s->saved.n > 0 ? &s->saved : NULL;
}

int state_save_units(struct state *s, struct saved_units *saved, struct err *e)
{
	struct saved_units old = s->saved;
	int rc;

	s->saved = *saved;
	rc = store(s, e);
	if (rc < 0) {
		s->saved = old;
		return rc;
	}
	*saved = old;
	return 0;
}

const struct lifted *state_lifted(const struct state *s)
{
	return s->lifted.n > 0 ? &s->lifted : NULL;
}

int state_set_lifted(struct state *s, const struct lifted *l, struct err *e)
{
	struct lifted old = s->lifted;
	int rc;

	s->lifted = *l;
	rc = store(s, e);
	if (rc < 0)
		s->lifted = old;
	return rc;
}

int state_keep_image(struct state *s, const void *data, size_t len, struct err *e)
{
	return fs_write(s->image_path, data, len, 0600, e);
}

int state_kept_image(const struct state *s, struct buf *ret, struct err *e)
{
	return fs_exists(s->image_path) ? fs_read(s->image_path, FILE_MAX, ret, e) : 0;
}

int state_finish(struct state *s, const struct installed *installed, struct err *e)
{
	saved_units_done(&s->saved);
	if (installed != NULL) {
		s->installed = *installed;
		s->installed.known = true;
	}
	if (s->unit_fd >= 0)
		close(s->unit_fd);
	s->unit_fd = -1;
	unlink(s->unit_path);
	unlink(s->image_path);
	s->suspect = (struct span){0, 0};
	if (!s->installed.known && !fs_exists(s->path))
		return 0;
	return store(s, e);
}

const struct installed *state_installed(const struct state *s)
{
	return &s->installed;
}

void state_note_current(struct state *s, struct span unit)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "0x%08X:%u\n          ", unit.addr, unit.len);

	if (s->unit_fd < 0)
		s->unit_fd = open(s->unit_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	/* Only a hint for the next run: a failure costs nothing but that hint. */
	if (s->unit_fd >= 0 && pwrite(s->unit_fd, text, (size_t)len, 0) < 0) {
		close(s->unit_fd);
		s->unit_fd = -1;
	}
}

struct span state_suspect(const struct state *s)
{
	return s->suspect;
}
