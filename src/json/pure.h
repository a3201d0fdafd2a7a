/*
 * pure.h
 *		What the json and spec layers may know of PostgreSQL: palloc, StringInfo and integer types.
 *
 * These layers are built twice: into icecat.so, and outside the server (with -DFRONTEND, against
 * libpgcommon) for the case runner and the fuzzers. No SPI, clock, network or randomness.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PURE_H
#define ICE_PURE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif
#include "lib/stringinfo.h"

#include "budget.h"
#include "errors.h"

#endif
