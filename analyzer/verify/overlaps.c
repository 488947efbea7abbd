#include "verify/overlaps.h"

#include "model/format.h"

struct overlaps {
    uint64_t count;
    uint64_t time_ns;
    uint64_t first_ns; /* where the first begins */
};

static gboolean find_overlaps(struct ct_store *store, const struct ct_thread *thread,
                              struct overlaps *overlaps, GError **error)
{
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, thread, NULL);
    g_autoptr(GError) wrong = NULL;
    struct ct_store_event event;
    uint64_t end_ns = 0;

    while (ct_store_cursor_next(cursor, &event, &wrong)) {
        uint64_t both_ns = MIN(end_ns, event.end_ns);

        if (event.begin_ns < both_ns) {
            if (overlaps->count++ == 0)
                overlaps->first_ns = event.begin_ns;
            overlaps->time_ns += both_ns - event.begin_ns;
        }
        end_ns = MAX(end_ns, event.end_ns);
    }
    if (!wrong)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&wrong));
    return FALSE;
}

static char *describe(const struct ct_model *model, const struct ct_thread *thread,
                      const struct overlaps *overlaps)
{
    g_autofree char *count = ct_format_count(overlaps->count);
    g_autofree char *time = ct_format_duration(overlaps->time_ns);
    g_autofree char *first =
        ct_format_duration(overlaps->first_ns - MIN(model->begin_ns, overlaps->first_ns));

    return g_strdup_printf("%s (%d): %s time%s it is told to wait for two things at once, for %s "
                           "together, first %s after the start",
                           thread->name, thread->tid, count, overlaps->count == 1 ? "" : "s", time,
                           first);
}

gboolean ct_verify_overlaps(struct ct_store *store, const struct ct_model *model, GPtrArray *faults,
                            GError **error)
{
    for (guint i = 0; i < model->threads->len; i++) {
        const struct ct_thread *thread = g_ptr_array_index(model->threads, i);
        struct overlaps overlaps = {0};

        if (!find_overlaps(store, thread, &overlaps, error))
            return FALSE;
        if (overlaps.count > 0)
            g_ptr_array_add(faults, describe(model, thread, &overlaps));
    }
    return TRUE;
}
