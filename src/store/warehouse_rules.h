/*
 * warehouse_rules.h
 *		What the properties of a warehouse say about tables and views in it: where they may lie, and
 *		which of their properties clients may set.
 *
 * These properties are set by SQL alone (create_warehouse, alter_warehouse): neither a client of
 * REST nor a file in storage can change them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_WAREHOUSE_RULES_H
#define ICE_WAREHOUSE_RULES_H

#include "nodes/pg_list.h"

#include "json/json.h"
#include "store/spi.h"

#define ICE_STEERING_PROPERTY        "icecat.steering-properties"
#define ICE_OVERLAP_PROPERTY         "icecat.location-overlap"
#define ICE_CLIENT_LOCATION_PROPERTY "icecat.client-location"
#define ICE_TEMPLATE_PROPERTY        "icecat.location-template"
#define ICE_TEMPLATE_BYTES_MAX       255
#define ICE_OUTSIDE_PROPERTY         "icecat.outside-files"
#define ICE_SHARED_PROPERTY          "icecat.shared-locations"

/* Where a client may place what it creates and changes. */
typedef enum IceClientLocation
{
	ICE_CLIENT_LOCATION_ANYWHERE, /* where the server may, and its rights allow */
	ICE_CLIENT_LOCATION_INSIDE,   /* below the location of the warehouse */
	ICE_CLIENT_LOCATION_REFUSE    /* where the server says */
} IceClientLocation;

/* What becomes of a snapshot that names files outside of its table's folders. */
typedef enum IceOutsideRule
{
	ICE_OUTSIDE_OFF,    /* nobody looks */
	ICE_OUTSIDE_REPORT, /* the worker looks after the commit, and reports them */
	ICE_OUTSIDE_STRICT  /* the commit is refused */
} IceOutsideRule;

typedef struct IceWarehouseRules
{
	bool              steering; /* properties may steer readers (spec/steering.h) */
	bool              overlap;  /* tables and views may lie in each other's folders */
	IceClientLocation client_location;
	IceOutsideRule    outside;
	const char       *location_template; /* NULL: the default */
} IceWarehouseRules;

/* Of the properties of a warehouse, which were checked. */
extern void ice_warehouse_rules_read(const char *properties, IceWarehouseRules *out);

/* The locations of icecat.shared-locations, as they were given: C strings. */
extern List *ice_warehouse_rules_shared(const char *properties);

/* Is what its commits add read afterwards? In strict mode nothing but files in shared locations can
 * be another table's. */
extern bool ice_warehouse_rules_inspect(const char *properties);

/* Checks those that are among the properties of a warehouse. Raises BAD_REQUEST. */
extern void ice_warehouse_rules_check(const IceJson *properties);

/* Of a warehouse that the session has read: its properties are read again where it was another. */
extern void ice_warehouse_rules_remember(const pg_uuid_t *warehouse_id, const char *properties);

/* May properties steer readers? */
extern bool ice_warehouse_rules_steering(const pg_uuid_t *warehouse_id);

/* Raises BAD_REQUEST where a property of something in the warehouse (what) is new, or another than
 * before (NULL: none was), and steers readers, which the warehouse does not allow. */
extern void ice_warehouse_rules_check_steering(const pg_uuid_t *warehouse_id, const char *what,
											   const IceJson *properties, const IceJson *before);

#endif
