/*
 * namespace.h
 *		What the operations on namespaces share with the views of a SQL catalog.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_NAMESPACE_H
#define ICE_API_NAMESPACE_H

#include "api/property_change.h"

/* Creates a namespace in a warehouse, which is locked, and, below the top, in an existing
 * namespace, with its event; properties may be NULL. False if its path is taken. Raises
 * NO_SUCH_NAMESPACE for the parent, BAD_REQUEST. */
extern bool ice_namespace_create(const IceWarehouse *warehouse, const IceNamespacePath *path,
								 IceJson *properties, IceNamespace *out);

/* Applies a change to the properties of a namespace that is locked, with its event, if it changes
 * anything. */
extern void ice_namespace_change(const IceWarehouse *warehouse, const IceNamespacePath *path,
								 IceNamespace *space, IcePropertyChange *change);

/* Drops a namespace that is locked FOR UPDATE, with its event. Raises NAMESPACE_NOT_EMPTY, and
 * PROTECTED unless by force. */
extern void ice_namespace_drop(const IceWarehouse *warehouse, const IceNamespacePath *path,
							   const IceNamespace *space, bool force);

#endif
