/* The tables of what happened beside waits: runs, samples, wakes, turns. */
#include "query/sources.h"
#include "query/tables.h"
#include "query/values.h"

/* ---- Runs ---- */

static void put_cpu(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, row->event.run.cpu);
}

static const struct ct_query_column run_columns[] = {
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_PROCESS},
    {"thread_id", "INTEGER", "threads.id", ct_query_row_thread_id, CT_QUERY_THREAD},
    {"thread", "TEXT", "its name", ct_query_row_thread, CT_QUERY_ANY},
    {"tid", "INTEGER", "its thread id", ct_query_row_tid, CT_QUERY_ANY},
    {"cpu", "INTEGER", "the number of the CPU", put_cpu, CT_QUERY_ANY},
    {"begin_ns", "INTEGER", "when it came onto it", ct_query_row_begin, CT_QUERY_BEGIN},
    {"end_ns", "INTEGER", "when it went off it", ct_query_row_end, CT_QUERY_END},
    {"duration_ns", "INTEGER", "in between", ct_query_row_duration, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_runs = {
    .name = "runs",
    .meaning = "when each thread was on a CPU, where the kernel told",
    .source = &ct_query_events,
    CT_QUERY_COLUMNS(run_columns),
    .usual_rows = 1e6,
    .kind = CT_STORE_RUNS,
};

/* ---- Samples ---- */

static void put_period(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, row->event.sample.period_ns);
}

static void put_in_kernel(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->event.sample.in_kernel);
}

static void put_is_partial(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->event.sample.is_partial);
}

static void put_sample_stack(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_stack(out, row, row->process, row->event.sample.stack_id);
}

static void put_sample_place(const struct ct_query_row *row, sqlite3_context *out)
{
    const char *place =
        ct_event_place(row->recording->texts, row->process, row->event.sample.stack_id);

    ct_query_put_text(out, *place ? place : NULL);
}

static const struct ct_query_column sample_columns[] = {
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_PROCESS},
    {"thread_id", "INTEGER", "threads.id", ct_query_row_thread_id, CT_QUERY_THREAD},
    {"thread", "TEXT", "its name", ct_query_row_thread, CT_QUERY_ANY},
    {"tid", "INTEGER", "its thread id", ct_query_row_tid, CT_QUERY_ANY},
    {"time_ns", "INTEGER", "when it was", ct_query_row_begin, CT_QUERY_BEGIN},
    {"period_ns", "INTEGER", "the thread ran that long since the last one", put_period,
     CT_QUERY_ANY},
    {"in_kernel", "INTEGER", "1: the kernel was at work for it", put_in_kernel, CT_QUERY_ANY},
    {"is_partial", "INTEGER", "1: the stack lacks callers", put_is_partial, CT_QUERY_ANY},
    {"place", "TEXT", "where a programmer would say it was", put_sample_place, CT_QUERY_ANY},
    {"stack_id", "INTEGER", "stacks.id; NULL: none", put_sample_stack, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_samples = {
    .name = "samples",
    .meaning = "moments at which threads ran (record --cpu)",
    .source = &ct_query_events,
    CT_QUERY_COLUMNS(sample_columns),
    .usual_rows = 1e5,
    .kind = CT_STORE_SAMPLES,
};

/* ---- Wakes ---- */

static void put_woken_id(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, ct_query_thread_id(row->event.id.thread));
}

static void put_woken(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->event.id.thread->name);
}

static void put_woken_tid(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->event.id.thread->tid);
}

static void put_interval_begin(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->event.id.begin_ns);
}

