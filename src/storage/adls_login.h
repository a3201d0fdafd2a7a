/*
 * adls_login.h
 *		The token that the server shows to Azure's store.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ADLS_LOGIN_H
#define ICE_ADLS_LOGIN_H

#include "storage/s3_session.h"

/* Asks for one: as an application, by its secret, or as what the server runs on, which its
 * environment names: AZURE_FEDERATED_TOKEN_FILE with AZURE_CLIENT_ID and AZURE_TENANT_ID (and
 * AZURE_AUTHORITY_HOST), or IDENTITY_ENDPOINT with IDENTITY_HEADER, or else the machine's metadata
 * (AZURE_POD_IDENTITY_AUTHORITY_HOST). It is the session's session_token. Raises STORAGE. */
extern void ice_adls_login(const IceStorageProfile *profile, IceS3Session *session);

#endif
