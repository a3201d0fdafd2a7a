/*
 * name_pattern.c
 *		Patterns that names must match. See name_pattern.h.
 *
 * A sequence is a list of steps. A matcher that goes over the name keeps all places in the list
 * that it can be at: those are never more than the list is long, and none is looked at twice for
 * one character of the name.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/name_pattern.h"

/* The characters [from, to]. */
typedef struct Range
{
	uint32 from;
	uint32 to;
} Range;

/* A set of characters. */
typedef struct Set
{
	Range *ranges;
	int    count;
	bool   negated; /* those that are in none of the ranges */
} Set;

typedef struct Step
{
	Set  set;
	bool optional;
	bool repeats; /* any number of times; always optional, too */
} Step;

typedef struct Pattern
{
	const char *at; /* what is not read yet */
	const char *problem;
	Step       *steps;
	int         count;
} Pattern;

static const char *const special = "[](){}.*+?|^$\\";

/* The next character of a text in UTF-8, which is behind it then. Bytes that are none stand for
 * themselves. */
static uint32
next_character(const char **text)
{
	const unsigned char *s = (const unsigned char *) *text;
	uint32               c = s[0];
	int                  more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (more > 0)
		c &= 0x3f >> more;
	(*text)++;
	for (int i = 1; i <= more && (s[i] & 0xc0) == 0x80; i++)
	{
		c = c << 6 | (s[i] & 0x3f);
		(*text)++;
	}
	return c;
}

static bool
set_has(const Set *set, uint32 c)
{
	for (int i = 0; i < set->count; i++)
		if (c >= set->ranges[i].from && c <= set->ranges[i].to)
			return !set->negated;
	return set->negated;
}

/* -- reading a pattern ------------------------------------------------------------------------- */

static void
fail(Pattern *pattern, const char *problem)
{
	if (pattern->problem == NULL)
		pattern->problem = problem;
}

/* A character that stands for itself; behind a backslash only one that else would not. */
static uint32
read_literal(Pattern *pattern)
{
	if (*pattern->at == '\\')
	{
		pattern->at++;
		if (*pattern->at == '\0' || (strchr(special, *pattern->at) == NULL && *pattern->at != '-'))
			fail(pattern, "a backslash is only for one of []().*+?|^$\\{}-");
	}
	if (*pattern->at == '\0')
	{
		fail(pattern, "it ends too early");
		return 0;
	}
	return next_character(&pattern->at);
}

/* What is behind a "[". */
static void
read_set(Pattern *pattern, Set *out)
{
	out->negated = *pattern->at == '^';
	if (out->negated)
		pattern->at++;
	out->ranges = palloc(sizeof(Range) * (strlen(pattern->at) + 1));
	while (*pattern->at != ']' && pattern->problem == NULL)
	{
		Range range;

		ice_step();
		range.from = range.to = read_literal(pattern);
		if (pattern->at[0] == '-' && pattern->at[1] != ']' && pattern->at[1] != '\0')
		{
			pattern->at++;
			range.to = read_literal(pattern);
		}
		if (range.from > range.to)
			fail(pattern, "a range of characters goes down");
		out->ranges[out->count++] = range;
	}
	if (out->count == 0)
		fail(pattern, "a set of characters is empty");
	if (*pattern->at == ']')
		pattern->at++;
}

/* A number of at most four digits; -1: there is none. */
static int
read_number(Pattern *pattern)
{
	int number = -1;

	for (int i = 0; i < 4 && *pattern->at >= '0' && *pattern->at <= '9'; i++)
		number = Max(number, 0) * 10 + (*pattern->at++ - '0');
	return number;
}

/* How often the step before it comes; *most is -1 for any number of times. */
static void
read_times(Pattern *pattern, int *least, int *most)
{
	*least = *most = 1;
	if (*pattern->at == '\0' || strchr("?*+{", *pattern->at) == NULL)
		return;
	switch (*pattern->at++)
	{
		case '?':
			*least = 0;
			return;
		case '*':
			*least = 0;
			*most = -1;
			return;
		case '+':
			*most = -1;
			return;
	}
	*least = *most = read_number(pattern);
	if (*least >= 0 && *pattern->at == ',')
	{
		pattern->at++;
		*most = read_number(pattern);
	}
	if (*least < 0 || (*most >= 0 && *most < *least) || *pattern->at++ != '}')
		fail(pattern, "how often a character comes is {3}, {2,5} or {2,}");
}

