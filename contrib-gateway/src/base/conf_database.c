/*
 * conf_database.c
 *		The settings of further databases; see conf_database.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/conf_database.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_table.h"

#define FILE_END           ".conf"
#define RULE_BYTES_MAX     253 /* of a name in DNS */
#define AUDIENCE_BYTES_MAX 63

static const GwSetting list[] = {
#define AT(name)  offsetof(GwDatabaseConf, name)
#define GW_STRING GW_SETTING_LINE_STRING
#define GW_SECRET GW_SETTING_LINE_SECRET
#define GW_NUMBER GW_SETTING_LINE_NUMBER
#define GW_SWITCH GW_SETTING_LINE_SWITCH
#define GW_CHOICE GW_SETTING_LINE_CHOICE
#include "base/database_settings.def"
};

bool
gw_conf_database_item(const char **at, GwSlice *item)
{
	*at += strspn(*at, ", ");
	*item = (GwSlice){*at, strcspn(*at, ", ")};
	*at += item->len;
	return item->len > 0;
}

/* -- one file ---------------------------------------------------------------------------------- */

#define SMALL   "abcdefghijklmnopqrstuvwxyz0123456789"
#define LETTERS SMALL "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Only such characters as a client sends in one way: none that it may or may not encode. */
static bool
item_is_valid(const char *name, GwSlice item)
{
	char   text[RULE_BYTES_MAX + 1];
	bool   path = strcmp(name, "paths") == 0;
	size_t first;

	if (item.len > RULE_BYTES_MAX)
		return false;
	memcpy(text, item.data, item.len);
	text[item.len] = '\0';
	if (strcmp(name, "hosts") == 0)
		return strspn(text, SMALL ".-:[]") == item.len;
	if (strspn(text, LETTERS "-._~/") != item.len || (strchr(text, '/') != NULL) != path)
		return false;
	if (!path)
		return true;
	first = strcspn(text + 1, "/");
	return text[0] == '/' && text[item.len - 1] != '/' && strstr(text, "//") == NULL &&
		   strstr(text, "/.") == NULL && !(first == 2 && strncmp(text + 1, "v1", 2) == 0);
}

bool
gw_conf_database_audience_valid(const char *text)
{
	size_t len = strspn(text, LETTERS ".-_");

	return len <= AUDIENCE_BYTES_MAX && text[len] == '\0';
}

static bool
text_is_valid(const char *name, const char *value)
{
	GwSlice item;

	if (strcmp(name, "oauth_audience") == 0)
		return gw_conf_database_audience_valid(value);
	if (strcmp(name, "hosts") != 0 && strcmp(name, "paths") != 0 && strcmp(name, "warehouses") != 0)
		return true;
	while (gw_conf_database_item(&value, &item))
		if (!item_is_valid(name, item))
			return false;
	return true;
}

static const GwSettings settings = {list, sizeof(list) / sizeof(list[0]), text_is_valid};

void
gw_conf_database_defaults(GwDatabaseConf *conf, const char *name)
{
	size_t len = strnlen(name, GW_DATABASE_NAME_BYTES_MAX);

	memset(conf, 0, sizeof(*conf));
	memcpy(conf->name, name, len);
	gw_conf_table_defaults(&settings, conf);
}

void
gw_conf_database_free(GwDatabaseConf *conf)
{
	gw_conf_table_free(&settings, conf);
}

bool
gw_conf_database_set(GwDatabaseConf *conf, const char *name, const char *value, GwText *error)
{
	return gw_conf_table_set(&settings, conf, name, value, error);
}

bool
gw_conf_database_connects_alike(const GwDatabaseConf *one, const GwDatabaseConf *other)
{
	static const char *const names[] = {"dsn", "read_connections", "write_connections",
										"stream_connections", "credential_connections"};
	bool                     same = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		same = same && gw_conf_table_is_same(gw_conf_table_find(&settings, names[i]), one, other);
	return same;
}

/* -- the folder -------------------------------------------------------------------------------- */

/* NAME.conf, and not one that an editor hides: how long NAME is, 0 when it is no such file. */
static size_t
name_length(const char *file)
{
	size_t len = strlen(file);
	size_t end = strlen(FILE_END);

	return *file != '.' && len > end && strcmp(file + len - end, FILE_END) == 0 ? len - end : 0;
}

static int
is_wanted(const struct dirent *entry)
{
	return name_length(entry->d_name) > 0;
}

