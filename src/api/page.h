/*
 * page.h
 *		Pages of a list: which one the caller wants, and the token of the next.
 *
 * REST, PageToken: without a token everything is answered; with one, also the empty one that
 * begins, a page. A page is what follows a name in byte order, so nothing that stays is skipped or
 * doubled while other names come and go. A token is base64url over a version, a MAC and that name;
 * the MAC also covers the operation, the warehouse and what is listed, so that a token works
 * nowhere else. Reading needs no write: the secret is made with the warehouse.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_PAGE_H
#define ICE_API_PAGE_H

#include "api/args.h"

typedef struct IcePage
{
	IceNameRange     range; /* what to read: one name more than is shown */
	int              size;  /* 0: everything */
	const char      *operation;
	const pg_uuid_t *warehouse_id;
	const pg_uuid_t *parent_id; /* the namespace that is listed; NULL at the top */
} IcePage;

/* Reads the arguments page token (n) and page size (n + 1). Raises BAD_REQUEST. The ids must
 * outlive page. */
extern void ice_page_arg(FunctionCallInfo fcinfo, int n, const char *operation,
						 const pg_uuid_t *warehouse_id, const pg_uuid_t *parent_id, IcePage *out);
/* How many of the names that were read are shown. */
extern int  ice_page_count(const IcePage *page, const IceNames *names);
/* Appends the answer of listTables and listViews: {"identifiers": […], "next-page-token"}. */
extern void ice_page_write_identifiers(StringInfo out, const IceNamespacePath *path,
									   const IcePage *page, const IceNames *names);
/* Writes the member next-page-token: null where the list ends. */
extern void ice_page_end(IceJsonWriter *writer, const IcePage *page, const IceNames *names);

#endif
