#include "conditions/sight.h"

#include "conditions/circle.h"
#include "conditions/mutexes.h"
#include "conditions/state_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ct_sight {
    struct ct_sight_wish wish;
    GHashTable *runs;  /* owned; tid -> struct ct_state_run, owned */
    GArray *threads;   /* owned; struct ct_watched_thread */
    GArray *processes; /* owned; struct ct_watched_process */
    GArray *circle;    /* owned; pid_t, of the last look; or NULL */
    struct ct_watched watched;
    gboolean is_refused;
};

struct ct_sight *ct_sight_new(const struct ct_sight_wish *wish)
{
    struct ct_sight *sight = g_new0(struct ct_sight, 1);

    sight->wish = *wish;
    sight->runs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    sight->threads = g_array_new(FALSE, FALSE, sizeof(struct ct_watched_thread));
    sight->processes = g_array_new(FALSE, FALSE, sizeof(struct ct_watched_process));
    return sight;
}

void ct_sight_free(struct ct_sight *sight)
{
    g_hash_table_unref(sight->runs);
    g_array_unref(sight->threads);
    g_array_unref(sight->processes);
    g_clear_pointer(&sight->circle, g_array_unref);
    g_free(sight);
}

/* ---- Threads ---- */

static const struct ct_state_run *update_run(struct ct_sight *sight,
                                             const struct ct_account_thread *thread)
{
    const void *key = GINT_TO_POINTER(thread->seen.tid);
    struct ct_state_run *run = g_hash_table_lookup(sight->runs, key);
    const struct ct_state_look look = {
        .now_ns = thread->seen.looked_ns,
        .running_ns = thread->times.running_ns,
        .class = thread->seen.wait.class,
        .is_starved = thread->seen.is_starved,
    };

    if (!run) {
        run = g_new0(struct ct_state_run, 1);
        g_hash_table_insert(sight->runs, (void *)key, run);
    }
    ct_state_run_update(run, &look);
    return run;
}

static void add_thread(struct ct_sight *sight, const struct ct_account_thread *thread)
{
    const struct ct_seen_thread *seen = &thread->seen;
    const struct ct_state_run *run = update_run(sight, thread);
    const struct ct_watched_thread watched = {
        .pid = seen->pid,
        .tid = seen->tid,
        .name = seen->name,
        .wait = seen->wait.class,
        .wait_ns = seen->wait.class == CT_CLASS_RUNNING ? 0 : seen->looked_ns - seen->since_ns,
        .state = run->state,
        .state_ns = run->looked_ns - run->since_ns,
    };

    g_array_append_val(sight->threads, watched);
}

static gboolean has_ended(void *tid, void *run, void *now_ns)
{
    (void)tid;
    return ((const struct ct_state_run *)run)->looked_ns < *(const uint64_t *)now_ns;
}

/* ---- Memory ---- */

static uint64_t read_rss(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", pid);
    g_autofree char *text = NULL;
    guint64 pages = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        sscanf(text, "%*u %" G_GUINT64_FORMAT, &pages) != 1)
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_processes(struct ct_sight *sight, const GPtrArray *threads)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < threads->len; i++) {
        const struct ct_account_process *process =
            ((const struct ct_account_thread *)threads->pdata[i])->process;

        if (!g_hash_table_add(known, GINT_TO_POINTER(process->pid)))
            continue;
        const struct ct_watched_process watched = {process->pid, process->name,
                                                   read_rss(process->pid)};

        g_array_append_val(sight->processes, watched);
    }
}

/* ---- Circles ---- */

/*
 * Who is in the same one at two looks, and was stuck at both, was in it all the time between: what
 * was read of one mutex after the other at the first was true of all of them at once.
 */
static void look_for_circle(struct ct_sight *sight, const GPtrArray *threads)
{
    struct ct_mutexes mutexes;
    GArray *circle;

    ct_mutexes_find(&mutexes, threads);
    circle = ct_circle_find(mutexes.waits);
    sight->is_refused |= mutexes.is_refused;
    ct_mutexes_clear(&mutexes);
    if (circle && sight->circle && circle->len == sight->circle->len &&
        memcmp(circle->data, sight->circle->data, circle->len * sizeof(pid_t)) == 0)
        sight->watched.circle = circle;
    g_clear_pointer(&sight->circle, g_array_unref);
    sight->circle = circle;
}

/* ---- All of it ---- */

const struct ct_watched *ct_sight_update(struct ct_sight *sight, const struct ct_accounts *accounts)
{
    const GPtrArray *threads = ct_accounts_threads(accounts);
    const struct ct_accounts_totals *totals = ct_accounts_totals(accounts);
    uint64_t now_ns = totals->now_ns;

    g_array_set_size(sight->threads, 0);
    g_array_set_size(sight->processes, 0);
    sight->watched = (struct ct_watched){sight->threads, sight->processes, NULL, 0};
    sight->is_refused = totals->refused > 0;
    for (guint i = 0; i < threads->len; i++)
        add_thread(sight, threads->pdata[i]);
    g_hash_table_foreach_remove(sight->runs, has_ended, &now_ns);
    if (sight->wish.has_memory)
        add_processes(sight, threads);
    if (sight->wish.has_circle)
        look_for_circle(sight, threads);
    return &sight->watched;
}

gboolean ct_sight_is_refused(const struct ct_sight *sight)
{
    return sight->is_refused;
}
