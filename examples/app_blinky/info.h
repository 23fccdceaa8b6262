/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info.h - which version this is; the build says it
 */
#ifndef APP_INFO_H
#define APP_INFO_H

#ifndef VERSION_MAJOR
#define VERSION_MAJOR 1
#endif
#ifndef VERSION_MINOR
#define VERSION_MINOR 0
#endif
#ifndef COUNTER
#define COUNTER 5
#endif

#endif
