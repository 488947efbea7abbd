/* The tables of the recording itself, of what was waited for, and of calls. */
#include "query/sources.h"
#include "query/tables.h"
#include "query/values.h"

#include "model/capture_notes.h"
#include "symbols/object_name.h"

/* ---- The recording ---- */

static int64_t count_one(struct ct_query_recording *recording)
{
    (void)recording;
    return 1;
}

static gboolean recording_at(struct ct_query_recording *recording, int64_t place,
                             struct ct_query_row *row)
{
    (void)place;
    row->item = recording->model;
    return TRUE;
}

static const struct ct_capture *capture_of(const struct ct_query_row *row)
{
    return &row->recording->model->capture;
}

static void put_command(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, capture_of(row)->command);
}

static void put_version(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, capture_of(row)->ctrace_version);
}

static void put_recording_clock(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_clock(out, row, row->recording->model->begin_ns);
}

static void put_monotonic(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, row->recording->model->begin_ns);
}

static void put_epoch(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_model *model = row->recording->model;

    uint64_t since_epoch_ns = model->begin_ns + (uint64_t)model->epoch_offset_ns;

    sqlite3_result_int64(out, (sqlite3_int64)since_epoch_ns);
}

static void put_length(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_model *model = row->recording->model;

    ct_query_put_count(out, MAX(model->end_ns, model->begin_ns) - model->begin_ns);
}

static void put_layers(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, capture_of(row)->layers);
}

static void put_capture_rate(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, capture_of(row)->rate_ns);
}

static void put_capture_status(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, capture_of(row)->exit_status);
}

static void put_is_complete(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, capture_of(row)->is_complete);
}

static void put_waits_recorded(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, capture_of(row)->waits_recorded);
}

static void put_waits_lost(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, capture_of(row)->waits_lost);
}

static void put_events_lost(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, capture_of(row)->events_lost);
}

