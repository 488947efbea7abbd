/* Stands in for the kernel layer where the recorder is built without babeltrace2. */
#include "capture.h"
#include "finish.h"

struct ct_kernel_capture {
    char nothing;
};

struct ct_kernel_capture *ct_kernel_capture_new(const char *path,
                                                const struct ct_kernel_wishes *wishes)
{
    (void)path;
    (void)wishes;
    return g_new0(struct ct_kernel_capture, 1);
}

void ct_kernel_capture_attach(struct ct_kernel_capture *capture, pid_t pid)
{
    (void)capture;
    (void)pid;
}

void ct_kernel_capture_describe(struct ct_kernel_capture *capture, pid_t pid)
{
    (void)capture;
    (void)pid;
}

gboolean ct_kernel_capture_attach_running(struct ct_kernel_capture *capture, GArray *pids)
{
    (void)capture;
    (void)pids;
    return FALSE;
}

void ct_kernel_capture_begin(struct ct_kernel_capture *capture)
{
    (void)capture;
}

void ct_kernel_capture_end(struct ct_kernel_capture *capture)
{
    (void)capture;
}

void ct_kernel_capture_release(struct ct_kernel_capture *capture)
{
    (void)capture;
}

gboolean ct_kernel_capture_has_calls(const struct ct_kernel_capture *capture)
{
    (void)capture;
    return FALSE;
}

gboolean ct_kernel_capture_is_wanted(const struct ct_kernel_capture *capture)
{
    (void)capture;
    return TRUE;
}

const char *ct_kernel_capture_missing(const struct ct_kernel_capture *capture)
{
    (void)capture;
    return "kernel: this ctrace was built without babeltrace2 and libdw, which write that layer";
}

const char *ct_kernel_capture_why_no_samples(const struct ct_kernel_capture *capture)
{
    return ct_kernel_capture_missing(capture);
}

void ct_kernel_capture_free(struct ct_kernel_capture *capture)
{
    g_free(capture);
}

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