static void
add_step(Pattern *pattern, const Set *set, bool optional, bool repeats)
{
	ice_step();
	if (pattern->count >= ICE_NAME_PATTERN_STEPS_MAX)
		fail(pattern,
			 psprintf("it has more than %d characters, written out", ICE_NAME_PATTERN_STEPS_MAX));
	else
		pattern->steps[pattern->count++] = (Step){*set, optional, repeats};
}

/* One character, and how often it comes. */
static void
read_step(Pattern *pattern)
{
	Set   set = {NULL, 0, false};
	Range one;
	int   least;
	int   most;

	if (*pattern->at == '.')
	{
		pattern->at++;
		set.negated = true;
	}
	else if (*pattern->at == '[')
	{
		pattern->at++;
		read_set(pattern, &set);
	}
	else
	{
		if (*pattern->at != '\\' && strchr(special, *pattern->at) != NULL)
			fail(pattern, psprintf("%c does not stand for itself, and not here for anything else",
								   *pattern->at));
		one.from = one.to = read_literal(pattern);
		set.ranges = memcpy(palloc(sizeof(Range)), &one, sizeof(Range));
		set.count = 1;
	}
	read_times(pattern, &least, &most);
	for (int i = 0; i < least && pattern->problem == NULL; i++)
		add_step(pattern, &set, false, false);
	for (int i = least; i < most && pattern->problem == NULL; i++)
		add_step(pattern, &set, true, false);
	if (most < 0)
		add_step(pattern, &set, true, true);
}

/* The next sequence, up to a "|" or the end. */
static void
read_sequence(Pattern *pattern)
{
	pattern->count = 0;
	while (*pattern->at != '\0' && *pattern->at != '|' && pattern->problem == NULL)
		read_step(pattern);
	if (pattern->count == 0)
		fail(pattern, "it, or one of the sequences that | divides, is empty");
}

/* -- matching ---------------------------------------------------------------------------------- */

/* From places that can be reached, past steps that need not come. */
static void
pass_optional(const Pattern *pattern, bool *places)
{
	for (int i = 0; i < pattern->count; i++)
		if (places[i] && pattern->steps[i].optional)
			places[i + 1] = true;
}

/* Goes over the name once, from all places at which it can be to all next ones. */
static bool
sequence_matches(const Pattern *pattern, const char *name)
{
	bool *now = palloc0(pattern->count + 1);
	bool *then = palloc(pattern->count + 1);

	now[0] = true;
	pass_optional(pattern, now);
	while (*name != '\0')
	{
		uint32 c = next_character(&name);
		bool  *swap = now;

		memset(then, 0, pattern->count + 1);
		for (int i = 0; i < pattern->count; i++)
		{
			ice_step();
			if (now[i] && set_has(&pattern->steps[i].set, c))
				then[pattern->steps[i].repeats ? i : i + 1] = true;
		}
		pass_optional(pattern, then);
		now = then;
		then = swap;
	}
	return now[pattern->count];
}

/* Reads all sequences, and says in *matches whether one matches a name, if there is one. */
static const char *
run(const char *text, const char *name, bool *matches)
{
	Pattern pattern = {.at = text};

	if (strlen(text) > ICE_NAME_PATTERN_BYTES_MAX)
		return psprintf("it has more than %d bytes", ICE_NAME_PATTERN_BYTES_MAX);
	pattern.steps = palloc(sizeof(Step) * ICE_NAME_PATTERN_STEPS_MAX);
	*matches = false;
	for (;;)
	{
		read_sequence(&pattern);
		if (pattern.problem != NULL)
			return pattern.problem;
		if (name != NULL && sequence_matches(&pattern, name))
			*matches = true;
		if (*pattern.at == '\0')
			return NULL;
		pattern.at++;
	}
}

const char *
ice_name_pattern_problem(const char *pattern)
{
	bool matches;

	return run(pattern, NULL, &matches);
}

bool
ice_name_pattern_matches(const char *pattern, const char *name)
{
	bool matches = false;

	return run(pattern, name, &matches) == NULL && matches;
}
