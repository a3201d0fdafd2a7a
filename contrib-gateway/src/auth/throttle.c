/*
 * throttle.c
 *		Counting wrong secrets; see throttle.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/throttle.h"

#include <stdlib.h>
#include <openssl/evp.h>

#include "base/clock.h"

/* how long an address is remembered for its client */
#define GOOD_FOR_US (86400 * (uint64_t) 1000000)

typedef struct Tally
{
	uint64_t since_us; /* of the window */
	int64_t  failures;
	uint64_t good_us; /* of an id at an address: the last good secret; 0: none */
} Tally;

struct GwThrottle
{
	GwRecent *tallies;
};

GwThrottle *
gw_throttle_create(void)
{
	GwThrottle *throttle = gw_alloc(sizeof(*throttle));

	throttle->tallies = gw_recent_create(sizeof(Tally));
	return throttle;
}

void
gw_throttle_destroy(GwThrottle *throttle)
{
	gw_recent_destroy(throttle->tallies);
	free(throttle);
}

/* -- what is counted ----------------------------------------------------------------------------*/

typedef enum Scope
{
	OF_ADDRESS,
	OF_ID,
	OF_BOTH,
	SCOPES
} Scope;

/* The parts, each followed by a zero byte, after what they are parts of. */
static void
digest_of(const GwTry *try, Scope scope, unsigned char *digest)
{
	static const char names[SCOPES] = {'a', 'i', 'b'};
	GwText            text = {0};

	gw_text_putc(&text, names[scope]);
	gw_text_add(&text, (const char *) &try->realm, sizeof(try->realm));
	if (scope != OF_ADDRESS)
	{
		gw_text_add(&text, try->kind, strlen(try->kind) + 1);
		gw_text_add(&text, try->id.data, try->id.len);
		gw_text_putc(&text, '\0');
	}
	if (scope != OF_ID)
		gw_text_add(&text, try->network, strlen(try->network) + 1);
	if (EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
	gw_text_free(&text);
}

static const Tally *
find(GwThrottle *throttle, const GwTry *try, Scope scope)
{
	unsigned char digest[GW_DIGEST_BYTES];

	digest_of(try, scope, digest);
	return gw_recent_find(throttle->tallies, digest);
}

/* For how many seconds no more are taken; 0: they are. */
static int64_t
shut_for(const Tally *tally, const GwThrottleLimits *limits, uint64_t now)
{
	uint64_t window_us = (uint64_t) limits->window_s * 1000000;

	if (tally == NULL || tally->failures < limits->failures_max ||
		gw_clock_since(now, tally->since_us) >= window_us)
		return 0;
	return (int64_t) ((window_us - gw_clock_since(now, tally->since_us) + 999999) / 1000000);
}

static bool
is_good(const Tally *tally, uint64_t now)
{
	return tally != NULL && tally->good_us != 0 &&
		   gw_clock_since(now, tally->good_us) < GOOD_FOR_US;
}

/* -- for others ---------------------------------------------------------------------------------*/

GwThrottleStep
gw_throttle_check(GwThrottle *throttle, const GwTry *try, const GwThrottleLimits *limits,
				  uint64_t now, int64_t *wait_s)
{
	const Tally *both;
	bool         good;

	if (limits->failures_max == 0)
		return GW_THROTTLE_OPEN;
	both = find(throttle, try, OF_BOTH);
	good = is_good(both, now);
	*wait_s = shut_for(both, limits, now);
	if (*wait_s > 0)
		return good ? GW_THROTTLE_KNOWN : GW_THROTTLE_SHUT;
	if (good)
		return GW_THROTTLE_OPEN;
	*wait_s = shut_for(find(throttle, try, OF_ADDRESS), limits, now);
	if (*wait_s > 0)
		return GW_THROTTLE_SHUT;
	*wait_s = shut_for(find(throttle, try, OF_ID), limits, now);
	return *wait_s > 0 ? GW_THROTTLE_KNOWN : GW_THROTTLE_OPEN;
}

static void
count_failure(GwThrottle *throttle, const GwTry *try, Scope scope, const GwThrottleLimits *limits,
			  uint64_t now)
{
	unsigned char digest[GW_DIGEST_BYTES];
	Tally        *tally;

	digest_of(try, scope, digest);
	tally = gw_recent_take(throttle->tallies, digest, limits->entries_max);
	if (tally == NULL)
		return;
	if (tally->failures == 0 ||
		gw_clock_since(now, tally->since_us) >= (uint64_t) limits->window_s * 1000000)
	{
		tally->since_us = now;
		tally->failures = 0;
	}
	tally->failures++;
}

void
gw_throttle_failed(GwThrottle *throttle, const GwTry *try, const GwThrottleLimits *limits,
				   uint64_t now)
{
	for (int scope = 0; scope < SCOPES && limits->failures_max > 0; scope++)
		count_failure(throttle, try, (Scope) scope, limits, now);
}

void
gw_throttle_succeeded(GwThrottle *throttle, const GwTry *try, const GwThrottleLimits *limits,
					  uint64_t now)
{
	unsigned char digest[GW_DIGEST_BYTES];
	Tally        *tally;

	if (limits->failures_max == 0)
		return;
	digest_of(try, OF_BOTH, digest);
	tally = gw_recent_take(throttle->tallies, digest, limits->entries_max);
	if (tally != NULL)
		*tally = (Tally){.good_us = now};
}

int64_t
gw_throttle_count(const GwThrottle *throttle)
{
	return gw_recent_count(throttle->tallies);
}
