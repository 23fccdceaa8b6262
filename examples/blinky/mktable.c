/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mktable.c - prints table.h, the brightness of one breath; runs on the host
 *
 * Eyes see ratios: equal steps of what they see are powers of what the LED gives, so the sine is
 * raised to 2.2. Rounded to whole numbers, so that every C library gives the same table.
 */
#include <math.h>
#include <stdio.h>

#define TABLE_LEN 4096

int main(void)
{
	printf("/* Made by mktable.c. */\n#define TABLE_LEN %du\n\n", TABLE_LEN);
	printf("static const unsigned short breath[TABLE_LEN] = {");
	for (int i = 0; i < TABLE_LEN; i++) {
		double light = (1 - cos(2 * 3.14159265358979323846 * i / TABLE_LEN)) / 2;

		printf("%s%d,", i % 12 == 0 ? "\n\t" : " ", (int)(65535 * pow(light, 2.2) + 0.5));
	}
	printf("\n};\n");
	return 0;
}
