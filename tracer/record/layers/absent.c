/* Stands in for the kernel layer where the recorder is built without babeltrace2. */
#include "finish.h"
#include "schema/capture_words.h"
#include "source.h"

static void *open_nothing(struct ct_capture_context *context, void *prepared, char **missing)
{
    (void)context;
    (void)prepared;
    *missing = g_strdup(CT_WHY_BUILT " babeltrace2 and libdw, which write that "
                                     "layer");
    return NULL;
}

static const struct ct_capture_source absent = {
    .layer = CT_LAYER_KERNEL,
    .gives = CT_GIVES_SCHED | CT_GIVES_CALLS | CT_GIVES_SAMPLES,
    .open = open_nothing,
};

const struct ct_capture_source *const ct_capture_sources[] = {&absent, NULL};

gboolean ct_kernel_finish(const char *path, const struct ct_kernel_scope *scope,
                          const GArray *preloaded, struct ct_kernel_totals *totals, GError **error)
{
    (void)preloaded;
    (void)path;
    (void)scope;
    (void)error;
    *totals = (struct ct_kernel_totals){0};
    return TRUE;
}

void ct_kernel_note_preloaded(const char *path, const GArray *preloaded)
{
    (void)path;
    (void)preloaded;
}

void ct_kernel_capture_begin_part(struct ct_kernel_capture *capture, uint32_t part)
{
    (void)capture;
    (void)part;
}

uint64_t ct_kernel_capture_restate(struct ct_kernel_capture *capture, const GArray *preloaded,
                                   uint64_t time_ns)
{
    (void)capture;
    (void)preloaded;
    (void)time_ns;
    return 0;
}

gboolean ct_kernel_capture_drop_parts(struct ct_kernel_capture *capture, uint32_t part)
{
    (void)capture;
    (void)part;
    return TRUE;
}

gboolean ct_kernel_capture_drop_as(int from_fd, int to_fd)
{
    (void)from_fd;
    (void)to_fd;
    return TRUE;
}

void ct_kernel_capture_bring_out(struct ct_kernel_capture *capture, void (*look)(void *user),
                                 void *user)
{
    (void)capture;
    look(user);
}
