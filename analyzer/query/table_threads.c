/* The tables of processes and threads. */
#include "query/sources.h"
#include "query/tables.h"
#include "query/values.h"

/* ---- Processes ---- */

static int64_t count_processes(struct ct_query_recording *recording)
{
    return recording->model->all_processes->len;
}

static gboolean process_at(struct ct_query_recording *recording, int64_t place,
                           struct ct_query_row *row)
{
    row->process = recording->model->all_processes->pdata[place];
    return g_hash_table_contains(recording->listed, row->process);
}

static void put_parent(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->process->ppid);
}

static void put_title(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, ct_process_title(row->process));
}

static void put_exe(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->process->exe);
}

static void put_arguments(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->process->args);
}

static void put_cwd(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->process->cwd);
}

static void put_process_start(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->process->start_ns);
}

static void put_process_end(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->process->end_ns);
}

static void put_exit_status(const struct ct_query_row *row, sqlite3_context *out)
{
    if (row->process->exit_status >= 0)
        sqlite3_result_int(out, row->process->exit_status);
}

static void put_rate(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, row->process->rate_ns);
}

static const struct ct_query_column process_columns[] = {
    {"id", "INTEGER", "which: process_id of other tables", ct_query_row_id, CT_QUERY_ID},
    {"pid", "INTEGER", "its process id", ct_query_row_pid, CT_QUERY_ANY},
    {"ppid", "INTEGER", "its parent's", put_parent, CT_QUERY_ANY},
    {"process", "TEXT", "its name", ct_query_row_process, CT_QUERY_ANY},
    {"title", "TEXT", "what it called itself last, else its arguments", put_title, CT_QUERY_ANY},
    {"exe", "TEXT", "the path of its program", put_exe, CT_QUERY_ANY},
    {"arguments", "TEXT", "as typed into a shell", put_arguments, CT_QUERY_ANY},
    {"cwd", "TEXT", "the folder in which it was started", put_cwd, CT_QUERY_ANY},
    {"start_ns", "INTEGER", "when the program began: exec begins a new one", put_process_start,
     CT_QUERY_ANY},
    {"end_ns", "INTEGER", "when it was over, or the recording", put_process_end, CT_QUERY_ANY},
    {"exit_status", "INTEGER", "NULL: killed, still there, or not known", put_exit_status,
     CT_QUERY_ANY},
    {"rate_ns", "INTEGER", "shorter waits of it were sampled", put_rate, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_processes = {
    .name = "processes",
    .meaning = "programs that ran: fork and exec each begin one",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(process_columns),
    .usual_rows = 20,
    .count = count_processes,
    .at = process_at,
    .key = CT_QUERY_ID,
};

/* ---- Threads ---- */

static int64_t count_threads(struct ct_query_recording *recording)
{
    return recording->model->all_threads->len;
}

static gboolean thread_at(struct ct_query_recording *recording, int64_t place,
                          struct ct_query_row *row)
{
    row->thread = recording->model->all_threads->pdata[place];
    row->process = row->thread->process;
    return g_hash_table_contains(recording->listed, row->thread);
}

static void put_creator(const struct ct_query_row *row, sqlite3_context *out)
{
    if (row->thread->creator_tid != 0)
        sqlite3_result_int(out, row->thread->creator_tid);
}

static void put_function(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_thread *thread = row->thread;

    if (thread->entry == 0)
        return;
    const struct ct_symbol *symbol = ct_symbolizer_resolve(row->recording->symbolizer, row->process,
                                                           thread->entry, thread->start_ns);

    ct_query_put_text(out, symbol->frames[symbol->frame_count - 1].function);
}

static void put_thread_start(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->thread->start_ns);
}

static void put_thread_end(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->thread->end_ns);
}

static void put_lifetime(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, row->thread->end_ns - row->thread->start_ns);
}

static void put_has_exited(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->thread->has_exited);
}

static void put_waits(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, row->thread->interval_count);
}

