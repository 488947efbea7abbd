#include "commands/report_passes.h"

#include "cli/recording.h"
#include "summary/heap_places.h"
#include "summary/heap_profile.h"
#include "summary/idle_times.h"

#include <string.h>

/* A path is made of no more waits than this where nobody asks for the path itself: following it
 * takes about as long as reading them. */
#define PATH_WAITS_MAX (UINT64_C(1) << 22)

void ct_report_passes_clear(struct ct_report_passes *passes)
{
    g_clear_pointer(&passes->hangs, g_ptr_array_unref);
    g_clear_pointer(&passes->locks, g_ptr_array_unref);
    ct_latency_free(passes->latency);
    ct_path_free(passes->path);
    ct_path_free(passes->whole_path);
    g_clear_pointer(&passes->peers, g_ptr_array_unref);
    ct_requests_free(passes->requests);
    ct_heap_places_free(passes->heap);
    ct_model_free(passes->model);
}

/* ---- What is shown ---- */

static gboolean is_section(const struct ct_report_passes *passes, const char *name)
{
    return name && passes->layout->extent == CT_REPORT_SECTION &&
           strcmp(passes->layout->section, name) == 0;
}

/* All that there is, in whatever format. */
static gboolean is_all(const struct ct_report_passes *passes)
{
    return passes->layout->extent == CT_REPORT_ALL ||
           (passes->format->has_all && passes->layout->extent != CT_REPORT_SECTION);
}

static gboolean is_all_text(const struct ct_report_passes *passes)
{
    return passes->layout->extent == CT_REPORT_ALL && passes->format->has_sections;
}

static gboolean is_overview(const struct ct_report_passes *passes)
{
    return passes->layout->extent == CT_REPORT_OVERVIEW && passes->format->has_places;
}

static gboolean is_all_or_overview(const struct ct_report_passes *passes)
{
    return is_all(passes) || is_overview(passes);
}

/* The recording need not be asked once more where nothing may hang. */
static gboolean may_hang(const struct ct_report_passes *passes)
{
    const struct ct_report_lists *lists = passes->report->lists;

    if (!ct_report_is_whole(passes->report))
        return FALSE;
    for (guint i = 0; i < lists->open->len; i++) {
        const struct ct_report_wait *wait = lists->open->pdata[i];

        if (ct_hang_may_be(wait->interval.op))
            return TRUE;
    }
    return lists->open_count > lists->open->len; /* some are not kept */
}

/* ---- The passes ---- */

static gboolean find_hangs(struct ct_report_passes *passes, struct ct_store *store, GError **error)
{
    passes->hangs = ct_hangs_find(store, passes->model, error);
    return passes->hangs != NULL;
}

static gboolean find_locks(struct ct_report_passes *passes, struct ct_store *store, GError **error)
{
    passes->locks = ct_lock_holdings_find(store, passes->scope, error);
    return passes->locks != NULL;
}

static gboolean find_latency(struct ct_report_passes *passes, struct ct_store *store,
                             GError **error)
{
    passes->latency = ct_latency_find(passes->report, store, passes->scope, error);
    return passes->latency != NULL;
}

/* Of the longest waits, what each was for. */
static gboolean find_delays(struct ct_report_passes *passes, struct ct_store *store, GError **error)
{
    return ct_report_find_delays(passes->report, store, passes->scope, error);
}

static gboolean find_peers(struct ct_report_passes *passes, struct ct_store *store, GError **error)
{
    passes->peers = ct_peers_find(store, passes->scope, error);
    return passes->peers != NULL;
}

static gboolean find_requests(struct ct_report_passes *passes, struct ct_store *store,
                              GError **error)
{
    guint slowest = is_overview(passes) && !is_all(passes) ? 0 : passes->top;

    passes->requests = ct_requests_find(store, passes->scope, slowest, error);
    return passes->requests != NULL;
}

static struct ct_path *ask_path(struct ct_report_passes *passes, struct ct_store *store,
                                guint longest, GError **error)
{
    struct ct_path_question question = {.store = store, .model = passes->model};

    if (!ct_path_choose(&question, passes->scope->selection, passes->scope->window, error))
        return NULL;
    return ct_path_find(&question, longest, error);
}

static gboolean find_path(struct ct_report_passes *passes, struct ct_store *store, GError **error)
{
    passes->path = ask_path(passes, store, passes->top, error);
    return passes->path != NULL;
}

static uint64_t count_waits(const struct ct_report *report)
{
    uint64_t count = 0;

    for (guint i = 0; i < report->threads->len; i++)
        count += g_array_index(report->threads, struct ct_report_thread, i).interval_count;
    return count;
}

/* Where there is no such thread, findings are without it. */
static gboolean find_whole_path(struct ct_report_passes *passes, struct ct_store *store,
                                GError **error)
{
    GError *failure = NULL;

    if (!ct_selection_is_all_waits(&passes->report->scope.selection) ||
        count_waits(passes->report) > PATH_WAITS_MAX)
        return TRUE;
    passes->whole_path = ask_path(passes, store, 0, &failure);
    if (g_error_matches(failure, CT_PATH_ERROR, CT_PATH_ERROR_NOBODY))
        g_clear_error(&failure);
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static const struct {
    gboolean (*find)(struct ct_report_passes *passes, struct ct_store *store, GError **error);
    gboolean (*is_shown)(const struct ct_report_passes *passes); /* or NULL */
    const char *sections[2];                                     /* those that show it, or NULL */
} all[] = {
    {find_hangs, may_hang, {NULL}},
    {find_locks, is_all, {"locks"}},
    {find_latency, is_all_text, {"latency"}},
    {find_delays, is_all_text, {"waits"}},
    {find_peers, is_all_or_overview, {"peers", "findings"}},
    {find_requests, is_all_or_overview, {"requests"}},
    {find_path, NULL, {"path"}}, /* it is of one thread's end, and no part of everything */
    {find_whole_path, is_all_or_overview, {"findings"}},
};

static gboolean is_asked(const struct ct_report_passes *passes, size_t index)
{
    return (all[index].is_shown && all[index].is_shown(passes)) ||
           is_section(passes, all[index].sections[0]) || is_section(passes, all[index].sections[1]);
}

static gboolean ask(void *user, struct ct_store *store, GError **error)
{
    struct ct_report_passes *passes = user;

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        if (is_asked(passes, i) && !all[i].find(passes, store, error))
            return FALSE;
    }
    return TRUE;
}

/* The model has all of it. */
static gboolean is_heap_asked(const struct ct_report_passes *passes)
{
    return is_section(passes, "heap") ||
           (is_all_or_overview(passes) && ct_heap_is_recorded(passes->report->model));
}

static gboolean is_any_asked(const struct ct_report_passes *passes)
{
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        if (is_asked(passes, i))
            return TRUE;
    }
    return FALSE;
}

gboolean ct_report_passes_find(struct ct_report_passes *passes, const char *directory,
                               struct ct_activity *activity, GError **error)
{
    struct ct_report *report = passes->report;

    if (is_any_asked(passes) &&
        !ct_recording_ask(directory, activity, passes->model, ask, passes, error))
        return FALSE;
    report->hangs = passes->hangs;
    report->locks = passes->locks;
    report->latency = passes->latency;
    report->path = passes->path;
    report->whole_path = passes->whole_path;
    report->peers = passes->peers;
    report->requests = passes->requests;
    if (is_heap_asked(passes))
        passes->heap = ct_heap_places_find(report);
    report->heap = passes->heap;
    ct_report_find_inversions(report);
    return TRUE;
}
