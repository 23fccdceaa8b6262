/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors_impl.h - what checking and guessing share
 */
#ifndef STMOTA_CHIP_VECTORS_IMPL_H
#define STMOTA_CHIP_VECTORS_IMPL_H

#include <stdbool.h>
#include <stdint.h>

/* Initial stack pointer of some Cortex-M part, whichever it is. */
bool vectors_sp_plausible(uint32_t sp);

#endif
