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

const IceNet *
ice_net(void)
{
	static const IceNet *net = NULL;

	if (net != NULL)
		return net;
	/* What is loaded into the postmaster is in every process that it starts. */
	if (!IsUnderPostmaster)
		elog(ERROR, "icecat_net is loaded into sessions and the worker only");
	net = ((IceNetFunction) load_external_function(LIBRARY, ICE_NET_FUNCTION, true, NULL))();
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
