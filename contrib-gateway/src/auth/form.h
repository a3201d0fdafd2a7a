/*
 * form.h
 *		What a request for a token says: a form (RFC 6749, RFC 8693), Basic credentials, scopes.
 *		Pure.
 *
 * Parameters that are not known mean nothing; one that is known and comes twice is a fault, as two
 * programs could read it differently. An empty one is not there.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FORM_H
#define GW_FORM_H

#include "base/text.h"

#define GW_FORM_BYTES_MAX  65536
#define GW_FORM_SCOPE_MAX  1000
#define GW_FORM_ROLE_BYTES 64 /* a name of PostgreSQL's, with its NUL */

typedef struct GwForm
{
	char  *memory; /* holds the values, and nothing else does */
	size_t size;

	/* NULL: it is not there */
	const char *grant_type;
	const char *client_id;
	const char *client_secret;
	const char *scope;
	const char *subject_token;
	const char *subject_token_type;
	const char *requested_token_type;
	const char *actor_token;
	const char *refresh_token;
} GwForm;

/* NULL, or what is wrong. The form must be freed whatever this says. */
extern const char *gw_form_read(GwForm *form, GwSlice body);

/* Forgets the values, and clears their memory. */
extern void gw_form_free(GwForm *form);

/*
 * The credentials of "Basic …"; false: it is not that. Both texts are one allocation, to be given
 * to gw_form_forget().
 */
extern bool gw_form_basic(GwSlice field, char **id, char **secret, size_t *size);
extern void gw_form_forget(char *memory, size_t size);

/* Does a query hold a parameter that must not be there, as queries are seen by many? */
extern bool gw_form_query_tells(GwSlice query);

/* Are these scopes as RFC 6749 has them, and short? */
extern bool gw_form_scope_is_sound(const char *scope);
extern bool gw_form_scope_has(const char *scope, const char *name);

/*
 * The role of PRINCIPAL_ROLE:role; "" where there is none, or it is ALL. False: there are several,
 * or it is no name.
 */
extern bool gw_form_scope_role(const char *scope, char role[GW_FORM_ROLE_BYTES]);

#endif
