/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stmota/bytes.h>
#include <stmota/device_url.h>

static void test_device_url__full(void **state)
{
	struct device_url u;

	(void)state;
	assert_int_equal(
		device_url_parse(
			"uart:/dev/ttyUSB0?baud=57600&boot0=rts&nrst=!dtr&reset_ms=10&settle_ms=0&boot_ms=600"
			"&banks=dual",
			&u, NULL),
		0);
	assert_string_equal(u.path, "/dev/ttyUSB0");
	assert_int_equal(u.baud, 57600);
	assert_int_equal(u.entry.boot0.wire, ENTRY_WIRE_RTS);
	assert_false(u.entry.boot0.inverted);
	assert_int_equal(u.entry.nrst.wire, ENTRY_WIRE_DTR);
	assert_true(u.entry.nrst.inverted);
	assert_int_equal(u.entry.reset_ms, 10);
	assert_int_equal(u.entry.settle_ms, 0);
	assert_int_equal(u.entry.boot_ms, 600);
	assert_int_equal(u.banks, CHIP_BANKS_FORCE_DUAL);
	assert_true(u.entry.use_lines);
}

static void test_device_url__defaults(void **state)
{
	struct device_url u;

	(void)state;
	assert_int_equal(device_url_parse("uart:board", &u, NULL), 0);
	assert_string_equal(u.path, "board");
	assert_int_equal(u.baud, 0);
	assert_int_equal(u.entry.boot0.wire, ENTRY_WIRE_NONE);
	assert_int_equal(u.entry.nrst.wire, ENTRY_WIRE_NONE);
	assert_int_equal(u.banks, CHIP_BANKS_DEFAULT);
	assert_int_not_equal(u.entry.boot_ms, 0);
}

static void test_device_url__tcp_has_a_long_form(void **state)
{
	static const char *const forms[] = {
		"tcp:lamp:7000?playbook=rb", "ymodem:tcp:lamp:7000,playbook=rb"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct device_url u;

		assert_int_equal(device_url_parse(forms[i], &u, NULL), 0);
		assert_int_equal(u.scheme, DEVICE_TCP);
		assert_string_equal(u.path, "lamp:7000");
		assert_string_equal(u.playbook, "rb");
	}
}

static void test_device_url__commas_for_zsh(void **state)
{
	struct device_url a, b;

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	assert_int_equal(device_url_parse("uart:/dev/ttyS1?baud=9600&boot0=dtr", &a, NULL), 0);
	assert_int_equal(device_url_parse("uart:/dev/ttyS1,baud=9600,boot0=dtr", &b, NULL), 0);
	assert_int_equal(a.baud, b.baud);
	assert_int_equal(a.entry.boot0.wire, b.entry.boot0.wire);
	assert_string_equal(a.path, b.path);
	/* Colons belong to the path: by-path names have them. */
	assert_int_equal(
		device_url_parse("uart:/dev/serial/by-path/pci-0:1.0-usb-0:1:1.0", &a, NULL), 0);
	assert_string_equal(a.path, "/dev/serial/by-path/pci-0:1.0-usb-0:1:1.0");
}

static void test_device_url__usb(void **state)
{
	struct device_url u;

	(void)state;
	assert_int_equal(device_url_parse("dfu:", &u, NULL), 0);
	assert_int_equal(u.scheme, DEVICE_DFU);
	assert_false(u.usb.has_id);
	assert_string_equal(u.usb.serial, "");
	assert_string_equal(u.usb.port, "");
	assert_int_equal(device_url_parse("dfu:0483:DF11@2058 359#1-1.4?banks=dual", &u, NULL), 0);
	assert_true(u.usb.has_id);
	assert_int_equal(u.usb.vid, 0x0483);
	assert_int_equal(u.usb.pid, 0xDF11);
	assert_string_equal(u.usb.serial, "2058 359");
	assert_string_equal(u.usb.port, "1-1.4");
	assert_int_equal(u.banks, CHIP_BANKS_FORCE_DUAL);
	assert_int_equal(device_url_parse("dfu:#3-2", &u, NULL), 0);
	assert_false(u.usb.has_id);
	assert_string_equal(u.usb.port, "3-2");
	assert_int_equal(device_url_parse("dfu:@X,banks=single", &u, NULL), 0);
	assert_string_equal(u.usb.serial, "X");
}

static void test_device_url__i2c(void **state)
{
	struct device_url u;

	(void)state;
	assert_int_equal(device_url_parse("i2c:/dev/i2c-1@0x4a", &u, NULL), 0);
	assert_int_equal(u.scheme, DEVICE_I2C);
	assert_string_equal(u.path, "/dev/i2c-1");
	assert_int_equal(u.i2c_addr, 0x4A);
	assert_int_equal(u.i2c_max, 0);
	assert_int_equal(device_url_parse("i2c:/dev/i2c/by-name/a@b@0x78,max=32", &u, NULL), 0);
	assert_string_equal(u.path, "/dev/i2c/by-name/a@b");
	assert_int_equal(u.i2c_addr, 0x78);
	assert_int_equal(u.i2c_max, 32);
	/* Without an address it is looked for. */
	assert_int_equal(device_url_parse("i2c:/dev/i2c-1?banks=dual", &u, NULL), 0);
	assert_int_equal(u.i2c_addr, 0);
	/* A serial port may have such a name. */
	assert_int_equal(device_url_parse("uart:/dev/tty@0x4a", &u, NULL), 0);
	assert_string_equal(u.path, "/dev/tty@0x4a");
}

