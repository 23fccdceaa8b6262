/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack_job.h - a package in the making: settings and files in, checked, bytes out
 *
 * Shared by pack, whose input is a command line or a release.ini, and unpack, which proves that
 * the release.ini it wrote makes the same package again.
 */
#ifndef STMOTA_PACK_JOB_H
#define STMOTA_PACK_JOB_H

#include <stmota/chip.h>
#include <stmota/command.h>
#include <stmota/fmt.h>
#include <stmota/opt.h>
#include <stmota/package.h>
#include <stmota/release_ini.h>

struct pack_job {
	const struct command_env *env; /* borrowed */
	struct package_spec spec;
	const struct chip *chip; /* NULL: any */
	struct package_item items[IMF_COMPONENTS_MAX];
	struct segments images[IMF_COMPONENTS_MAX];
	uint32_t compress[IMF_COMPONENTS_MAX]; /* as in struct pack_file */
	struct package_packed packed[IMF_COMPONENTS_MAX];
	struct buf packed_bytes[IMF_COMPONENTS_MAX];
	char names[IMF_COMPONENTS_MAX][PACKAGE_NAME_SIZE];
	char product[PRODUCT_NAME_SIZE];
	bool has_version, has_counter, has_hw, no_date;
	uint32_t chunk_size; /* of components that do not say themselves; 0: not chained */
};

enum pack_encrypt { PACK_ENCRYPT_IF_KEY, PACK_ENCRYPT_YES, PACK_ENCRYPT_NO };

/* A component as somebody asks for it. */
struct pack_file {
	const char *path;
	enum imf_kind kind;
	const char *name;         /* NULL: none */
	const struct fmt *format; /* NULL: look at the content */
	bool has_address;
	uint32_t address;
	uint16_t slot;  /* IMF_NO_SLOT: none */
	uint32_t entry; /* 0: none */
	uint32_t compress; /* bytes of RAM that undoing it may take; 0: stored as it is */
	enum pack_encrypt encrypt;
	bool has_chunk; /* `chunk_size` is for this one; else that of the job */
	uint32_t chunk_size;
};

void pack_job_init(struct pack_job *p, const struct command_env *env);
void pack_job_done(struct pack_job *p);

/*
 * Settings of the package; what stands in `opts` (NULL: none) wins over `ini` (NULL: none). The
 * build date is that of the file, else SOURCE_DATE_EPOCH, else there is none.
 * ERR_USAGE, ERR_IO (notes); with file and line if it is the file's fault.
 */
int pack_job_settings(
	struct pack_job *p, const struct opts *opts, const struct release_ini *ini, struct err *e);

/* Reads a file as one more component. */
int pack_job_add(struct pack_job *p, const struct pack_file *f, struct err *e);

/*
 * --compress and --ram, after all components were added: they hold for each of them.
 * ERR_USAGE.
 */
int pack_job_compress(struct pack_job *p, const struct opts *opts, struct err *e);

/* Reads all components of a release.ini. */
int pack_job_add_all(struct pack_job *p, const struct release_ini *ini, struct err *e);

/*
 * Adopts what component 0 says about itself, checks everything and appends the unsigned package.
 * ERR_USAGE, ERR_NO_FIT, ERR_IDENTITY, ERR_UNSUPPORTED.
 */
int pack_job_build(struct pack_job *p, struct buf *ret, struct err *e);

/* Reads and takes apart a release.ini with the variables of the environment. */
int pack_read_ini(const char *path, struct release_ini *ret, struct err *e);

#endif
