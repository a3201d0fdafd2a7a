/*
 * issuer.h
 *		The issuers whose tokens are taken, and their keys.
 *
 * The keys are fetched at start, by age (auth_keys_refresh_s), and when none of them has made a
 * token that may be good; never more often than once in auth_keys_pause_s, whatever tokens come.
 * When they cannot be fetched, those that are there go on until auth_keys_max_age_s. A round begins
 * with the issuer's configuration document, which must name the issuer, unless that was read within
 * auth_keys_refresh_s: keys that are looked for again and again may have moved.
 *
 * Where the gateways issue tokens themselves, they are one more issuer for each database. Its keys
 * come from the database, are asked for every auth_cache_s, and do not grow too old: nothing is
 * served without the database anyway.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ISSUER_H
#define GW_ISSUER_H

#include <sys/queue.h>

#include "auth/jwk.h"

#define GW_ISSUERS_MAX     16
#define GW_ALIAS_BYTES_MAX 63

typedef struct GwIssuer
{
	char      alias[GW_ALIAS_BYTES_MAX + 1];
	char     *url;
	char     *keys_url;   /* NULL: the configuration must be read first */
	GwKeySet *keys;       /* NULL: none were ever read */
	uint64_t  read_us;    /* when the fetch of those keys began */
	uint64_t  tried_us;   /* when the last fetch began; 0: never */
	uint64_t  asked_us;   /* when the configuration was asked for last */
	char     *keys_given; /* where a setting says that they are; no configuration is read then */
	char     *ca_file;    /* these, of settings: NULL for none */
	char     *token_file;
	bool      fetching;
	bool      wanted;           /* a token may be of a key that is not there */
	bool      failed;           /* the last fetch */
	bool      own;              /* the gateways themselves */
	TAILQ_ENTRY(GwIssuer) link; /* of those */
} GwIssuer;

/* "alias=URL, alias=URL": is it such a list? An alias has small letters, digits, '-' and '_'. */
extern bool gw_issuers_valid(const char *list);

/* "alias=URL, alias=URL" of keys: URLs that may be fetched? */
extern bool gw_issuers_keys_valid(const char *list);

/*
 * Makes the issuers of the setting. changed() is told when a fetch has ended. ask_own() asks the
 * database of one of our own issuers for its keys.
 */
extern void gw_issuers_start(void (*changed)(GwIssuer *issuer), void (*ask_own)(GwIssuer *own));

/* One of our own comes, or goes. */
extern void gw_issuers_add_own(GwIssuer *own);
extern void gw_issuers_drop_own(GwIssuer *own);

/* What came of ask_own(): the keys, or why there are none. */
extern void gw_issuers_take_own(GwIssuer *own, GwKeySet *keys, const char *why);
extern void gw_issuers_tick(uint64_t now_us);

/* One of the setting; NULL: it is none. */
extern GwIssuer *gw_issuers_find(const char *url);
extern bool      gw_issuers_has_alias(const char *alias);

/* The keys, when they are not too old to be used. */
extern const GwKeySet *gw_issuer_keys(const GwIssuer *issuer, uint64_t now_us);

/* Asks for keys that are newer than those that are there, as soon as may be. */
extern void gw_issuer_want(GwIssuer *issuer);

/* Of all issuers: how many there are, and how many have keys that may be used. */
extern int gw_issuers_count(void);
extern int gw_issuers_usable(uint64_t now_us);

#endif
