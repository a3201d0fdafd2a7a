/*
 * issuer.c
 *		Issuers and their keys; see issuer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/issuer.h"

#include <stdlib.h>

#include "auth/certificate.h"
#include "auth/fetch.h"
#include "auth/grant.h"
#include "auth/issuer_options.h"
#include "auth/strict_json.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/counters.h"
#include "base/log.h"

#define CONFIGURATION "/.well-known/openid-configuration"

typedef TAILQ_HEAD(IssuerList, GwIssuer) IssuerList;

static GwIssuer   issuers[GW_ISSUERS_MAX];
static int        issuer_count;
static IssuerList owns = TAILQ_HEAD_INITIALIZER(owns);
static void (*told)(GwIssuer *issuer);
static void (*ask_for_own)(GwIssuer *own);

/* -- the setting ------------------------------------------------------------------------------- */

static bool
alias_is_valid(const char *alias)
{
	size_t len = strspn(alias, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= GW_ALIAS_BYTES_MAX && alias[len] == '\0' &&
		   strcmp(alias, GW_CERTIFICATE_ALIAS) != 0;
}

/* Principals of our own have these aliases. */
static bool
is_reserved(const char *alias)
{
	return strcmp(alias, GW_GRANT_ALIAS) == 0 || strcmp(alias, GW_GRANT_KEY_ALIAS) == 0;
}

/* One "alias=URL"; changes the text. */
static bool
read_item(char *item, GwIssuer *out)
{
	char *url = strchr(item, '=');

	if (url == NULL)
		return false;
	*url++ = '\0';
	if (!alias_is_valid(item) || is_reserved(item) || !gw_fetch_allows(url) ||
		strchr(url, '?') != NULL)
		return false;
	*out = (GwIssuer){.url = url};
	memcpy(out->alias, item, strlen(item) + 1);
	return true;
}

/* Reads the list into issuers whose URLs lie in the text, which is changed; -1 when it is not such
 * a list, or names one twice. */
static int
read_list(char *text, GwIssuer *out)
{
	char *item;
	int   count = 0;

	while ((item = strsep(&text, ",")) != NULL)
	{
		item += strspn(item, " ");
		item[strcspn(item, " ")] = '\0';
		if (*item == '\0' && text == NULL)
			break;
		if (count == GW_ISSUERS_MAX || !read_item(item, &out[count]))
			return -1;
		for (int i = 0; i < count; i++)
			if (strcmp(out[i].alias, out[count].alias) == 0 ||
				strcmp(out[i].url, out[count].url) == 0)
				return -1;
		count++;
	}
	return count;
}

bool
gw_issuers_valid(const char *list)
{
	GwIssuer read[GW_ISSUERS_MAX];
	char    *text = gw_strdup(list);
	bool     valid = read_list(text, read) >= 0;

	free(text);
	return valid;
}

/* The same list as of issuers, except that some keys may be in one place. */
bool
gw_issuers_keys_valid(const char *list)
{
	char *copy = gw_strdup(list);
	char *next = copy;
	char *item;
	bool  good = gw_issuer_options_valid(list);

	while (good && (item = strsep(&next, ",")) != NULL)
	{
		char *url = strchr(item, '=');

		if (url != NULL)
			url[strcspn(url, " ")] = '\0';
		good = url == NULL || gw_fetch_allows(url + 1);
	}
	free(copy);
	return good;
}

/* -- fetching ---------------------------------------------------------------------------------- */

/* The keys are to be read again. */
static bool
is_old(uint64_t read_us, uint64_t now)
{
	return gw_clock_since(now, read_us) >= (uint64_t) gw_conf.auth_keys_refresh_s * 1000000;
}

static GwFetchFrom
from(const GwIssuer *issuer)
{
	return (GwFetchFrom){.ca_file = issuer->ca_file, .token_file = issuer->token_file};
}

/* Own keys that are withdrawn are to be forgotten as soon as roles are. */
static bool
has_old_keys(const GwIssuer *issuer, uint64_t now)
{
	uint64_t cache_s = gw_conf.auth_cache_s > 0 ? (uint64_t) gw_conf.auth_cache_s : 1;

	if (issuer->own)
		return gw_clock_since(now, issuer->read_us) >= cache_s * 1000000;
	return is_old(issuer->read_us, now);
}

static void
end_round(GwIssuer *issuer, const char *what, const char *why)
{
	issuer->fetching = false;
	issuer->failed = why != NULL;
	if (why != NULL)
	{
		gw_counters.auth_fetch_failures++;
		gw_log(GW_WARNING, "the %s of issuer \"%s\" cannot be had: %s", what, issuer->alias, why);
		free(issuer->keys_url);
		issuer->keys_url = NULL;
	}
	told(issuer);
}

/* Keys that are there already stay when there are no others. */
static void
install_keys(GwIssuer *issuer, GwKeySet *keys, const char *why)
{
	if (keys != NULL)
	{
		gw_jwk_set_free(issuer->keys);
		issuer->keys = keys;
		issuer->read_us = issuer->tried_us;
		issuer->wanted = false;
		gw_log(GW_DEBUG, "issuer \"%s\" has %d keys", issuer->alias, keys->count);
	}
	end_round(issuer, "keys", why);
}

/* The second document of a round. */
static void
take_keys(void *owner, GwSlice document, const char *why)
{
	GwIssuer *issuer = owner;
	GwKeySet *keys = why == NULL ? gw_jwk_set_read(document) : NULL;

	if (why == NULL && keys == NULL)
		why = "the document is not a set of keys";
	if (keys != NULL && keys->count == 0)
	{
		gw_jwk_set_free(keys);
		keys = NULL;
		why = "no key in it is of use here";
	}
	install_keys(issuer, keys, why);
}

/* What is wrong with a configuration document; NULL, and the URL of the keys, when it is right. An
 * issuer that is reached by https never leads to http. */
static const char *
read_configuration(const GwIssuer *issuer, GwSlice document, char **keys_url)
{
	json_t     *json = gw_strict_json_object(document);
	const char *name = gw_strict_json_string(json, "issuer");
	const char *url = gw_strict_json_string(json, "jwks_uri");
	const char *why = NULL;

	if (json == NULL)
		why = "the document is not a JSON object";
	else if (name == NULL || strcmp(name, issuer->url) != 0)
		why = "it names another issuer";
	else if (url == NULL || !gw_fetch_allows(url) ||
			 (gw_fetch_is_plain(url) && !gw_fetch_is_plain(issuer->url)))
		why = "it does not say where keys can be had by https";
	else
		*keys_url = gw_strdup(url);
	json_decref(json);
	return why;
}

static void
take_configuration(void *owner, GwSlice document, const char *why)
{
	GwIssuer *issuer = owner;

	if (why == NULL)
		why = read_configuration(issuer, document, &issuer->keys_url);
	if (why != NULL)
		end_round(issuer, "configuration", why);
	else
		gw_fetch(issuer->keys_url, from(issuer), take_keys, issuer);
}

/* A wanted key is looked for where the keys were before; now and then the issuer is asked where
 * they are. */
static void
begin_round(GwIssuer *issuer, uint64_t now)
{
	size_t len = strlen(issuer->url);
	GwText url = {0};

	issuer->fetching = true;
	issuer->tried_us = now;
	gw_counters.auth_fetches++;
	if (issuer->own)
	{
		ask_for_own(issuer);
		return;
	}
	if (issuer->keys_given != NULL && issuer->keys_url == NULL)
		issuer->keys_url = gw_strdup(issuer->keys_given);
	if (issuer->keys_url != NULL && (issuer->keys_given != NULL || !is_old(issuer->asked_us, now)))
	{
		gw_fetch(issuer->keys_url, from(issuer), take_keys, issuer);
		return;
	}
	issuer->asked_us = now;
	free(issuer->keys_url);
	issuer->keys_url = NULL;
	gw_text_add(&url, issuer->url, issuer->url[len - 1] == '/' ? len - 1 : len);
	gw_text_puts(&url, CONFIGURATION);
	gw_fetch(url.data, from(issuer), take_configuration, issuer);
	gw_text_free(&url);
}

/* -- for others -------------------------------------------------------------------------------- */

void
gw_issuers_start(void (*changed)(GwIssuer *issuer), void (*ask_own)(GwIssuer *own))
{
	told = changed;
	ask_for_own = ask_own;
	if (gw_conf.auth_issuers[0] != '\0')
		issuer_count = read_list(gw_strdup(gw_conf.auth_issuers), issuers); /* URLs stay there */
	if (issuer_count < 0)
		issuer_count = 0;
	for (int i = 0; i < issuer_count; i++)
	{
		GwIssuer *issuer = &issuers[i];

		issuer->keys_given = gw_issuer_options_find(gw_conf.auth_issuer_keys_urls, issuer->alias);
		issuer->ca_file = gw_issuer_options_find(gw_conf.auth_issuer_ca_files, issuer->alias);
		issuer->token_file = gw_issuer_options_find(gw_conf.auth_issuer_token_files, issuer->alias);
	}
	gw_issuers_tick(gw_clock_us());
}

void
gw_issuers_add_own(GwIssuer *own)
{
	static char url[] = GW_GRANT_ISSUER;

	*own = (GwIssuer){.alias = GW_GRANT_ALIAS, .url = url, .own = true};
	TAILQ_INSERT_TAIL(&owns, own, link);
}

/* Nobody waits for its keys any more. */
void
gw_issuers_drop_own(GwIssuer *own)
{
	TAILQ_REMOVE(&owns, own, link);
	gw_jwk_set_free(own->keys);
	own->keys = NULL;
}

void
gw_issuers_take_own(GwIssuer *own, GwKeySet *keys, const char *why)
{
	install_keys(own, keys, why);
}

static void
tick(GwIssuer *issuer, uint64_t now)
{
	bool old = gw_issuer_keys(issuer, now) == NULL || has_old_keys(issuer, now);
	bool paused = issuer->tried_us != 0 && gw_clock_since(now, issuer->tried_us) <
											   (uint64_t) gw_conf.auth_keys_pause_s * 1000000;

	if (!issuer->fetching && !paused && (old || issuer->wanted))
		begin_round(issuer, now);
}

void
gw_issuers_tick(uint64_t now)
{
	GwIssuer *own;

	for (int i = 0; i < issuer_count; i++)
		tick(&issuers[i], now);
	TAILQ_FOREACH (own, &owns, link)
		tick(own, now);
}

GwIssuer *
gw_issuers_find(const char *url)
{
	for (int i = 0; i < issuer_count; i++)
		if (strcmp(issuers[i].url, url) == 0)
			return &issuers[i];
	return NULL;
}

bool
gw_issuers_has_alias(const char *alias)
{
	for (int i = 0; i < issuer_count; i++)
		if (strcmp(issuers[i].alias, alias) == 0)
			return true;
	return false;
}

const GwKeySet *
gw_issuer_keys(const GwIssuer *issuer, uint64_t now)
{
	if (issuer->keys == NULL ||
		(!issuer->own &&
		 gw_clock_since(now, issuer->read_us) >= (uint64_t) gw_conf.auth_keys_max_age_s * 1000000))
		return NULL;
	return issuer->keys;
}

void
gw_issuer_want(GwIssuer *issuer)
{
	issuer->wanted = true;
	gw_issuers_tick(gw_clock_us());
}

int
gw_issuers_count(void)
{
	int             count = issuer_count;
	const GwIssuer *own;

	TAILQ_FOREACH (own, &owns, link)
		count++;
	return count;
}

int
gw_issuers_usable(uint64_t now)
{
	int             usable = 0;
	const GwIssuer *own;

	for (int i = 0; i < issuer_count; i++)
		usable += gw_issuer_keys(&issuers[i], now) != NULL;
	TAILQ_FOREACH (own, &owns, link)
		usable += gw_issuer_keys(own, now) != NULL;
	return usable;
}
