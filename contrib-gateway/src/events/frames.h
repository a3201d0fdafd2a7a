/*
 * frames.h
 *		The frames of a WebSocket, as a server speaks them (RFC 6455), over wslay. Pure.
 *
 * The client only listens: it may send control frames. Pings are answered; a message, a frame that
 * is not masked, one that is too long, or what is no frame at all, closes it with the code for
 * that. There are no extensions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_FRAMES_H
#define GW_FRAMES_H

#include "base/text.h"

typedef struct GwFrames GwFrames;

extern GwFrames *gw_frames_open(void);
extern void      gw_frames_free(GwFrames *frames);

/* Takes what the client sent, all of it; appends what is to be sent. False: it is over, by a close
 * of the client's, which was answered, or for what it sent. */
extern bool gw_frames_take(GwFrames *frames, GwSlice input, GwText *out);

/* Has a pong come since the last ping? */
extern bool gw_frames_was_heard(const GwFrames *frames);

/* These append a frame: a text; a ping of at most 125 bytes; the close, with a reason of at most
 * 123 bytes, after which there is none. */
extern void gw_frames_text(GwFrames *frames, GwSlice text, GwText *out);
extern void gw_frames_ping(GwFrames *frames, GwSlice text, GwText *out);
extern void gw_frames_close(GwFrames *frames, int code, GwSlice reason, GwText *out);

#endif