/* The name of the database is that of its file. */
static bool
read_one(const char *folder, const char *file, GwDatabaseConf *conf, GwText *error)
{
	size_t len = name_length(file);
	GwText path = {0};
	char   name[GW_DATABASE_NAME_BYTES_MAX + 1] = "";
	bool   good = len <= GW_DATABASE_NAME_BYTES_MAX;

	if (good)
		memcpy(name, file, len);
	good = good && strspn(name, SMALL "_-") == len && strcmp(name, "default") != 0;
	gw_conf_database_defaults(conf, name);
	gw_text_printf(&path, "%s/%s", folder, file);
	if (!good)
		gw_text_printf(error,
					   "%s: the name of a database has at most %d small letters, digits, - and _, "
					   "and is not default\n",
					   path.data, GW_DATABASE_NAME_BYTES_MAX);
	else
		good = gw_conf_table_read(&settings, conf, path.data, error);
	if (good && conf->hosts[0] == '\0' && conf->paths[0] == '\0' && conf->warehouses[0] == '\0')
	{
		gw_text_printf(error, "%s: no request is for it: set hosts, paths or warehouses\n",
					   path.data);
		good = false;
	}
	gw_text_free(&path);
	return good;
}

static bool
list_holds(const char *at, GwSlice wanted)
{
	GwSlice item;

	while (gw_conf_database_item(&at, &item))
		if (item.len == wanted.len && memcmp(item.data, wanted.data, item.len) == 0)
			return true;
	return false;
}

/* Says which rule of the list the other one has, too; false: none. */
static bool
shares(const char *kind, const char *at, const GwDatabaseConf *one, const char *other,
	   const GwDatabaseConf *other_conf, GwText *error)
{
	GwSlice item;
	bool    shared = false;

	while (gw_conf_database_item(&at, &item))
	{
		if (!list_holds(other, item))
			continue;
		gw_text_printf(error, "databases \"%s\" and \"%s\": both have \"%.*s\" in %s\n", one->name,
					   other_conf->name, (int) item.len, item.data, kind);
		shared = true;
	}
	return shared;
}

static bool
rules_differ(const GwDatabaseConfs *confs, GwText *error)
{
	bool good = true;

	for (int i = 0; i < confs->count; i++)
	{
		for (int j = 0; j < i; j++)
		{
			const GwDatabaseConf *a = &confs->list[j];
			const GwDatabaseConf *b = &confs->list[i];

			good = !shares("hosts", a->hosts, a, b->hosts, b, error) && good;
			good = !shares("paths", a->paths, a, b->paths, b, error) && good;
			good = !shares("warehouses", a->warehouses, a, b->warehouses, b, error) && good;
		}
	}
	return good;
}

/* In order of their names. */
bool
gw_conf_database_load(const char *folder, int64_t max, GwDatabaseConfs *out, GwText *error)
{
	struct dirent **found;
	int             count;
	bool            good = true;

	*out = (GwDatabaseConfs){0};
	if (*folder == '\0')
		return true;
	count = scandir(folder, &found, is_wanted, alphasort);
	if (count < 0)
	{
		gw_text_printf(error, "databases_dir: %s: %s\n", folder, strerror(errno));
		return false;
	}
	if (count > max)
	{
		gw_text_printf(error, "databases_dir: %s has %d databases, databases_max is %lld\n", folder,
					   count, (long long) max);
		good = false;
	}
	out->list = gw_alloc(((size_t) count + 1) * sizeof(GwDatabaseConf));
	for (int i = 0; i < count; i++)
	{
		if (i < max)
			good = read_one(folder, found[i]->d_name, &out->list[out->count++], error) && good;
		free(found[i]);
	}
	free(found);
	return good && rules_differ(out, error);
}

void
gw_conf_database_free_all(GwDatabaseConfs *confs)
{
	for (int i = 0; i < confs->count; i++)
		gw_conf_database_free(&confs->list[i]);
	free(confs->list);
	*confs = (GwDatabaseConfs){0};
}

void
gw_conf_database_shown(const char *folder, const GwDatabaseConfs *confs, GwText *out)
{
	for (int i = 0; i < confs->count; i++)
	{
		GwText path = {0};

		gw_text_printf(&path, "%s/%s" FILE_END, folder, confs->list[i].name);
		if (gw_conf_table_has_password(confs->list[i].dsn) && gw_conf_table_is_open(path.data))
			gw_text_printf(out, "%s\n", path.data);
		gw_text_free(&path);
	}
}

void
gw_conf_database_print(FILE *out, GwConfFormat format)
{
	if (format == GW_CONF_MARKDOWN)
		fputs("\nA file `NAME.conf` of `databases_dir` has these:\n\n", out);
	else if (format == GW_CONF_MAN)
		fputs(".SS A file NAME.conf of databases_dir has these:\n", out);
	else
	{
		fputs(
			"# -- Settings of a file NAME.conf of databases_dir; each database has its own: --\n\n",
			out);
		format = GW_CONF_COMMENT;
	}
	gw_conf_table_print(&settings, out, format);
}
