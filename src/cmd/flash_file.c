/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash_file.c - stmota flash for a device that takes a file and does the rest itself
 *
 * Signature, product, version and the ids in a DFU suffix are checked before the first byte goes
 * out. What the device did with the file is said as far as it was seen, and not further.
 */
#include "flash_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stmota/cleanup.h>
#include <stmota/updater_file.h>

/* ---- what makes no sense here ---- */

static int check_options(const struct flash_call *c, struct err *e)
{
	static const char *const senseless[] = {"address", "bank", "slot", "backup", "base", "lose",
		"lift-wrp", "entry-by-hand", "data"};

	for (size_t i = 0; i < ARRAY_LEN(senseless); i++) {
		if (!opt_given(c->env->opts, senseless[i]))
			continue;
		err_set(e, ERR_USAGE,
			"--%s is for devices whose memory can be written; this one takes a file",
			senseless[i]);
		return err_hint(e, "the device decides itself where the file goes");
	}
	if (c->has_proof)
		return proof_check_port(&c->proof, c->device->updater->link, e);
	return 0;
}

/* A package names its chip; what the device has cannot be asked, but may be known. */
static int check_chip(struct flash_call *c, struct err *e)
{
	const struct package *p = &c->firmware.package;
	const char *name = flash_device_section(c);
	const char *text = opt_str(c->env->opts, "chip", NULL);
	const struct chip *chip = NULL;
	size_t at = strlen(c->unchecked);
	int rc;

	if (!c->firmware.is_package || p->header.chip == 0)
		return 0;
	if (text == NULL && name != NULL)
		text = config_get(c->env->config, "device", name, "chip");
	if (text == NULL) {
		snprintf(
			c->unchecked + at, sizeof(c->unchecked) - at, "%schip", at > 0 ? ", " : "");
		return 0;
	}
	rc = chip_find_name(text, &chip, e);
	if (rc == 0 && chip->pid != p->header.chip)
		rc = err_set(e, ERR_IDENTITY, "%s is for chip 0x%03X, the device has %s (0x%03X)",
			c->firmware.path, p->header.chip, chip->name, chip->pid);
	return rc;
}

/*
 * What an earlier run proved to have installed counts where nobody says better: such a device cannot
 * be read.
 */
static int remembered(struct flash_call *c, struct err *e)
{
	const struct installed *in = c->state != NULL ? state_installed(c->state) : NULL;
	int rc;

	if (in == NULL || !in->known || in->version[0] == '\0' ||
		c->now.version_source != INSTALLED_UNKNOWN)
		return 0;
	rc = version_parse(in->version, &c->now.version, e);
	if (rc < 0)
		return rc;
	c->now.counter = in->counter;
	c->now.version_source = INSTALLED_STATE;
	return 0;
}

/* After the device proved it; a raw file says nothing about itself. */
static int remember(struct flash_call *c, struct err *e)
{
	struct installed in = {.known = true};

	if (c->state == NULL)
		return 0;
	if (c->firmware.is_package) {
		uuid_format(c->firmware.package.header.product, in.product_uuid);
		version_format(c->firmware.package.header.version, in.version);
		in.counter = c->firmware.package.header.counter;
	}
	return state_finish(c->state, &in, e);
}

static int check_release(struct flash_call *c, struct err *e)
{
	struct release_policy policy = flash_policy(c);
	int rc = config_bool(c->env->config, "flash", NULL, "require_known", policy.require_known,
		&policy.require_known, e);

	policy.require_known |= flash_policy(c).require_known;
	if (rc == 0)
		rc = flash_configured(c, &c->now, e);
	if (rc == 0)
		rc = remembered(c, e);
	if (rc == 0)
		rc = release_check(
			&c->firmware, &c->now, &policy, c->unchecked, sizeof(c->unchecked), e);
	return rc == 0 ? check_chip(c, e) : flash_check_known(c, rc, e);
}

/* ---- what is told ---- */

static void show_what(const struct flash_call *c, const struct updater_file *f)
{
	const struct updater_info *info = &c->device->updater->info;
	const struct package *p = &c->firmware.package;
	struct out *o = c->env->out;
	char version[VERSION_TEXT_SIZE];

	out_str(o, "device", c->device->name);
	out_str(o, "transport", info->transport);
	if (info->product[0] != '\0' && info->vid == 0)
		out_str(o, "updater", info->product);
	if (info->version[0] != '\0')
		out_str(o, "runs_version", info->version);
	if (info->memory[0] != '\0')
		out_str(o, "memory", info->memory);
	out_str(o, "file", c->firmware.path);
	if (c->firmware.is_package) {
		out_str(o, "product", p->product[0] != '\0' ? p->product : NULL);
		out_str(o, "version", version_format(p->header.version, version));
	}
	out_size(o, "size", f->len);
	if (c->unchecked[0] != '\0')
		out_str(o, "not_checked", c->unchecked);
}

