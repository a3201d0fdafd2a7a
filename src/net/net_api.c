/*
 * net_api.c
 *		What icecat_net.so gives to icecat.so: one struct of functions. See storage/net.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "fmgr.h"

#include "net/digest.h"
#include "net/net_http.h"
#include "net/secret.h"
#include "net/shared_key.h"
#include "net/sigv4.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT const IceNet *ice_net_api(void);

static const IceNet api = {
	.version = ICE_NET_VERSION,
	.run = ice_net_http_run,
	.header = ice_net_http_header,
	.sha256 = ice_digest_sha256,
	.hmac_sha256 = ice_digest_hmac,
	.md5 = ice_digest_md5,
	.rs256 = ice_secret_rs256,
	.seal = ice_secret_seal,
	.open = ice_secret_open,
	.sigv4_headers = ice_sigv4_headers,
	.sigv4_query = ice_sigv4_query,
	.mac_by_base64 = ice_shared_key_mac,
	.shared_key_headers = ice_shared_key_headers,
};

/* Called once in each process. */
const IceNet *
ice_net_api(void)
{
	ice_net_http_start();
	return &api;
}
