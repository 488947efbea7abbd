/* What a recording holds and what it lacks, in lines for people. */
#ifndef CTRACE_CAPTURE_NOTES_H
#define CTRACE_CAPTURE_NOTES_H

#include "model/model.h"

/* Strings, owned by the array: command, layers, rate, losses. */
GPtrArray *ct_capture_notes(const struct ct_capture *capture);

/* Only what is wrong: an end that is missing, and losses. Empty if all is well. */
GPtrArray *ct_capture_complaints(const struct ct_capture *capture);

/* What `missing` says, in its two parts: which layers are not live and why, and why waits were
 * lost. "" where there is nothing to say; free the first with g_free(), the second is borrowed. */
char *ct_capture_missing_layers(const struct ct_capture *capture);
const char *ct_capture_lost_waits(const struct ct_capture *capture);

/* What `missing` says about that, a layer of the schema's, and from there on; NULL: nothing. */
const char *ct_capture_note_about(const struct ct_capture *capture, const char *about);

/* The layer was live. */
gboolean ct_capture_has_layer(const struct ct_capture *capture, const char *layer);

/* What is gone of the recording, as record --keep=newest was asked to; "" if nothing. Free with
 * g_free(). */
char *ct_capture_dropped(const struct ct_capture *capture);

/* How long --lossless held the program up; "" if it did not. Free with g_free(). */
char *ct_capture_held_up(const struct ct_capture *capture);

/* What had to be estimated, since the kernel did not tell it; "" if nothing. Free with g_free(). */
char *ct_capture_estimates(const struct ct_capture *capture);

/* How good the stacks are that the kernel took; "" if it took none. Free with g_free(). */
char *ct_capture_approximations(const struct ct_capture *capture);

/* "1,234 waits, 2 stacks": what was lost while recording, "" if nothing. Free with g_free(). */
char *ct_capture_losses(const struct ct_capture *capture);

/* Which processes did not load ctrace's library, and whether that matters; "" if all did. Free with
 * g_free(). */
char *ct_capture_unseen(const struct ct_capture *capture);

/* Which processes were left out, as what they wrote has another format; "" if none. Free with
 * g_free(). */
char *ct_capture_foreign(const struct ct_capture *capture);

/* There are some whose waits nobody told of. */
gboolean ct_capture_lacks_processes(const struct ct_capture *capture);

/* How many CPU samples there are, and how good; "" if there are none. The caller frees. */
char *ct_capture_samples(const struct ct_capture *capture);

#endif
