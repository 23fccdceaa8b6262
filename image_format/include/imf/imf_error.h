/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imf_error.h - why a package is refused
 *
 * Functions return 0 or one of these, all negative. No texts on a device; imf_strerror() is for
 * who wants them.
 */
#ifndef IMF_ERROR_H
#define IMF_ERROR_H

enum imf_error {
	IMF_OK = 0,
	IMF_ERR_TRUNCATED = -1,      /* the bytes end before the package does */
	IMF_ERR_MAGIC = -2,          /* not a package */
	IMF_ERR_FORMAT_VERSION = -3, /* a package of another format version */
	IMF_ERR_FORMAT = -4,         /* breaks a rule of SPEC.md */
	IMF_ERR_LIMIT = -5,          /* larger than SPEC.md allows */
	IMF_ERR_TRAILING = -6,       /* bytes behind the end of the package */
	IMF_ERR_CRITICAL = -7,       /* an unknown TLV that must not be skipped */
	IMF_ERR_ENCODING = -8,       /* an encoding that is not built in */
	IMF_ERR_KIND = -9,           /* an unknown kind of component */
	IMF_ERR_BUFFER = -10,    /* the caller's buffer is too small for manifest and signatures */
	IMF_ERR_PRODUCT = -11,   /* for another product */
	IMF_ERR_HARDWARE = -12,  /* for other hardware revisions */
	IMF_ERR_CHIP = -13,      /* for another chip */
	IMF_ERR_COUNTER = -14,   /* security counter below the installed one */
	IMF_ERR_DOWNGRADE = -15, /* version below the installed one */
	IMF_ERR_MIN_VERSION = -16, /* must not be installed over what is installed */
	IMF_ERR_ADDRESS = -17,     /* component 0 does not lie where this device takes it */
	IMF_ERR_RAM = -18,         /* the decoder would need more RAM than there is */
	IMF_ERR_SIGNATURE = -19,   /* not signed by enough trusted keys */
	IMF_ERR_DIGEST = -20,      /* payload bytes are not those that were signed */
	IMF_ERR_CRYPTO = -21,      /* a crypto callback failed */
	IMF_ERR_CALLBACK = -22,    /* the caller's own callback refused */
	IMF_ERR_ARGUMENT = -23,    /* a configuration that cannot work: no key, threshold 0 ... */
	IMF_ERR_NOT_FOUND = -24,   /* there is no such record */
	IMF_ERR_BASE = -25,        /* the base image is not the one that the delta was made from */
	IMF_ERR_PATCH = -26,       /* a delta payload that no encoder makes */
	IMF_ERR_KEY = -27          /* a key or key wrap that is not of this component */
};

/* A few words for `error`; static, never NULL. Left out by IMF_NO_STRERROR. */
const char *imf_strerror(int error);

#endif
