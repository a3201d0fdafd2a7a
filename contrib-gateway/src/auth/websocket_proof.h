/*
 * websocket_proof.h
 *		What a server answers to the key of a WebSocket (RFC 6455, section 4.2.2): that it speaks
 *		the protocol. It is no secret, and SHA-1 is what the protocol asks for. Pure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_WEBSOCKET_PROOF_H
#define GW_WEBSOCKET_PROOF_H

#include "base/text.h"

#define GW_WEBSOCKET_PROOF_BYTES 29 /* of Sec-WebSocket-Accept, with the 0 at its end */

/* False: the key is not how 16 bytes are written in base64. */
extern bool gw_websocket_proof(GwSlice key, char out[GW_WEBSOCKET_PROOF_BYTES]);

#endif
