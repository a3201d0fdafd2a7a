/*
 * case_fold.h
 *		Under which key a name is found where case does not matter.
 *
 * Simple case folding as Unicode defines it, the same in every locale and for every version of
 * PostgreSQL: keys are stored. A character folds to one character; nothing is normalised, and the
 * Turkish dotted I stays as it is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SPEC_CASE_FOLD_H
#define ICE_SPEC_CASE_FOLD_H

#include "json/pure.h"

/* The key of a name in UTF-8; folding it again changes nothing. */
extern char *ice_case_fold(const char *name);

#endif
