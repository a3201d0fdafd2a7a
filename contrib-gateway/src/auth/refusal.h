/*
 * refusal.h
 *		Why a token is refused. Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REFUSAL_H
#define GW_REFUSAL_H

typedef enum GwRefusal
{
#define GW_REFUSAL(NAME, name, text) GW_REFUSAL_##NAME,
#include "auth/refusals.def"
	GW_REFUSAL_COUNT
} GwRefusal;

extern const char *gw_refusal_name(GwRefusal why);
extern const char *gw_refusal_text(GwRefusal why);

#endif
