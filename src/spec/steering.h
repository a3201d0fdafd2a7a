/*
 * steering.h
 *		Properties that steer a reader: where it sends its requests, and who it says that it is.
 *
 * Some clients (PyIceberg, iceberg-go) build what reads the files of a table from the table's own
 * properties first. A client that may write a table could so send its readers, with the readers'
 * own credentials, to another server, or have them load a module.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STEERING_H
#define ICE_STEERING_H

#include "spec/table_metadata.h"

/* Does a property steer a reader? */
extern bool ice_steering_is(const char *name);

/* The first property that steers and is not the same before (NULL: nothing was); NULL: none. */
extern const char *ice_steering_find(const IceJson *properties, const IceJson *before);

/* Properties without those that steer, as a new object; NULL: none of them does. */
extern IceJson *ice_steering_without(const IceJson *properties);

/* Takes what steers out of the metadata as it is shown: its list of properties, which must be
 * loaded, becomes another one. The part that was in it stays as it is. */
extern void ice_steering_hide(IceTableMetadata *metadata);

#endif
