/*
 * check.h
 *		What every unit test includes: cmocka and what it needs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TEST_CHECK_H
#define GW_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/text.h"

#define assert_slice(slice, expected)                             \
	do                                                            \
	{                                                             \
		assert_int_equal((slice).len, strlen(expected));          \
		assert_memory_equal((slice).data, expected, (slice).len); \
	} while (0)

#endif
