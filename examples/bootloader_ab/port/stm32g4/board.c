/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - STM32G474: as STM32L4, with banks of 256 KiB; not run on hardware
 */
#define STM32G4
#include "../stm32l4/board.c"
