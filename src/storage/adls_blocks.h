/*
 * adls_blocks.h
 *		Large blobs, written in blocks.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ADLS_BLOCKS_H
#define ICE_ADLS_BLOCKS_H

#include "storage/s3_call.h"

/* Makes of a call that writes one body a chain of calls that write it in blocks. What is left of a
 * chain that did not come to its end, the store drops by itself after a week. */
extern void ice_adls_blocks_begin(IceS3Call *s3);

#endif
