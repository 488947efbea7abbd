/*
 * A recording that is being asked by pages, and the questions that there are; each file that
 * answers one says what its parameters and its answer are. In all of them
 *
 *   a moment   is in nanoseconds from the recording's begin, and [from, to) a time
 *   a lane     is tN a thread, cN a CPU, oN an object that was waited for, kN a kind of threads
 *   a state    is a place in the overview's list of states
 *   a frame    is {function, file, line, module, inlined}, or {omitted} for those left out
 *   ns         is exact and of what was recorded; `waits` counts those that sampled ones stand
 *              for, too
 *
 * What is not known is left out.
 */
#ifndef CTRACE_VIEW_READER_H
#define CTRACE_VIEW_READER_H

#include "export/event_text.h"
#include "passes/idle.h"
#include "store/store.h"
#include "symbols/stack_text.h"
#include "view/reader/params.h"

#include <json-glib/json-glib.h>

struct ct_view_reader {
    struct ct_model *model; /* borrowed, as is the next */
    struct ct_store *store;
    char **recordings;                /* borrowed; the names of all that pages may ask */
    struct ct_symbolizer *symbolizer; /* owned, as is all that follows */
    struct ct_idle *idle;
    struct ct_event_texts *texts;
    GPtrArray *kinds;     /* struct ct_view_kind_of_threads * */
    GArray *kind_numbers; /* gint, by thread: its kind, or -1 */
    GHashTable *objects;  /* struct ct_store_object * (borrowed) -> its number plus one */
};

/* Threads that are alike, as the report folds them. */
struct ct_view_kind_of_threads {
    char *name;         /* owned */
    GPtrArray *threads; /* owned; struct ct_thread *, borrowed */
};

void ct_view_reader_init(struct ct_view_reader *reader, struct ct_model *model,
                         struct ct_store *store);
void ct_view_reader_clear(struct ct_view_reader *reader);

struct ct_view_answer {
    JsonBuilder *json; /* borrowed; what the answer is, unless it is binary */
    GByteArray *bytes; /* borrowed; empty: it is not binary */
};

/* `params`: name -> value, both text. FALSE: an error, of CT_VIEW_ERROR if the question is wrong;
 * any other is the store's. */
typedef gboolean ct_view_question(struct ct_view_reader *reader, GHashTable *params,
                                  struct ct_view_answer *answer, GError **error);

ct_view_question ct_view_overview;
ct_view_question ct_view_tiles;
ct_view_question ct_view_interval;
ct_view_question ct_view_tids;
ct_view_question ct_view_area;
ct_view_question ct_view_path;

/* ---- What the answers share ---- */

/* From `from` to `to`, of which a whole recording has neither. FALSE: an error. */
gboolean ct_view_param_window(const struct ct_view_reader *reader, GHashTable *params,
                              struct ct_window *window, GError **error);

static inline uint64_t ct_view_moment(const struct ct_view_reader *reader, uint64_t time_ns)
{
    return time_ns > reader->model->begin_ns ? time_ns - reader->model->begin_ns : 0;
}

static inline uint64_t ct_view_time(const struct ct_view_reader *reader, uint64_t moment)
{
    return ct_add_u64(reader->model->begin_ns, moment);
}

/* A member that is a moment. */
void ct_view_add_moment(const struct ct_view_reader *reader, JsonBuilder *json, const char *name,
                        uint64_t time_ns);
/* A member that is a lane: "t3". */
void ct_view_add_lane(JsonBuilder *json, const char *name, enum ct_view_lane_kind kind,
                      guint number);
/* A member that is a thread's times, by state. */
void ct_view_add_times(JsonBuilder *json, const char *name,
                       const uint64_t class_ns[CT_CLASS_COUNT]);

/* What was called; borrowed. */
const char *ct_view_interval_op(const struct ct_interval *interval);

/* What was called for what, as a line. Free with g_free(). */
char *ct_view_interval_text(const struct ct_view_reader *reader,
                            const struct ct_interval *interval);

/* An element of an array, and a member that is a stack: leaf first, as text has it. */
void ct_view_add_frame(JsonBuilder *json, const struct ct_stack_frame *frame);
void ct_view_add_stack(const struct ct_view_reader *reader, JsonBuilder *json, const char *name,
                       const struct ct_process *process, uint32_t stack_id);

/* NULL: there is none, with an error. */
struct ct_thread *ct_view_find_thread(const struct ct_view_reader *reader, guint number,
                                      GError **error);
const struct ct_view_kind_of_threads *ct_view_find_kind(const struct ct_view_reader *reader,
                                                        guint number, GError **error);

/* struct ct_thread *, borrowed: of a thread's lane, or a kind's. NULL: an error. */
GPtrArray *ct_view_lane_threads(const struct ct_view_reader *reader,
                                const struct ct_view_lane *lane, GError **error);

/* The number of what an interval was for; FALSE: it has none. */
gboolean ct_view_find_object(const struct ct_view_reader *reader,
                             const struct ct_interval *interval, guint *number);

/* Its place in the overview's list; -1: it is not there. */
gint64 ct_view_process_number(const struct ct_view_reader *reader,
                              const struct ct_process *process);

/* How long a thread lived in the window. */
uint64_t ct_view_alive_ns(const struct ct_thread *thread, const struct ct_window *window);

#endif
