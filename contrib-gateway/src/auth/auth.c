/*
 * auth.c
 *		Checking tokens, and waiting for keys; see auth.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <openssl/evp.h>

#include "auth/certificate.h"
#include "auth/fetch.h"
#include "auth/grant.h"
#include "auth/issuer.h"
#include "auth/issuer_options.h"
#include "auth/known.h"
#include "auth/own.h"
#include "auth/token.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"

_Static_assert(GW_REFUSAL_COUNT <= GW_REFUSALS_MAX, "the counters need a slot for each reason");

typedef TAILQ_HEAD(TicketList, GwAuthTicket) TicketList;

static GwVerdicts *verdicts;
static GwVerdicts *refused; /* tokens that will not be good, whenever they come again */
static TicketList  waiting = TAILQ_HEAD_INITIALIZER(waiting);
static int64_t     waiting_count;

bool
gw_auth_is_on(void)
{
	return gw_conf_authenticates(&gw_conf);
}

/* -- waiting ----------------------------------------------------------------------------------- */

static void
stop_waiting(GwAuthTicket *ticket)
{
	if (!ticket->waits)
		return;
	ticket->waits = false;
	TAILQ_REMOVE(&waiting, ticket, link);
	waiting_count--;
}

static GwAuthStep
unavailable(GwAuthTicket *ticket, const char *problem)
{
	gw_counters.auth_unavailable++;
	ticket->problem = problem;
	return GW_AUTH_UNAVAILABLE;
}

/* Waits for the next fetch of the issuer's keys, unless that takes too long already or too many
 * do. */
static GwAuthStep
wait_for(GwAuthTicket *ticket, GwIssuer *issuer, uint64_t now)
{
	if (ticket->since_us == 0)
		ticket->since_us = now;
	if (gw_clock_since(now, ticket->since_us) >= (uint64_t) gw_conf.auth_wait_ms * 1000)
		return unavailable(ticket, "The keys of the token's issuer did not come in time");
	if (waiting_count >= gw_conf.auth_waiting_max)
		return unavailable(ticket, "Too many requests wait for the keys of their token's issuer");
	ticket->issuer = issuer;
	ticket->waits = true;
	TAILQ_INSERT_TAIL(&waiting, ticket, link);
	waiting_count++;
	gw_issuer_want(issuer);
	return GW_AUTH_WAIT;
}

/* The first ticket that waits for that issuer; without one, the first that has waited since before
 * that time. */
static GwAuthTicket *
next_ready(const GwIssuer *issuer, uint64_t before_us)
{
	GwAuthTicket *ticket;

	TAILQ_FOREACH (ticket, &waiting, link)
	{
		if (issuer != NULL ? ticket->issuer == issuer : ticket->since_us <= before_us)
			return ticket;
	}
	return NULL;
}

/* A fetch is over. A ticket that then waits again goes to the end of the list, where this stops. */
static void
on_changed(GwIssuer *issuer)
{
	GwAuthTicket *ticket;
	int64_t       left = waiting_count;

	while (left-- > 0 && (ticket = next_ready(issuer, 0)) != NULL)
	{
		stop_waiting(ticket);
		ticket->ready(ticket);
	}
}

void
gw_auth_tick(uint64_t now)
{
	uint64_t      limit = (uint64_t) gw_conf.auth_wait_ms * 1000;
	GwAuthTicket *ticket;

	gw_issuers_tick(now);
	while (now > limit && (ticket = next_ready(NULL, now - limit)) != NULL)
	{
		stop_waiting(ticket);
		ticket->ready(ticket);
	}
}

/* -- checking ---------------------------------------------------------------------------------- */

GwAuthStep
gw_auth_refuse(GwAuthTicket *ticket, GwRefusal why)
{
	gw_counters.auth_refusals[why]++;
	ticket->why = why;
	return GW_AUTH_REFUSED;
}

/* None of the keys made it. Keys that were asked for after the token had come decide; until then,
 * newer ones may have it. An issuer that cannot be reached leaves it open. */
