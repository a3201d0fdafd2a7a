/*
 * json_depth.h
 *		How deep JSON may be nested. It includes nothing, so that the settings can show it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_JSON_DEPTH_H
#define ICE_JSON_DEPTH_H

#define ICE_JSON_DEPTH_MAX_DEFAULT 1000
#define ICE_JSON_DEPTH_STORED      1000 /* for stored text, which passed the limit of its time */

#endif
