/*
 * conditional.h
 *		Entity tags and If-None-Match (RFC 9110, section 13.1.2). Pure.
 *
 * A list is a string of entity tags, each as it came, separated by commas; "*" stands for any tag;
 * "" for none. Only tags in ASCII get into a list: others are never ours, and the database is asked
 * with the list as text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CONDITIONAL_H
#define GW_CONDITIONAL_H

#include "http/parse.h"

/* How much room the list of a head can need, its NUL included. */
extern size_t gw_conditional_bytes(const GwHttpHead *head);

/* Writes the list that the If-None-Match fields of a head make together, and a NUL; returns its
 * length. What is no list of entity tags is as if it were not there. */
extern size_t gw_conditional_list(const GwHttpHead *head, char *out);

/* Weak comparison: is the tag in the list? */
extern bool gw_conditional_matches(const char *list, const char *etag);

#endif
