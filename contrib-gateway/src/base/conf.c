/*
 * conf.c
 *		Settings: parsing, checking, reloading, printing. See conf.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_table.h"
#include "base/url.h"

static const GwSetting list[] = {
#define AT(name)  offsetof(GwConf, name)
#define GW_STRING GW_SETTING_LINE_STRING
#define GW_SECRET GW_SETTING_LINE_SECRET
#define GW_NUMBER GW_SETTING_LINE_NUMBER
#define GW_SWITCH GW_SETTING_LINE_SWITCH
#define GW_CHOICE GW_SETTING_LINE_CHOICE
#include "base/settings.def"
};

#define ENV_PREFIX "ICECAT_"

GwConf gw_conf;

bool
gw_conf_authenticates(const GwConf *conf)
{
	return conf->auth_issuers[0] != '\0' || conf->auth_anonymous_role[0] != '\0' ||
		   conf->tls_client_auth != GW_CLIENT_AUTH_OFF || conf->oauth_tokens || conf->auth_api_keys;
}

/* A base path starts with '/' and needs no encoding. */
static bool
base_path_is_valid(const char *value)
{
	if (value[0] != '/')
		return false;
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char) *p) && strchr("/-._~", *p) == NULL)
			return false;
	return strstr(value, "//") == NULL;
}

static const GwConfCheck *checks;
static int                check_count;

void
gw_conf_set_checks(const GwConfCheck *table, int count)
{
	checks = table;
	check_count = count;
}

static bool
text_is_valid(const char *name, const char *value)
{
	char decoded[GW_SEPARATOR_BYTES_MAX];

	if (strcmp(name, "base_path") == 0)
		return base_path_is_valid(value);
	if (strcmp(name, "namespace_separator") == 0)
		return gw_url_separator(value, decoded);
	for (int i = 0; i < check_count; i++)
		if (strcmp(name, checks[i].name) == 0)
			return checks[i].valid(value);
	return true;
}

static const GwSettings settings = {list, sizeof(list) / sizeof(list[0]), text_is_valid};

void
gw_conf_defaults(GwConf *conf)
{
	memset(conf, 0, sizeof(*conf));
	gw_conf_table_defaults(&settings, conf);
}

void
gw_conf_free(GwConf *conf)
{
	gw_conf_table_free(&settings, conf);
}

bool
gw_conf_set(GwConf *conf, const char *name, const char *value, GwText *error)
{
	return gw_conf_table_set(&settings, conf, name, value, error);
}

bool
gw_conf_parse(GwConf *conf, const char *text, const char *source, GwText *error)
{
	return gw_conf_table_parse(&settings, conf, text, source, error);
}

/* ICECAT_PORT=8182 sets port. Variables that name no setting belong to others. */
static bool
take_variable(GwConf *conf, const char *variable, GwText *error)
{
	const char *equals = strchr(variable, '=');
	char        name[64];
	size_t      len;
	GwText      why = {0};
	bool        good = true;

	if (strncmp(variable, ENV_PREFIX, strlen(ENV_PREFIX)) != 0 || equals == NULL)
		return true;
	variable += strlen(ENV_PREFIX);
	len = (size_t) (equals - variable);
	if (len >= sizeof(name))
		return true;
	for (size_t i = 0; i < len; i++)
		name[i] = (char) tolower((unsigned char) variable[i]);
	name[len] = '\0';
	if (gw_conf_table_find(&settings, name) != NULL && !gw_conf_set(conf, name, equals + 1, &why))
	{
		gw_text_printf(error, "environment: %s\n", why.data);
		good = false;
	}
	gw_text_free(&why);
	return good;
}

bool
gw_conf_load(GwConf *conf, const char *path, char **environ_list, GwText *error)
{
	bool good = path == NULL || gw_conf_table_read(&settings, conf, path, error);

	for (; environ_list != NULL && *environ_list != NULL; environ_list++)
		good = take_variable(conf, *environ_list, error) && good;
	return good;
}

bool
gw_conf_shows_secret(const GwConf *conf, const char *path)
{
	return path != NULL && gw_conf_table_has_password(conf->dsn) && gw_conf_table_is_open(path);
}

void
gw_conf_reload(GwConf *running, GwConf *fresh, GwText *notes)
{
	for (size_t i = 0; i < settings.count; i++)
	{
		const GwSetting *s = &settings.list[i];

		if (gw_conf_table_is_same(s, running, fresh))
			continue;
		gw_text_printf(notes, "setting \"%s\" %s\n", s->name,
					   s->reload == LIVE ? "changed" : "needs a restart to change");
		if (s->reload == LIVE)
			gw_conf_table_copy(s, running, fresh);
	}
	gw_conf_free(fresh);
}

void
gw_conf_print(FILE *out, GwConfFormat format)
{
	if (format == GW_CONF_FILE)
		fputs("# icecat-gateway.conf: every setting with its default.\n"
			  "# A variable ICECAT_<NAME> of the environment overrides the line of that name.\n"
			  "# Sizes may be given in kB, MB, GB, times in ms, s, min, h.\n\n",
			  out);
	gw_conf_table_print(&settings, out, format);
}
