/*
 * websocket_proof.c
 *		The answer to the key of a WebSocket; see websocket_proof.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/websocket_proof.h"

#include <openssl/evp.h>

#define KEY_BYTES     16
#define KEY_LENGTH    24 /* of them in base64 */
#define PROTOCOL_UUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* What is read and written again is the same, where it is the only way to write these bytes. */
static bool
is_key(GwSlice key)
{
	unsigned char bytes[KEY_LENGTH / 4 * 3];
	unsigned char again[KEY_LENGTH + 1];

	if (key.len != KEY_LENGTH ||
		EVP_DecodeBlock(bytes, (const unsigned char *) key.data, KEY_LENGTH) < 0)
		return false;
	(void) EVP_EncodeBlock(again, bytes, KEY_BYTES);
	return memcmp(again, key.data, KEY_LENGTH) == 0;
}

bool
gw_websocket_proof(GwSlice key, char out[GW_WEBSOCKET_PROOF_BYTES])
{
	char          text[KEY_LENGTH + sizeof(PROTOCOL_UUID)];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int  len;

	if (!is_key(key))
		return false;
	memcpy(text, key.data, KEY_LENGTH);
	memcpy(text + KEY_LENGTH, PROTOCOL_UUID, sizeof(PROTOCOL_UUID));
	if (EVP_Digest(text, sizeof(text) - 1, digest, &len, EVP_sha1(), NULL) != 1)
		return false;
	(void) EVP_EncodeBlock((unsigned char *) out, digest, (int) len);
	return true;
}
