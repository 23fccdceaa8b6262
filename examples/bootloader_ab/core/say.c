/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

void say(const struct boot_port *p, const char *text)
{
	for (; *text != '\0'; text++)
		p->put(p, (uint8_t)*text);
}

/* By subtraction: a division would cost a core without one 250 bytes. */
void say_number(const struct boot_port *p, uint32_t n)
{
	static const uint32_t tens[] = {
		1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	uint32_t i;
	bool begun = false;

	for (i = 0; i < sizeof(tens) / sizeof(tens[0]); i++) {
		uint8_t digit = '0';

		for (; n >= tens[i]; n -= tens[i])
			digit++;
		begun = begun || digit != '0' || tens[i] == 1;
		if (begun)
			p->put(p, digit);
	}
}

void say_hex(const struct boot_port *p, uint32_t n, uint32_t digits)
{
	while (digits-- > 0)
		p->put(p, (uint8_t) "0123456789abcdef"[n >> 4 * digits & 15]);
}

void say_version(const struct boot_port *p, struct imf_version v)
{
	say_number(p, v.major);
	p->put(p, '.');
	say_number(p, v.minor);
	p->put(p, '.');
	say_number(p, v.revision);
	p->put(p, '+');
	say_number(p, v.build);
}
