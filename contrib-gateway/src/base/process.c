/*
 * process.c
 *		The state of the process; see process.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/process.h"

GwProcess gw_process;
