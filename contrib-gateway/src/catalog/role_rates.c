/*
 * role_rates.c
 *		Rates of roles, as the databases have them; see role_rates.h.
 *
 * Kept in a bounded store of texts by number of the database and role. The tag of a text is when it
 * was asked for last.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/role_rates.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/statements.h"

#define KEY_BYTES_MAX    128
#define ENTRY_BYTES      256
#define WANTED_BYTES_MAX 16384 /* more roles at once wait for the next question */

static GwDatabase *
database_of_call(GwCall *call)
{
	return (GwDatabase *) ((char *) call - offsetof(GwDatabase, rates.call));
}

/* -- what is kept ------------------------------------------------------------------------------ */

static GwSlice
key_of(const GwDatabase *database, const char *role, char text[KEY_BYTES_MAX])
{
	int len = snprintf(text, KEY_BYTES_MAX, "%" PRIu64 " %s", database->realm.number, role);

	return (GwSlice){text, len < KEY_BYTES_MAX ? (size_t) len : KEY_BYTES_MAX - 1};
}

static void
keep(const GwDatabase *database, const char *role, GwSlice line, uint64_t now)
{
	char key[KEY_BYTES_MAX];
	char tag[24];

	snprintf(tag, sizeof(tag), "%" PRIu64, now);
	gw_cache_release(gw_cache_put(gw_catalog.role_rates, key_of(database, role, key), tag, line,
								  (uint64_t) gw_conf.rate_entries * ENTRY_BYTES));
}

/* "ID 10 0 0", or something else where there is no tenant. */
static GwRoleRates
read_line(GwSlice line)
{
	GwRoleRates rates = {.tenant = ""};
	char        text[GW_TENANT_ID_BYTES + 64];
	int         count;

	if (line.len >= sizeof(text))
		return rates;
	memcpy(text, line.data, line.len);
	text[line.len] = '\0';
	count = sscanf(text, "%39s %" SCNd64 " %" SCNd64 " %" SCNd64, rates.tenant, &rates.tenant_per_s,
				   &rates.role_per_s, &rates.principal_per_s);
	return count == 4 ? rates : (GwRoleRates){.tenant = ""};
}

/* Until the answer comes, what was known stays; it is asked for once. */
static void
want(GwDatabase *database, const char *role, GwSlice known, uint64_t now)
{
	if (database->rates.wanted.len + strlen(role) + 1 > WANTED_BYTES_MAX)
		return;
	gw_text_add(&database->rates.wanted, role, strlen(role) + 1);
	keep(database, role, known, now);
}

GwRoleRates
gw_role_rates_find(GwDatabase *database, const char *role)
{
	uint64_t      now = gw_clock_us();
	char          key[KEY_BYTES_MAX];
	GwCacheEntry *entry = gw_cache_find(gw_catalog.role_rates, key_of(database, role, key));
	GwRoleRates   rates = {.tenant = ""};
	uint64_t      asked_us = 0;

	if (entry != NULL)
	{
		rates = read_line(entry->body);
		asked_us = strtoull(entry->etag, NULL, 10);
	}
	if (entry == NULL ||
		gw_clock_since(now, asked_us) >= (uint64_t) gw_conf.rate_refresh_s * 1000000)
		want(database, role, entry != NULL ? entry->body : (GwSlice){"-", 1}, now);
	gw_cache_release(entry);
	return rates;
}

/* -- asking ------------------------------------------------------------------------------------ */

/* The lines of an answer, one for each role that was asked for; none where nothing is limited. */
static void
take_lines(GwDatabase *database, GwSlice text)
{
	const char *role = database->rates.asked.data;
	const char *end = role + database->rates.asked.len;
	uint64_t    now = gw_clock_us();

	for (; role < end; role += strlen(role) + 1)
	{
		const char *stop = text.len > 0 ? memchr(text.data, '\n', text.len) : NULL;
		GwSlice     line = {"-", 1};

		if (stop != NULL)
		{
			line = (GwSlice){text.data, (size_t) (stop - text.data)};
			text = (GwSlice){stop + 1, text.len - line.len - 1};
		}
		keep(database, role, line, now);
	}
}

static void
done(GwCall *call, GwOutcome outcome, GwPgResult *result)
{
	GwDatabase *database = database_of_call(call);

	if (outcome == GW_CALL_ANSWERED && !result->is_error && !result->is_null)
		take_lines(database, (GwSlice){result->value, result->value_len});
	else if (outcome == GW_CALL_ANSWERED && result->is_error)
		gw_log(GW_WARNING,
			   "the database does not tell of rates (%s): the login role may need "
			   "icecat.grant_gateway() again",
			   result->message);
	if (outcome == GW_CALL_ANSWERED)
		gw_pg_result_free(result);
}

/* The roles as a JSON array. */
static void
ask(GwDatabase *database)
{
	GwCall     *call = &database->rates.call;
	GwText      asked = database->rates.asked;
	GwText     *list = &database->rates.list;
	const char *role;

	database->rates.asked = database->rates.wanted;
	database->rates.wanted = asked;
	database->rates.wanted.len = 0;
	list->len = 0;
	role = database->rates.asked.data;
	for (; role < database->rates.asked.data + database->rates.asked.len; role += strlen(role) + 1)
	{
		gw_text_putc(list, list->len == 0 ? '[' : ',');
		gw_text_json(list, role, strlen(role));
	}
	gw_text_putc(list, ']');
	gw_text_add(list, "", 1);
	gw_call_begin(call, 0);
	gw_call_role(call);
	gw_call_param(gw_call_step(call, GW_STATEMENT_RATES), list->data);
	call->done = done;
	(void) gw_pool_submit(database->reads, call, true);
}

void
gw_role_rates_tick(void)
{
	GwDatabase *database;

	TAILQ_FOREACH (database, &gw_databases, link)
		if (database->rates.wanted.len > 0 && database->rates.call.state == GW_CALL_IDLE &&
			!database->leaving && gw_pool_is_ready(database->reads) &&
			gw_pool_offers(database->reads, GW_STATEMENT_RATES))
			ask(database);
}
