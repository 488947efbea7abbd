#include "serve/launched.h"

#include "serve/signals.h"

#include <signal.h>
#include <string.h>

struct ct_launched {
    pid_t pid;
    guint watch; /* the source that hears of its end; 0: it has ended */
    ct_launched_ended *ended;
    void *user;
};

static void in_child(void *nothing)
{
    (void)nothing;
    ct_signals_restore();
}

static void on_end(GPid pid, int status, void *user)
{
    struct ct_launched *launched = user;

    (void)pid;
    launched->watch = 0;
    launched->ended(launched->user, status);
}

struct ct_launched *ct_launched_new(const char *const *argv, ct_launched_ended *ended, void *user,
                                    GError **error)
{
    GPid pid;

    if (!g_spawn_async(NULL, (char **)argv, NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                           G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                       in_child, NULL, &pid, error))
        return NULL;
    struct ct_launched *launched = g_new0(struct ct_launched, 1);

    launched->pid = pid;
    launched->ended = ended;
    launched->user = user;
    launched->watch = g_child_watch_add(pid, on_end, launched);
    return launched;
}

void ct_launched_free(struct ct_launched *launched)
{
    if (launched->watch)
        g_source_remove(launched->watch);
    g_free(launched);
}

pid_t ct_launched_pid(const struct ct_launched *launched)
{
    return launched->pid;
}

void ct_launched_signal(const struct ct_launched *launched, int number)
{
    if (launched->watch)
        kill(launched->pid, number);
}
