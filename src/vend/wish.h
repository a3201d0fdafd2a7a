/*
 * wish.h
 *		What a client asks for in X-Iceberg-Access-Delegation.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_WISH_H
#define ICE_VEND_WISH_H

#include "json/pure.h"

typedef struct IceWish
{
	bool vended;  /* vended-credentials */
	bool signing; /* remote-signing */
} IceWish;

/* A list of values, separated by commas, in any case; those that are not known mean nothing.
 * client-managed, which some clients send, asks for nothing. NULL: not asked. */
extern IceWish ice_wish(const char *field);

#endif
