#include "standby_wish.h"

/* Of a window, where --max-size does not say. */
#define WINDOW_SIZE UINT64_C(500000000)

gboolean ct_standby_wish_check(const char *path, const char *attaching,
                               struct ct_record_options *options, GError **error)
{
    const gboolean wants_kernel = options->kernel.cpu_hz > 0 || options->kernel.wakers ||
                                  (options->kernel_option != NULL && options->kernel.sched);
    const char *other = attaching != NULL          ? attaching
                        : options->delay_ns > 0    ? "--delay"
                        : options->duration_ns > 0 ? "--duration"
                        : options->keep_ns > 0     ? "--keep=TIME"
                                                   : NULL;

    if (path == NULL)
        return TRUE;
    if (other != NULL) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--standby makes no sense with %s: a program is started, and whoever asks at "
                    "the socket says when it is to be recorded",
                    other);
        return FALSE;
    }
    if (wants_kernel) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "--standby does not ask the kernel, which cannot begin again and again: attach "
                    "to the program for that, as with ctrace record -p PID --cpu --duration=5s");
        return FALSE;
    }
    options->kernel = (struct ct_kernel_wishes){0};
    options->kernel_option = "off";
    options->keeps_newest = TRUE;
    if (options->max_size == 0)
        options->max_size = WINDOW_SIZE;
    return TRUE;
}
