#include "query/values.h"

#include "cli/window.h"

/* Stacks are numbered in their process: its id stands above. All are below 2^53. */
#define STACK_BITS 32

void ct_query_take_text(sqlite3_context *out, char *text)
{
    if (!text)
        return;
    if (g_utf8_validate(text, -1, NULL)) {
        sqlite3_result_text(out, text, -1, g_free);
    } else {
        sqlite3_result_text(out, g_utf8_make_valid(text, -1), -1, g_free);
        g_free(text);
    }
}

void ct_query_put_text(sqlite3_context *out, const char *text)
{
    ct_query_take_text(out, g_strdup(text));
}

void ct_query_put_count(sqlite3_context *out, uint64_t count)
{
    sqlite3_result_int64(out, (sqlite3_int64)MIN(count, (uint64_t)INT64_MAX));
}

void ct_query_put_time(sqlite3_context *out, const struct ct_query_row *row, uint64_t time_ns)
{
    uint64_t begin_ns = row->recording->model->begin_ns;

    if (time_ns >= begin_ns)
        ct_query_put_count(out, time_ns - begin_ns);
    else
        sqlite3_result_int64(out, -(sqlite3_int64)MIN(begin_ns - time_ns, (uint64_t)INT64_MAX));
}

void ct_query_put_clock(sqlite3_context *out, const struct ct_query_row *row, uint64_t time_ns)
{
    ct_query_take_text(out,
                       ct_window_format_clock(time_ns, row->recording->model->epoch_offset_ns));
}

int64_t ct_query_process_id(const struct ct_query_recording *recording,
                            const struct ct_process *process)
{
    return (int64_t)GPOINTER_TO_UINT(g_hash_table_lookup(recording->process_ids, process)) - 1;
}

int64_t ct_query_stack_id(const struct ct_query_recording *recording,
                          const struct ct_process *process, uint32_t stack_id)
{
    return ct_query_process_id(recording, process) << STACK_BITS | stack_id;
}

void ct_query_put_stack(sqlite3_context *out, const struct ct_query_row *row,
                        const struct ct_process *process, uint32_t stack_id)
{
    if (stack_id != 0)
        sqlite3_result_int64(out, ct_query_stack_id(row->recording, process, stack_id));
}

/* ---- Objects ---- */

static guint object_hash(const void *data)
{
    const struct ct_store_object *object = data;
    uint64_t mixed = object->id ^ (uintptr_t)object->process ^ (uint64_t)object->kind << 56;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean object_equal(const void *a, const void *b)
{
    const struct ct_store_object *first = a, *second = b;

    return first->process == second->process && first->id == second->id &&
           first->kind == second->kind;
}

int64_t ct_query_object_id(struct ct_query_recording *recording, const struct ct_process *process,
                           enum ct_object kind, uint64_t object)
{
    const struct ct_store_object key = {(struct ct_process *)process, kind, object};

    if (!recording->object_ids) {
        guint count = ct_store_object_count(recording->store);

        recording->object_ids = g_hash_table_new(object_hash, object_equal);
        for (guint i = 0; i < count; i++)
            g_hash_table_insert(recording->object_ids, (void *)ct_store_object(recording->store, i),
                                GUINT_TO_POINTER(i + 1));
    }
    return (int64_t)GPOINTER_TO_UINT(g_hash_table_lookup(recording->object_ids, &key)) - 1;
}

/* ---- Of any row ---- */

void ct_query_row_id(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, row->id);
}

void ct_query_row_pid(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->process->pid);
}

void ct_query_row_process(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->process->name);
}

void ct_query_row_process_id(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, ct_query_process_id(row->recording, row->process));
}

void ct_query_row_tid(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, row->thread->tid);
}

void ct_query_row_thread(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, row->thread->name);
}

void ct_query_row_thread_id(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, ct_query_thread_id(row->thread));
}

void ct_query_row_begin(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->event.begin_ns);
}

void ct_query_row_end(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_time(out, row, row->event.end_ns);
}

void ct_query_row_duration(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_count(out, row->event.end_ns - row->event.begin_ns);
}

void ct_query_row_clock(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_clock(out, row, row->event.begin_ns);
}
