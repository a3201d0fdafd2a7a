/*
 * conf_table.h
 *		Tables of settings: what each is called, where it lies in its struct, what it may be. Of
 *		conf.c and conf_database.c alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CONF_TABLE_H
#define GW_CONF_TABLE_H

#include <stdio.h>

#include "base/conf_format.h"
#include "base/text.h"

typedef enum GwSettingKind
{
	GW_SETTING_STRING,
	GW_SETTING_SECRET,
	GW_SETTING_NUMBER,
	GW_SETTING_SWITCH,
	GW_SETTING_CHOICE
} GwSettingKind;

/* Words of the tables. */
enum
{
	START,
	LIVE
};

typedef struct GwSetting
{
	const char   *name;
	GwSettingKind kind;
	size_t        offset;
	const char   *text;   /* default of strings; choices; unit of numbers */
	int64_t       number; /* default of the others */
	int64_t       least;
	int64_t       most;
	int           reload;
	const char   *doc;
} GwSetting;

typedef struct GwSettings
{
	const GwSetting *list;
	size_t           count;
	/* of a text: may it be so? */
	bool (*valid)(const char *name, const char *value);
} GwSettings;

/* clang-format off */
/* Lines of a table; AT(name) says where in the struct a setting lies. */
#define GW_SETTING_LINE_STRING(name, preset, reload, doc) \
	{#name, GW_SETTING_STRING, AT(name), preset, 0, 0, 0, reload, doc},
#define GW_SETTING_LINE_SECRET(name, preset, reload, doc) \
	{#name, GW_SETTING_SECRET, AT(name), preset, 0, 0, 0, reload, doc},
#define GW_SETTING_LINE_NUMBER(name, preset, least, most, unit, reload, doc) \
	{#name, GW_SETTING_NUMBER, AT(name), unit, preset, least, most, reload, doc},
#define GW_SETTING_LINE_SWITCH(name, preset, reload, doc) \
	{#name, GW_SETTING_SWITCH, AT(name), "", preset, 0, 1, reload, doc},
#define GW_SETTING_LINE_CHOICE(name, preset, choices, reload, doc) \
	{#name, GW_SETTING_CHOICE, AT(name), choices, preset, 0, 0, reload, doc},
/* clang-format on */

extern const GwSetting *gw_conf_table_find(const GwSettings *settings, const char *name);

extern void gw_conf_table_defaults(const GwSettings *settings, void *conf);

/* Texts are freed. */
extern void gw_conf_table_free(const GwSettings *settings, void *conf);

/* These append to error and say false when something is wrong. */
extern bool gw_conf_table_set(const GwSettings *settings, void *conf, const char *name,
							  const char *value, GwText *error);
extern bool gw_conf_table_parse(const GwSettings *settings, void *conf, const char *text,
								const char *source, GwText *error);
extern bool gw_conf_table_read(const GwSettings *settings, void *conf, const char *path,
							   GwText *error);

/* Has the setting the same value in both; takes it over. */
extern bool gw_conf_table_is_same(const GwSetting *setting, const void *one, const void *other);
extern void gw_conf_table_copy(const GwSetting *setting, void *to, const void *from);

/* One line, or more, for each setting. */
extern void gw_conf_table_print(const GwSettings *settings, FILE *out, GwConfFormat format);

/* May others than its owner read the file, or change it? */
extern bool gw_conf_table_is_open(const char *path);

/* Does a connection string hold a password? */
extern bool gw_conf_table_has_password(const char *dsn);

#endif
