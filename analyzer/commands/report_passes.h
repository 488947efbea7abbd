/* What a report has that takes a pass of its own over the recording: it is looked for where it is
 * shown. */
#ifndef CTRACE_COMMANDS_REPORT_PASSES_H
#define CTRACE_COMMANDS_REPORT_PASSES_H

#include "export/report_format.h"
#include "summary/latency.h"

struct ct_report_passes {
    struct ct_model *model;                /* owned; what is found is of it */
    const struct ct_store_scope *scope;    /* borrowed, as are the next */
    struct ct_report *report;              /* it borrows what is found */
    const struct ct_report_format *format; /* by these two it is known what is shown */
    const struct ct_report_layout *layout;
    guint top;                  /* entries of each list that are kept */
    GPtrArray *hangs;           /* owned; struct ct_hang *; or NULL, as the next where not found */
    GPtrArray *locks;           /* owned; struct ct_lock_holding * */
    struct ct_latency *latency; /* owned */
    struct ct_path *path;       /* owned, as the next: one is shown, the other is for findings */
    struct ct_path *whole_path; /* without its longest stretches */
    GPtrArray *peers;           /* owned; struct ct_peer * */
    struct ct_requests *requests;
    struct ct_heap_places *heap; /* owned */
};

void ct_report_passes_clear(struct ct_report_passes *passes);
typedef struct ct_report_passes ct_report_passes; /* for g_auto() */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ct_report_passes, ct_report_passes_clear)

/* Once the report has gathered its waits; gives it what is found. */
gboolean ct_report_passes_find(struct ct_report_passes *passes, const char *directory,
                               struct ct_activity *activity, GError **error);

#endif
