#include "accounts.h"

#include "system/monotonic.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Looks are as far apart as that, at least and at most. */
#define PAUSE_MIN_NS UINT64_C(200000000)
#define PAUSE_MAX_NS UINT64_C(10000000000)

/* A part of one CPU's time. */
#define COST_MAX 0.008

struct ct_accounts {
    struct ct_selection *selection; /* owned */
    struct ct_kinds *kinds;         /* owned */
    struct ct_syscall_names *names; /* owned */
    GHashTable *processes;          /* owned; pid -> struct ct_account_process *, owned */
    GHashTable *by_tid;             /* owned; tid -> struct ct_account_thread *, ended by hand */
    GPtrArray *threads;             /* owned; the same, borrowed */
    struct ct_accounts_totals totals;
    uint64_t last_cost_ns;   /* of one look */
    uint64_t before_cost_ns; /* of the one before it */
    guint fds_left;          /* so many files may be kept open still */
};

#define FDS_RESERVED 128

/* Files of threads that are kept open save a look a third of its cost. */
static guint count_fds(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur > FDS_RESERVED ? (guint)MIN(limit.rlim_cur - FDS_RESERVED, 1U << 20) : 0;
}

static void free_process(void *process)
{
    ct_account_process_free(process);
}

struct ct_accounts *ct_accounts_new(struct ct_selection *selection, GError **error)
{
    if (!ct_look_has_times()) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
                    "this kernel does not tell how long threads run (/proc/self/schedstat): it "
                    "takes CONFIG_SCHED_INFO, which CONFIG_SCHEDSTATS or CONFIG_TASK_DELAY_ACCT "
                    "brings");
        ct_selection_free(selection);
        return NULL;
    }
    struct ct_accounts *accounts = g_new0(struct ct_accounts, 1);

    accounts->selection = selection;
    accounts->kinds = ct_kinds_new();
    accounts->names = ct_syscall_names_new();
    accounts->processes = g_hash_table_new_full(NULL, NULL, NULL, free_process);
    accounts->by_tid = g_hash_table_new(NULL, NULL);
    accounts->threads = g_ptr_array_new();
    accounts->fds_left = count_fds();
    return accounts;
}

/* ---- Threads and processes that come and go ---- */

static void end_thread(struct ct_accounts *accounts, struct ct_account_thread *thread)
{
    if (ct_account_thread_end(thread))
        accounts->fds_left++;
}

void ct_accounts_free(struct ct_accounts *accounts)
{
    if (accounts == NULL)
        return;
    for (guint i = 0; i < accounts->threads->len; i++)
        end_thread(accounts, accounts->threads->pdata[i]);
    g_ptr_array_unref(accounts->threads);
    g_hash_table_unref(accounts->by_tid);
    g_hash_table_unref(accounts->processes);
    ct_syscall_names_free(accounts->names);
    ct_kinds_free(accounts->kinds);
    ct_selection_free(accounts->selection);
    g_free(accounts);
}

static void add_thread(struct ct_accounts *accounts, struct ct_account_process *process, pid_t tid,
                       struct ct_account_context *context)
{
    context->keeps_open = accounts->fds_left > 0;
    struct ct_account_thread *thread = ct_account_thread_new(process, tid, context);

    if (thread == NULL)
        return;
    if (thread->fd >= 0)
        accounts->fds_left--;
    thread->seen_at = accounts->totals.looks;
    g_hash_table_insert(accounts->by_tid, GINT_TO_POINTER(tid), thread);
    g_ptr_array_add(accounts->threads, thread);
}

static void look_at_thread(struct ct_accounts *accounts, struct ct_account_process *process,
                           pid_t tid, struct ct_account_context *context)
{
    struct ct_account_thread *thread = g_hash_table_lookup(accounts->by_tid, GINT_TO_POINTER(tid));

    if (thread == NULL) {
        add_thread(accounts, process, tid, context);
        return;
    }
    /* Of another process by now, or gone: it is dropped with those that are not seen. */
    if (thread->process == process && ct_account_thread_look(thread, context))
        thread->seen_at = accounts->totals.looks;
}

