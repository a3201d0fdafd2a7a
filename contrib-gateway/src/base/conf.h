/*
 * conf.h
 *		The settings: a file of "name = value" lines, overridden by ICECAT_* variables.
 *
 * The list is settings.def. Every value is checked when it is set; errors name the setting, and
 * never show the value of a secret.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CONF_H
#define GW_CONF_H

#include <stdio.h>

#include "base/conf_format.h"
#include "base/text.h"

typedef struct GwConf
{
#define GW_STRING(name, ...) char *name;
#define GW_SECRET(name, ...) char *name;
#define GW_NUMBER(name, ...) int64_t name;
#define GW_SWITCH(name, ...) bool name;
#define GW_CHOICE(name, ...) int name;
#include "base/settings.def"
} GwConf;

enum
{
	GW_REQUEST_ID_OFF,
	GW_REQUEST_ID_WRITES,
	GW_REQUEST_ID_ALL
};

enum
{
	GW_POOLER_AUTO,
	GW_POOLER_ON,
	GW_POOLER_OFF
};

enum
{
	GW_TLS_VERSION_1_2,
	GW_TLS_VERSION_1_3
};

enum
{
	GW_CLIENT_AUTH_OFF,
	GW_CLIENT_AUTH_OPTIONAL,
	GW_CLIENT_AUTH_REQUIRED
};

/* The settings in force. */
extern GwConf gw_conf;

/* Is any way to authenticate configured? Then each call runs under the role of its principal. */
extern bool gw_conf_authenticates(const GwConf *conf);

/* A text whose form another room knows. */
typedef struct GwConfCheck
{
	const char *name; /* of the setting */
	bool (*valid)(const char *value);
} GwConfCheck;

/* Before settings are read. The table is not copied. */
extern void gw_conf_set_checks(const GwConfCheck *checks, int count);

extern void gw_conf_defaults(GwConf *conf);
extern void gw_conf_free(GwConf *conf);

/* These append to error and say false when something is wrong; conf may then be half set. */
extern bool gw_conf_set(GwConf *conf, const char *name, const char *value, GwText *error);
extern bool gw_conf_parse(GwConf *conf, const char *text, const char *source, GwText *error);
extern bool gw_conf_load(GwConf *conf, const char *path, char **environ_list, GwText *error);

/* Is there a password in the settings, and may others than the owner of the file read it? */
extern bool gw_conf_shows_secret(const GwConf *conf, const char *path);

/*
 * Takes over what may change while running; fresh is emptied. Appends to notes, one line each, the
 * names of the settings that changed and those that need a restart.
 */
extern void gw_conf_reload(GwConf *running, GwConf *fresh, GwText *notes);

/* Prints every setting with its default, unit, range and meaning. */
extern void gw_conf_print(FILE *out, GwConfFormat format);

#endif
