#include "passes/path.h"

#include "model/format.h"
#include "model/life.h"

#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

G_DEFINE_QUARK(ct - path - error - quark, ct_path_error)

struct sum {
    struct ct_path *path; /* borrowed */
    GHashTable *threads;  /* owned; struct ct_path_thread *, owned, by the thread */
    GHashTable *rows;     /* owned; struct ct_path_row *, owned, as a set */
    GArray *heap; /* owned; struct ct_path_stretch: the longest, the shortest of them first */
    guint limit;  /* of those */
    const struct ct_thread *last; /* borrowed */
};

/* ---- Adding up ---- */

static guint hash_row(const void *data)
{
    const struct ct_path_row *row = data;
    uint64_t mixed = ((uintptr_t)row->thread >> 4) ^ (uint64_t)row->place.stack_id << 24 ^
                     (uint64_t)row->class << 16 ^ (uint64_t)row->reason << 8 ^
                     (uint64_t)row->place.op << 56 ^ (uint64_t)(row->place.is_sampled != 0) << 20;

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean is_same_row(const void *a, const void *b)
{
    const struct ct_path_row *first = a, *second = b;

    return first->thread == second->thread && first->class == second->class &&
           first->reason == second->reason && first->place.stack_id == second->place.stack_id &&
           first->place.op == second->place.op &&
           !first->place.is_sampled == !second->place.is_sampled;
}

static void row_free(void *data)
{
    struct ct_path_row *row = data;

    g_free(row->object);
    g_free(row);
}

static void add_to_row(const struct sum *sum, const struct ct_path_stretch *stretch)
{
    const struct ct_path_row key = {.thread = stretch->thread,
                                    .class = stretch->class,
                                    .reason = stretch->reason,
                                    .place = stretch->place};
    struct ct_path_row *row = g_hash_table_lookup(sum->rows, &key);
    uint64_t ns = stretch->end_ns - stretch->begin_ns;

    if (!row) {
        row = g_memdup2(&key, sizeof(key));
        row->longest = *stretch;
        g_hash_table_add(sum->rows, row);
    }
    row->ns += ns;
    row->count++;
    if (ns > row->longest.end_ns - row->longest.begin_ns)
        row->longest = *stretch;
}

static uint64_t *part_of(struct ct_path_thread *thread, const struct ct_path_stretch *stretch)
{
    if (stretch->reason == CT_PATH_REASON_WOKEN)
        return &thread->woken_ns;
    if (stretch->reason == CT_PATH_REASON_UNKNOWN || stretch->reason == CT_PATH_REASON_NOBODY ||
        stretch->class == CT_CLASS_UNKNOWN)
        return &thread->unknown_ns;
    return stretch->class == CT_CLASS_RUNNING    ? &thread->running_ns
           : stretch->class == CT_CLASS_RUNNABLE ? &thread->runnable_ns
                                                 : &thread->waiting_ns;
}

static void add_to_thread(struct sum *sum, const struct ct_path_stretch *stretch)
{
    struct ct_path_thread *thread = g_hash_table_lookup(sum->threads, stretch->thread);
    uint64_t ns = stretch->end_ns - stretch->begin_ns;

    if (!thread) {
        thread = g_new0(struct ct_path_thread, 1);
        thread->thread = stretch->thread;
        g_hash_table_insert(sum->threads, stretch->thread, thread);
    }
    thread->ns += ns;
    *part_of(thread, stretch) += ns;
    if (sum->path->stretch_count > 0 && stretch->thread == sum->last)
        return;
    thread->count++;
    if (sum->path->stretch_count > 0)
        sum->path->hop_count++;
    sum->last = stretch->thread;
}

/* ---- The longest ---- */

/* Of those that are as long, the later one is shorter. */
static gboolean is_shorter(const struct ct_path_stretch *a, const struct ct_path_stretch *b)
{
    uint64_t first_ns = a->end_ns - a->begin_ns, second_ns = b->end_ns - b->begin_ns;

    return first_ns != second_ns ? first_ns < second_ns : a->begin_ns > b->begin_ns;
}

static void swap(struct ct_path_stretch *a, struct ct_path_stretch *b)
{
    struct ct_path_stretch kept = *a;

    *a = *b;
    *b = kept;
}

static void sift_down(GArray *heap)
{
    struct ct_path_stretch *all = (struct ct_path_stretch *)(void *)heap->data;

    for (guint at = 0;;) {
        guint least = at;

        for (guint child = 2 * at + 1; child <= 2 * at + 2 && child < heap->len; child++) {
            if (is_shorter(&all[child], &all[least]))
                least = child;
        }
        if (least == at)
            return;
        swap(&all[at], &all[least]);
        at = least;
    }
}

static void sift_up(GArray *heap)
{
    struct ct_path_stretch *all = (struct ct_path_stretch *)(void *)heap->data;

    for (guint at = heap->len - 1; at > 0 && is_shorter(&all[at], &all[(at - 1) / 2]);
         at = (at - 1) / 2)
        swap(&all[at], &all[(at - 1) / 2]);
}

static void offer(struct sum *sum, const struct ct_path_stretch *stretch)
{
    GArray *heap = sum->heap;

    if (heap->len < sum->limit) {
        g_array_append_vals(heap, stretch, 1);
        sift_up(heap);
    } else if (heap->len > 0 &&
               is_shorter(&g_array_index(heap, struct ct_path_stretch, 0), stretch)) {
        g_array_index(heap, struct ct_path_stretch, 0) = *stretch;
        sift_down(heap);
    }
}

static void add_stretch(void *user, const struct ct_path_stretch *stretch)
{
    struct sum *sum = user;

    add_to_row(sum, stretch);
    add_to_thread(sum, stretch);
    offer(sum, stretch);
    sum->path->stretch_count++;
}

/* ---- In order ---- */

static int compare_threads(const struct ct_thread *a, const struct ct_thread *b)
{
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    return COMPARE(a->number, b->number);
}

static int compare_thread_sums(const void *a, const void *b)
{
    const struct ct_path_thread *first = a, *second = b;
    int order = COMPARE(second->ns, first->ns);

    return order != 0 ? order : compare_threads(first->thread, second->thread);
}

static int compare_rows(const void *a, const void *b)
{
    const struct ct_path_row *first = a, *second = b;
    int order = COMPARE(second->ns, first->ns);

    return order != 0 ? order : COMPARE(first->longest.begin_ns, second->longest.begin_ns);
}

static int compare_begins(const void *a, const void *b)
{
    const struct ct_path_long *first = a, *second = b;

    return COMPARE(first->stretch.begin_ns, second->stretch.begin_ns);
}

/* A descriptor's name is in the store alone. */
static gboolean name_object(const struct ct_path *path, const struct ct_path_stretch *stretch,
                            char **object, GError **error)
{
    struct ct_store_event event;
    GError *failure = NULL;

    if (!stretch->id.thread || stretch->class == CT_CLASS_RUNNABLE ||
        ct_object_is_address(ct_op_object(stretch->place.op)))
        return TRUE;
    g_autoptr(ct_store_cursor) cursor =
        ct_store_find(path->question.store, &stretch->id, &event, &failure);

    if (cursor)
        *object = ct_format_object(&event.interval);
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static gboolean list_longest(const struct sum *sum, GError **error)
{
    for (guint i = 0; i < sum->heap->len; i++) {
        struct ct_path_long one = {g_array_index(sum->heap, struct ct_path_stretch, i), NULL};
        gboolean is_named = name_object(sum->path, &one.stretch, &one.object, error);

        g_array_append_val(sum->path->longest, one);
        if (!is_named)
            return FALSE;
    }
    g_array_sort(sum->path->longest, compare_begins);
    return TRUE;
}

static gboolean list_rows(const struct sum *sum, GError **error)
{
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, sum->rows);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        const struct ct_path_row *row = value;

        g_array_append_vals(sum->path->rows, row, 1);
    }
    g_array_sort(sum->path->rows, compare_rows);
    for (guint i = 0; i < MIN(sum->path->rows->len, sum->limit); i++) {
        struct ct_path_row *row = &g_array_index(sum->path->rows, struct ct_path_row, i);

        if (!name_object(sum->path, &row->longest, &row->object, error))
            return FALSE;
    }
    g_hash_table_iter_init(&at, sum->threads);
    while (g_hash_table_iter_next(&at, NULL, &value))
        g_array_append_vals(sum->path->threads, value, 1);
    g_array_sort(sum->path->threads, compare_thread_sums);
    return TRUE;
}

