/*
 * known.c
 *		Clients and keys that are known; see known.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/known.h"

#include <stdlib.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"

typedef struct Known
{
	uint64_t     at_us;
	bool         exists;
	GwCredential credential;
} Known;

static GwRecent   *store;
static GwThrottle *throttle;

void
gw_known_start(void)
{
	store = gw_recent_create(sizeof(Known));
	throttle = gw_throttle_create();
}

static GwThrottleLimits
limits_now(void)
{
	return (GwThrottleLimits){.failures_max = gw_conf.auth_failures_max,
							  .window_s = gw_conf.auth_failures_window_s,
							  .entries_max = gw_conf.auth_failures_entries};
}

static void
digest_of(const GwTry *try, unsigned char *digest)
{
	GwText text = {0};

	gw_text_add(&text, (const char *) &try->realm, sizeof(try->realm));
	gw_text_add(&text, try->kind, strlen(try->kind) + 1);
	gw_text_add(&text, try->id.data, try->id.len);
	if (EVP_Digest(text.data, text.len, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
	gw_text_free(&text);
}

/* NULL: nothing is known of it that is so young. */
static const Known *
find(const GwTry *try, int64_t age_max_s)
{
	unsigned char digest[GW_DIGEST_BYTES];
	const Known  *known;

	digest_of(try, digest);
	known = gw_recent_find(store, digest);
	if (known == NULL ||
		gw_clock_since(gw_clock_us(), known->at_us) >= (uint64_t) age_max_s * 1000000)
		return NULL;
	return known;
}

GwThrottleStep
gw_known_check(const GwTry *try, int64_t *wait_s)
{
	GwThrottleLimits limits = limits_now();
	GwThrottleStep   step = gw_throttle_check(throttle, try, &limits, gw_clock_us(), wait_s);

	if (step == GW_THROTTLE_KNOWN && find(try, gw_conf.auth_cache_s) == NULL)
		return GW_THROTTLE_OPEN;
	gw_counters.auth_throttled += step != GW_THROTTLE_OPEN;
	return step;
}

void
gw_known_put(const GwTry *try, const GwCredential *credential)
{
	unsigned char digest[GW_DIGEST_BYTES];
	Known        *known;

	digest_of(try, digest);
	known = gw_recent_take(store, digest, gw_conf.auth_cache_entries);
	if (known == NULL)
		return;
	*known = (Known){.at_us = gw_clock_us(), .exists = credential != NULL};
	if (credential != NULL)
		known->credential = *credential;
}

bool
gw_known_find(const GwTry *try, int64_t age_max_s, GwCredential *out)
{
	const Known *known = find(try, age_max_s);

	if (known == NULL || !known->exists)
		return false;
	*out = known->credential;
	return true;
}

void
gw_known_tried(const GwTry *try, bool good)
{
	GwThrottleLimits limits = limits_now();

	if (good)
		gw_throttle_succeeded(throttle, try, &limits, gw_clock_us());
	else
		gw_throttle_failed(throttle, try, &limits, gw_clock_us());
}

int64_t
gw_known_tallies(void)
{
	return gw_throttle_count(throttle);
}