static const struct ct_query_column wake_columns[] = {
    {"process_id", "INTEGER", "processes.id of the waker", ct_query_row_process_id,
     CT_QUERY_PROCESS},
    {"thread_id", "INTEGER", "threads.id of the waker", ct_query_row_thread_id, CT_QUERY_THREAD},
    {"thread", "TEXT", "the waker's name", ct_query_row_thread, CT_QUERY_ANY},
    {"tid", "INTEGER", "the waker's thread id", ct_query_row_tid, CT_QUERY_ANY},
    {"time_ns", "INTEGER", "when it let the other go on", ct_query_row_begin, CT_QUERY_BEGIN},
    {"woken_id", "INTEGER", "threads.id of who went on", put_woken_id, CT_QUERY_ANY},
    {"woken", "TEXT", "its name", put_woken, CT_QUERY_ANY},
    {"woken_tid", "INTEGER", "its thread id", put_woken_tid, CT_QUERY_ANY},
    {"interval_id", "INTEGER", "intervals.id of what that ended", ct_query_row_id, CT_QUERY_ID},
    {"interval_begin_ns", "INTEGER", "its begin: find it by woken_id and this", put_interval_begin,
     CT_QUERY_ANY},
};

const struct ct_query_table ct_query_wakes = {
    .name = "wakes",
    .meaning = "who let whom go on",
    .source = &ct_query_events,
    CT_QUERY_COLUMNS(wake_columns),
    .usual_rows = 1e6,
    .kind = CT_STORE_WAKES,
};

/* ---- Turns ---- */

static const char *const turn_kinds[CT_TURN_KIND_COUNT] = {
    [CT_TURN_CALL] = "call",
    [CT_TURN_REQUEST] = "request",
};

static const char *const turn_outcomes[CT_TURN_OUTCOME_COUNT] = {
    [CT_TURN_ANSWERED] = "answered",
    [CT_TURN_CLOSED] = "closed",
    [CT_TURN_GIVEN_UP] = "given up",
    [CT_TURN_OPEN] = "open",
};

static void put_kind(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_text(out, turn_kinds[row->event.turn.kind], -1, SQLITE_STATIC);
}

static void put_outcome(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_text(out, turn_outcomes[row->event.turn.outcome], -1, SQLITE_STATIC);
}

static void put_begin_thread(const struct ct_query_row *row, sqlite3_context *out)
{
    if (row->event.turn.begin_thread)
        sqlite3_result_int64(out, ct_query_thread_id(row->event.turn.begin_thread));
}

static void put_last(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->event.turn.last_ns);
}

static void put_weight(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_double(out, row->event.turn.weight);
}

static void put_fd(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->event.turn.fd_number);
}

static void put_local(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->event.turn.fd ? row->event.turn.fd->local : NULL);
}

static void put_peer(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->event.turn.fd ? row->event.turn.fd->peer : NULL);
}

static const struct ct_query_column turn_columns[] = {
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_PROCESS},
    {"thread_id", "INTEGER", "threads.id of who ended it", ct_query_row_thread_id, CT_QUERY_THREAD},
    {"begin_thread_id", "INTEGER", "threads.id of who began it; NULL: not known", put_begin_thread,
     CT_QUERY_ANY},
    {"kind", "TEXT", "call: to others; request: of others", put_kind, CT_QUERY_ANY},
    {"outcome", "TEXT", "answered, closed, given up, open", put_outcome, CT_QUERY_ANY},
    {"begin_ns", "INTEGER", "the first message", ct_query_row_begin, CT_QUERY_BEGIN},
    {"last_ns", "INTEGER", "the last one before the answer", put_last, CT_QUERY_ANY},
    {"end_ns", "INTEGER", "the answer", ct_query_row_end, CT_QUERY_END},
    {"duration_ns", "INTEGER", "from begin_ns to end_ns", ct_query_row_duration, CT_QUERY_ANY},
    {"weight", "REAL", "how many such it stands for: 1 unless sampled", put_weight, CT_QUERY_ANY},
    {"fd", "INTEGER", "the connection", put_fd, CT_QUERY_ANY},
    {"local", "TEXT", "its own end", put_local, CT_QUERY_ANY},
    {"peer", "TEXT", "its other end", put_peer, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_turns = {
    .name = "turns",
    .meaning = "calls over connections and their answers, and requests served",
    .source = &ct_query_events,
    CT_QUERY_COLUMNS(turn_columns),
    .usual_rows = 1e5,
    .kind = CT_STORE_TURNS,
};
