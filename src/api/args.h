/*
 * args.h
 *		Arguments and results of the SQL-callable functions.
 *
 * The functions are not STRICT: a NULL where a value is needed is a BAD_REQUEST that names the
 * parameter.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_ARGS_H
#define ICE_API_ARGS_H

#include "postgres.h"

#include "fmgr.h"

#include "json/json.h"
#include "store/caller.h"
#include "store/store_namespace.h"
#include "store/store_warehouse.h"

extern char       *ice_arg_text(FunctionCallInfo fcinfo, int n, const char *name);
extern char       *ice_arg_opt_text(FunctionCallInfo fcinfo, int n); /* NULL for NULL */
extern bool        ice_arg_bool(FunctionCallInfo fcinfo, int n, const char *name);
/* False for NULL, and where the function has not got the argument yet, before its update. */
extern bool        ice_arg_flag(FunctionCallInfo fcinfo, int n);
extern IceJson    *ice_arg_json(FunctionCallInfo fcinfo, int n, const char *name);
extern IceJson    *ice_arg_opt_json(FunctionCallInfo fcinfo, int n); /* NULL for NULL */
/* An interval before now; raises BAD_REQUEST unless it is given and not negative. */
extern TimestampTz ice_arg_ago(FunctionCallInfo fcinfo, int n, const char *name);
extern void        ice_arg_namespace(FunctionCallInfo fcinfo, int n, IceNamespacePath *out);
/* A namespace out of a request body's field (array of strings). */
extern void        ice_arg_namespace_of_json(IceJson *array, IceNamespacePath *out);
extern void ice_arg_warehouse(FunctionCallInfo fcinfo, int n, bool read_only, IceWarehouse *out);
/* Check a table's or view's name: not empty, within icecat.name_bytes_max. */
extern void ice_arg_check_table_name(const char *name);
extern void ice_arg_check_view_name(const char *name);

/* A json result, built in place: begin, append to the buffer, end. Lives in the given context. */
extern void  ice_arg_result_begin(StringInfo out, MemoryContext caller);
extern Datum ice_arg_result_end(StringInfo out);
/* The same for a text that is there already. */
extern Datum ice_arg_result_text(MemoryContext caller, const char *text);

#endif
