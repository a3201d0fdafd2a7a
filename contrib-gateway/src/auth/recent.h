/*
 * recent.h
 *		A bounded table of entries of one size by 32-byte digests; the least recently used go first.
 *		Pure.
 *
 * A digest may be one that a stranger chose among many: where it lies in the table depends on a
 * number that is made at random for each table.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_RECENT_H
#define GW_RECENT_H

#include "base/text.h"

#define GW_DIGEST_BYTES 32

typedef struct GwRecent GwRecent;

extern GwRecent *gw_recent_create(size_t entry_bytes);
extern void      gw_recent_destroy(GwRecent *recent);

/* NULL: there is none. The entry is used now; it stays until the next call of any function here. */
extern void *gw_recent_find(GwRecent *recent, const unsigned char *digest);

/* The entry of the digest, or a new one, of zero bytes; at most max stay. NULL: max is 0. */
extern void *gw_recent_take(GwRecent *recent, const unsigned char *digest, int64_t max);

extern void    gw_recent_forget(GwRecent *recent, const unsigned char *digest);
extern int64_t gw_recent_count(const GwRecent *recent);

#endif
