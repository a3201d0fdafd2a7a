/*
 * frames.c
 *		The frames of a WebSocket; see frames.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "events/frames.h"

#include <stdlib.h>

#include <wslay/wslay.h>

#define MESSAGE_BYTES_MAX 4096 /* of what a client sends; longer ones are closed with 1009 */
#define NO_MESSAGES       "this stream takes no messages"

/* wslay closes without a code for most of what is no frame. */
#define BROKEN         \
	"\x88\x20\x03\xea" \
	"this frame is none of RFC 6455"

struct GwFrames
{
	wslay_event_context_ptr wslay;
	GwSlice                 input; /* while it is taken */
	GwText                 *out;   /* while something is sent */
	bool                    heard;
	bool                    has_message;
	bool                    broken; /* what wslay does not find, or has no code for */
};

/* wslay's. */
static ssize_t
receive(wslay_event_context_ptr wslay, uint8_t *buffer, size_t size, int flags, void *arg)
{
	GwFrames *frames = arg;
	size_t    n = frames->input.len < size ? frames->input.len : size;

	(void) flags;
	if (n == 0)
	{
		wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(buffer, frames->input.data, n);
	frames->input.data += n;
	frames->input.len -= n;
	return (ssize_t) n;
}

static ssize_t
send_piece(wslay_event_context_ptr wslay, const uint8_t *data, size_t len, int flags, void *arg)
{
	GwFrames *frames = arg;

	(void) wslay;
	(void) flags;
	gw_text_add(frames->out, (const char *) data, len);
	return (ssize_t) len;
}

static void
begin_frame(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *frame,
			void *arg)
{
	GwFrames *frames = arg;

	(void) wslay;
	if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1)
		frames->broken = true;
}

static void
take_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message,
			 void *arg)
{
	GwFrames *frames = arg;

	(void) wslay;
	if (message->opcode == WSLAY_PONG)
		frames->heard = true;
	else if (!wslay_is_ctrl_frame(message->opcode))
		frames->has_message = true;
}

GwFrames *
gw_frames_open(void)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = receive,
		.send_callback = send_piece,
		.on_frame_recv_start_callback = begin_frame,
		.on_msg_recv_callback = take_message,
	};
	GwFrames *frames = gw_alloc(sizeof(*frames));

	frames->heard = true;
	if (wslay_event_context_server_init(&frames->wslay, &callbacks, frames) != 0)
		abort(); /* no memory, as gw_alloc() */
	wslay_event_config_set_max_recv_msg_length(frames->wslay, MESSAGE_BYTES_MAX);
	return frames;
}

void
gw_frames_free(GwFrames *frames)
{
	if (frames == NULL)
		return;
	wslay_event_context_free(frames->wslay);
	free(frames);
}

/* Appends all that is to be sent. */
static void
flush(GwFrames *frames, GwText *out)
{
	frames->out = out;
	(void) wslay_event_send(frames->wslay);
	frames->out = NULL;
}

bool
gw_frames_take(GwFrames *frames, GwSlice input, GwText *out)
{
	frames->input = input;
	if (wslay_event_recv(frames->wslay) != 0)
		frames->broken = true;
	frames->input = (GwSlice){0};
	if (frames->broken)
	{
		gw_text_add(out, BROKEN, sizeof(BROKEN) - 1);
		return false;
	}
	if (frames->has_message)
		(void) wslay_event_queue_close(frames->wslay, WSLAY_CODE_UNSUPPORTED_DATA,
									   (const uint8_t *) NO_MESSAGES, sizeof(NO_MESSAGES) - 1);
	flush(frames, out);
	return !frames->has_message && wslay_event_want_read(frames->wslay) != 0 &&
		   !wslay_event_get_close_received(frames->wslay);
}

bool
gw_frames_was_heard(const GwFrames *frames)
{
	return frames->heard;
}

static void
queue(GwFrames *frames, enum wslay_opcode opcode, GwSlice text, GwText *out)
{
	struct wslay_event_msg message = {(uint8_t) opcode, (const uint8_t *) text.data, text.len};

	(void) wslay_event_queue_msg(frames->wslay, &message);
	flush(frames, out);
}

void
gw_frames_text(GwFrames *frames, GwSlice text, GwText *out)
{
	queue(frames, WSLAY_TEXT_FRAME, text, out);
}

void
gw_frames_ping(GwFrames *frames, GwSlice text, GwText *out)
{
	frames->heard = false;
	queue(frames, WSLAY_PING, text, out);
}

void
gw_frames_close(GwFrames *frames, int code, GwSlice reason, GwText *out)
{
	(void) wslay_event_queue_close(frames->wslay, (uint16_t) code, (const uint8_t *) reason.data,
								   reason.len);
	flush(frames, out);
}
