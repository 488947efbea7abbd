/*
 * The kernel layer of one recording: opened while LTTng is set up, drained to disk by a thread of
 * its own while recording, and turned into CTF when the trace is cut. Whatever fails here leaves
 * the rest of the recording as it is.
 */
#ifndef CTRACE_RECORD_LAYERS_CAPTURE_H
#define CTRACE_RECORD_LAYERS_CAPTURE_H

#include "system/running.h"

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

struct ct_kernel_capture;

/* By which of the kernel's ways it is told. */
enum ct_capture_origin {
    CT_FROM_ANYWHERE, /* or: whichever there is */
    CT_FROM_BPF,
    CT_FROM_PERF
};

/* What is to be recorded. */
struct ct_kernel_wishes {
    gboolean sched;
    gboolean syscalls; /* and, where they make a thread wait, its stack by frame pointers */
    uint64_t rate_ns;  /* what lasts less need not be told in full */
    enum ct_capture_origin origin; /* of the scheduler's part and the system calls */
    uint32_t cpu_hz;               /* how often to sample what runs; 0: not at all */
    gboolean follows_children;
    gboolean wakers; /* where threads were that let others go on; with system calls only */
};

/* FALSE and an error: of those, nothing would be told. */
gboolean ct_kernel_wishes_add_wakers(struct ct_kernel_wishes *wishes, gboolean is_wanted,
                                     GError **error);

/* Begins to open what the kernel gives, for a recording at `path`. Never NULL. */
struct ct_kernel_capture *ct_kernel_capture_new(const char *path,
                                                const struct ct_kernel_wishes *wishes);

/* To be called when there is process `pid`, before it executes the program. */
void ct_kernel_capture_attach(struct ct_kernel_capture *capture, pid_t pid);

/* Process `pid`, which no preload gets into, runs its program now: what that is, and what its
 * descriptors are, is looked up now and then. Once attached. */
void ct_kernel_capture_describe(struct ct_kernel_capture *capture, pid_t pid);

/*
 * Instead: to be called with processes that run already, each of which is recorded for as long as
 * it runs. Before ct_kernel_capture_begin(). `running` is borrowed. FALSE if there will be no
 * kernel layer; ct_kernel_capture_missing() says why.
 */
gboolean ct_kernel_capture_attach_running(struct ct_kernel_capture *capture,
                                          struct ct_running *running);

/* Recording begins now, or once attached: with the program's execution. What is there already, and
 * no preload is in, is looked up. */
void ct_kernel_capture_begin(struct ct_kernel_capture *capture);

/*
 * Another part of the recording begins, of that number; then what is there is told again:
 * `preloaded`, struct ct_image_key, are the images that live and that the preload tells of. Returns
 * how much the recording gets by that.
 */
void ct_kernel_capture_begin_part(struct ct_kernel_capture *capture, uint32_t part);
uint64_t ct_kernel_capture_restate(struct ct_kernel_capture *capture, const GArray *preloaded,
                                   uint64_t time_ns);

/* The parts before that one are not wanted any more. FALSE and errno: they cannot be dropped. */
gboolean ct_kernel_capture_drop_parts(struct ct_kernel_capture *capture, uint32_t part);

/* The same of a copy, at `to_fd`, of one of the spool's files, at `from_fd`: see
 * ct_spool_drop_as().
 */
gboolean ct_kernel_capture_drop_as(int from_fd, int to_fd);

/* Calls `look` when what was told so far is in the spool, and nothing more is put there until it
 * returns. */
void ct_kernel_capture_bring_out(struct ct_kernel_capture *capture, void (*look)(void *user),
                                 void *user);

/* Nothing is recorded any more, and all that was is on disk. */
void ct_kernel_capture_end(struct ct_kernel_capture *capture);

/*
 * Gives back what the kernel gave: some 50 ms, which another process takes. One that is started
 * meanwhile would have to wait for it before it can execute a program.
 */
void ct_kernel_capture_release(struct ct_kernel_capture *capture);

/* "kernel: ...; cpu: ...": what of the wishes is not live, and why. NULL: all of it is. Once
 * attached. */
const char *ct_kernel_capture_missing(const struct ct_kernel_capture *capture);

/* Why there are no CPU samples, though they are wished for, or NULL. Once attached. */
const char *ct_kernel_capture_why_no_samples(const struct ct_kernel_capture *capture);

/* CPU samples are wished for, and would be taken if anything ran. Once attached. */
gboolean ct_kernel_capture_takes_samples(const struct ct_kernel_capture *capture);

/* System calls are recorded. Once attached. */
gboolean ct_kernel_capture_has_calls(const struct ct_kernel_capture *capture);

/* The scheduler's part was wished for, whether or not it can be had. */
gboolean ct_kernel_capture_is_wanted(const struct ct_kernel_capture *capture);

void ct_kernel_capture_free(struct ct_kernel_capture *capture);

#endif
