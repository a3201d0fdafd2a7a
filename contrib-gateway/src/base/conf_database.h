/*
 * conf_database.h
 *		The settings of further databases: files NAME.conf of the folder databases_dir.
 *
 * A rule says which requests are for a database: hosts, paths, words that warehouses begin with. No
 * two databases share one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CONF_DATABASE_H
#define GW_CONF_DATABASE_H

#include <stdio.h>

#include "base/conf_format.h"
#include "base/text.h"

#define GW_DATABASE_NAME_BYTES_MAX 63

typedef struct GwDatabaseConf
{
	char name[GW_DATABASE_NAME_BYTES_MAX + 1]; /* of the file */
#define GW_STRING(name, ...) char *name;
#define GW_SECRET(name, ...) char *name;
#define GW_NUMBER(name, ...) int64_t name;
#define GW_SWITCH(name, ...) bool name;
#define GW_CHOICE(name, ...) int name;
#include "base/database_settings.def"
} GwDatabaseConf;

typedef struct GwDatabaseConfs
{
	int             count;
	GwDatabaseConf *list;
} GwDatabaseConfs;

/* Of one whose file says nothing. */
extern void gw_conf_database_defaults(GwDatabaseConf *conf, const char *name);
extern void gw_conf_database_free(GwDatabaseConf *conf);
extern bool gw_conf_database_set(GwDatabaseConf *conf, const char *name, const char *value,
								 GwText *error);

/* Reads the folder; "" has none. Appends to error and says false when something is wrong; what was
 * read is to be freed in any case. */
extern bool gw_conf_database_load(const char *folder, int64_t max, GwDatabaseConfs *out,
								  GwText *error);
extern void gw_conf_database_free_all(GwDatabaseConfs *confs);

/* Is this what a setting oauth_audience may be? */
extern bool gw_conf_database_audience_valid(const char *text);

/* Must its connections be made again when it becomes the other one? */
extern bool gw_conf_database_connects_alike(const GwDatabaseConf *one, const GwDatabaseConf *other);

/* The next item of a list, without blanks; false at its end. */
extern bool gw_conf_database_item(const char **list, GwSlice *item);

/* Files that hold a password, and that others may read or change, one line for each. */
extern void gw_conf_database_shown(const char *folder, const GwDatabaseConfs *confs, GwText *out);

extern void gw_conf_database_print(FILE *out, GwConfFormat format);

#endif
