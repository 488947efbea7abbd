/* The tables of stacks and their frames. */
#include "query/sources.h"
#include "query/tables.h"
#include "query/values.h"
#include "symbols/stack_text.h"

#include <stdlib.h>

/* Inlined functions are frames, too: more than any stack has. */
#define FRAME_BITS 20

struct ct_query_stack {
    int64_t id;
    const struct ct_process *process; /* borrowed, as is the next */
    const struct ct_stack *stack;
};

static int compare_stacks(const void *a, const void *b)
{
    int64_t first = (*(struct ct_query_stack *const *)a)->id;
    int64_t second = (*(struct ct_query_stack *const *)b)->id;

    return (first > second) - (first < second);
}

static GPtrArray *list_stacks(struct ct_query_recording *recording)
{
    const GPtrArray *processes = recording->model->all_processes;

    if (recording->stacks)
        return recording->stacks;
    recording->stacks = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < processes->len; i++) {
        const struct ct_process *process = processes->pdata[i];
        GHashTableIter stacks;
        void *stack;

        g_hash_table_iter_init(&stacks, process->stacks);
        while (g_hash_table_iter_next(&stacks, NULL, &stack)) {
            struct ct_query_stack *item = g_new(struct ct_query_stack, 1);

            item->stack = stack;
            item->process = process;
            item->id = ct_query_stack_id(recording, process, item->stack->id);
            g_ptr_array_add(recording->stacks, item);
        }
    }
    g_ptr_array_sort(recording->stacks, compare_stacks);
    return recording->stacks;
}

static int64_t count_stacks(struct ct_query_recording *recording)
{
    return list_stacks(recording)->len;
}

static void locate_stack(struct ct_query_recording *recording, int64_t id, int64_t *begin,
                         int64_t *end)
{
    const GPtrArray *stacks = list_stacks(recording);
    const struct ct_query_stack wanted = {.id = id}, *key = &wanted;
    void **found = stacks->len > 0 ? bsearch(&key, stacks->pdata, stacks->len,
                                             sizeof(*stacks->pdata), compare_stacks)
                                   : NULL;

    *begin = found ? found - stacks->pdata : 0;
    *end = found ? *begin + 1 : 0;
}

static gboolean stack_at(struct ct_query_recording *recording, int64_t place,
                         struct ct_query_row *row)
{
    const struct ct_query_stack *item = list_stacks(recording)->pdata[place];

    row->item = item->stack;
    row->process = item->process;
    row->id = item->id;
    return TRUE;
}

static const struct ct_stack *stack_of(const struct ct_query_row *row)
{
    return row->item;
}

static void put_place(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, ct_event_place(row->recording->texts, row->process, stack_of(row)->id));
}

static void put_stack(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_take_text(out,
                       ct_event_stack_line(row->recording->texts, row->process, stack_of(row)->id));
}

static void put_addresses(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, stack_of(row)->count);
}

static void put_omitted(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, stack_of(row)->omitted);
}

static void put_is_partial(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, stack_of(row)->is_partial);
}

