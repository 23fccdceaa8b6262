#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Wrong usage: status 2, one line on standard error, nothing on standard output.
. "$(dirname "$0")/lib.sh"

expect 0 stmota --version
prints '0.1.0'
expect 0 stmota --help
prints 'Usage: stmota COMMAND'

expect 2 stmota
expect 2 stmota nonsense
says 'nonsense'
prints_not 'nonsense'
expect 2 stmota help --no-such-option
says 'no-such-option'