/* Of all its threads, also those that have not run since the last look. */
static gboolean is_hidden(const struct ct_accounts *accounts, const GArray *tids)
{
    for (guint i = 0; i < tids->len; i++) {
        gpointer tid = GINT_TO_POINTER(g_array_index(tids, pid_t, i));
        const struct ct_account_thread *thread = g_hash_table_lookup(accounts->by_tid, tid);

        if (thread != NULL && ct_wait_is_hidden(&thread->seen.wait))
            return TRUE;
    }
    return FALSE;
}

static void look_at_process(struct ct_accounts *accounts, pid_t pid,
                            struct ct_account_context *context)
{
    struct ct_account_process *process =
        g_hash_table_lookup(accounts->processes, GINT_TO_POINTER(pid));

    if (process == NULL) {
        process = ct_account_process_new(pid);
        if (process == NULL)
            return;
        g_hash_table_insert(accounts->processes, GINT_TO_POINTER(pid), process);
    }
    process->seen_at = accounts->totals.looks;
    if (process->is_left_out)
        return;
    g_autoptr(GArray) threads = ct_proc_list_threads(pid);

    for (guint i = 0; i < threads->len; i++)
        look_at_thread(accounts, process, g_array_index(threads, pid_t, i), context);
    accounts->totals.processes++;
    accounts->totals.refused += is_hidden(accounts, threads) != 0;
}

static void drop_threads(struct ct_accounts *accounts)
{
    for (guint i = accounts->threads->len; i-- > 0;) {
        struct ct_account_thread *thread = accounts->threads->pdata[i];

        if (thread->seen_at == accounts->totals.looks)
            continue;
        g_ptr_array_remove_index_fast(accounts->threads, i);
        g_hash_table_remove(accounts->by_tid, GINT_TO_POINTER(thread->seen.tid));
        end_thread(accounts, thread);
    }
}

static gboolean is_unseen(void *pid, void *process, void *looks)
{
    (void)pid;
    return ((const struct ct_account_process *)process)->seen_at != *(const uint64_t *)looks;
}

static uint64_t cpu_time_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

void ct_accounts_look(struct ct_accounts *accounts)
{
    struct ct_accounts_totals *totals = &accounts->totals;
    uint64_t begin_ns = cpu_time_ns();
    g_autoptr(GArray) pids = ct_selection_list(accounts->selection);
    struct ct_account_context context = {
        .kinds = accounts->kinds,
        .names = accounts->names,
        .last_ns = totals->now_ns,
    };

    totals->now_ns = ct_monotonic_ns();
    if (totals->looks++ == 0)
        totals->begin_ns = totals->now_ns;
    totals->processes = totals->refused = 0;
    for (guint i = 0; i < pids->len; i++)
        look_at_process(accounts, g_array_index(pids, pid_t, i), &context);
    /* Its threads first, which know it. */
    drop_threads(accounts);
    g_hash_table_foreach_remove(accounts->processes, is_unseen, &totals->looks);
    accounts->before_cost_ns = accounts->last_cost_ns;
    accounts->last_cost_ns = cpu_time_ns() - begin_ns;
    totals->cost_ns += accounts->last_cost_ns;
}

uint64_t ct_accounts_pause_ns(const struct ct_accounts *accounts)
{
    /* One that took long alone may be what else the machine did. */
    const uint64_t cost_ns = MIN(accounts->last_cost_ns, accounts->before_cost_ns);
    double pause_ns = (double)cost_ns / COST_MAX * g_random_double_range(0.8, 1.2);

    return (uint64_t)CLAMP(pause_ns, PAUSE_MIN_NS * g_random_double_range(0.8, 1.2), PAUSE_MAX_NS);
}

const struct ct_accounts_totals *ct_accounts_totals(const struct ct_accounts *accounts)
{
    return &accounts->totals;
}

const GPtrArray *ct_accounts_threads(const struct ct_accounts *accounts)
{
    return accounts->threads;
}

const GPtrArray *ct_accounts_kinds(const struct ct_accounts *accounts)
{
    return ct_kinds_all(accounts->kinds);
}

gboolean ct_accounts_are_narrow(const struct ct_accounts *accounts)
{
    return ct_selection_is_narrow(accounts->selection);
}