static const struct ct_query_column stack_columns[] = {
    {"id", "INTEGER", "which: stack_id of other tables", ct_query_row_id, CT_QUERY_ID},
    {"process_id", "INTEGER", "processes.id", ct_query_row_process_id, CT_QUERY_ANY},
    {"place", "TEXT", "where a programmer would say it is", put_place, CT_QUERY_ANY},
    {"stack", "TEXT", "functions, innermost first, with < in between", put_stack, CT_QUERY_ANY},
    {"addresses", "INTEGER", "that were kept of it", put_addresses, CT_QUERY_ANY},
    {"omitted", "INTEGER", "at least so many in the middle were not", put_omitted, CT_QUERY_ANY},
    {"is_partial", "INTEGER", "1: the outermost callers are missing", put_is_partial, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_stacks = {
    .name = "stacks",
    .meaning = "distinct stacks; addresses become functions where they are read",
    .source = &ct_query_list,
    CT_QUERY_COLUMNS(stack_columns),
    .usual_rows = 1e4,
    .count = count_stacks,
    .at = stack_at,
    .locate = locate_stack,
    .key = CT_QUERY_ID,
};

/* ---- Frames ---- */

struct frames {
    struct ct_query_recording *recording; /* borrowed */
    GArray *list; /* owned; struct ct_stack_frame, of the stack before `at`; or NULL */
    guint depth;  /* in it */
    int64_t at;
    int64_t end;
};

static void *open_frames(const struct ct_query_table *table, struct ct_query_recording *recording,
                         const struct ct_query_asked *asked)
{
    struct frames *frames = g_new0(struct frames, 1);
    int64_t stack;

    frames->recording = recording;
    frames->end = table->count(recording);
    if (ct_query_asked_one(asked, table->key, &stack))
        locate_stack(recording, stack, &frames->at, &frames->end);
    return frames;
}

static void close_frames(void *data)
{
    struct frames *frames = data;

    if (frames->list)
        g_array_unref(frames->list);
    g_free(frames);
}

static gboolean next_frame(void *data, struct ct_query_row *row, GError **error)
{
    struct frames *frames = data;
    struct ct_query_recording *recording = frames->recording;

    (void)error;
    while (!frames->list || frames->depth >= frames->list->len) {
        g_clear_pointer(&frames->list, g_array_unref);
        if (frames->at >= frames->end)
            return FALSE;
        recording->visited++;
        stack_at(recording, frames->at++, row);
        frames->depth = 0;
        frames->list = ct_stack_list(recording->symbolizer, row->process, stack_of(row)->id);
    }
    const struct ct_query_stack *item = list_stacks(recording)->pdata[frames->at - 1];

    row->process = item->process;
    row->item = &g_array_index(frames->list, struct ct_stack_frame, frames->depth);
    row->id = (frames->at - 1) << FRAME_BITS | frames->depth++;
    return TRUE;
}

static const struct ct_query_source frame_source = {open_frames, next_frame, close_frames};

static const struct ct_stack_frame *frame_of(const struct ct_query_row *row)
{
    return row->item;
}

static void put_stack_id(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_query_stack *item = list_stacks(row->recording)->pdata[row->id >> FRAME_BITS];

    sqlite3_result_int64(out, item->id);
}

static void put_depth(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, row->id & ((1 << FRAME_BITS) - 1));
}

static void put_function(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, frame_of(row)->function ? frame_of(row)->function->function : NULL);
}

static void put_system_name(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, frame_of(row)->function ? frame_of(row)->function->system_name : NULL);
}

static void put_file(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_symbol_frame *function = frame_of(row)->function;

    ct_query_put_text(out, function && function->file[0] ? function->file : NULL);
}

static void put_line(const struct ct_query_row *row, sqlite3_context *out)
{
    const struct ct_symbol_frame *function = frame_of(row)->function;

    if (function && function->line > 0)
        sqlite3_result_int64(out, function->line);
}

static void put_is_inlined(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int(out, frame_of(row)->function && frame_of(row)->function->is_inlined);
}

static void put_module(const struct ct_query_row *row, sqlite3_context *out)
{
    ct_query_put_text(out, frame_of(row)->module ? frame_of(row)->module->path : NULL);
}

static void put_address(const struct ct_query_row *row, sqlite3_context *out)
{
    sqlite3_result_int64(out, (sqlite3_int64)frame_of(row)->address);
}

static const struct ct_query_column frame_columns[] = {
    {"stack_id", "INTEGER", "stacks.id", put_stack_id, CT_QUERY_STACK},
    {"depth", "INTEGER", "0: the innermost", put_depth, CT_QUERY_ANY},
    {"function", "TEXT", "as a programmer writes it; NULL: frames left out", put_function,
     CT_QUERY_ANY},
    {"system_name", "TEXT", "as the linker knows it", put_system_name, CT_QUERY_ANY},
    {"file", "TEXT", "its source file; NULL: not known", put_file, CT_QUERY_ANY},
    {"line", "INTEGER", "of the call in it", put_line, CT_QUERY_ANY},
    {"is_inlined", "INTEGER", "1: into the next frame", put_is_inlined, CT_QUERY_ANY},
    {"module", "TEXT", "the program or library", put_module, CT_QUERY_ANY},
    {"address", "INTEGER", "to which it returns", put_address, CT_QUERY_ANY},
};

const struct ct_query_table ct_query_frames = {
    .name = "frames",
    .meaning = "the functions of stacks; each is looked up when its stack is read",
    .source = &frame_source,
    CT_QUERY_COLUMNS(frame_columns),
    .usual_rows = 1e5,
    .count = count_stacks,
    .at = stack_at,
    .key = CT_QUERY_STACK,
};
