/* The table of waits and of what else threads did but run. */
#include "passes/lock_waits.h"
#include "query/sources.h"
#include "query/tables.h"
#include "query/values.h"

static const struct ct_interval *interval_of(const struct ct_query_row *row)
{
    return &row->event.interval;
}

static void put_class(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_text(out, ct_class_name(interval_of(row)->class), -1, SQLITE_STATIC);
}

static void put_operation_name(sqlite3_context *out, enum ct_op op)
{
    if (op != CT_OP_NONE)
        sqlite3_result_text(out, ct_op_name(op), -1, SQLITE_STATIC);
}

static void put_operation(const struct ct_query_row *row, sqlite3_context *out)
{
    put_operation_name(out, interval_of(row)->op);
}

static void put_call(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, interval_of(row)->call_name);
}

/* NULL where it is of nothing. */
static void take_some_text(sqlite3_context *out, char *text)
{
    if (text && *text == '\0')
        g_clear_pointer(&text, g_free);
    ct_query_take_text(out, text);
}

static void put_object(const struct ct_query_row *row, sqlite3_context *out)
{
    take_some_text(out, ct_event_object(row->recording->texts, interval_of(row)));
}

static void put_object_id(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_interval *interval = interval_of(row);
    int64_t id = ct_query_object_id(row->recording, row->process, ct_op_object(interval->op),
                                    interval->object);

    if (id >= 0)
        sqlite3_result_int64(out, id);
}

static void put_peer(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, ct_interval_peer(interval_of(row)));
}

static void put_local(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_fd *fd = interval_of(row)->fd;

    ct_query_put_text(out, fd && fd->local && fd->local[0] ? fd->local : NULL);
}

static void put_weight(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_double(out, interval_of(row)->weight);
}

static void put_wait_begin(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, interval_of(row)->wait_begin_ns);
}

static void put_wait_duration(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, ct_interval_wait_ns(interval_of(row)));
}

static void put_is_first(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_interval *interval = interval_of(row);

    sqlite3_result_int(out, interval->op != CT_OP_NONE && interval->class != CT_CLASS_RUNNABLE &&
                                ct_interval_is_counted(interval, 0));
}

/* As the report of locks has it: what a program uses as one is found in what its threads do. */
static void put_is_for_lock(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, ct_lock_waits_has(interval_of(row)));
}

static void put_is_open(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, interval_of(row)->is_open);
}

static void put_is_outside(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, interval_of(row)->is_outside);
}

static void put_result(const struct ct_query_row *row, sqlite3_context *out)
{
    if (interval_of(row)->result != CT_RESULT_UNKNOWN)
        sqlite3_result_int(out, interval_of(row)->result);
}

static void put_owner(const struct ct_query_row *row, sqlite3_context *out)
{
    int32_t owner = ct_interval_owner(interval_of(row));

    if (owner != 0)
        sqlite3_result_int(out, owner);
}

static void put_stack_id(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_stack(out, row, row->process, interval_of(row)->stack_id);
}

static void put_place(const struct ct_query_row *row, sqlite3_context *out)
{
    take_some_text(out, g_strdup(ct_event_place(row->recording->texts, row->process,
                                                interval_of(row)->stack_id)));
}

static void put_stack(const struct ct_query_row *row, sqlite3_context *out)
{
    take_some_text(
        out, ct_event_stack_line(row->recording->texts, row->process, interval_of(row)->stack_id));
}

/* ---- Who ended it ---- */

static void put_waker_id(const struct ct_query_row *row, sqlite3_context *out)
{
    if (interval_of(row)->waker)
        sqlite3_result_int64(out, ct_query_thread_id(interval_of(row)->waker));
}

static void put_waker(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_thread *waker = interval_of(row)->waker;

    ct_query_put_text(out, waker ? waker->name : NULL);
}

static void put_waker_tid(const struct ct_query_row *row, sqlite3_context *out)
{
    if (interval_of(row)->waker)
        sqlite3_result_int(out, interval_of(row)->waker->tid);
}

static void put_wake(const struct ct_query_row *row, sqlite3_context *out)
{
    if (interval_of(row)->waker)
        ct_query_put_time(out, row, interval_of(row)->wake_ns);
}

static void put_waker_operation(const struct ct_query_row *row, sqlite3_context *out)
{
    put_operation_name(out, interval_of(row)->waker ? interval_of(row)->waker_op : CT_OP_NONE);
}

static void put_waker_stack_id(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_interval *interval = interval_of(row);

    if (interval->waker)
        ct_query_put_stack(out, row, interval->waker->process, interval->waker_stack_id);
}

static void put_waker_place(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_interval *interval = interval_of(row);

    take_some_text(out, interval->waker ? g_strdup(ct_event_place(row->recording->texts,
                                                                  interval->waker->process,
                                                                  interval->waker_stack_id))
                                        : NULL);
}

