/*
 * conf.c
 *		Settings: parsing, checking, reloading, printing. See conf.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/url.h"

typedef enum Kind
{
	KIND_STRING,
	KIND_SECRET,
	KIND_NUMBER,
	KIND_SWITCH,
	KIND_CHOICE
} Kind;

enum
{
	START,
	LIVE
};

typedef struct Setting
{
	const char *name;
	Kind        kind;
	size_t      offset;
	const char *text;   /* default of strings; choices; unit of numbers */
	int64_t     number; /* default of the others */
	int64_t     least;
	int64_t     most;
	int         reload;
	const char *doc;
} Setting;

static const Setting settings[] = {
#define AT(name) offsetof(GwConf, name)
#define GW_STRING(name, preset, reload, doc) \
	{#name, KIND_STRING, AT(name), preset, 0, 0, 0, reload, doc},
#define GW_SECRET(name, preset, reload, doc) \
	{#name, KIND_SECRET, AT(name), preset, 0, 0, 0, reload, doc},
#define GW_NUMBER(name, preset, least, most, unit, reload, doc) \
	{#name, KIND_NUMBER, AT(name), unit, preset, least, most, reload, doc},
#define GW_SWITCH(name, preset, reload, doc) \
	{#name, KIND_SWITCH, AT(name), "", preset, 0, 1, reload, doc},
#define GW_CHOICE(name, preset, choices, reload, doc) \
	{#name, KIND_CHOICE, AT(name), choices, preset, 0, 0, reload, doc},
#include "base/settings.def"
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))
#define ENV_PREFIX    "ICECAT_"

GwConf gw_conf;

bool
gw_conf_authenticates(const GwConf *conf)
{
	return conf->auth_issuers[0] != '\0' || conf->auth_anonymous_role[0] != '\0' ||
		   conf->tls_client_auth != GW_CLIENT_AUTH_OFF || conf->oauth_tokens || conf->auth_api_keys;
}

static bool
is_text(const Setting *s)
{
	return s->kind == KIND_STRING || s->kind == KIND_SECRET;
}

static char **
text_of(GwConf *conf, const Setting *s)
{
	return (char **) ((char *) conf + s->offset);
}

static int64_t
number_of(const GwConf *conf, const Setting *s)
{
	const char *at = (const char *) conf + s->offset;

	if (s->kind == KIND_SWITCH)
		return *(const bool *) at;
	if (s->kind == KIND_CHOICE)
		return *(const int *) at;
	return *(const int64_t *) at;
}

static void
store_number(GwConf *conf, const Setting *s, int64_t value)
{
	char *at = (char *) conf + s->offset;

	if (s->kind == KIND_SWITCH)
		*(bool *) at = value != 0;
	else if (s->kind == KIND_CHOICE)
		*(int *) at = (int) value;
	else
		*(int64_t *) at = value;
}

static void
store_text(GwConf *conf, const Setting *s, const char *value)
{
	char **at = text_of(conf, s);

	free(*at);
	*at = gw_strdup(value);
}

void
gw_conf_defaults(GwConf *conf)
{
	memset(conf, 0, sizeof(*conf));
	for (size_t i = 0; i < SETTING_COUNT; i++)
	{
		if (is_text(&settings[i]))
			store_text(conf, &settings[i], settings[i].text);
		else
			store_number(conf, &settings[i], settings[i].number);
	}
}

void
gw_conf_free(GwConf *conf)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
	{
		if (!is_text(&settings[i]))
			continue;
		free(*text_of(conf, &settings[i]));
		*text_of(conf, &settings[i]) = NULL;
	}
}

static const Setting *
find_setting(const char *name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

/* Factor of a unit that may follow a number of this setting, 0 when it may not. */
static int64_t
unit_factor(const Setting *s, const char *unit)
{
	static const struct
	{
		const char *base;
		const char *name;
		int64_t     factor;
	} units[] = {
		{"bytes", "B", 1},
		{"bytes", "kB", 1024},
		{"bytes", "MB", 1048576},
		{"bytes", "GB", 1073741824},
		{"ms", "ms", 1},
		{"ms", "s", 1000},
		{"ms", "min", 60000},
		{"ms", "h", 3600000},
		{"s", "s", 1},
		{"s", "min", 60},
	};

	if (*unit == '\0')
		return 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].base, s->text) == 0 && strcasecmp(units[i].name, unit) == 0)
			return units[i].factor;
	return 0;
}

/* "32MB", "10 s", "4": within the range of the setting. */
static bool
parse_number(const Setting *s, const char *value, int64_t *number)
{
	char     *end;
	int64_t   factor;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (end == value || errno != 0)
		return false;
	while (*end == ' ')
		end++;
	factor = unit_factor(s, end);
	if (factor == 0 || n > INT64_MAX / factor || n < 0)
		return false;
	*number = n * factor;
	return *number >= s->least && *number <= s->most;
}

static bool
parse_switch(const char *value, int64_t *number)
{
	static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};

	for (int i = 0; i < 8; i++)
	{
		if (strcasecmp(words[i], value) == 0)
		{
			*number = i % 2;
			return true;
		}
	}
	return false;
}

