/*
 * verdicts.c
 *		Tokens that are known; see verdicts.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/verdicts.h"

#include <stdlib.h>

struct GwVerdicts
{
	GwRecent *recent;
};

GwVerdicts *
gw_verdicts_create(void)
{
	GwVerdicts *verdicts = gw_alloc(sizeof(*verdicts));

	verdicts->recent = gw_recent_create(sizeof(GwVerdict));
	return verdicts;
}

void
gw_verdicts_destroy(GwVerdicts *verdicts)
{
	gw_recent_destroy(verdicts->recent);
	free(verdicts);
}

const GwVerdict *
gw_verdicts_find(GwVerdicts *verdicts, const unsigned char *digest, uint64_t now_us, int64_t now_s)
{
	const GwVerdict *verdict = gw_recent_find(verdicts->recent, digest);

	if (verdict == NULL || (now_us < verdict->until_us && now_s < verdict->expires_s))
		return verdict;
	gw_recent_forget(verdicts->recent, digest);
	return NULL;
}

void
gw_verdicts_put(GwVerdicts *verdicts, const GwVerdict *verdict, int64_t max)
{
	GwVerdict *kept;

	gw_recent_forget(verdicts->recent, verdict->digest);
	kept = gw_recent_take(verdicts->recent, verdict->digest, max);
	if (kept != NULL)
		*kept = *verdict;
}

int64_t
gw_verdicts_count(const GwVerdicts *verdicts)
{
	return gw_recent_count(verdicts->recent);
}
