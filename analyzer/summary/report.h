/*
 * What a report says, gathered in one pass over the trace with bounded memory. The formats only
 * write it down.
 */
#ifndef CTRACE_REPORT_H
#define CTRACE_REPORT_H

#include "model/life.h"
#include "model/selection.h"
#include "model/sink.h"
#include "passes/findings/findings.h"
#include "passes/hangs.h"
#include "passes/inversions.h"
#include "passes/lock_holding.h"
#include "passes/path.h"
#include "passes/requests.h"
#include "summary/lists.h"
#include "symbols/symbols.h"

struct ct_heap_places;
struct ct_latency;

/* What it is about. */
struct ct_report_scope {
    struct ct_selection selection; /* its lists are borrowed */
    struct ct_window window;       /* if not the whole time */
    gboolean is_whole_time;
    gboolean has_each_process; /* each by itself, as its threads and places, also where alike */
};

/* A thread's row in the table. */
struct ct_report_thread {
    struct ct_life life;     /* inside the window */
    double idle_ns;          /* of its waits, once that was told */
    uint64_t interval_count; /* wait events that reach into it */
    gboolean is_exact;       /* the classes are the trace's own totals */
};

struct ct_report {
    const struct ct_model *model; /* borrowed */
    struct ct_report_scope scope;
    guint top;                        /* entries of each list */
    GArray *threads;                  /* owned; struct ct_report_thread, in the model's order */
    GPtrArray *processes;             /* owned; const struct ct_process *, in the model's order */
    struct ct_report_lists *lists;    /* owned */
    GHashTable *gathered;             /* owned; by thread: what is still to be selected or summed */
    struct ct_idle *idle;             /* owned; tells idle waits from others */
    struct ct_evidence *evidence;     /* owned; of the findings */
    struct ct_findings *findings;     /* owned; NULL: they were not looked for */
    GHashTable *rivals;               /* owned; who took CPUs: see rivals.h */
    struct ct_symbolizer *symbolizer; /* owned */
    /* What hangs at the end, if that was asked: borrowed; struct ct_hang *, of whatever model. */
    const GPtrArray *hangs;
    GPtrArray *inversions; /* owned; struct ct_inversion *, of a whole recording; or NULL */
    /* Who held the locks that were waited for, if that was asked: borrowed; struct ct_lock_holding
     * *, of whatever model. */
    const GPtrArray *locks;
    const struct ct_latency *latency; /* how long calls took, if that was asked: borrowed */
    /* The chain that led to a thread's end, if that was asked: borrowed; of whatever model. */
    const struct ct_path *path;
    const struct ct_path *whole_path; /* the same, where it is for the findings alone */
    /* Whom the program called, and what it served, if that was asked: the same. */
    const GPtrArray *peers; /* struct ct_peer * */
    const struct ct_requests *requests;
    const struct ct_heap_places *heap; /* of this report's model, if that was asked: borrowed */
};

struct ct_report *ct_report_new(const struct ct_model *model, const struct ct_report_scope *scope,
                                guint top);
void ct_report_free(struct ct_report *report);
typedef struct ct_report ct_report; /* for g_autoptr(ct_report) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_report, ct_report_free)

struct ct_sink ct_report_sink(struct ct_report *report);

/* Borrowed; so that it can be told how much of the CPUs was used during waits. Before any is added.
 */
void ct_report_set_cpu_use(struct ct_report *report, const struct ct_cpu_use *use);

/* Call once, when the model is complete and before anything is read. */
void ct_report_finish(struct ct_report *report);

/* Makes one of the places that are the same functions and lines of one program. It takes all their
 * symbols. */
void ct_report_fold_places(struct ct_report *report);

/* Looks for locks that are taken in different orders, once it is known what hangs. */
void ct_report_find_inversions(struct ct_report *report);

/* The same for calls of the same operation of the same program, at the same lines where they are
 * known: not what the addresses are, nor which of the program's processes it is. Free with
 * g_free(). */
char *ct_report_describe_place(const struct ct_report *report, const struct ct_process *process,
                               enum ct_op op, uint32_t stack_id);

/* Looks for what held the program up, with the hangs if they are there. It takes the symbols of all
 * places where waits are no idling. */
void ct_report_look(struct ct_report *report);

/* Says of the locks that the findings name what their holders did: struct ct_lock_holding *, of
 * whatever model. */
void ct_report_add_holders(struct ct_report *report, const GPtrArray *holdings);

/* Says of the findings how much of the CPUs was used meanwhile, where that was set. */
void ct_report_add_cpu_use(struct ct_report *report);

/* TRUE if it is about all of the recording. */
gboolean ct_report_is_whole(const struct ct_report *report);

/* TRUE if no kind of waits was left out: else nothing is known of what threads ran. */
gboolean ct_report_has_all_waits(const struct ct_report *report);

/* Is the time in this class known? Not that of what was left out. */
gboolean ct_report_tells_class(const struct ct_report *report, enum ct_class class);

/* The calls of these processes are counted: not those of single threads, or of a time. */
gboolean ct_report_has_calls(const struct ct_report *report);

/* So many of the places, the first ones, took any time, and were not idle; all, if none took any.
 */
guint ct_report_timed_sites(const struct ct_report *report);
/* So many, the last ones, were mostly idle. */
guint ct_report_idle_sites(const struct ct_report *report);

/* The number of the place of this wait, from 1 on; 0 if it took no time, or is not among the first
 * `top`. */
guint ct_report_site_number(const struct ct_report *report, const struct ct_interval *interval);

/* The task that took the CPUs of these threads (struct ct_report_thread *) for the longest time in
 * sum; NULL if none is known. */
const char *ct_report_rival(const struct ct_report *report, const GPtrArray *threads);

/* The time that a thread did not run. */
uint64_t ct_report_waited_ns(const struct ct_life *life);

/* "mutex 0x7000 (queue_lock)": with the variable's name where there is one. Free with g_free(). */
char *ct_report_wait_object(const struct ct_report *report, const struct ct_report_wait *wait);
char *ct_report_site_object(const struct ct_report *report, const struct ct_report_site *site);
/* Of a lock for which an operation was called from that stack of the process. */
char *ct_report_lock_object(const struct ct_report *report, const struct ct_process *process,
                            enum ct_op op, uint64_t object, uint32_t stack_id);

#endif