static const char *proof_text(enum updater_proof p)
{
	switch (p) {
	case UPDATER_READ_BACK: return "read back";
	case UPDATER_REPORTED: return "reported by the device";
	default: return "accepted by the device, not read back";
	}
}

static void show_result(const struct flash_call *c, const struct updater_file *f,
	const struct updater_result *r, const char *seen)
{
	struct out *o = c->env->out;

	show_what(c, f);
	out_bool(o, "verified", r->proof == UPDATER_READ_BACK);
	out_str(o, "proof", proof_text(r->proof));
	out_str(o, "device_said", r->said[0] != '\0' ? r->said : NULL);
	if (c->device->updater->info.transcript[0] != '\0')
		out_str(o, "transcript", c->device->updater->info.transcript);
	if (c->has_proof) {
		out_bool(o, "confirmed", true);
		out_str(o, "seen", seen);
	}
}

/* Whoever is asked what went wrong wants to see it. */
static void tell_transcript(const struct flash_call *c)
{
	const char *path = c->device->updater->info.transcript;
	char text[600];

	if (path[0] == '\0')
		return;
	snprintf(text, sizeof(text), "what was said is in %s", path);
	flash_note(c, text);
}

/* ---- doing it ---- */

static int verify_only(struct flash_call *c, const struct updater_file *f, struct err *e)
{
	struct updater *u = c->device->updater;
	cleanup_free uint8_t *now = NULL;
	size_t n = 0;
	int rc;

	if (u->ops->receive == NULL) {
		err_set(e, ERR_UNSUPPORTED, "%s gives nothing back: it cannot be compared",
			c->device->name);
		return ERR_UNSUPPORTED;
	}
	now = malloc(f->len);
	if (now == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = u->ops->receive(u, now, f->len, &n, e);
	if (rc < 0)
		return err_wrap(e, "%s", c->device->name);
	if (n < f->len)
		return err_set(e, ERR_VERIFY, "%s: it gives back %zu bytes, %s has %zu",
			c->device->name, n, f->name, f->len);
	for (size_t i = 0; i < n; i++)
		if (now[i] != f->data[i])
			return err_set(e, ERR_VERIFY, "%s: byte %zu is 0x%02X instead of 0x%02X",
				c->device->name, i, now[i], f->data[i]);
	show_what(c, f);
	out_bool(c->env->out, "verified", true);
	return 0;
}

static int send_it(struct flash_call *c, const struct updater_file *f, struct err *e)
{
	struct updater *u = c->device->updater;
	struct proof_session session = {0};
	struct updater_result r = {0};
	char seen[160] = "";
	/* On the device's own line the updater is heard first. */
	bool own = c->has_proof && u->link != NULL && proof_on_device(&c->proof);
	int rc = c->has_proof && !own ? proof_begin(&session, &c->proof, NULL, e) : 0;

	if (rc == 0) {
		c->begun = true;
		rc = u->ops->send(u, f, &r, e);
		c->written = rc == 0;
		if (rc < 0)
			err_wrap(e, "%s", c->device->name);
	}
	if (rc == 0 && own)
		rc = proof_begin(&session, &c->proof, u->link, e);
	if (rc == 0 && c->has_proof)
		rc = proof_wait(&session, seen, sizeof(seen), e);
	proof_end(&session);
	if (rc == 0)
		rc = remember(c, e);
	if (rc < 0) {
		tell_transcript(c);
		return rc;
	}
	if (r.proof == UPDATER_ACCEPTED && !c->has_proof)
		flash_warn(c, "accepted by the device, not read back: that it runs is not proven "
			      "(see --confirm)");
	show_result(c, f, &r, seen);
	return 0;
}

int flash_file(struct flash_call *c, struct err *e)
{
	struct updater *u = c->device->updater;
	cleanup_buf struct buf room = BUF_INIT;
	struct updater_file f;
	char version[VERSION_TEXT_SIZE];
	int rc = check_options(c, e);

	if (rc == 0) {
		firmware_done(&c->firmware);
		rc = flash_load(c, true, u->info.form == UPDATER_PACKAGE, e);
	}
	if (rc == 0)
		rc = updater_file_make(&c->firmware, &u->info, &room, &f, e);
	if (rc == 0 && c->firmware.is_package)
		f.version = version_format(c->firmware.package.header.version, version);
	if (rc == 0 && u->ops->check != NULL && u->ops->check(u, &f, e) < 0)
		rc = err_wrap(e, "%s", c->device->name);
	if (rc < 0)
		return rc;
	if (c->firmware.warning[0] != '\0')
		flash_warn(c, c->firmware.warning);
	if (opt_given(c->env->opts, "verify-only"))
		return verify_only(c, &f, e);
	/* Of the devices that take files only those on a line are told apart by their name. */
	if (u->link != NULL)
		rc = cmd_open_state(c->env, c->device, &c->state, e);
	if (rc == 0)
		rc = check_release(c, e);
	if (rc < 0)
		return rc;
	if (c->dry_run) {
		show_what(c, &f);
		return 0;
	}
	return send_it(c, &f, e);
}
