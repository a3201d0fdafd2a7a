/*
 * conf_format.h
 *		How settings are printed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CONF_FORMAT_H
#define GW_CONF_FORMAT_H

typedef enum GwConfFormat
{
	GW_CONF_FILE,    /* a configuration file with comments */
	GW_CONF_COMMENT, /* the same, each line of it a comment that stays one */
	GW_CONF_MARKDOWN,
	GW_CONF_MAN
} GwConfFormat;

#endif