static GwAuthStep
unknown_key(GwAuthTicket *ticket, GwRefusal why, GwIssuer *issuer, uint64_t now)
{
	if (ticket->looks)
		return GW_AUTH_WAIT;
	if (ticket->since_us != 0 && issuer->read_us >= ticket->since_us)
		return gw_auth_refuse(ticket, why);
	if (ticket->since_us != 0 && issuer->failed && !issuer->fetching)
		return unavailable(ticket, "The keys of the token's issuer cannot be had at the moment");
	return wait_for(ticket, issuer, now);
}

static GwAuthStep
no_keys(GwAuthTicket *ticket, GwIssuer *issuer, uint64_t now)
{
	if (ticket->looks)
		return GW_AUTH_WAIT;
	if (issuer->fetching || !issuer->failed)
		return wait_for(ticket, issuer, now);
	return unavailable(ticket, "The keys of the token's issuer cannot be had at the moment");
}

/* What else is asked of a token of our own: it must be of the right use, and says whose principal
 * it is for. What came of an issuer's token is worth nothing when that issuer is not believed any
 * more. */
static GwRefusal
refusal_of_own(const GwAuthTicket *ticket, const GwToken *token, const char **alias)
{
	GwGrantUse use = ticket->use == GW_AUTH_REFRESH ? GW_GRANT_REFRESH : GW_GRANT_ACCESS;
	GwGrant    grant;

	if (!gw_grant_read(token->claims, use, &grant))
		return GW_REFUSAL_TYPE;
	if (grant.client == NULL && !gw_issuers_has_alias(grant.origin))
		return GW_REFUSAL_ISSUER;
	*alias = grant.client != NULL ? GW_GRANT_ALIAS : grant.origin;
	return GW_REFUSAL_NONE;
}

/* The token is good: what the database has to know of it. */
static GwAuthStep
good_token(GwAuthTicket *ticket, const GwIssuer *issuer, const GwToken *token)
{
	const char *alias = issuer->alias;
	GwRefusal   why = GW_REFUSAL_NONE;

	if (issuer->own)
		why = refusal_of_own(ticket, token, &alias);
	else if (ticket->use == GW_AUTH_REFRESH)
		why = GW_REFUSAL_TYPE;
	if (why != GW_REFUSAL_NONE)
		return gw_auth_refuse(ticket, why);
	ticket->verdict.expires_s = token->expires_s + gw_conf.auth_leeway_s;
	snprintf(ticket->verdict.principal, sizeof(ticket->verdict.principal), "%s~%s", alias,
			 token->subject);
	ticket->alias = issuer->alias;
	free(ticket->claims);
	ticket->claims = gw_strdup(token->claims_text.data);
	return GW_AUTH_ASK;
}

/* Ourselves, where we issue tokens, or one of the setting. */
static GwIssuer *
find_issuer(GwRealm *realm, const char *url)
{
	if (strcmp(url, GW_GRANT_ISSUER) == 0)
		return gw_conf.oauth_tokens ? &realm->own : NULL;
	return gw_issuers_find(url);
}

/* Everything but the database's part; see token.h for the order. */
static GwAuthStep
check_token(GwAuthTicket *ticket, GwToken *token, uint64_t now)
{
	GwRefusal why = gw_token_read(token, ticket->token);
	GwIssuer *issuer = why == GW_REFUSAL_NONE ? find_issuer(ticket->realm, token->issuer) : NULL;
	const GwKeySet *keys;
	GwTokenRules rules = {.audiences = gw_conf.auth_audiences, .leeway_s = gw_conf.auth_leeway_s};
	GwText       audience = {0};

	if (why == GW_REFUSAL_NONE && issuer == NULL)
		why = GW_REFUSAL_ISSUER;
	if (why != GW_REFUSAL_NONE)
		return gw_auth_refuse(ticket, why);
	rules.issuer = issuer->url;
	if (ticket->realm->audiences[0] != '\0')
		rules.audiences = ticket->realm->audiences;
	if (issuer->own && !gw_own_audience(ticket->realm, &audience))
		return no_keys(ticket, issuer, now);
	if (issuer->own)
		rules.audiences = audience.data;
	why = gw_token_check(token, &rules, (int64_t) time(NULL));
	gw_text_free(&audience);
	if (why != GW_REFUSAL_NONE)
		return gw_auth_refuse(ticket, why);
	keys = gw_issuer_keys(issuer, now);
	if (keys == NULL)
		return no_keys(ticket, issuer, now);
	why = gw_token_verify(token, keys);
	if (why == GW_REFUSAL_NONE)
		return good_token(ticket, issuer, token);
	if (why == GW_REFUSAL_KEY || (why == GW_REFUSAL_SIGNATURE && token->kid == NULL))
		return unknown_key(ticket, why, issuer, now);
	return gw_auth_refuse(ticket, why);
}

