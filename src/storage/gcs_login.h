/*
 * gcs_login.h
 *		The token that the server shows to Google's store.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_GCS_LOGIN_H
#define ICE_GCS_LOGIN_H

#include "storage/s3_session.h"

/* Asks for one: by the key of a service account, or the metadata server of the machine, which
 * GCE_METADATA_HOST in the environment of the server may name. It is the session's session_token.
 * Raises STORAGE. */
extern void ice_gcs_login(const IceStorageProfile *profile, IceS3Session *session);

#endif