#define PUT_CLASS(name, class)                                                   \
    static void put_##name(const struct ct_query_row *row, sqlite3_context *out) \
    {                                                                            \
        ct_query_put_count(out, row->thread->class_ns[class]);                   \
    }
PUT_CLASS(running, CT_CLASS_RUNNING)
PUT_CLASS(runnable, CT_CLASS_RUNNABLE)
PUT_CLASS(net, CT_CLASS_NET)
PUT_CLASS(sync, CT_CLASS_SYNC)
PUT_CLASS(syscall, CT_CLASS_SYSCALL)
PUT_CLASS(sleep, CT_CLASS_SLEEP)
PUT_CLASS(other, CT_CLASS_OTHER)
PUT_CLASS(unknown, CT_CLASS_UNKNOWN)

#define PUT_SCHED(name)                                                          \
    static void put_##name(const struct ct_query_row *row, sqlite3_context *out) \
    {                                                                            \
        if (row->thread->sched.is_known)                                         \
            ct_query_put_count(out, row->thread->sched.name);                    \
    }
PUT_SCHED(switches)
PUT_SCHED(migrations)
PUT_SCHED(preemptions)

static const struct ct_query_column thread_columns[] = {
    {"id", "INTEGER", "which: thread_id of other tables", ct_query_row_id, CT_QUERY_ID},
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_ANY},
    {"process", "TEXT", "its process's name", ct_query_row_process, CT_QUERY_ANY},
    {"pid", "INTEGER", "its process's id", ct_query_row_pid, CT_QUERY_ANY},
    {"thread", "TEXT", "its name", ct_query_row_thread, CT_QUERY_ANY},
    {"tid", "INTEGER", "its thread id", ct_query_row_tid, CT_QUERY_ANY},
    {"creator_tid", "INTEGER", "who made it; NULL: not known", put_creator, CT_QUERY_ANY},
    {"function", "TEXT", "its start routine; NULL: the first thread", put_function, CT_QUERY_ANY},
    {"start_ns", "INTEGER", "when it began", put_thread_start, CT_QUERY_ANY},
    {"end_ns", "INTEGER", "when it was over, or the recording", put_thread_end, CT_QUERY_ANY},
    {"lifetime_ns", "INTEGER", "in between: the sum of the eight states", put_lifetime,
     CT_QUERY_ANY},
    {"has_exited", "INTEGER", "1: it was over before the recording", put_has_exited, CT_QUERY_ANY},
    {"waits", "INTEGER", "that were recorded", put_waits, CT_QUERY_ANY},
    {"running_ns", "INTEGER", "states: on a CPU, or nothing else is known", put_running,
     CT_QUERY_ANY},
    {"runnable_ns", "INTEGER", "in line for a CPU", put_runnable, CT_QUERY_ANY},
    {"net_ns", "INTEGER", "in waits for the network", put_net, CT_QUERY_ANY},
    {"sync_ns", "INTEGER", "for locks and the like", put_sync, CT_QUERY_ANY},
    {"syscall_ns", "INTEGER", "in other calls", put_syscall, CT_QUERY_ANY},
    {"sleep_ns", "INTEGER", "for time to pass", put_sleep, CT_QUERY_ANY},
    {"other_ns", "INTEGER", "off the CPU in no call", put_other, CT_QUERY_ANY},
    {"unknown_ns", "INTEGER", "not recorded", put_unknown, CT_QUERY_ANY},
    {"switches", "INTEGER", "onto a CPU; NULL: the kernel did not tell", put_switches,
     CT_QUERY_ANY},
    {"migrations", "INTEGER", "onto another CPU than before", put_migrations, CT_QUERY_ANY},
    {"preemptions", "INTEGER", "when another task took its CPU", put_preemptions, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_threads = {
    .name = "threads",
    .meaning = "what each thread did with its life, exactly, sampled or not",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(thread_columns),
    .usual_rows = 100,
    .count = count_threads,
    .at = thread_at,
    .key = CT_QUERY_ID,
};
