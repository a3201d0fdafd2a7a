/*
 * session.c
 *		Settings and fitness of database sessions; see session.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

#define OLD_VERSION "0.1." /* the release before this one; its statements are the old ones */
#define NAMES_SHOWN 3

/* The parameters of both forms of the settings; NULL keeps what the database says. */
static void
add_settings(GwPgStep *step)
{
	static char              statement[24];
	static char              idle[24];
	static const char *const commits[] = {"on",           "local", "remote_write",
										  "remote_apply", "off",   NULL};

	snprintf(statement, sizeof(statement), "%lld", (long long) gw_conf.statement_timeout_ms);
	snprintf(idle, sizeof(idle), "%lld", (long long) gw_conf.call_timeout_ms);
	step->params[step->param_count++] = commits[gw_conf.synchronous_commit];
	step->params[step->param_count++] = gw_conf.statement_timeout_ms > 0 ? statement : NULL;
	step->params[step->param_count++] = idle;
}

GwPgStep
gw_session_settings(void)
{
	GwPgStep step = {.statement = GW_STATEMENT_SETTINGS};

	add_settings(&step);
	return step;
}

int
gw_session_prelude(GwPgStep *steps, bool writes)
{
	int count = 0;

	steps[count++] = (GwPgStep){.statement = GW_STATEMENT_ISOLATION};
	if (writes)
		steps[count++] = (GwPgStep){.statement = GW_STATEMENT_READ_WRITE};
	steps[count] = (GwPgStep){.statement = GW_STATEMENT_LOCAL_SETTINGS};
	add_settings(&steps[count++]);
	return count;
}

/* -- is it fit? -------------------------------------------------------------------------------- */

/* The next function of the extension that a statement calls: after "icecat.", before "(". */
static GwSlice
next_function(const char **sql)
{
	const char *at;

	while ((at = strstr(*sql, "icecat.")) != NULL)
	{
		size_t len;

		at += strlen("icecat.");
		len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
		*sql = at + len;
		if (len > 0 && at[len] == '(')
			return (GwSlice){at, len};
	}
	return (GwSlice){NULL, 0};
}

void
gw_session_functions(const GwStatements *statements, GwText *out)
{
	const char *before = "{";
	GwSlice     name;

	for (int release = 0; release < GW_RELEASES; release++)
	{
		for (int i = 0; i < statements->count; i++)
		{
			const GwStatement *statement = &statements->list[i];
			const char        *sql =
                statement->operation ? gw_statement_sql(statement, (GwRelease) release) : NULL;

			while (sql != NULL && (name = next_function(&sql)).len > 0)
			{
				gw_text_puts(out, before);
				gw_text_add(out, name.data, name.len);
				before = ",";
			}
		}
	}
	gw_text_puts(out, *before == '{' ? "{}" : "}");
}

GwPgStep
gw_session_probe(const char *functions)
{
	return (GwPgStep){.statement = GW_STATEMENT_PROBE,
					  .param_count = 2,
					  .params = {gw_conf.database_role, functions}};
}

/* What the probe answers, line by line. The lists are ",a,b,". */
typedef struct Probe
{
	long        pid;
	bool        standby;
	const char *version;
	const char *role; /* its name, whether it is known or not */
	bool        role_known;
	bool        role_mine; /* the login role may take it */
	bool        usage;
	const char *found;
	const char *granted;
} Probe;

/* Cuts the next line off; "" when there is none. */
static const char *
next_line(char **text)
{
	const char *line = strsep(text, "\n");

	return line ? line : "";
}

static void
read_probe(char *text, Probe *probe)
{
	probe->pid = strtol(next_line(&text), NULL, 10);
	probe->standby = next_line(&text)[0] == 't';
	probe->version = next_line(&text);
	probe->role = next_line(&text);
	probe->role_known = next_line(&text)[0] == 't';
	probe->role_mine = next_line(&text)[0] == 't';
	probe->usage = next_line(&text)[0] == 't';
	probe->found = next_line(&text);
	probe->granted = next_line(&text);
}

static bool
holds(const char *list, GwSlice name)
{
	char wanted[80];

	snprintf(wanted, sizeof(wanted), ",%.*s,", (int) name.len, name.data);
	return strstr(list, wanted) != NULL;
}

/* How the operations fare: those that the pool serves, and the functions that are not there. */
typedef struct Count
{
	int  allowed;
	int  missing;
	char names[128]; /* of the first that are missing */
} Count;

