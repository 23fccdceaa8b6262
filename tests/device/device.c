/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (96u << 10)

const uint32_t device_sizes[DEVICE_ODD_SIZES] = {1, 7, 61, 128, 1023, 100000};

void device_traps(void)
{
#ifdef __arm__
	*(volatile uint32_t *)0xE000ED14u |= 1u << 3; /* SCB->CCR, UNALIGN_TRP */
#endif
}

void device_fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	exit(DEVICE_BAD);
}

const uint8_t *device_file_optional(const char *name, uint32_t *ret_len)
{
	static uint32_t room[FILE_MAX / 4 + 2];
	uint8_t *data = (uint8_t *)room + 1;
	FILE *f = fopen(name, "rb");
	size_t n;

	if (f == NULL)
		return NULL;
	memset(room, 0xA5, sizeof(room));
	n = fread(data, 1, FILE_MAX, f);
	fclose(f);
	if (n == FILE_MAX)
		device_fail("%s is too large for this test", name);
	*ret_len = (uint32_t)n;
	return data;
}

const uint8_t *device_file(const char *name, uint32_t *ret_len)
{
	const uint8_t *data = device_file_optional(name, ret_len);

	if (data == NULL)
		device_fail("cannot read %s", name);
	return data;
}
