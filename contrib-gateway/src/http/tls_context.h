/*
 * tls_context.h
 *		What all TLS connections share: certificate and key, whose certificates of clients are
 *		believed, what is negotiated.
 *
 * It is made again on SIGHUP and when one of its files has changed, for connections that come
 * after; those that are there go on with theirs. Files that cannot be used leave the one before in
 * force, and an error in the log.
 *
 * Not offered: versions before 1.2, compression, renegotiation, early data. A client that speaks
 * ALPN must take http/1.1.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TLS_CONTEXT_H
#define GW_TLS_CONTEXT_H

#include "base/conf.h"

struct ssl_ctx_st;
struct x509_store_st;

/* Can a context be made with these settings? What is wrong is appended to the error. */
extern bool gw_tls_context_check(const GwConf *conf, GwText *error);

/* Makes the first one; false when it cannot. Before it, nobody may ask for anything below. */
extern bool gw_tls_context_start(void);

/* After settings were read again. */
extern void gw_tls_context_reload(void);

/* Once per tick: looks now and then whether files have changed. */
extern void gw_tls_context_tick(uint64_t now_us);

extern bool               gw_tls_context_is_on(void);
extern struct ssl_ctx_st *gw_tls_context(void);

/* The number of the context in force: what was verified under another must be verified again. */
extern uint64_t              gw_tls_context_number(void);
extern struct x509_store_st *gw_tls_context_trusted(void);

/* When the certificate expires, in seconds since 1970. */
extern int64_t gw_tls_context_expires_s(void);

#endif
