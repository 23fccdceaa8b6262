/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.c - an unaligned access, which must not pass: else the other programs here prove nothing
 */
#include <stdio.h>

#include "device.h"

int main(void)
{
	static uint32_t words[2];
	/* Volatile: a compiler that knows the address makes four accesses of it. */
	volatile uintptr_t odd = (uintptr_t)words + 1;

	device_traps();
	printf("before the access\n");
	*(volatile uint32_t *)odd = 1;
	return DEVICE_GOOD;
}
