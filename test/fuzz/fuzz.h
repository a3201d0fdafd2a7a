/*
 * fuzz.h
 *		What the fuzz targets of the pure layers share.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_FUZZ_H
#define ICE_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/json.h"
#include "spec/table_metadata.h"
#include "memory.h"
#include "trap.h"

#define FUZZ_UUID "00000000-0000-4000-8000-000000000000"

/* Ends the process, so that libFuzzer keeps the input. */
#define FUZZ_DEMAND(condition, ...)                        \
	do                                                     \
	{                                                      \
		if (!(condition))                                  \
		{                                                  \
			fprintf(stderr, "demanded: %s: ", #condition); \
			fprintf(stderr, __VA_ARGS__);                  \
			fprintf(stderr, "\n");                         \
			abort();                                       \
		}                                                  \
	} while (0)

/* What a target does with one input, which ends where its block ends. ice_raise() returns to the
 * caller. */
extern void fuzz_one(const char *text, size_t len);

extern int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
