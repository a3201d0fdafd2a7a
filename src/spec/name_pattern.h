/*
 * name_pattern.h
 *		Patterns that names must match.
 *
 * A pattern is a sequence of characters, each with how often it may come; several sequences stand
 * for one or the other. It matches a whole name, not a part of it. There are no groups and no
 * references back, so that the work is at most the length of the name times that of the pattern.
 *
 *   a		the character itself; \x for one of [ ] ( ) { } . * + ? | ^ $ \
 *   .		any character
 *   [a-z_]	one of these; [^a-z] one that is none of them
 *   ? * + {3} {2,5} {2,}	behind a character: how often it comes
 *   |		or: between whole sequences
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_SPEC_NAME_PATTERN_H
#define ICE_SPEC_NAME_PATTERN_H

#include "json/pure.h"

#define ICE_NAME_PATTERN_BYTES_MAX 1000
/* Characters that a sequence has when what comes several times is written out. */
#define ICE_NAME_PATTERN_STEPS_MAX 1000

/* What is wrong with a pattern (UTF-8), or NULL. */
extern const char *ice_name_pattern_problem(const char *pattern);
/* Does it match a name? A pattern with a problem matches none. */
extern bool        ice_name_pattern_matches(const char *pattern, const char *name);

#endif
