/*
 * params.h
 *		The parameters of parameters.def, and how each is decoded. Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_PARAMS_H
#define GW_PARAMS_H

#include "catalog/arena.h"
#include "http/parse.h"

typedef enum GwParam
{
	GW_PARAM_NONE,
#define GW_PARAMETER(name, ...) GW_PARAM_##name,
#include "catalog/parameters.def"
	GW_PARAM_COUNT
} GwParam;

typedef enum GwSource
{
	GW_SOURCE_PATH,
	GW_SOURCE_QUERY,
	GW_SOURCE_HEADER,
	GW_SOURCE_BODY,
	GW_SOURCE_SETTING
} GwSource;

/* What was sent for one parameter. */
typedef struct GwParamInput
{
	GwSlice           raw;  /* data is NULL when it was not sent */
	const GwHttpHead *head; /* for those of the header fields */
	bool              plus_is_space;
} GwParamInput;

extern GwSource gw_param_source(GwParam param);

/* The parameter of that source and wire name; NONE when there is none. */
extern GwParam gw_param_find(GwSource source, GwSlice wire);

/*
 * The text for the statement, or NULL where nothing was sent. *fault becomes what is wrong, a
 * sentence for the client; else it stays as it is.
 */
extern const char *gw_param_decode(GwParam param, const GwParamInput *input, GwArena *arena,
								   const char **fault);

#endif
