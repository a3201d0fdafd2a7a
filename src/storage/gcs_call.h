/*
 * gcs_call.h
 *		How requests for objects are said to Google's store: its JSON interface, with a token.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_GCS_CALL_H
#define ICE_GCS_CALL_H

#include "storage/s3_call.h"

extern const IceStoreDialect ice_gcs_call_dialect;

/* For a call that writes: a store answers with what it has of the object. What has none is the page
 * of something in between. */
extern bool  ice_gcs_call_require_object(IceStoreCall *call);
/* The query of a list of what begins with a prefix; token is where it goes on, or NULL. */
extern char *ice_gcs_call_list(const char *prefix, int files_max, const char *token);
/* Reads the answer: the location of each entry is its key yet. */
extern void  ice_gcs_call_read_list(const IceS3Call *s3, IceStoragePage *page);

#endif
