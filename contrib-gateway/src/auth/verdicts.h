/*
 * verdicts.h
 *		A bounded store of tokens that were found good, and who they are; the least recently used go
 *		first. Pure.
 *
 * A token is known by its SHA-256, so that no token lies in memory longer than its request. An
 * entry lives for a bounded time, after which everything is asked again: the keys of the issuer,
 * the claims, and the database's mapping to a role.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_VERDICTS_H
#define GW_VERDICTS_H

#include "auth/recent.h"
#include "auth/refusal.h"

#define GW_ROLE_BYTES      64  /* a name of PostgreSQL's, with its NUL */
#define GW_PRINCIPAL_BYTES 320 /* an alias, ~ and a subject, with its NUL */

typedef struct GwVerdict
{
	unsigned char digest[GW_DIGEST_BYTES];
	uint64_t      until_us;  /* on the monotonic clock: then it must be asked again */
	GwRefusal     why;       /* of one that is bad */
	int64_t       expires_s; /* the token, leeway included; on the clock of the wall */
	char          role[GW_ROLE_BYTES];
	char          principal[GW_PRINCIPAL_BYTES];
} GwVerdict;

typedef struct GwVerdicts GwVerdicts;

extern GwVerdicts *gw_verdicts_create(void);
extern void        gw_verdicts_destroy(GwVerdicts *verdicts);

/* NULL: not known, or its time is over. The entry stays until the next call of any function
 * here. */
extern const GwVerdict *gw_verdicts_find(GwVerdicts *verdicts, const unsigned char *digest,
										 uint64_t now_us, int64_t now_s);

/* Keeps a copy in the place of what the digest has; at most max are kept. */
extern void gw_verdicts_put(GwVerdicts *verdicts, const GwVerdict *verdict, int64_t max);

extern int64_t gw_verdicts_count(const GwVerdicts *verdicts);

#endif