static void put_preempted_by(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, interval_of(row)->preempted_by);
}

static const struct ct_query_column columns[] = {
    {"id", "INTEGER", "in the order in which they were told", ct_query_row_id, CT_QUERY_ID},
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_PROCESS},
    {"thread_id", "INTEGER", "threads.id", ct_query_row_thread_id, CT_QUERY_THREAD},
    {"process", "TEXT", "its process's name", ct_query_row_process, CT_QUERY_ANY},
    {"pid", "INTEGER", "its process's id", ct_query_row_pid, CT_QUERY_ANY},
    {"thread", "TEXT", "its thread's name", ct_query_row_thread, CT_QUERY_ANY},
    {"tid", "INTEGER", "its thread's id", ct_query_row_tid, CT_QUERY_ANY},
    {"class", "TEXT", "runnable, net, sync, syscall, sleep, other", put_class, CT_QUERY_CLASS},
    {"operation", "TEXT", "what was called; NULL: nothing", put_operation, CT_QUERY_OP},
    {"call", "TEXT", "the system call, of operation syscall", put_call, CT_QUERY_ANY},
    {"object", "TEXT", "what for: a lock, a descriptor; NULL: nothing", put_object, CT_QUERY_ANY},
    {"object_id", "INTEGER", "objects.id", put_object_id, CT_QUERY_ANY},
    {"local", "TEXT", "a socket's own end, or a path", put_local, CT_QUERY_ANY},
    {"peer", "TEXT", "a socket's other end", put_peer, CT_QUERY_ANY},
    {"begin_ns", "INTEGER", "when it began", ct_query_row_begin, CT_QUERY_BEGIN},
    {"end_ns", "INTEGER", "when it ended", ct_query_row_end, CT_QUERY_END},
    {"duration_ns", "INTEGER", "in between", ct_query_row_duration, CT_QUERY_ANY},
    {"begin_clock", "TEXT", "begin_ns as a time of day here", ct_query_row_clock, CT_QUERY_ANY},
    {"weight", "REAL", "how many such it stands for: 1 unless sampled", put_weight, CT_QUERY_ANY},
    {"wait_begin_ns", "INTEGER", "of the whole wait, if this is a part", put_wait_begin,
     CT_QUERY_ANY},
    {"wait_duration_ns", "INTEGER", "of the whole wait", put_wait_duration, CT_QUERY_ANY},
    {"is_first", "INTEGER", "1: a wait, or the first part of it: to count them", put_is_first,
     CT_QUERY_ANY},
    {"is_for_lock", "INTEGER", "1: for what threads hold, a semaphore used so, too",
     put_is_for_lock, CT_QUERY_ANY},
    {"is_open", "INTEGER", "1: it never returned", put_is_open, CT_QUERY_ANY},
    {"is_outside", "INTEGER", "1: in no wait; the kernel tells of it", put_is_outside,
     CT_QUERY_ANY},
    {"result", "INTEGER", "of the call, or -errno; NULL: not known", put_result, CT_QUERY_ANY},
    {"owner_tid", "INTEGER", "held the lock when the wait began", put_owner, CT_QUERY_ANY},
    {"place", "TEXT", "where a programmer would say it was", put_place, CT_QUERY_ANY},
    {"stack", "TEXT", "functions, innermost first, with < in between", put_stack, CT_QUERY_ANY},
    {"stack_id", "INTEGER", "stacks.id", put_stack_id, CT_QUERY_ANY},
    {"waker", "TEXT", "the name of the thread that ended it", put_waker, CT_QUERY_ANY},
    {"waker_tid", "INTEGER", "its thread id", put_waker_tid, CT_QUERY_ANY},
    {"waker_id", "INTEGER", "threads.id of it", put_waker_id, CT_QUERY_ANY},
    {"wake_ns", "INTEGER", "when it did", put_wake, CT_QUERY_ANY},
    {"waker_operation", "TEXT", "by which call", put_waker_operation, CT_QUERY_ANY},
    {"waker_place", "TEXT", "where", put_waker_place, CT_QUERY_ANY},
    {"waker_stack_id", "INTEGER", "stacks.id", put_waker_stack_id, CT_QUERY_ANY},
    {"preempted_by", "TEXT", "runnable: who took its CPU; NULL: nobody", put_preempted_by,
     CT_QUERY_ANY},
};

const struct ct_query_table ct_query_intervals = {
    .name = "intervals",
    .meaning = "waits and other states of threads; what is in none is running",
    .source = &ct_query_events,
    CT_QUERY_COLUMNS(columns),
    .usual_rows = 1e6,
    .kind = CT_STORE_INTERVALS,
};
