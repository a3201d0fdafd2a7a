/*
 * adls_blocks.c
 *		Large blobs, written in blocks. See adls_blocks.h.
 *
 * The blocks of one blob go one after the other; those of several blobs beside each other. The blob
 * is there when the list of its blocks has been answered, as a whole. Names of blocks begin with a
 * random part, so that two writers of one blob do not get each other's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "guc.h"
#include "storage/adls_blocks.h"
#include "xml/xml.h"

#define BLOCKS_MAX   50000
#define WRITER_BYTES 8
#define MD5_BYTES    16

typedef struct Blocks
{
	const char    *data;
	size_t         len;
	size_t         block_bytes;
	int            count;
	int            at; /* the block under way; count: their list is */
	bool           only_new;
	uint8          writer[WRITER_BYTES];
	StringInfoData list;
} Blocks;

/* All names of a blob's blocks are of one length. */
static char *
block_name(const Blocks *blocks)
{
	uint8 name[WRITER_BYTES + 4];

	memcpy(name, blocks->writer, WRITER_BYTES);
	for (int i = 0; i < 4; i++)
		name[WRITER_BYTES + i] = (uint8) (blocks->at >> (24 - 8 * i));
	return ice_s3_call_base64(name, sizeof(name));
}

static void
add_md5(IceS3Call *s3, const char *name, const char *data, size_t len)
{
	uint8 digest[MD5_BYTES];

	if (ice_net()->md5(data, len, digest))
		ice_s3_call_extra(s3, name, ice_s3_call_base64(digest, sizeof(digest)));
}

static void
put_block(IceS3Call *s3, Blocks *blocks)
{
	size_t offset = (size_t) blocks->at * blocks->block_bytes;
	size_t len = Min(blocks->block_bytes, blocks->len - offset);
	char  *name = block_name(blocks);

	appendStringInfo(&blocks->list, "<Latest>%s</Latest>", name);
	s3->query = psprintf("comp=block&blockid=%s", ice_s3_call_encode(name, false));
	s3->extra_count = 0;
	s3->only_new = false;
	add_md5(s3, "content-md5", blocks->data + offset, len);
	ice_s3_call_body(s3, blocks->data + offset, len);
}

/* The MD5 of the whole is kept with it. */
static void
put_list(IceS3Call *s3, Blocks *blocks)
{
	appendStringInfoString(&blocks->list, "</BlockList>");
	s3->query = "comp=blocklist";
	s3->extra_count = 0;
	s3->only_new = blocks->only_new;
	ice_s3_call_extra(s3, "content-type", "application/xml");
	ice_s3_call_extra(s3, "x-ms-blob-content-type", "application/octet-stream");
	add_md5(s3, "x-ms-blob-content-md5", blocks->data, blocks->len);
	add_md5(s3, "content-md5", blocks->list.data, (size_t) blocks->list.len);
	ice_s3_call_body(s3, blocks->list.data, (size_t) blocks->list.len);
}

/* The call's: an answer has come. True: the next request follows. */
static bool
answered(IceStoreCall *call)
{
	IceS3Call *s3 = (IceS3Call *) call;
	Blocks    *blocks = s3->owner;

	if (call->net.status != 201)
		return false;
	if (ice_net()->header(&call->net, "x-ms-version") == NULL)
		call->error = "the answer has no x-ms-version: it is not a store's";
	if (call->error != NULL || blocks->at == blocks->count)
		return false;
	blocks->at++;
	if (blocks->at < blocks->count)
		put_block(s3, blocks);
	else
		put_list(s3, blocks);
	return true;
}

void
ice_adls_blocks_begin(IceS3Call *s3)
{
	Blocks *blocks = palloc0(sizeof(Blocks));

	blocks->data = s3->body;
	blocks->len = s3->body_len;
	blocks->block_bytes = Max((size_t) ice_guc_multipart_bytes, s3->body_len / BLOCKS_MAX + 1);
	blocks->count = (int) ((blocks->len + blocks->block_bytes - 1) / blocks->block_bytes);
	blocks->only_new = s3->only_new;
	(void) pg_strong_random(blocks->writer, sizeof(blocks->writer));
	initStringInfo(&blocks->list);
	appendStringInfoString(&blocks->list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	s3->owner = blocks;
	put_block(s3, blocks);
	s3->call.answered = answered;
}
