/*
 * adls_call.h
 *		How requests for objects are said to Azure's store: its Blob interface, signed with the
 *		account's key or with a token.
 *
 * Accounts with and without a hierarchical namespace answer it, OneLake, and the emulators.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ADLS_CALL_H
#define ICE_ADLS_CALL_H

#include "storage/s3_call.h"

#define ICE_ADLS_CALL_VERSION "2021-12-02" /* x-ms-version: of the interface */

extern const IceObjectDialect ice_adls_call_dialect;

#endif
