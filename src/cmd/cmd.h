/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd.h - what the commands share
 */
#ifndef STMOTA_CMD_H
#define STMOTA_CMD_H

#include <stmota/package.h>
#include <stmota/buf.h>
#include <stmota/command.h>
#include <stmota/fleet.h>
#include <stmota/key.h>
#include <stmota/trust.h>

/* All commands, sorted by name; NULL ends. A new one is one file and one pointer here. */
extern const struct command *const commands[];

/*
 * Asks "TEXT Go on? [y/N]" where a person sits at the terminal; elsewhere --yes must be given.
 * 0, ERR_USAGE (nobody can be asked; the hint names --yes) or ERR_INTERRUPTED (the answer is no).
 */
int cmd_confirm(const struct command_env *env, const char *text, struct err *e);

struct device;

/*
 * Opens the device that --device, --baud, --before, --wait and --chip describe (the command has
 * CMD_DEVICE). Release with device_close().
 */
int cmd_open_device(const struct command_env *env, struct device **ret, struct err *e);

struct state;

/*
 * The state file of a device, in the folder that the configuration names. ERR_BUSY while another
 * process works on it. Release with state_close().
 */
int cmd_open_state(const struct command_env *env, const struct device *d, struct state **ret,
	struct err *e);

/*
 * Puts back what an earlier run, cut short, had changed for a while: lifted write protection. Not
 * with --dry-run or --lift-wrp. Where the command only asks, a failure is a warning.
 */
int cmd_end_earlier(const struct command_env *env, struct device *d, struct err *e);

struct fetch_settings;

/* The section [fetch]; its strings belong to the configuration. */
int cmd_fetch_settings(const struct command_env *env, struct fetch_settings *ret, struct err *e);

struct file_cache;

/* The section [cache]. ERR_CONFIG; ERR_IO if there is no folder for it. */
int cmd_cache_settings(const struct command_env *env, struct file_cache *ret, struct err *e);

/*
 * The content of what a command is given: a file, "-" for standard input, or a URL. Appended to
 * `ret`; at most `max` bytes. Errors as fs_read() and fetch_buf().
 */
int cmd_read_input(const struct command_env *env, const char *where, size_t max, struct buf *ret,
	struct err *e);

struct segments;

/* The table of what protects the device; `image`: and what of it is in its way, or NULL. */
void cmd_out_protection(struct out *o, struct device *d, const struct segments *image);

/*
 * The same, and if no device is named the only STM32 bootloader that is attached to USB is meant:
 * for commands that ask only, or that check before they write.
 *
 * chip_hint  product ID that firmware is for, 0: none; see device_request
 */
int cmd_find_device(
	const struct command_env *env, uint16_t chip_hint, struct device **ret, struct err *e);

/* Likewise, and it may be a device that takes files: look at `updater`. */
int cmd_find_any_device(
	const struct command_env *env, uint16_t chip_hint, struct device **ret, struct err *e);

struct device_facts;

/* As cmd_out_chip(), and "candidates" where several chips are possible. */
void cmd_out_device_chip(struct out *o, const struct device_facts *f);

/*
 * Product ID and name as every command tells them: "chip" and "chip_name" in JSON, one line for
 * people. `pid` 0: any chip.
 */
void cmd_out_chip(struct out *o, uint16_t pid);

/* Adds the keys to believe to `ret`: --trust (may be repeated), else [trust] dir, else the usual
 * folders. */
int cmd_load_trust(const struct command_env *env, struct trust *ret, struct err *e);

/* Rows for signing keys in the table of a command. */
/* clang-format off */
#define CMD_OPT_KEYS \
	OPT_FILES("key", "KEY.pem", "private key to sign with, or pkcs11:URI of one in a token"), \
	OPT_FILES("passphrase-file", "FILE", "its first line is the passphrase of the key, or the PIN")
/* clang-format on */

/* ERR_USAGE if there are neither one nor as many --passphrase-file as --key. */
int cmd_check_keys(const struct command_env *env, struct err *e);

/* Where a passphrase comes from: --passphrase-file, [key] passphrase_file, the terminal. */
struct key_unlock cmd_unlock(const struct command_env *env);