static void long_clear(void *data)
{
    g_free(((struct ct_path_long *)data)->object);
}

static void listed_row_clear(void *data)
{
    g_free(((struct ct_path_row *)data)->object);
}

static struct ct_path *path_new(const struct ct_path_question *question)
{
    struct ct_path *path = g_new0(struct ct_path, 1);

    path->question = *question;
    path->threads = g_array_new(FALSE, FALSE, sizeof(struct ct_path_thread));
    path->rows = g_array_new(FALSE, FALSE, sizeof(struct ct_path_row));
    path->longest = g_array_new(FALSE, FALSE, sizeof(struct ct_path_long));
    g_array_set_clear_func(path->longest, long_clear);
    g_array_set_clear_func(path->rows, listed_row_clear);
    return path;
}

void ct_path_free(struct ct_path *path)
{
    if (!path)
        return;
    g_array_unref(path->threads);
    g_array_unref(path->rows);
    g_array_unref(path->longest);
    g_free(path);
}

struct ct_path *ct_path_find(const struct ct_path_question *question, guint longest, GError **error)
{
    g_autoptr(ct_path) path = path_new(question);
    g_autoptr(GHashTable) threads = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_autoptr(GHashTable) rows = g_hash_table_new_full(hash_row, is_same_row, row_free, NULL);
    g_autoptr(GArray) heap = g_array_new(FALSE, FALSE, sizeof(struct ct_path_stretch));
    struct sum sum = {path, threads, rows, heap, longest, NULL};

