/*
 * s3_multipart.c
 *		Large objects, written in parts. See s3_multipart.h.
 *
 * The parts of one object go one after the other; those of several objects beside each other. The
 * object is there when the last request has been answered, as a whole.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "guc.h"
#include "storage/s3_multipart.h"
#include "xml/xml.h"

#define PARTS_MAX 10000

typedef struct Upload
{
	const char    *data;
	size_t         len;
	size_t         part_bytes;
	int            parts;
	int            part; /* that is under way, from 1 on; 0: it begins; parts + 1: it ends */
	bool           only_new;
	char          *id; /* NULL: not begun */
	bool           done;
	StringInfoData list; /* what the last request says of the parts */
} Upload;

static Upload *
upload_of(const IceS3Call *s3)
{
	return s3->owner;
}

char *
ice_s3_multipart_left(const IceS3Call *s3)
{
	const Upload *upload = upload_of(s3);

	return upload == NULL || upload->done ? NULL : upload->id;
}

static char *
leaf_of(const IceNetCall *net, const char *path)
{
	IceXml xml;

	ice_xml_begin(&xml, net->answer == NULL ? "" : net->answer, net->answer_len);
	while (ice_xml_next(&xml))
		if (ice_xml_is_leaf(&xml, path))
			return pstrdup(xml.text.data);
	return NULL;
}

static void
next_part(IceS3Call *s3, Upload *upload)
{
	size_t offset = (size_t) upload->part * upload->part_bytes;

	upload->part++;
	s3->method = "PUT";
	s3->extra_count = 0;
	s3->query = psprintf("partNumber=%d&uploadId=%s", upload->part,
						 ice_s3_call_encode(upload->id, false));
	ice_s3_call_body(s3, upload->data + offset, Min(upload->part_bytes, upload->len - offset));
}

static void
complete(IceS3Call *s3, Upload *upload)
{
	upload->part++;
	appendStringInfoString(&upload->list, "</CompleteMultipartUpload>");
	s3->method = "POST";
	s3->query = psprintf("uploadId=%s", ice_s3_call_encode(upload->id, false));
	s3->extra_count = 0;
	s3->only_new = upload->only_new;
	ice_s3_call_body(s3, upload->list.data, (size_t) upload->list.len);
}

/* The call's: an answer has come. True: the next request follows. */
static bool
answered(IceStoreCall *call)
{
	IceS3Call *s3 = (IceS3Call *) call;
	Upload    *upload = upload_of(s3);
	char      *tag;

	if (call->net.status != 200)
		return false;
	if (upload->part == 0)
	{
		upload->id = leaf_of(&call->net, "InitiateMultipartUploadResult/UploadId");
		if (upload->id == NULL)
			call->error = "the store gave no identifier of the upload";
	}
	else if (upload->part <= upload->parts)
	{
		tag = ice_net()->header(&call->net, "etag");
		if (tag == NULL)
			call->error = "the store gave no tag of a part";
		else
		{
			appendStringInfo(&upload->list, "<Part><PartNumber>%d</PartNumber><ETag>",
							 upload->part);
			ice_xml_append(&upload->list, tag);
			appendStringInfoString(&upload->list, "</ETag></Part>");
		}
	}
	else
	{
		/* A store that takes long begins to answer before it knows how it ends. */
		upload->done = leaf_of(&call->net, "Error/Code") == NULL;
		if (!upload->done)
			call->net.status = 500;
		return false;
	}
	if (call->error != NULL)
		return false;
	if (upload->part < upload->parts)
		next_part(s3, upload);
	else
		complete(s3, upload);
	return true;
}

void
ice_s3_multipart_begin(IceS3Call *s3)
{
	Upload *upload = palloc0(sizeof(Upload));

	upload->data = s3->body;
	upload->len = s3->body_len;
	upload->part_bytes = Max((size_t) ice_guc_multipart_bytes, s3->body_len / PARTS_MAX + 1);
	upload->parts = (int) ((upload->len + upload->part_bytes - 1) / upload->part_bytes);
	upload->only_new = s3->only_new;
	s3->only_new = false;
	initStringInfo(&upload->list);
	appendStringInfoString(&upload->list, "<CompleteMultipartUpload>");
	s3->owner = upload;
	s3->method = "POST";
	s3->query = "uploads=";
	ice_s3_call_body(s3, NULL, 0);
	s3->call.answered = answered;
}
