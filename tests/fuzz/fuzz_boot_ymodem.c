/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_boot_ymodem.c - any bytes on the line of the example boot loader's receiver
 *
 * The input is a script, since noise alone never has a right CRC: frames with a right or a wrong end,
 * repeated, out of order or cut short, between control bytes, noise and silence. What is handed on is
 * a frame that was whole on the line, each number once and in order, and no more than the sender said;
 * whatever comes, it ends.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/bootloader_ab/core/ymodem.h"

#define must(x) ((x) ? (void)0 : abort())

#define LINE_MAX 65536u
#define SILENCE  0x100
#define GETS_MAX (LINE_MAX + 2000u) /* after the last byte there is nothing but silence */

static uint16_t line[LINE_MAX];
static uint32_t line_len, at, gets, puts_seen;

struct frame {
	uint32_t end; /* of it on the line */
	const uint8_t *data;
	uint32_t len;
	uint8_t number;
	bool good;
};

static struct frame frames[512];
static uint32_t n_frames, taken;
static uint64_t bytes_taken;
static uint8_t contents[512][1024];

static void say(uint32_t what)
{
	if (line_len < LINE_MAX)
		line[line_len++] = (uint16_t)what;
}

static uint16_t crc_of(const uint8_t *p, uint32_t len)
{
	uint16_t crc = 0;

	while (len-- > 0) {
		crc = (uint16_t)(crc >> 8 | crc << 8);
		crc ^= *p++;
		crc ^= (uint8_t)(crc & 0xFF) >> 4;
		crc = (uint16_t)(crc ^ crc << 12);
		crc = (uint16_t)(crc ^ (crc & 0xFF) << 5);
	}
	return crc;
}

/* `how`: bit 0 long, bit 1 a wrong end, bit 2 breaks off, bit 3 number as it should be, bit 4 header */
static void say_frame(uint8_t how, uint8_t number, const uint8_t *text, uint32_t n)
{
	static uint8_t due;
	struct frame *f = &frames[n_frames];
	uint32_t len = (how & 1) != 0 ? 1024 : 128, whole = (how & 4) != 0 ? len / 2 : len;
	uint8_t *data = contents[n_frames];
	uint16_t crc;

	if (n_frames == 512 || line_len + len + 8 > LINE_MAX)
		return;
	if (n_frames == 0)
		due = 0;
	if ((how & 8) != 0)
		number = due++;
	memset(data, number, len);
	memcpy(data, text, n < len ? n : len);
	if ((how & 16) != 0 && len > 12)
		memcpy(data,
			"f\0"
			"3000\0",
			7);
	crc = (uint16_t)(crc_of(data, len) ^ ((how & 2) != 0));
	say((how & 1) != 0 ? 0x02 : 0x01);
	say(number);
	say(number ^ 0xFFu);
	for (uint32_t i = 0; i < whole; i++)
		say(data[i]);
	if (whole == len) {
		say(crc >> 8);
		say(crc & 0xFF);
	}
	*f = (struct frame){line_len, data, len, number, (how & 6) == 0};
	n_frames++;
}

static void read_script(const uint8_t *p, size_t size)
{
	while (size > 0) {
		uint8_t op = *p++;
		uint32_t n;

		size--;
		if (op >= 0x80) { /* a frame: number, length of its text, text */
			uint8_t number = size > 0 ? p[0] : 0;

			n = size > 1 ? p[1] : 0;
			p += size > 1 ? 2 : size;
			size -= size > 1 ? 2 : size;
			n = n > size ? (uint32_t)size : n;
			say_frame(op & 0x1F, number, p, n);
			p += n;
			size -= n;
		} else if (op >= 0x70) {
			for (n = 0; n < op - 0x6Fu; n++)
				say(SILENCE);
		} else {
			say(op);
		}
	}
}

static int get(const struct boot_port *p, uint32_t ms)
{
	must(++gets < GETS_MAX + 16 * n_frames);
	must(ms > 0);
	if (at >= line_len)
		return -1;
	return line[at++] == SILENCE ? -1 : line[at - 1];
}

static void put(const struct boot_port *p, uint8_t byte)
{
	must(byte == 'C' || byte == 0x06 || byte == 0x15 || byte == 0x18);
	puts_seen++;
}

static uint32_t refuse_at;

static int sink(void *ctx, const uint8_t *data, uint32_t len)
{
	const struct frame *f = NULL;

	must(ctx == &refuse_at);
	for (uint32_t i = 0; i < n_frames; i++)
		if (frames[i].end == at)
			f = &frames[i];
	/* Noise may make a frame too, of bytes that no frame of the script ends with. */
	if (f != NULL && f->good) {
		must(f->number == (uint8_t)(taken + 1) && len <= f->len);
		must(memcmp(f->data, data, len) == 0);
	}
	must(len <= 1024);
	taken++;
	bytes_taken += len;
	return refuse_at != 0 && taken == refuse_at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_port port = {.get = get, .put = put};
	uint32_t told = 0;
	int rc;

	line_len = at = gets = puts_seen = n_frames = taken = 0;
	bytes_taken = 0;
	if (size < 1 || size > 8192)
		return 0;
	refuse_at = data[0] >> 4;
	read_script(data + 1, size - 1);
	rc = ymodem_receive(&port, sink, &refuse_at, 3000);
	must(rc <= 0 && rc >= YMODEM_REFUSED);
	must((rc == YMODEM_REFUSED) == (refuse_at != 0 && taken >= refuse_at));
	must(puts_seen > 0);
	/* If every header says 3000 bytes no more are handed on. */
	for (uint32_t i = 0; i < n_frames; i++)
		told += frames[i].number == 0 && memcmp(frames[i].data,
							 "f\0"
							 "3000",
							 6) != 0;
	if (rc == YMODEM_OK && told == 0 && n_frames > 0 && taken > 0 && frames[0].number == 0)
		must(bytes_taken <= 3000);
	return 0;
}
