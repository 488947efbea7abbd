/* The kernel layer where the recording has parts, of which the oldest are dropped. */
#include "capture_state.h"
#include "spool/spool.h"

#include <errno.h>

void ct_kernel_capture_begin_part(struct ct_kernel_capture *capture, uint32_t part)
{
    if (capture->drainer == NULL)
        return;
    g_mutex_lock(&capture->lock);
    for (guint i = 0; i < capture->count; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->begin_part != NULL)
            use->source->begin_part(use->opened, part);
    }
    capture->has_new_fds |= ct_kernel_capture_drain(capture);
    g_hash_table_insert(capture->parts, GUINT_TO_POINTER(part),
                        ct_spool_sizes(capture->context.folder));
    g_mutex_unlock(&capture->lock);
}

uint64_t ct_kernel_capture_restate(struct ct_kernel_capture *capture, const GArray *preloaded,
                                   uint64_t time_ns)
{
    uint64_t size = 0;

    for (guint i = 0; i < capture->count && capture->drainer != NULL; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->restate != NULL)
            size += use->source->restate(use->opened, preloaded, time_ns);
    }
    return size;
}

gboolean ct_kernel_capture_drop_parts(struct ct_kernel_capture *capture, uint32_t part)
{
    GHashTable *sizes = g_hash_table_lookup(capture->parts, GUINT_TO_POINTER(part));
    GHashTableIter iter;
    gpointer number;

    if (sizes == NULL)
        return TRUE;
    gboolean is_dropped = ct_spool_drop(capture->context.folder, sizes, part);
    int code = errno;
    g_hash_table_iter_init(&iter, capture->parts);
    while (g_hash_table_iter_next(&iter, &number, NULL))
        if (GPOINTER_TO_UINT(number) <= part)
            g_hash_table_iter_remove(&iter);
    errno = code;
    return is_dropped;
}

gboolean ct_kernel_capture_drop_as(int from_fd, int to_fd)
{
    return ct_spool_drop_as(from_fd, to_fd);
}

/* Locked. */
static void bring_out(struct ct_kernel_capture *capture)
{
    for (guint i = 0; i < capture->count && capture->error == 0; i++) {
        const struct use *use = &capture->uses[i];

        if (use->opened != NULL && use->source->bring_out != NULL &&
            !use->source->bring_out(use->opened, &capture->has_new_fds))
            capture->error = errno;
    }
    capture->has_new_fds |= ct_kernel_capture_drain(capture);
}

void ct_kernel_capture_bring_out(struct ct_kernel_capture *capture, void (*look)(void *user),
                                 void *user)
{
    g_mutex_lock(&capture->lock);
    if (capture->drainer != NULL)
        bring_out(capture);
    look(user);
    g_mutex_unlock(&capture->lock);
}
