/*
 * conf_table.c
 *		Reading, checking and printing settings by a table; see conf_table.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/conf_table.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool
is_text(const GwSetting *s)
{
	return s->kind == GW_SETTING_STRING || s->kind == GW_SETTING_SECRET;
}

static char **
text_of(void *conf, const GwSetting *s)
{
	return (char **) ((char *) conf + s->offset);
}

static int64_t
number_of(const void *conf, const GwSetting *s)
{
	const char *at = (const char *) conf + s->offset;

	if (s->kind == GW_SETTING_SWITCH)
		return *(const bool *) at;
	if (s->kind == GW_SETTING_CHOICE)
		return *(const int *) at;
	return *(const int64_t *) at;
}

static void
store_number(void *conf, const GwSetting *s, int64_t value)
{
	char *at = (char *) conf + s->offset;

	if (s->kind == GW_SETTING_SWITCH)
		*(bool *) at = value != 0;
	else if (s->kind == GW_SETTING_CHOICE)
		*(int *) at = (int) value;
	else
		*(int64_t *) at = value;
}

static void
store_text(void *conf, const GwSetting *s, const char *value)
{
	char **at = text_of(conf, s);

	free(*at);
	*at = gw_strdup(value);
}

void
gw_conf_table_defaults(const GwSettings *settings, void *conf)
{
	for (size_t i = 0; i < settings->count; i++)
	{
		const GwSetting *s = &settings->list[i];

		if (is_text(s))
			store_text(conf, s, s->text);
		else
			store_number(conf, s, s->number);
	}
}

void
gw_conf_table_free(const GwSettings *settings, void *conf)
{
	for (size_t i = 0; i < settings->count; i++)
	{
		const GwSetting *s = &settings->list[i];

		if (!is_text(s))
			continue;
		free(*text_of(conf, s));
		*text_of(conf, s) = NULL;
	}
}

const GwSetting *
gw_conf_table_find(const GwSettings *settings, const char *name)
{
	for (size_t i = 0; i < settings->count; i++)
		if (strcmp(settings->list[i].name, name) == 0)
			return &settings->list[i];
	return NULL;
}

/* -- one value -------------------------------------------------------------------------------- */

/* Factor of a unit that may follow a number of this setting, 0 when it may not. */
static int64_t
unit_factor(const GwSetting *s, const char *unit)
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
parse_number(const GwSetting *s, const char *value, int64_t *number)
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
parse_choice(const GwSetting *s, const char *value, int64_t *number)
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
describe_values(const GwSetting *s, GwText *out)
{
	if (s->kind == GW_SETTING_SWITCH)
		gw_text_puts(out, "on or off");
	else if (s->kind == GW_SETTING_CHOICE)
		gw_text_printf(out, "one of %s", s->text);
	else if (s->kind == GW_SETTING_NUMBER)
		gw_text_printf(out, "%lld to %lld%s%s", (long long) s->least, (long long) s->most,
					   *s->text ? " " : "", s->text);
	else
		gw_text_puts(out, "text");
}

bool
gw_conf_table_set(const GwSettings *settings, void *conf, const char *name, const char *value,
				  GwText *error)
{
	const GwSetting *s = gw_conf_table_find(settings, name);
	int64_t          number = 0;
	bool             good;

	if (s == NULL)
	{
		gw_text_printf(error, "there is no setting \"%s\"", name);
		return false;
	}
	if (is_text(s))
		good = settings->valid(s->name, value);
	else if (s->kind == GW_SETTING_NUMBER)
		good = parse_number(s, value, &number);
	else if (s->kind == GW_SETTING_SWITCH)
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

bool
gw_conf_table_is_same(const GwSetting *s, const void *one, const void *other)
{
	if (is_text(s))
		return strcmp(*text_of((void *) (uintptr_t) one, s),
					  *text_of((void *) (uintptr_t) other, s)) == 0;
	return number_of(one, s) == number_of(other, s);
}

void
gw_conf_table_copy(const GwSetting *s, void *to, const void *from)
{
	if (is_text(s))
		store_text(to, s, *text_of((void *) (uintptr_t) from, s));
	else
		store_number(to, s, number_of(from, s));
}

/* -- a file ----------------------------------------------------------------------------------- */

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
parse_line(const GwSettings *settings, void *conf, char *line, GwText *error)
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
	return gw_conf_table_set(settings, conf, trim(name), unquote(trim(equals + 1)), error);
}

bool
gw_conf_table_parse(const GwSettings *settings, void *conf, const char *text, const char *source,
					GwText *error)
{
	char *copy = gw_strdup(text);
	char *next = copy;
	bool  good = true;

	for (int number = 1; next != NULL; number++)
	{
		char  *line = strsep(&next, "\n");
		GwText why = {0};

		if (!parse_line(settings, conf, line, &why))
		{
			gw_text_printf(error, "%s:%d: %s\n", source, number, why.data);
			good = false;
		}
		gw_text_free(&why);
	}
	free(copy);
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
gw_conf_table_read(const GwSettings *settings, void *conf, const char *path, GwText *error)
{
	GwText text = {0};
	bool   good = read_file(path, &text, error) &&
				gw_conf_table_parse(settings, conf, text.data ? text.data : "", path, error);

	gw_text_free(&text);
	return good;
}

bool
gw_conf_table_is_open(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

/* As a keyword, or in a URI behind the user's name. */
bool
gw_conf_table_has_password(const char *dsn)
{
	const char *uri = strstr(dsn, "://");
	const char *at = uri != NULL ? strchr(uri + 3, '@') : NULL;

	if (strstr(dsn, "password") != NULL)
		return true;
	return at != NULL && memchr(uri + 3, ':', (size_t) (at - uri - 3)) != NULL;
}

/* -- printing --------------------------------------------------------------------------------- */

/* The default, as it would stand in the file. */
static void
describe_default(const GwSetting *s, GwText *out)
{
	const char *at = s->text;

	if (is_text(s))
		gw_text_puts(out, s->text);
	else if (s->kind == GW_SETTING_SWITCH)
		gw_text_puts(out, s->number ? "on" : "off");
	else if (s->kind == GW_SETTING_NUMBER)
		gw_text_printf(out, "%lld", (long long) s->number);
	else
	{
		for (int64_t i = 0; i < s->number; i++)
			at = strchr(at, '|') + 1;
		gw_text_add(out, at, strcspn(at, "|"));
	}
}

static void
print_setting(FILE *out, GwConfFormat format, const GwSetting *s, const char *preset,
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
		fprintf(out, "# %s.\n# %s; takes effect on %s\n#%s%s = %s\n\n", s->doc, values, when,
				format == GW_CONF_COMMENT ? " " : "", s->name, *preset ? preset : "''");
}

void
gw_conf_table_print(const GwSettings *settings, FILE *out, GwConfFormat format)
{
	if (format == GW_CONF_MARKDOWN)
		fputs("| setting | default | values | takes effect on | meaning |\n|---|---|---|---|---|\n",
			  out);
	for (size_t i = 0; i < settings->count; i++)
	{
		GwText preset = {0};
		GwText values = {0};

		describe_default(&settings->list[i], &preset);
		describe_values(&settings->list[i], &values);
		print_setting(out, format, &settings->list[i], preset.data ? preset.data : "", values.data);
		gw_text_free(&preset);
		gw_text_free(&values);
	}
}
