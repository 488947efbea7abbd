#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#define FIRST_AFTER_US (500 * 1000)
#define NEXT_AFTER_US  (100 * 1000)

void ct_progress_begin(struct ct_progress *progress)
{
    *progress = (struct ct_progress){
        .next_us = g_get_monotonic_time() + FIRST_AFTER_US,
        .is_terminal = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0,
    };
}

void ct_progress_show(struct ct_progress *progress, const char *what, double share)
{
    if (!progress->is_terminal || g_get_monotonic_time() < progress->next_us)
        return;
    fprintf(stderr, "\r%s: %.0f%%\033[K", what, share * 100);
    fflush(stderr);
    progress->next_us = g_get_monotonic_time() + NEXT_AFTER_US;
    progress->is_shown = TRUE;
}

void ct_progress_end(struct ct_progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = FALSE;
}
