/*
 * json_private.h
 *		What the files of the json layer share among themselves.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_JSON_PRIVATE_H
#define ICE_JSON_PRIVATE_H

#include "json/json.h"

/* In json_tree.c: append without marking as edited. */
extern void ice_json_tree_push_member(IceJson *object, const char *key, IceJson *value);
extern void ice_json_tree_push_item(IceJson *array, IceJson *value);

/* In json_tree.c: a key that occurs twice, or NULL. Leaves an index behind on large objects. */
extern const char *ice_json_tree_find_duplicate(IceJson *object);

/* In json_tree.c: the member's position, or -1. */
extern int ice_json_tree_find_member(const IceJson *object, const char *key);

#endif
