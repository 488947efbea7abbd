/*
 * The lists of a report, gathered wait by wait in bounded memory: the longest waits, the waits that
 * never ended, and the places that waited.
 */
#ifndef CTRACE_REPORT_LISTS_H
#define CTRACE_REPORT_LISTS_H

#include "summary/long_waits.h"

/* Places that are found without a look into a table; a power of two. */
#define CT_REPORT_SLOTS 64

/* All waits in one operation with one stack of one process; of those for any of several
 * descriptors, those that one thing ended. Folded, of all that are alike. */
struct ct_report_site {
    const struct ct_process *process; /* borrowed; the first one */
    GPtrArray *others;                /* owned; const struct ct_process *: the others; or NULL */
    uint32_t stack_id;
    enum ct_op op;
    enum ct_class class;
    char *ended_by;       /* owned; the text of what ended them, as it is told apart; or NULL */
    double count;         /* with the weights of sampled waits, as the total */
    double blocked_count; /* of those that took any time: the others did not leave the CPU */
    double total_ns;
    double idle_ns;      /* of that, once it was told */
    double used_ns;      /* of CPUs, by all threads meanwhile, once that was told */
    uint64_t longest_ns; /* of one wait, as far as it is in the total */
    /* The wait that came last: its thread, when it began, and as much of it as came until now. */
    const struct ct_thread *last_thread; /* borrowed */
    uint64_t last_begin_ns;
    uint64_t last_ns;
    uint64_t object_id;
    char *object; /* owned; of the first wait; NULL: it has no name yet */
    gboolean has_many_objects;
    const struct ct_report_site *folded_into; /* borrowed; the one into which this was folded */
};

struct ct_report_lists {
    guint top;          /* entries of each list that will be shown */
    GPtrArray *longest; /* owned; struct ct_report_wait *, longest first once sorted */
    GPtrArray *open;    /* owned; the same */
    /* Owned; struct ct_report_site *, borrowed; once sorted by total, those that are idle last. */
    GPtrArray *sites;
    uint64_t open_count;   /* there may be more than are kept */
    double unlisted_count; /* waits whose place found no room */
    GHashTable *index;     /* owned; all sites, as a set: finds one by its key */
    /* Borrowed from it; by hash, or NULL: found without a look into it. */
    struct ct_report_site *slots[CT_REPORT_SLOTS];
};

struct ct_report_lists *ct_report_lists_new(guint top);
void ct_report_lists_free(struct ct_report_lists *lists);
typedef struct ct_report_lists ct_report_lists; /* for g_autoptr(ct_report_lists) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_report_lists, ct_report_lists_free)

/* Counts of the wait what lies inside the window. `kind` are those like it; NULL: unknown. */
void ct_report_lists_add(struct ct_report_lists *lists, const struct ct_interval *interval,
                         const struct ct_window *window, const struct ct_evidence_wait *kind);

/* So much of the time of those waits was idle. */
void ct_report_lists_add_idle(struct ct_report_lists *lists, const struct ct_evidence_wait *kind);

/* So much of the CPUs was used during those waits. */
void ct_report_lists_add_use(struct ct_report_lists *lists, const struct ct_evidence_wait *kind);

/* Most of its time was idle. */
gboolean ct_report_site_is_idle(const struct ct_report_site *site);

/* Says what they waited for. Call once, when the model is complete, before all that follow. */
void ct_report_lists_name(struct ct_report_lists *lists);

/* Adds what `more` gathered, of other threads and with the same `top`; `more` is then empty. */
void ct_report_lists_merge(struct ct_report_lists *lists, struct ct_report_lists *more);

/* Call once, after that. */
void ct_report_lists_sort(struct ct_report_lists *lists);

/* What a site is for a reader, as text that the caller frees. */
typedef char *ct_report_site_describe(void *user, const struct ct_report_site *site);

/* Makes one of those sites that are the same for a reader. The lists are sorted, and stay so. */
void ct_report_lists_fold(struct ct_report_lists *lists, ct_report_site_describe *describe,
                          void *user);

/* The place of this wait, or NULL. */
const struct ct_report_site *ct_report_lists_site(const struct ct_report_lists *lists,
                                                  const struct ct_interval *interval);

#endif
