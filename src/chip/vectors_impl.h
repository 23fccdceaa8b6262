/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors_impl.h - what checking and guessing share
 */
#ifndef STMOTA_CHIP_VECTORS_IMPL_H
#define STMOTA_CHIP_VECTORS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Initial stack pointer of some Cortex-M part, whichever it is. */
bool vectors_sp_plausible(uint32_t sp);

/*
 * True if the code leaves no doubt that it was linked for another base, which *ret tells then.
 * False where the code does not say, or says `base`.
 */
bool vectors_linked_elsewhere(const uint8_t *image, size_t len, uint32_t base, uint32_t *ret);

#endif