/* The certificate was verified at the handshake; it says who its owner is. */
static GwAuthStep
check_certificate(GwAuthTicket *ticket)
{
	struct x509_store_st *authorities = ticket->realm->authorities;
	GwCertificate         certificate;
	GwRefusal             why;

	if (authorities != NULL &&
		!gw_certificate_is_of(ticket->certificate, ticket->chain, authorities))
		return gw_auth_refuse(ticket, GW_REFUSAL_AUTHORITY);
	why = gw_certificate_read(ticket->certificate, (int64_t) time(NULL), &certificate);
	if (why != GW_REFUSAL_NONE)
		return gw_auth_refuse(ticket, why);
	ticket->verdict.expires_s = certificate.expires_s;
	snprintf(ticket->verdict.principal, sizeof(ticket->verdict.principal), "%s~%s",
			 GW_CERTIFICATE_ALIAS, certificate.subject);
	ticket->alias = GW_CERTIFICATE_ALIAS;
	free(ticket->claims);
	ticket->claims = certificate.claims;
	return GW_AUTH_ASK;
}

/* A digest that is another one in each realm: two that are equal would be a collision of SHA-256
 * in all bits except 64 that nobody chooses. */
static bool
digest_of(const GwAuthTicket *ticket, unsigned char digest[GW_DIGEST_BYTES])
{
	bool good;

	if (ticket->certificate != NULL)
		good = gw_certificate_digest(ticket->certificate, digest);
	else
		good = EVP_Digest(ticket->token.data, ticket->token.len, digest, NULL, EVP_sha256(),
						  NULL) == 1;
	for (size_t i = 0; good && i < sizeof(ticket->realm->number); i++)
		digest[i] ^= (unsigned char) (ticket->realm->number >> (8 * i));
	return good;
}

/* -- API keys ---------------------------------------------------------------------------------- */

static GwTry
try_of(const GwAuthTicket *ticket)
{
	return (GwTry){
		"key", {ticket->key_id, strlen(ticket->key_id)}, ticket->network, ticket->realm->number};
}

static GwAuthStep
later(GwAuthTicket *ticket, int64_t wait_s)
{
	ticket->wait_s = wait_s;
	return GW_AUTH_LATER;
}

/* Is it good, by what is known of the key? A wrong one is counted. */
static GwAuthStep
judge_key(GwAuthTicket *ticket, const GwCredential *credential, bool fresh)
{
	GwTry       try = try_of(ticket);
	const char *role;
	bool        good = gw_credential_matches(credential, ticket->token, (int64_t) time(NULL),
											 &ticket->verdict.expires_s);

	good = good && strcmp(credential->verdict, "disabled") != 0;
	gw_known_tried(&try, good);
	if (!good)
		return gw_auth_refuse(ticket, GW_REFUSAL_API_KEY);
	snprintf(ticket->verdict.principal, sizeof(ticket->verdict.principal), "%s~%s",
			 GW_GRANT_KEY_ALIAS, credential->name);
	role = gw_credential_role(credential);
	if (role == NULL)
		return GW_AUTH_ASK;
	if (fresh)
		gw_auth_keep(ticket, role);
	else
		snprintf(ticket->verdict.role, sizeof(ticket->verdict.role), "%s", role);
	return GW_AUTH_DONE;
}

GwAuthStep
gw_auth_take_key(GwAuthTicket *ticket, const GwCredential *credential)
{
	GwTry try = try_of(ticket);

	gw_known_put(&try, credential);
	return judge_key(ticket, credential, true);
}