static void test_device_url__refusals(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"i2c:/dev/i2c-1@4a", ERR_USAGE, "no I2C address"},
		{"i2c:/dev/i2c-1@0x80", ERR_USAGE, "no I2C address"},
		{"i2c:/dev/i2c-1@0x07", ERR_USAGE, "no I2C address"},
		{"i2c:/dev/i2c-1@", ERR_USAGE, "no I2C address"},
		{"i2c:@0x4a", ERR_USAGE, "path is missing"},
		{"i2c:/dev/i2c-1@0x4a?baud=9600", ERR_USAGE, "unknown key"},
		{"i2c:/dev/i2c-1@0x4a?max=7", ERR_USAGE, "max"},
		{"uart:x?max=32", ERR_USAGE, "unknown key"},
		{"dfu:0483", ERR_USAGE, "VID:PID"},
		{"dfu:04833:df11", ERR_USAGE, "VID:PID"},
		{"dfu:0483:df111", ERR_USAGE, "VID:PID"},
		{"dfu:0483:", ERR_USAGE, "VID:PID"},
		{"dfu:st:df11", ERR_USAGE, "VID:PID"},
		{"dfu:@", ERR_USAGE, "serial"},
		{"dfu:@#1-1", ERR_USAGE, "serial"},
		{"dfu:#", ERR_USAGE, "bus and port"},
		{"dfu:#1", ERR_USAGE, "bus and port"},
		{"dfu:#1-", ERR_USAGE, "bus and port"},
		{"dfu:#1-1/2", ERR_USAGE, "bus and port"},
		{"dfu:?speed=1", ERR_USAGE, "unknown key"},
		{"tcp:", ERR_USAGE, "path is missing"},
		{"ymodem:tcp:", ERR_USAGE, "path is missing"},
		{"tcp:lamp:7000?baud=9600", ERR_USAGE, "unknown key"},
		{"spi:/dev/spidev0.0", ERR_USAGE, "unknown scheme"},
		{"/dev/ttyUSB0", ERR_USAGE, "scheme is missing"},
		{"uart:", ERR_USAGE, "path is missing"},
		{"uart:?baud=9600", ERR_USAGE, "path is missing"},
		{"uart", ERR_USAGE, "':'"},
		{"", ERR_USAGE, "scheme"},
		{"uart:x?", ERR_USAGE, "KEY=VALUE"},
		{"uart:x?baud", ERR_USAGE, "KEY=VALUE"},
		{"uart:x?baud=", ERR_USAGE, "baud"},
		{"uart:x?baud=fast", ERR_USAGE, "baud"},
		{"uart:x?baud=1", ERR_USAGE, "1200"},
		{"uart:x?baud=99999999999", ERR_USAGE, "large"},
		{"uart:x?boot0=cts", ERR_USAGE, "modem line"},
		{"uart:x?boot0=!none", ERR_USAGE, "modem line"},
		{"uart:x?boot0=rts&nrst=!rts", ERR_USAGE, "same line"},
		{"uart:x?banks=three", ERR_USAGE, "single"},
		{"uart:x?speed=1", ERR_USAGE, "unknown key"},
		{"uart:x?baud=9600&&boot0=rts", ERR_USAGE, "KEY=VALUE"},
		{"uart:x?reset_ms=0", ERR_USAGE, "reset_ms"},
		{"uart:x?reset_ms=99999999", ERR_USAGE, "reset_ms"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct device_url u = {.baud = 77};
		struct err e = ERR_INIT;
		int rc = device_url_parse(cases[i].text, &u, &e);

		if (rc != cases[i].code || strstr(e.msg, cases[i].says) == NULL)
			fail_msg("'%s': %d, %s", cases[i].text, rc, e.msg);
		assert_int_equal(u.baud, 77); /* untouched on failure */
	}
}

static void test_device_url__too_long(void **state)
{
	char text[700];
	struct device_url u;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "uart:", 5);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(device_url_parse(text, &u, NULL), ERR_USAGE);
	text[20] = '?';
	assert_int_equal(device_url_parse(text, &u, NULL), ERR_USAGE);
}

static void test_device_url__tells_urls_from_names(void **state)
{
	(void)state;
	assert_true(device_url_is_url("uart:/dev/ttyUSB0"));
	assert_true(device_url_is_url("nonsense:x"));
	assert_true(device_url_is_url("/dev/ttyUSB0"));
	assert_false(device_url_is_url("lamp"));
	assert_false(device_url_is_url(""));
	assert_false(device_url_is_url("Lamp 3: north"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_url__full),
		cmocka_unit_test(test_device_url__defaults),
		cmocka_unit_test(test_device_url__commas_for_zsh),
		cmocka_unit_test(test_device_url__tcp_has_a_long_form),
		cmocka_unit_test(test_device_url__i2c),
		cmocka_unit_test(test_device_url__usb),
		cmocka_unit_test(test_device_url__refusals),
		cmocka_unit_test(test_device_url__too_long),
		cmocka_unit_test(test_device_url__tells_urls_from_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
