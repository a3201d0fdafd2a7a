/*
 * pg_compat.h
 *		Where PostgreSQL 15 to 18 differ for us, and nothing else.
 *
 * PostgreSQL 15 is the base: code is written for it, and later versions are mapped here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PG_COMPAT_H
#define ICE_PG_COMPAT_H

/* common/jsonapi.h: semantic actions return a status from 16 on. */
#if PG_VERSION_NUM >= 160000
#define ICE_JSON_ACTION          JsonParseErrorType
#define ICE_JSON_ACTION_RETURN() return JSON_SUCCESS
#else
#define ICE_JSON_ACTION          void
#define ICE_JSON_ACTION_RETURN() return
#endif

/* common/jsonapi.h: the lexer takes an optional place to live in from 17 on. */
#if PG_VERSION_NUM >= 170000
#define ice_compat_make_json_lexer(text, len, encoding) \
	makeJsonLexContextCstringLen(NULL, unconstify(char *, (text)), (len), (encoding), true)
#define ice_compat_free_json_lexer(lex) freeJsonLexContext(lex)
#else
#define ice_compat_make_json_lexer(text, len, encoding) \
	makeJsonLexContextCstringLen(unconstify(char *, (text)), (int) (len), (encoding), true)
#define ice_compat_free_json_lexer(lex) \
	do                                  \
	{                                   \
		if ((lex)->strval != NULL)      \
			pfree((lex)->strval->data); \
	} while (0)
#endif

/* executor/executor.h: from 16 on, what is to be checked stands beside the range table. */
#if PG_VERSION_NUM >= 160000
#define ice_compat_check_permissions(statement) \
	((void) ExecCheckPermissions((statement)->rtable, (statement)->permInfos, true))
#else
#define ice_compat_check_permissions(statement) ((void) ExecCheckRTPerms((statement)->rtable, true))
#endif

/* access/genam.h: from 18 on, a scan may be counted for EXPLAIN. */
#if PG_VERSION_NUM >= 180000
#define ice_compat_index_beginscan(table, index, snapshot, key_count) \
	index_beginscan((table), (index), (snapshot), NULL, (key_count), 0)
#else
#define ice_compat_index_beginscan(table, index, snapshot, key_count) \
	index_beginscan((table), (index), (snapshot), (key_count), 0)
#endif

/* access/tableam.h: from 16 on, an update says which kinds of indexes it concerns. */
#if PG_VERSION_NUM >= 160000
#define ice_compat_update_indexes         TU_UpdateIndexes
#define ice_compat_indexes_change(update) ((update) != TU_None)
#else
#define ice_compat_update_indexes         bool
#define ice_compat_indexes_change(update) (update)
#endif

/* access/tupdesc.h: virtual generated columns come with 18. */
#if PG_VERSION_NUM >= 180000
#define ice_compat_has_virtual_columns(constraints) ((constraints)->has_generated_virtual)
#else
#define ice_compat_has_virtual_columns(constraints) false
#endif

/* utils/acl.h: from 16 on, a membership may leave out the right to take the role. */
#if PG_VERSION_NUM >= 160000
#define ice_compat_may_set_role(member, role) member_can_set_role((member), (role))
#else
#define ice_compat_may_set_role(member, role) is_member_of_role((member), (role))
#endif

/* catalog/namespace.h: another name from 17 on. */
#if PG_VERSION_NUM >= 170000
#define ice_compat_search_path_matches(path) SearchPathMatchesCurrentEnvironment(path)
#else
#define ice_compat_search_path_matches(path) OverrideSearchPathMatchesCurrent(path)
#endif

/* c.h: 18 has only the form that stands before the function. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

#endif