/* Nobody is to learn by many tries which keys there are. */
static GwAuthStep
judge_known_key(GwAuthTicket *ticket, int64_t wait_s)
{
	GwTry        try = try_of(ticket);
	GwCredential credential;
	GwAuthStep   step;

	if (!gw_known_find(&try, gw_conf.auth_cache_s, &credential))
		return later(ticket, wait_s);
	step = judge_key(ticket, &credential, false);
	return step == GW_AUTH_REFUSED ? later(ticket, wait_s) : step;
}

/* The id of the key says what to ask for, unless too many wrong ones came. */
static GwAuthStep
check_key(GwAuthTicket *ticket)
{
	GwSlice        rest = {ticket->token.data + strlen(GW_AUTH_KEY_BEGIN),
						   ticket->token.len - strlen(GW_AUTH_KEY_BEGIN)};
	const char    *end = memchr(rest.data, '_', rest.len);
	GwSlice        id = {rest.data, end != NULL ? (size_t) (end - rest.data) : 0};
	GwThrottleStep step;
	GwTry          try;
	int64_t        wait_s;

	if (!gw_conf.auth_api_keys || !gw_credential_id_is_sound(id))
		return gw_auth_refuse(ticket, GW_REFUSAL_API_KEY);
	memcpy(ticket->key_id, id.data, id.len);
	ticket->key_id[id.len] = '\0';
	try = try_of(ticket);
	step = gw_known_check(&try, &wait_s);
	if (step == GW_THROTTLE_SHUT)
		return later(ticket, wait_s);
	return step == GW_THROTTLE_KNOWN ? judge_known_key(ticket, wait_s) : GW_AUTH_ASK_KEY;
}

static bool
is_key(GwSlice token)
{
	size_t len = strlen(GW_AUTH_KEY_BEGIN);

	return token.len > len && memcmp(token.data, GW_AUTH_KEY_BEGIN, len) == 0;
}

/* -- one token --------------------------------------------------------------------------------- */

/* Will it be as bad in some seconds? Keys that are not there may come, and clocks go on. */
static bool
is_final(GwRefusal why)
{
	return why != GW_REFUSAL_KEY && why != GW_REFUSAL_EARLY && why != GW_REFUSAL_FUTURE;
}

static void
remember_refusal(const GwAuthTicket *ticket)
{
	GwVerdict verdict = {.until_us = gw_clock_us() +
									 (uint64_t) gw_conf.auth_refused_cache_s * 1000000,
						 .expires_s = INT64_MAX,
						 .why = ticket->why};

	memcpy(verdict.digest, ticket->verdict.digest, GW_DIGEST_BYTES);
	gw_verdicts_put(refused, &verdict, gw_conf.auth_cache_entries);
}

/* A token that is known needs neither keys nor the database, whether it is good or bad. */
static bool
is_known(GwAuthTicket *ticket, uint64_t now, GwAuthStep *step)
{
	int64_t          now_s = (int64_t) time(NULL);
	const GwVerdict *known = gw_verdicts_find(verdicts, ticket->verdict.digest, now, now_s);
	const GwVerdict *bad;

	if (known != NULL)
	{
		ticket->verdict = *known;
		gw_counters.auth_hits += !ticket->looks;
		*step = GW_AUTH_DONE;
		return true;
	}
	bad = gw_verdicts_find(refused, ticket->verdict.digest, now, now_s);
	if (bad != NULL)
		*step = gw_auth_refuse(ticket, bad->why);
	return bad != NULL;
}

/* Without a digest, one token or certificate would be taken for another. */
GwAuthStep
gw_auth_check(GwAuthTicket *ticket)
{
	uint64_t   now = gw_clock_us();
	GwToken    token;
	GwAuthStep step;

	if (!digest_of(ticket, ticket->verdict.digest))
		return unavailable(ticket, "The token cannot be checked at the moment");
	if (ticket->use == GW_AUTH_CALL && is_known(ticket, now, &step))
		return step;
	if (ticket->certificate != NULL)
		return check_certificate(ticket);
	if (ticket->use == GW_AUTH_CALL && is_key(ticket->token))
		return check_key(ticket);
	step = check_token(ticket, &token, now);
	gw_token_free(&token);
	if (step == GW_AUTH_REFUSED && ticket->use == GW_AUTH_CALL && is_final(ticket->why))
		remember_refusal(ticket);
	return step;
}