static bool
parse_choice(const Setting *s, const char *value, int64_t *number)
{
	const char *at = s->text;

	for (*number = 0;; (*number)++)
	{
		const char *bar = strchr(at, '|');
		size_t      len = bar ? (size_t) (bar - at) : strlen(at);

		if (strlen(value) == len && strncasecmp(at, value, len) == 0)
			return true;
		if (bar == NULL)
			return false;
		at = bar + 1;
	}
}

/* Says what a value of this setting looks like. */
static void
describe_values(const Setting *s, GwText *out)
{
	if (s->kind == KIND_SWITCH)
		gw_text_puts(out, "on or off");
	else if (s->kind == KIND_CHOICE)
		gw_text_printf(out, "one of %s", s->text);
	else if (s->kind == KIND_NUMBER)
		gw_text_printf(out, "%lld to %lld%s%s", (long long) s->least, (long long) s->most,
					   *s->text ? " " : "", s->text);
	else
		gw_text_puts(out, "text");
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
text_is_valid(const Setting *s, const char *value)
{
	char decoded[GW_SEPARATOR_BYTES_MAX];

	if (strcmp(s->name, "base_path") == 0)
		return base_path_is_valid(value);
	if (strcmp(s->name, "namespace_separator") == 0)
		return gw_url_separator(value, decoded);
	for (int i = 0; i < check_count; i++)
		if (strcmp(s->name, checks[i].name) == 0)
			return checks[i].valid(value);
	return true;
}

bool
gw_conf_set(GwConf *conf, const char *name, const char *value, GwText *error)
{
	const Setting *s = find_setting(name);
	int64_t        number = 0;
	bool           good;

	if (s == NULL)
	{
		gw_text_printf(error, "there is no setting \"%s\"", name);
		return false;
	}
	if (is_text(s))
		good = text_is_valid(s, value);
	else if (s->kind == KIND_NUMBER)
		good = parse_number(s, value, &number);
	else if (s->kind == KIND_SWITCH)
		good = parse_switch(value, &number);
	else
		good = parse_choice(s, value, &number);
	if (!good)
	{
		gw_text_printf(error, "setting \"%s\" cannot be \"%s\": expected ", name, value);
		describe_values(s, error);
		return false;
	}
	if (is_text(s))
		store_text(conf, s, value);
	else
		store_number(conf, s, number);
	return true;
}

static char *
trim(char *text)
{
	char *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char) end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Removes a comment behind an unquoted value, and the quotes of a quoted one. */
static char *
unquote(char *value)
{
	size_t len = strlen(value);
	char  *comment;

	if (len >= 2 && value[0] == '\'' && value[len - 1] == '\'')
	{
		value[len - 1] = '\0';
		return value + 1;
	}
	comment = value[0] == '#' ? value : strstr(value, " #");
	if (comment != NULL)
		*comment = '\0';
	return trim(value);
}

/* Reads one line; empty ones and comments are nothing. */
static bool
parse_line(GwConf *conf, char *line, GwText *error)
{
	char *equals;
	char *name = trim(line);

	if (*name == '\0' || *name == '#')
		return true;
	equals = strchr(name, '=');
	if (equals == NULL)
	{
		gw_text_puts(error, "expected name = value");
		return false;
	}
	*equals = '\0';
	return gw_conf_set(conf, trim(name), unquote(trim(equals + 1)), error);
}

bool
gw_conf_parse(GwConf *conf, const char *text, const char *source, GwText *error)
{
	char *copy = gw_strdup(text);
	char *next = copy;
	bool  good = true;

	for (int number = 1; next != NULL; number++)
	{
		char  *line = strsep(&next, "\n");
		GwText why = {0};

		if (!parse_line(conf, line, &why))
		{
			gw_text_printf(error, "%s:%d: %s\n", source, number, why.data);
			good = false;
		}
		gw_text_free(&why);
	}
	free(copy);
	return good;
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
	if (find_setting(name) != NULL && !gw_conf_set(conf, name, equals + 1, &why))
	{
		gw_text_printf(error, "environment: %s\n", why.data);
		good = false;
	}
	gw_text_free(&why);
	return good;
}

/* Reads a whole small file. */
static bool
read_file(const char *path, GwText *text, GwText *error)
{
	FILE  *file = fopen(path, "r");
	char   chunk[4096];
	size_t n;
	bool   good;

	if (file == NULL)
	{
		gw_text_printf(error, "%s: %s\n", path, strerror(errno));
		return false;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		gw_text_add(text, chunk, n);
	good = !ferror(file);
	if (!good)
		gw_text_printf(error, "%s: %s\n", path, strerror(errno));
	fclose(file);
	return good;
}

bool
gw_conf_load(GwConf *conf, const char *path, char **environ_list, GwText *error)
{
	GwText text = {0};
	bool   good = true;

	if (path != NULL)
		good = read_file(path, &text, error) &&
			   gw_conf_parse(conf, text.data ? text.data : "", path, error);
	gw_text_free(&text);
	for (; environ_list != NULL && *environ_list != NULL; environ_list++)
		good = take_variable(conf, *environ_list, error) && good;
	return good;
}

/* Does a connection string hold a password: as a keyword, or in a URI behind the user's name? */
static bool
has_password(const char *dsn)
{
	const char *uri = strstr(dsn, "://");
	const char *at = uri != NULL ? strchr(uri + 3, '@') : NULL;

	if (strstr(dsn, "password") != NULL)
		return true;
	return at != NULL && memchr(uri + 3, ':', (size_t) (at - uri - 3)) != NULL;
}

bool
gw_conf_shows_secret(const GwConf *conf, const char *path)
{
	struct stat status;

	return path != NULL && has_password(conf->dsn) && stat(path, &status) == 0 &&
		   (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

void
gw_conf_reload(GwConf *running, GwConf *fresh, GwText *notes)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
	{
		const Setting *s = &settings[i];
		bool           same;

		if (is_text(s))
			same = strcmp(*text_of(running, s), *text_of(fresh, s)) == 0;
		else
			same = number_of(running, s) == number_of(fresh, s);
		if (same)
			continue;
		gw_text_printf(notes, "setting \"%s\" %s\n", s->name,
					   s->reload == LIVE ? "changed" : "needs a restart to change");
		if (s->reload != LIVE)
			continue;
		if (is_text(s))
			store_text(running, s, *text_of(fresh, s));
		else
			store_number(running, s, number_of(fresh, s));
	}
	gw_conf_free(fresh);
}

/* The default, as it would stand in the file. */
static void
describe_default(const Setting *s, GwText *out)
{
	const char *at = s->text;

	if (is_text(s))
		gw_text_puts(out, s->text);
	else if (s->kind == KIND_SWITCH)
		gw_text_puts(out, s->number ? "on" : "off");
	else if (s->kind == KIND_NUMBER)
		gw_text_printf(out, "%lld", (long long) s->number);
	else
	{
		for (int64_t i = 0; i < s->number; i++)
			at = strchr(at, '|') + 1;
		gw_text_add(out, at, strcspn(at, "|"));
	}
}

static void
print_setting(FILE *out, GwConfFormat format, const Setting *s, const char *preset,
			  const char *values)
{
	const char *when = s->reload == LIVE ? "SIGHUP" : "restart";

	if (format == GW_CONF_MARKDOWN)
	{
		fprintf(out, "| `%s` | %s%s%s | ", s->name, *preset ? "`" : "", preset, *preset ? "`" : "");
		for (; *values; values++)
			fprintf(out, *values == '|' ? "\\%c" : "%c", *values);
		fprintf(out, " | %s | %s |\n", when, s->doc);
	}
	else if (format == GW_CONF_MAN)
		fprintf(out, ".TP\n.BR %s \" (%s)\"\n%s. Values: %s. Takes effect on %s.\n", s->name,
				*preset ? preset : "empty", s->doc, values, when);
	else
		fprintf(out, "# %s.\n# %s; takes effect on %s\n#%s = %s\n\n", s->doc, values, when, s->name,
				*preset ? preset : "''");
}

void
gw_conf_print(FILE *out, GwConfFormat format)
{
	if (format == GW_CONF_FILE)
		fputs("# icecat-gateway.conf: every setting with its default.\n"
			  "# A variable ICECAT_<NAME> of the environment overrides the line of that name.\n"
			  "# Sizes may be given in kB, MB, GB, times in ms, s, min, h.\n\n",
			  out);
	else if (format == GW_CONF_MARKDOWN)
		fputs("| setting | default | values | takes effect on | meaning |\n|---|---|---|---|---|\n",
			  out);
	for (size_t i = 0; i < SETTING_COUNT; i++)
	{
		GwText preset = {0};
		GwText values = {0};

		describe_default(&settings[i], &preset);
		describe_values(&settings[i], &values);
		print_setting(out, format, &settings[i], preset.data ? preset.data : "", values.data);
		gw_text_free(&preset);
		gw_text_free(&values);
	}
}
