/*
 * net.c
 *		Loads icecat_net.so. See net.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "errors.h"
#include "storage/net.h"

#define LIBRARY "$libdir/icecat_net"

/* An installation without it, or without what it is linked with, is a fault of the store's: who
 * waits for others goes on. */
static const IceNet *
load(void)
{
	MemoryContext context = CurrentMemoryContext;
	const IceNet *volatile loaded = NULL;

	PG_TRY();
	{
		loaded = ((IceNetFunction) load_external_function(LIBRARY, ICE_NET_FUNCTION, true, NULL))();
	}
	PG_CATCH();
	{
		ErrorData *error;

		/* A library that was not loaded: nothing to roll back. */
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ice_raise(ICE_ERR_STORAGE, "could not load icecat_net.so: %s", error->message);
	}
	PG_END_TRY();
	return loaded;
}

const IceNet *
ice_net(void)
{
	static const IceNet *net = NULL;

	if (net != NULL)
		return net;
	/* What is loaded into the postmaster is in every process that it starts. */
	if (!IsUnderPostmaster)
		elog(ERROR, "icecat_net is loaded into sessions and the worker only");
	net = load();
	if (net->version != ICE_NET_VERSION)
	{
		int version = net->version;

		net = NULL;
		ice_raise(ICE_ERR_STORAGE,
				  "icecat_net.so is of another build (%d) than icecat.so (%d); install both",
				  version, ICE_NET_VERSION);
	}
	return net;
}
