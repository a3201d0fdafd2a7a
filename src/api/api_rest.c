/*
 * api_rest.c
 *		What the gateway needs beside the operations themselves.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(sql_ice_rest_body);

/* json is text that was checked; here the checking is left to ice_json_parse(), which tells the
 * place of what is wrong. */
Datum
sql_ice_rest_body(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
