/*
 * websocket.h
 *		The handshake of a WebSocket (RFC 6455, section 4.2). Pure.
 *
 * Strict: the version is 13, each field is there once, and the key is one. No extension and no
 * subprotocol is taken; a client that offers some goes on without.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_WEBSOCKET_H
#define GW_WEBSOCKET_H

#include "auth/websocket_proof.h"
#include "http/parse.h"

/* What is to be answered to a request that asks for one. False: the fault says what is wrong: 426
 * where the client speaks another protocol or version. */
extern bool gw_websocket_accept(const GwHttpHead *head, char accept[GW_WEBSOCKET_PROOF_BYTES],
								GwFault *fault);

#endif
