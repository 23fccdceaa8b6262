/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - the devices that one gateway looks after, from its fleet file
 *
 * A fleet file is a configuration file with a section [fleet] and with more keys in its [device]
 * sections: stmota-fleet(5). Only its own [device] sections form the fleet, whatever other
 * configuration files say.
 */
#ifndef STMOTA_FLEET_H
#define STMOTA_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stmota/config.h>
#include <stmota/device_url.h>
#include <stmota/err.h>
#include <stmota/proof.h>

#define FLEET_NAME_SIZE   64
#define FLEET_ID_SIZE     64 /* CHANNEL_ID_SIZE: of a device, in stages and for servers */
#define FLEET_DEVICES_MAX 1024

/* What is done when a device that was updated does not prove that it is healthy. */
enum fleet_rollback {
	FLEET_ROLLBACK_BACKUP, /* what was there before is written back; memory targets only */
	FLEET_ROLLBACK_BANK,   /* into the bank that does not run, and back again */
	FLEET_ROLLBACK_SLOT,   /* into a slot of the configuration */
	FLEET_ROLLBACK_GOLDEN, /* the package that was healthy last, else `golden` */
	FLEET_ROLLBACK_NONE,   /* the device returns by itself (its updater has slots), or not */
};

struct fleet_device {
	/* Both are letters, digits, - _ . and begin with a letter or digit: fit for URLs and files. */
	char name[FLEET_NAME_SIZE]; /* of [device NAME] */
	char id[FLEET_ID_SIZE];     /* how stages and servers know it */
	char *url;                  /* owned, as all strings here; NULL where not given */
	struct device_url where;    /* with all of the section merged in */
	bool takes_files;           /* an updater; else its memory can be read and written */
	char *product;
	char *group; /* cable, street: so many at a time as per_group says; NULL: a group of its own */
	char **label; /* ascending */
	size_t n_labels;
	uint32_t wave; /* a lower one first; default 1 */
	bool has_confirm;
	char *confirm_text; /* as written */
	struct proof confirm;
	enum fleet_rollback rollback;
	bool rollback_given; /* else: backup where memory can be read, none elsewhere */
	char *slot;          /* of FLEET_ROLLBACK_SLOT */
	char *golden;        /* package file */
	char *token_file;    /* of its hawkBit target */
	bool excused;        /* known to be dark: counts neither against a rollout nor as missing */
};

enum fleet_source { FLEET_SOURCE_NONE, FLEET_SOURCE_CHANNEL, FLEET_SOURCE_HAWKBIT };

struct fleet {
	char *path; /* of the file */
	char gateway[FLEET_NAME_SIZE];
	enum fleet_source source;
	char *channel, *channel_name, *root;
	uint64_t grace_s;
	char *hawkbit, *hawkbit_tenant, *hawkbit_token_file;
	bool hawkbit_gateway_token;
	uint32_t parallel, per_group, canaries, stop_after, attempts;
	uint64_t retry_s;
	bool has_window;
	/* minutes after local midnight; from > to: over midnight */
	uint16_t window_from, window_to;
	bool metered;
	uint64_t metered_max; /* bytes of a package that may be fetched over a metered link */
	char *report, *report_key;
	char *decrypt_key; /* opens packages for devices that take memory, not files */
	char *state;                  /* the database; never NULL */
	struct fleet_device *devices; /* by wave, then as in the file; file names are complete */
	size_t n;
};

#define FLEET_INIT ((struct fleet){0})

/*
 * Told of each mistake in turn (`what->code` is ERR_CONFIG), and of what is allowed but seldom
 * meant (`warning`).
 */
typedef void fleet_finding_fn(void *ctx, bool warning, const struct err *what);

/*
 * Reads and checks a fleet file. `config` has it loaded on top of the usual configuration, as the
 * last file (config_load_file), and keeps being needed for what `flash` takes from it.
 *
 * path  the same file: for messages, and names of files in it are those beside it
 * fn    gets all mistakes; NULL: the first one is enough
 *
 * Sends nothing and opens no file but those named here. ERR_CONFIG with file, line and section,
 * that of the first mistake; ERR_NOMEM.
 */
int fleet_load(const struct config *config, const char *path, fleet_finding_fn *fn, void *ctx,
	struct fleet *ret, struct err *e);
void fleet_done(struct fleet *f); /* takes a zeroed one */

/*
 * What a look at this host adds: files that are named and missing, two names for one port, and what
 * is allowed but seldom meant. The number of mistakes (not warnings) among it.
 */
size_t fleet_check(
	const struct fleet *f, const struct config *config, fleet_finding_fn *fn, void *ctx);

/* By name or by id; NULL: none. */
const struct fleet_device *fleet_find(const struct fleet *f, const char *name_or_id);

/* True if `minute` (0..1439) lies in the maintenance window, or there is none. */
bool fleet_in_window(const struct fleet *f, uint16_t minute);

/* "backup", "bank", "slot", "golden", "none" */
const char *fleet_rollback_name(enum fleet_rollback r);

#endif
