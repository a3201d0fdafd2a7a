/*
 * issuer_options.h
 *		Settings that say something of single issuers: "alias=value, alias=value". Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ISSUER_OPTIONS_H
#define GW_ISSUER_OPTIONS_H

#include <stdbool.h>

/* Is it such a list, with each alias once? Empty is one. */
extern bool gw_issuer_options_valid(const char *list);

/* Is every alias of the list one of the other list? */
extern bool gw_issuer_options_within(const char *list, const char *issuers);

/* A copy of the value of the alias; NULL: the list says nothing of it. */
extern char *gw_issuer_options_find(const char *list, const char *alias);

#endif
