/*
 * ticket.h
 *		Texts that a client gets and hands back: base64url over a version, a MAC and the text. The
 *		MAC also covers the operation, the warehouse, and what else a ticket is bound to, so that it
 *		is good for nothing else. It hides nothing. The secret is made with the warehouse: reading
 *		needs no write, and a standby or a restored copy takes what the original handed out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_API_TICKET_H
#define ICE_API_TICKET_H

#include "postgres.h"

#include "utils/uuid.h"

typedef struct IceTicketUse
{
	const pg_uuid_t *warehouse_id;
	const char      *operation;
	const uint8     *bound;
	size_t           bound_len;
} IceTicketUse;

/* text is not empty. */
extern char       *ice_ticket_make(const IceTicketUse *use, const char *text);
/* The text; NULL if the ticket was not made for this. */
extern const char *ice_ticket_open(const IceTicketUse *use, const char *ticket);

#endif