/* Keys that are wrong are counted, and certificates cost more than a body: both have time. */
GwAuthStep
gw_auth_look(GwAuthTicket *ticket)
{
	GwAuthStep step = GW_AUTH_ASK;

	ticket->looks = true;
	if (ticket->certificate == NULL && !is_key(ticket->token))
		step = gw_auth_check(ticket);
	ticket->looks = false;
	return step;
}

/* The database has said that a good token is worth nothing: it need not say so for each request. */
GwAuthStep
gw_auth_end_session(GwAuthTicket *ticket)
{
	(void) gw_auth_refuse(ticket, GW_REFUSAL_ENDED);
	remember_refusal(ticket);
	return GW_AUTH_REFUSED;
}

void
gw_auth_keep(GwAuthTicket *ticket, const char *role)
{
	snprintf(ticket->verdict.role, sizeof(ticket->verdict.role), "%s", role);
	ticket->verdict.until_us = gw_clock_us() + (uint64_t) gw_conf.auth_cache_s * 1000000;
	gw_verdicts_put(verdicts, &ticket->verdict, gw_conf.auth_cache_entries);
}

GwAuthStep
gw_auth_wait_own(GwAuthTicket *ticket)
{
	if (gw_own_is_ready(ticket->realm))
		return GW_AUTH_DONE;
	return no_keys(ticket, &ticket->realm->own, gw_clock_us());
}

void
gw_auth_end(GwAuthTicket *ticket)
{
	stop_waiting(ticket);
	free(ticket->claims);
	ticket->claims = NULL;
}

/* -- the process ------------------------------------------------------------------------------- */

const char *
gw_auth_problem(const GwConf *conf)
{
	if (conf->auth_issuers[0] != '\0' && conf->auth_audiences[0] == '\0')
		return "setting \"auth_audiences\" is needed with auth_issuers: what tokens for this "
			   "catalog "
			   "have as their audience";
	if (!gw_issuer_options_within(conf->auth_issuer_keys_urls, conf->auth_issuers) ||
		!gw_issuer_options_within(conf->auth_issuer_ca_files, conf->auth_issuers) ||
		!gw_issuer_options_within(conf->auth_issuer_token_files, conf->auth_issuers))
		return "settings \"auth_issuer_keys_urls\", \"auth_issuer_ca_files\" and "
			   "\"auth_issuer_token_files\" can only name aliases of auth_issuers";
	if (strcmp(conf->auth_anonymous_role, "none") == 0)
		return "setting \"auth_anonymous_role\" cannot be \"none\": that is no role, but the login "
			   "role";
	return NULL;
}

bool
gw_auth_start(struct event_base *base, void (*ask_own)(GwIssuer *own))
{
	verdicts = gw_verdicts_create();
	refused = gw_verdicts_create();
	gw_known_start();
	if (gw_conf.auth_issuers[0] != '\0' && !gw_fetch_start(base))
		return false;
	gw_issuers_start(on_changed, ask_own);
	return true;
}

/* Its keys are asked for by the next tick. */
void
gw_auth_open_realm(GwRealm *realm, uint64_t number)
{
	*realm = (GwRealm){.number = number, .audiences = "", .binding = ""};
	if (gw_conf.oauth_tokens)
		gw_issuers_add_own(&realm->own);
}

void
gw_auth_use_authorities(GwRealm *realm, const char *path)
{
	bool usable;

	gw_certificate_free_authorities(realm->authorities);
	realm->authorities = *path != '\0' ? gw_certificate_authorities(path, &usable) : NULL;
}

bool
gw_auth_authorities_usable(const char *path)
{
	bool usable;

	gw_certificate_free_authorities(gw_certificate_authorities(path, &usable));
	return usable;
}

void
gw_auth_close_realm(GwRealm *realm)
{
	gw_auth_use_authorities(realm, "");
	if (gw_conf.oauth_tokens)
		gw_issuers_drop_own(&realm->own);
	gw_own_end(realm);
}

int64_t
gw_auth_waiting(void)
{
	return waiting_count;
}

int64_t
gw_auth_kept(void)
{
	return verdicts != NULL ? gw_verdicts_count(verdicts) : 0;
}