/* Rows for a command that makes a private key. */
/* clang-format off */
#define CMD_OPT_PROTECT \
	OPT_FLAG("protect", "encrypt the private key with a passphrase, asked for on the terminal"), \
	OPT_FILE("passphrase-file", "FILE", "encrypt it; the first line of FILE is the passphrase")
/* clang-format on */

/* Writes a new private key as these options say. */
int cmd_save_private(
	const struct command_env *env, const struct key *k, const char *path, struct err *e);

#define CMD_KEYS_MAX 16

/* The keys of --key, opened once: a token sees one login, however much is signed. */
struct cmd_keys {
	struct key *v[CMD_KEYS_MAX];
	size_t n;
};

/* Release with cmd_keys_done() in any case. */
int cmd_keys_load(const struct command_env *env, struct cmd_keys *ret, struct err *e);
/* `name` of the package for messages. */
int cmd_keys_sign(
	const struct cmd_keys *keys, const char *name, struct buf *package, struct err *e);
void cmd_keys_done(struct cmd_keys *keys);

/* Signs with every --key; `name` of the package for messages. */
int cmd_sign_package(
	const struct command_env *env, const char *name, struct buf *package, struct err *e);

/* Rows for a command that makes packages. */
/* clang-format off */
#define CMD_OPT_ENCRYPT \
	OPT_FILE("encrypt-key", "PRODUCT.key", "encrypt with this product key"), \
	OPT_FILES("encrypt-to", "PUB.pem", "encrypt for the device with this public key; up to 8"), \
	OPT_CHOICE("cipher", "aes128|aes256", "with --encrypt-to (default aes128)"), \
	OPT_CHOICE("chain", "1024|2048|4096", "in chunks of so many bytes that devices check one by one")

/* For one that opens them. */
#define CMD_OPT_DECRYPT \
	OPT_FILE("decrypt-key", "FILE", "opens an encrypted package: product key, or a device's private key")

/* For one that opens images of other makers too. */
#define CMD_OPT_DECRYPT_IMAGE \
	OPT_FILE("decrypt-key", "FILE", "opens what is encrypted: key of the product or the device, AES key")
/* clang-format on */

struct cmd_lock {
	struct package_lock lock;
	struct key *to[IMF_WRAPS_MAX]; /* owned; lock.to points here: not to be copied */
	bool used;                     /* false: nothing shall be encrypted */
};

/* What --encrypt-key, --encrypt-to and --cipher say; released with cmd_lock_done(), always. */
int cmd_load_lock(const struct command_env *env, struct cmd_lock *ret, struct err *e);
void cmd_lock_done(struct cmd_lock *l);

/* The keys of --encrypt-to; *ret_n of them are owned by the caller, also after a failure. */
int cmd_load_devices(const struct command_env *env, struct key *ret[IMF_WRAPS_MAX], size_t *ret_n,
	struct err *e);

/* --decrypt-key; empty if it was not given. */
int cmd_load_secret(const struct command_env *env, struct secret *ret, struct err *e);
/* Opens a package with it; nothing is needed for one that is not encrypted. */
int cmd_unlock_package(const struct command_env *env, struct package *p, struct err *e);

/* The row for commands about a fleet. */
/* clang-format off */
#define CMD_OPT_FLEET \
	OPT_FILE("fleet", "FILE", "the fleet file (default: [defaults] fleet, /etc/stmota/fleet.conf)")
/* clang-format on */

struct cmd_fleet {
	const char *path; /* of the fleet file, borrowed */
	struct fleet fleet;
	struct config *config;  /* the usual configuration and the fleet file on top; owned */
	struct command_env env; /* as of the command, with this configuration */
};

/* Where the fleet file is. */
const char *cmd_fleet_path(const struct command_env *env);

/*
 * Reads the configuration and the fleet file that --fleet names. ERR_USAGE if there is none, or if
 * --config was given as well; ERR_CONFIG. `fn` as of fleet_load(). Release with cmd_fleet_close().
 */
int cmd_fleet_open(const struct command_env *env, fleet_finding_fn *fn, void *ctx,
	struct cmd_fleet *ret, struct err *e);
void cmd_fleet_close(struct cmd_fleet *f); /* takes a zeroed one */

/* Parses, runs and reports; returns the exit status. */
int cmd_dispatch(int argc, char **argv);

#endif
