/*
 * What records: the boards of the traced processes, the drain that fetches their events, and the
 * layers that tell of the kernel. It can run for as long as one likes; where the events go, and
 * when it ends, others say.
 */
#ifndef CTRACE_RECORD_ENGINE_H
#define CTRACE_RECORD_ENGINE_H

#include "closing.h"
#include "control.h"
#include "drain.h"
#include "handout.h"
#include "record/layers/capture.h"

#include <glib.h>

struct ct_engine_settings {
    uint64_t rate_ns;
    gboolean follows_children;
    uint32_t classes;      /* that are recorded: bits 1 << enum ct_class */
    uint32_t stack_frames; /* so many of a stack */
    uint64_t heap_rate;    /* or CT_HEAP_OFF */
    gboolean heap_has_maps;
    gboolean is_lossless; /* threads wait where there is no room for an event */
    struct ct_kernel_wishes kernel;
    const char *place;   /* borrowed; the recording's folder: of the kernel's spool, and the like */
    const char *output;  /* borrowed; what people know that by */
    const char *command; /* borrowed; what is recorded */
};

struct ct_engine {
    char *place;                            /* owned; see the settings */
    struct ct_session_directory *directory; /* owned */
    struct ct_boards *boards;               /* owned; once it has a writer, as is what follows */
    struct ct_drain *drain;                 /* owned */
    struct ct_handout *handout;             /* owned; until it ends, or NULL */
    struct ct_kernel_capture *kernel;       /* owned; NULL: it is not wanted, or not ours */
    struct ct_closing closing;
    guint noted; /* so many images with a preload are noted for its end */
};

/* With a session directory of its own; the kernel's layers begin to be opened. NULL and an error.
 */
struct ct_engine *ct_engine_new(const struct ct_engine_settings *settings, GError **error);

/* To finish what another process began at `place`: owns its directory. */
struct ct_engine *ct_engine_adopt(const char *place, struct ct_session_directory *directory);

/* From now on it can write: to whoever takes the writer's events. */
gboolean ct_engine_load_writer(struct ct_engine *engine, GError **error);

/* From now on it fetches events; `is_taken` see ct_drain_start(). */
void ct_engine_start(struct ct_engine *engine, gboolean (*is_taken)(void *user), void *user);

uint64_t ct_engine_now_ns(const struct ct_engine *engine);

/* The hooks do not rest any more, and the kernel tells. */
void ct_engine_begin(struct ct_engine *engine);

/* Tells the traced processes that somebody is there. */
void ct_engine_note_alive(struct ct_engine *engine);

/*
 * About once a second: fetches and closes the boards of ended processes. `is_live`: what is written
 * is taken somewhere. Else they are kept while there is room; `lost_ns`: for nothing, if they began
 * later.
 */
void ct_engine_tend(struct ct_engine *engine, gboolean is_live, uint64_t lost_ns);

/* As often as CT_HEAP_LOOK_NS says, or more: looks at what is live on the heaps, and tells who
 * watches. */
void ct_engine_look_at_heaps(struct ct_engine *engine);

/* Where what is recorded goes. */
struct ct_part_output {
    gboolean (*end_packets)(void *user);  /* what was written ends; FALSE: nothing is taken */
    uint64_t (*bytes_before)(void *user); /* then: so much was */
    void *user;                           /* borrowed */
};

/*
 * Another part of the recording begins, in which what is there is said again. Sets when that is,
 * what was recorded before, and `before`; without a begin of the recording, that is it, too.
 * FALSE: nothing is taken, or nobody is left to be told of.
 */
gboolean ct_engine_begin_part(struct ct_engine *engine, const struct ct_part_output *output,
                              struct ct_event_part *part, struct ct_part_before *before);

/*
 * What threads had written has been handed on, and what comes stays on their boards, until
 * ct_engine_let_go(). FALSE: nothing is taken; it goes on.
 */
gboolean ct_engine_hold_still(struct ct_engine *engine);
void ct_engine_let_go(struct ct_engine *engine);

/* In between, where many have ended. */
void ct_engine_close_ended(struct ct_engine *engine);

/* The hooks are to rest for good, and nobody gets a board any more. */
void ct_engine_stop(struct ct_engine *engine);

/* Which process images the preload tells of: struct ct_image_key. Caller frees. */
GArray *ct_engine_find_preloaded(const struct ct_engine *engine);

/* is_unfinished: the boards stay, for another try. */
void ct_engine_free(struct ct_engine *engine, gboolean is_unfinished);

#endif
