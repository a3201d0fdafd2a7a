/*
 * sts_answer.h
 *		What a token service of S3 answers.
 *
 * Of the XML only the few elements are looked for that are needed. Their values are of letters that
 * XML writes as they are, so nothing has to be decoded, and what is no such value is refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_STS_ANSWER_H
#define ICE_VEND_STS_ANSWER_H

#include "vend/client_keys.h"

/* Reads access_key, secret_key, session_token and expires_at_ms. Returns NULL, or what is wrong. */
extern const char *ice_sts_answer(const char *answer, IceVended *out);

/* The code of an error that it answers, such as AccessDenied; NULL: there is none. */
extern char *ice_sts_answer_error(const char *answer);

/* 2026-01-31T00:00:00Z (or with a fraction, which is left out) in milliseconds since 1970; -1: it
 * is no such time, or one before. */
extern int64 ice_sts_answer_time(const char *text);

#endif
