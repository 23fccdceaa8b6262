/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - what the programs of this folder share, on the host and as Thumb code
 *
 * Files come from the working folder, on Thumb by semihosting. The exit status is 64 when all is well
 * and 65 if not: QEMU's own failures are 1.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stddef.h>
#include <stdint.h>

#define DEVICE_GOOD 64
#define DEVICE_BAD  65

#define DEVICE_ODD_SIZES 6
extern const uint32_t device_sizes[DEVICE_ODD_SIZES]; /* pieces in which packages are fed */

/* From now on unaligned accesses fault, where the processor can. */
void device_traps(void);

/* Ends the program, says why. */
_Noreturn void device_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Reads a file to an odd address in one static buffer, which the next call reuses; its bytes behind
 * the end are a pattern. device_file_optional() gives NULL if it is not there.
 */
const uint8_t *device_file(const char *name, uint32_t *ret_len);
const uint8_t *device_file_optional(const char *name, uint32_t *ret_len);

#endif