/* One operation: may it be called, and what of it is not there? */
static void
count_operation(const Probe *probe, const char *sql, Count *count)
{
	bool    allowed = true;
	GwSlice name;

	while ((name = next_function(&sql)).len > 0)
	{
		allowed = allowed && holds(probe->granted, name);
		if (holds(probe->found, name))
			continue;
		if (count->missing < NAMES_SHOWN &&
			strlen(count->names) + name.len + 3 < sizeof(count->names))
			snprintf(count->names + strlen(count->names),
					 sizeof(count->names) - strlen(count->names), "%s%.*s",
					 count->missing > 0 ? ", " : "", (int) name.len, name.data);
		count->missing++;
	}
	count->allowed += allowed;
}

static void
count_operations(const Probe *probe, const GwStatements *statements, GwRelease release, bool writes,
				 Count *count)
{
	for (int i = 0; i < statements->count; i++)
	{
		const GwStatement *statement = &statements->list[i];
		const char        *sql = gw_statement_sql(statement, release);

		if (statement->operation && statement->writes == writes && sql != NULL)
			count_operation(probe, sql, count);
	}
}

#define PROBLEM(...) snprintf(out->problem, sizeof(out->problem), __VA_ARGS__)

/* Where requests are authenticated, other roles than this one use the catalog, but it asks
 * which. */
static void
find_question(const Probe *probe, GwFitness *out)
{
	static const char *const questions[] = {"_principal_role", "_credential", "_signing_keys"};
	int                      needed = gw_conf.oauth_tokens ? 3 : 1;

	for (int i = 0; i < needed && out->problem[0] == '\0'; i++)
	{
		GwSlice name = {questions[i], strlen(questions[i])};

		if (!holds(probe->found, name))
			PROBLEM("The extension icecat in the database has version \"%s\", which knows no %s: "
					"run ALTER EXTENSION icecat UPDATE",
					out->version, i == 0 ? "principals" : "clients");
		else if (!probe->usage || !holds(probe->granted, name))
			PROBLEM("The role \"%s\" may not ask %s: run SELECT icecat.grant_gateway('%s')",
					probe->role, i == 0 ? "which role a principal has" : "how clients are checked",
					probe->role);
	}
}

/* What is wrong with the role, the extension or the server. */
static void
find_problem(const Probe *probe, const GwStatements *statements, bool writes, GwFitness *out)
{
	Count reads = {0};
	Count changes = {0};

	count_operations(probe, statements, out->release, false, &reads);
	count_operations(probe, statements, out->release, true, &changes);
	out->may_write = changes.allowed > 0 || gw_conf_authenticates(&gw_conf);
	if (!probe->role_known)
		PROBLEM(
			"There is no role \"%s\", which the gateway's setting database_role names: create it, "
			"or change the setting",
			probe->role);
	else if (!probe->role_mine)
		PROBLEM("The gateway's login role may not become \"%s\", which its setting database_role "
				"names: "
				"GRANT it to the login role",
				probe->role);
	else if (probe->found[0] == '\0')
		PROBLEM(
			"The gateway's database has no extension icecat: run CREATE EXTENSION icecat in it, or "
			"change the gateway's setting dsn");
	else if (reads.missing + changes.missing > 0)
		PROBLEM("The extension icecat in the database has version \"%s\", which the gateway, "
				"version %s, "
				"does not fit (not found: %s): run ALTER EXTENSION icecat UPDATE, or install the "
				"gateway "
				"of that version",
				out->version, GW_VERSION, reads.missing > 0 ? reads.names : changes.names);
	else if (gw_conf_authenticates(&gw_conf))
		find_question(probe, out);
	else if (!probe->usage || reads.allowed + changes.allowed == 0)
		PROBLEM("The role \"%s\" may not use the catalog: GRANT USAGE ON SCHEMA icecat and EXECUTE "
				"on its "
				"functions to it",
				probe->role);
	if (out->problem[0] == '\0' && writes && probe->standby)
		PROBLEM("The gateway's database is a standby, which takes no changes: let the gateway's "
				"setting dsn "
				"name the primary, for example with target_session_attrs=read-write");
}

void
gw_session_judge(const GwPgResult *result, const GwStatements *statements, bool writes,
				 int backend_pid, GwFitness *out)
{
	Probe probe;
	char *text;

	*out = (GwFitness){0};
	if (result->is_error || result->is_null)
	{
		PROBLEM(
			"The gateway's database does not answer whether it fits; the gateway's log says why");
		return;
	}
	text = gw_strdup(result->value);
	read_probe(text, &probe);
	snprintf(out->version, sizeof(out->version), "%s", probe.version);
	out->release = strncmp(probe.version, OLD_VERSION, strlen(OLD_VERSION)) == 0 ? GW_RELEASE_OLD
																				 : GW_RELEASE_NEW;
	out->pooled = gw_conf.pooler == GW_POOLER_ON ||
				  (gw_conf.pooler == GW_POOLER_AUTO && probe.pid != backend_pid);
	find_problem(&probe, statements, writes, out);
	out->fit = out->problem[0] == '\0';
	free(text);
}
