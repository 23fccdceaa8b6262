/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - a device that looks whether the package in its staging area may be installed
 *
 * Laid out for an STM32L072 (192 KiB of flash, 20 KiB of RAM). The answer stays in `result`, where
 * a debugger or the rest of a boot loader finds it.
 */
#include <stddef.h>

#include "check.h"
#include "release_key.h"

#define STAGING_AREA ((const uint8_t *)0x08018000)
#define STAGING_SIZE 0x18000u

extern uint32_t stack_top; /* linker script */
void start(void);
void halt(void);

/* Not cleared by anybody: start() writes both before they mean something. */
volatile int result;
volatile uint32_t package_size;

static const struct imf_device device = {
	/* acme.com/streetlight: 4cc039e7-a9fc-5aca-99cc-a5b2fbf343bb */
	{0x4C, 0xC0, 0x39, 0xE7, 0xA9, 0xFC, 0x5A, 0xCA, 0x99, 0xCC, 0xA5, 0xB2, 0xFB, 0xF3, 0x43,
		0xBB},
	3,                     /* hardware revision */
	0x447,                 /* STM32L07x/08x */
	true, {1, 2, 0, 0}, 5, /* what runs now: version and security counter */
	false,                 /* no downgrade */
	0x08001000u, 0x17000u, /* where the application lies */
	0,                     /* no decoder */
};

void start(void)
{
	uint32_t size = 0;

	result = check_package(
		STAGING_AREA, STAGING_SIZE, &device, release_key_id, release_key, &size);
	package_size = size;
	for (;;)
		;
}

void halt(void)
{
	for (;;)
		;
}

/* Stack, reset, NMI, HardFault; no interrupt is ever enabled. */
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
	&stack_top,
	(const void *)start,
	(const void *)halt,
	(const void *)halt,
};

/* All that the library and the compiler want of the C library. The compiler must not make these
 * loops into calls of themselves: see the flags in `build`. */
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);

void *memcpy(void *to, const void *from, size_t len)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	while (len-- > 0)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int value, size_t len)
{
	uint8_t *t = to;

	while (len-- > 0)
		*t++ = (uint8_t)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len > 0; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
