/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc.h - the CRC that the chips' CRC unit computes, and that of XMODEM
 */
#ifndef STMOTA_CRC_H
#define STMOTA_CRC_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC of the STM32 CRC unit in its reset configuration: polynomial 0x04C11DB7, initial value
 * 0xFFFFFFFF, no reflection, over little-endian 32-bit words, each fed most significant bit first
 * (AN3155, Get Checksum). `len` is a multiple of 4.
 */
uint32_t crc_stm32(const uint8_t *data, size_t len);

/* CRC-16/XMODEM: polynomial 0x1021, initial value 0, no reflection. */
uint16_t crc_xmodem(const uint8_t *data, size_t len);

#endif