    if (!ct_path_walk(question, add_stretch, &sum, error) || !list_longest(&sum, error) ||
        !list_rows(&sum, error))
        return NULL;
    return g_steal_pointer(&path);
}

/* ---- Where it ends ---- */

/* Of the first process; of threads that are named, the last one to end. */
static struct ct_thread *choose_thread(const struct ct_model *model,
                                       const struct ct_selection *selection)
{
    gboolean is_named = selection->threads && *selection->threads;
    struct ct_thread *chosen = NULL;

    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread *thread = model->threads->pdata[i];

        if (!ct_selection_has_thread(selection, thread))
            continue;
        if (!is_named && thread->tid == thread->process->pid)
            return thread;
        if (!chosen || (is_named && thread->end_ns > chosen->end_ns))
            chosen = thread;
    }
    return chosen;
}

/* The last image of its process, where it executed other programs: it is the same thread. */
static struct ct_thread *last_image(const struct ct_model *model, struct ct_thread *thread)
{
    struct ct_thread *last = thread;

    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread *other = model->threads->pdata[i];

        if (other->tid == thread->tid && other->process->pid == thread->process->pid &&
            other->start_ns > last->start_ns && other->process->ppid == thread->process->ppid)
            last = other;
    }
    return last;
}

gboolean ct_path_choose(struct ct_path_question *question, const struct ct_selection *selection,
                        const struct ct_window *window, GError **error)
{
    const struct ct_window extent = ct_lives_extent(question->model);
    struct ct_thread *thread = choose_thread(question->model, selection);

    if (!thread) {
        g_set_error(error, CT_PATH_ERROR, CT_PATH_ERROR_NOBODY,
                    "none of the %u threads recorded is meant: see their names with ctrace report "
                    "threads",
                    question->model->threads->len);
        return FALSE;
    }
    if (!selection->threads || !*selection->threads)
        thread = last_image(question->model, thread);
    question->thread = thread;
    question->window = window ? *window : extent;
    question->window.end_ns = MIN(question->window.end_ns, thread->end_ns);
    if (question->window.begin_ns < question->window.end_ns &&
        thread->start_ns < question->window.end_ns)
        return TRUE;
    g_set_error(error, CT_PATH_ERROR, CT_PATH_ERROR_NOBODY,
                "%s (%d) was not there in the time asked for: it is none of its life", thread->name,
                thread->tid);
    return FALSE;
}
