#include "ingest/interrupt.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

void ct_interrupt_hold(struct ct_interrupt *interrupt)
{
    sigset_t set;

    if (interrupt->is_held)
        return;
    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        sigaddset(&set, signals[i]);
    interrupt->is_held = sigprocmask(SIG_BLOCK, &set, &interrupt->before) == 0;
}

gboolean ct_interrupt_has_come(void)
{
    sigset_t pending;

    if (sigpending(&pending) != 0)
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (sigismember(&pending, signals[i]) == 1)
            return TRUE;
    }
    return FALSE;
}

void ct_interrupt_release(struct ct_interrupt *interrupt)
{
    if (interrupt->is_held)
        sigprocmask(SIG_SETMASK, &interrupt->before, NULL);
    interrupt->is_held = FALSE;
}
