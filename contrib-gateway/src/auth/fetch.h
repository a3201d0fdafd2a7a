/*
 * fetch.h
 *		Small documents by HTTPS, on the event loop: what is fetched never blocks.
 *
 * Bounds: time (auth_fetch_timeout_ms), size, redirects. Only https, and http to this machine
 * itself; a redirect goes to https only. Certificates are checked against auth_ca_file, or the
 * system's. libcurl looks names up in a thread of its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FETCH_H
#define GW_FETCH_H

#include "base/text.h"

struct event_base;

/* why is NULL when the document is there with status 200, and else what went wrong, for the log. */
typedef void (*GwFetched)(void *owner, GwSlice document, const char *why);

/* Of one server: NULL for what is the same as of all. The token is read from its file for each
 * fetch, and goes to no other host. */
typedef struct GwFetchFrom
{
	const char *ca_file;
	const char *token_file;
} GwFetchFrom;

extern bool gw_fetch_start(struct event_base *base);

/* fetched() is called once, later. */
extern void gw_fetch(const char *url, GwFetchFrom from, GwFetched fetched, void *owner);

/* Is it a URL that may be fetched? */
extern bool gw_fetch_allows(const char *url);

/* Is it http? Then to this machine itself. */
extern bool gw_fetch_is_plain(const char *url);

#endif
