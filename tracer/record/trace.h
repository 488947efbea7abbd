/*
 * Where the events go: an LTTng session that writes to the recording's folder, or, once that is
 * lost, another one for what is written at the end.
 */
#ifndef CTRACE_RECORD_TRACE_H
#define CTRACE_RECORD_TRACE_H

#include "output.h"
#include "provider/writer.h"
#include "session.h"

#include <glib.h>
#include <sys/types.h>

struct ct_trace;

/* Of the recorder with that session directory. Nothing is written yet. */
struct ct_trace *ct_trace_new(const struct ct_output *output, const char *session_directory);

/* Finds or starts a session daemon, and a session; `ended_by` see ct_sessiond_acquire(). */
gboolean ct_trace_start(struct ct_trace *trace, const gint *ended_by, GError **error);

/* Instead: takes over what a recorder that is gone left of it. */
gboolean ct_trace_adopt(struct ct_trace *trace, GError **error);

/* For ct_drain_start(): the events that are written now will be readable. */
gboolean ct_trace_is_taken(void *trace);

/* What is written now can reach the disk. */
gboolean ct_trace_is_live(struct ct_trace *trace);

/* What is written from now on is in packets of its own: while nobody writes. */
gboolean ct_trace_end_packets(struct ct_trace *trace, GError **error);

/* The same, and what was written is on the disk: until ct_trace_go_on(), while nobody writes. FALSE
 * and an error: it has gone on. */
gboolean ct_trace_pause(struct ct_trace *trace, GError **error);
gboolean ct_trace_go_on(struct ct_trace *trace, GError **error);

/* What was written is on the disk, as far as that can be had. */
void ct_trace_bring_out(struct ct_trace *trace);

/* Its folder has been moved there. */
void ct_trace_move(struct ct_trace *trace, const char *path);

/* The process group of the daemon; see ct_sessiond_group(). */
pid_t ct_trace_daemon_group(const struct ct_trace *trace);

/* What made us lose events, or NULL. */
const char *ct_trace_find_fault(struct ct_trace *trace);

/* Until `writer` has its events taken. FALSE and an error if they are not. */
gboolean ct_trace_await_writer(const struct ct_writer *writer, GError **error);

/* The session is lost to a full disk or with its daemon: another one takes the writer's events. */
gboolean ct_trace_replace(struct ct_trace *trace, const struct ct_writer *writer, GError **error);

/* TRUE if all is on disk, up to `end_ns`, by what is there and not only by LTTng's word. */
gboolean ct_trace_finish(struct ct_trace *trace, uint64_t end_ns, GError **error);

/* Once it is finished: cuts what is half-written. The bytes that were cut off. */
uint64_t ct_trace_repair(const struct ct_trace *trace);

/* Then: events that found no room in a buffer of LTTng's. */
uint64_t ct_trace_events_lost(const struct ct_trace *trace);

void ct_trace_free(struct ct_trace *trace);

#endif
