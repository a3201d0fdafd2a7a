/*
 * refusal.c
 *		Names and texts of refusals; see refusal.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/refusal.h"

static const char *const names[GW_REFUSAL_COUNT] = {
#define GW_REFUSAL(NAME, name, text) name,
#include "auth/refusals.def"
};

static const char *const texts[GW_REFUSAL_COUNT] = {
#define GW_REFUSAL(NAME, name, text) text,
#include "auth/refusals.def"
};

const char *
gw_refusal_name(GwRefusal why)
{
	return names[why];
}

const char *
gw_refusal_text(GwRefusal why)
{
	return texts[why];
}
