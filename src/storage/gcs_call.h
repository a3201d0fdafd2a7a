/*
 * gcs_call.h
 *		How requests for objects are said to Google's store: its JSON interface, with a token.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_GCS_CALL_H
#define ICE_GCS_CALL_H

#include "storage/s3_call.h"

extern const IceObjectDialect ice_gcs_call_dialect;

#endif
