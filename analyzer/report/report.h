/*
 * What a report says, gathered in one pass over the trace: the longest waits, the
 * waits that never ended, and the places that waited, each with bounded memory.
 * The formats only write it down.
 */
#ifndef CTRACE_REPORT_H
#define CTRACE_REPORT_H

#include "model/sink.h"
#include "symbols/symbols.h"

#include <stdio.h>

/* One wait. Its descriptor is gone by now: `object` says what it was. */
struct ct_report_wait {
    struct ct_interval interval; /* `fd` is NULL */
    char *object;                /* owned */
};

/* All waits in one operation with one stack of one process. */
struct ct_report_site {
    const struct ct_process *process; /* borrowed */
    uint32_t stack_id;
    enum ct_op op;
    enum ct_class class;
    double count; /* with the weights of sampled waits, as the total */
    double total_ns;
    uint64_t longest_ns;
    uint64_t object_id;
    char *object; /* owned; of the first wait */
    gboolean has_many_objects;
};

struct ct_report {
    const struct ct_model *model; /* borrowed */
    guint top;                    /* entries of each list */
    GPtrArray *longest;           /* owned; struct ct_report_wait *, longest first once finished */
    GPtrArray *open;              /* owned; the same */
    GPtrArray *sites;             /* owned; struct ct_report_site *, all; by total once finished */
    uint64_t open_count;          /* there may be more than are kept */
    double unlisted_count;        /* waits whose place found no room */
    GHashTable *site_index;       /* owned; finds a site by its key */
    GHashTable *rivals; /* owned; struct ct_report_rival *, as a set: who took threads' CPUs */
    struct ct_symbolizer *symbolizer; /* owned */
};

struct ct_report *ct_report_new(const struct ct_model *model, guint top);
void ct_report_free(struct ct_report *report);
typedef struct ct_report ct_report; /* for g_autoptr(ct_report) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_report, ct_report_free)

struct ct_sink ct_report_sink(struct ct_report *report);

/* Call once, when the model is complete and before anything is read. */
void ct_report_finish(struct ct_report *report);

/* The number of the place of this wait, from 1 on; 0 if it is not among the first `top`. */
guint ct_report_site_number(const struct ct_report *report, const struct ct_interval *interval);

/* The task that took this thread's CPU for the longest time in sum; NULL if none is known. */
const char *ct_report_rival(const struct ct_report *report, const struct ct_thread *thread);

/* The time that a thread did not run. */
uint64_t ct_report_waited_ns(const struct ct_thread *thread);

/* "mutex 0x7000 (queue_lock)": with the variable's name where there is one. Free with g_free(). */
char *ct_report_object_name(const struct ct_report *report, const struct ct_process *process,
                            enum ct_op op, uint64_t object_id, const char *object);

struct ct_report_layout {
    guint width; /* of the terminal */
    guint depth; /* frames of a stack */
    gboolean has_colour;
};

/* Each writes the whole report; ferror() and fflush() tell whether that went well. */
void ct_report_write_text(const struct ct_report *report, const struct ct_report_layout *layout,
                          FILE *out);
void ct_report_write_json(const struct ct_report *report, const struct ct_report_layout *layout,
                          FILE *out);
void ct_report_write_csv(const struct ct_report *report, const struct ct_report_layout *layout,
                         FILE *out);

#endif