static const struct ct_query_column recording_columns[] = {
    {"command", "TEXT", "what was recorded", put_command, CT_QUERY_ANY},
    {"ctrace_version", "TEXT", "by which ctrace", put_version, CT_QUERY_ANY},
    {"begin_clock", "TEXT", "when it began, as a time of day here", put_recording_clock,
     CT_QUERY_ANY},
    {"begin_unix_ns", "INTEGER", "the same since 1970: add it to any time", put_epoch,
     CT_QUERY_ANY},
    {"begin_monotonic_ns", "INTEGER", "the same of CLOCK_MONOTONIC", put_monotonic, CT_QUERY_ANY},
    {"duration_ns", "INTEGER", "how long it is", put_length, CT_QUERY_ANY},
    {"layers", "TEXT", "what told of it", put_layers, CT_QUERY_ANY},
    {"rate_ns", "INTEGER", "shorter waits were sampled; 0: none were", put_capture_rate,
     CT_QUERY_ANY},
    {"exit_status", "INTEGER", "the program's", put_capture_status, CT_QUERY_ANY},
    {"is_complete", "INTEGER", "1: its end was recorded", put_is_complete, CT_QUERY_ANY},
    {"waits_recorded", "INTEGER", "as the program counted them", put_waits_recorded, CT_QUERY_ANY},
    {"waits_lost", "INTEGER", "of those", put_waits_lost, CT_QUERY_ANY},
    {"events_lost", "INTEGER", "beside those", put_events_lost, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_record = {
    .name = "recording",
    .meaning = "the recording: one row",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(recording_columns),
    .usual_rows = 1,
    .count = count_one,
    .at = recording_at,
};

/* ---- Notes ---- */

static int64_t count_notes(struct ct_query_recording *recording)
{
    if (!recording->notes)
        recording->notes = ct_capture_notes(&recording->model->capture);
    return recording->notes->len;
}

static gboolean note_at(struct ct_query_recording *recording, int64_t place,
                        struct ct_query_row *row)
{
    row->item = recording->notes->pdata[place];
    return TRUE;
}

static void put_note(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->item);
}

static const struct ct_query_column note_columns[] = {
    {"note", "TEXT", "a line of it", put_note, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_notes = {
    .name = "notes",
    .meaning = "what was recorded and what was not, as the report begins",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(note_columns),
    .usual_rows = 10,
    .count = count_notes,
    .at = note_at,
};

/* ---- Objects ---- */

static int64_t count_objects(struct ct_query_recording *recording)
{
    return ct_store_object_count(recording->store);
}

static gboolean object_at(struct ct_query_recording *recording, int64_t place,
                          struct ct_query_row *row)
{
    const struct ct_store_object *object = ct_store_object(recording->store, (guint)place);

    row->item = object;
    row->process = object->process;
    return TRUE;
}

static const struct ct_store_object *object_of(const struct ct_query_row *row)
{
    return row->item;
}

static void put_object_kind(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_text(out, ct_object_name(object_of(row)->kind), -1, SQLITE_STATIC);
}

static void put_object_number(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, (sqlite3_int64)object_of(row)->id);
}

static void put_variable(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_store_object *object = object_of(row);

    ct_query_put_text(out, ct_object_find_name(row->recording->symbolizer, row->process,
                                               object->kind, object->id, row->process->end_ns));
}

static void put_is_lock(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, ct_object_is_lock(object_of(row)->kind));
}

static const struct ct_query_column object_columns[] = {
    {"id", "INTEGER", "which: object_id of other tables", ct_query_row_id, CT_QUERY_ID},
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_ANY},
    {"kind", "TEXT", "mutex, condition, semaphore, file descriptor ...", put_object_kind,
     CT_QUERY_ANY},
    {"number", "INTEGER", "its address, or its number", put_object_number, CT_QUERY_ANY},
    {"variable", "TEXT", "of the program, if it is one", put_variable, CT_QUERY_ANY},
    {"is_lock", "INTEGER", "1: a lock by its kind; see is_for_lock", put_is_lock, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_objects = {
    .name = "objects",
    .meaning = "what was waited for; of more than 65,536, the first ones",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(object_columns),
    .usual_rows = 1000,
    .count = count_objects,
    .at = object_at,
    .key = CT_QUERY_ID,
};

/* ---- Calls ---- */

struct ct_query_call {
    const struct ct_process *process; /* borrowed, as are the counters */
    const struct ct_op_counters *counters;
    enum ct_op op;
};

static void add_calls(GPtrArray *calls, const struct ct_process *process)
{
    for (int op = 0; op < CT_OP_COUNT; op++) {
        const struct ct_query_call call = {process, ct_process_counters(process, (enum ct_op)op),
                                           (enum ct_op)op};

        if (call.counters)
            g_ptr_array_add(calls, g_memdup2(&call, sizeof(call)));
    }
}

static int64_t count_calls(struct ct_query_recording *recording)
{
    const GPtrArray *processes = recording->model->processes;

    if (!recording->calls) {
        recording->calls = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < processes->len; i++)
            add_calls(recording->calls, processes->pdata[i]);
    }
    return recording->calls->len;
}

static gboolean call_at(struct ct_query_recording *recording, int64_t place,
                        struct ct_query_row *row)
{
    const struct ct_query_call *call = recording->calls->pdata[place];

    row->item = call;
    row->process = call->process;
    return TRUE;
}

static const struct ct_query_call *call_of(const struct ct_query_row *row)
{
    return row->item;
}

static void put_call_operation(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_text(out, ct_op_name(call_of(row)->op), -1, SQLITE_STATIC);
}

static void put_calls(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, call_of(row)->counters->calls);
}

static void put_total(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, call_of(row)->counters->total_ns);
}

static void put_median(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, ct_op_counters_quantile_ns(call_of(row)->counters, 0.5));
}

static void put_p99(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, ct_op_counters_quantile_ns(call_of(row)->counters, 0.99));
}

static const struct ct_query_column call_columns[] = {
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_ANY},
    {"process", "TEXT", "its name", ct_query_row_process, CT_QUERY_ANY},
    {"operation", "TEXT", "what was called", put_call_operation, CT_QUERY_ANY},
    {"calls", "INTEGER", "how many there were", put_calls, CT_QUERY_ANY},
    {"total_ns", "INTEGER", "how long, over all threads", put_total, CT_QUERY_ANY},
    {"p50_ns", "INTEGER", "half took no longer: an estimate", put_median, CT_QUERY_ANY},
    {"p99_ns", "INTEGER", "99 of 100 took no longer: an estimate", put_p99, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_calls = {
    .name = "calls",
    .meaning = "all calls of each operation, counted exactly, whether they waited or not",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(call_columns),
    .usual_rows = 200,
    .count = count_calls,
    .at = call_at,
};
