#include "path/path_steps.h"

struct steps {
    struct ct_window window;
    guint columns;
    GArray *found;     /* borrowed; struct ct_scene_path_step, from the last one on */
    GHashTable *times; /* owned; struct ct_thread * -> uint64_t *, owned: of the column at hand */
    guint column;      /* that one */
};

static uint64_t column_begin_ns(const struct steps *steps, guint column)
{
    uint64_t length_ns = steps->window.end_ns - steps->window.begin_ns;

    return steps->window.begin_ns +
           (uint64_t)((double)length_ns * ((double)column / (double)steps->columns));
}

static void add_step(const struct steps *steps, struct ct_scene_path_step step)
{
    if (steps->found->len > 0) {
        struct ct_scene_path_step *later =
            &g_array_index(steps->found, struct ct_scene_path_step, steps->found->len - 1);

        step.end_ns = later->begin_ns;
        if (later->thread == step.thread) {
            later->begin_ns = step.begin_ns;
            return;
        }
    }
    g_array_append_val(steps->found, step);
}

/* Of those that have the same time, the first one of the model. */
static void end_column(struct steps *steps)
{
    struct ct_scene_path_step step = {
        .begin_ns = column_begin_ns(steps, steps->column),
        .end_ns = steps->window.end_ns,
    };
    uint64_t most_ns = 0;
    GHashTableIter at;
    void *thread;
    void *value;

    g_hash_table_iter_init(&at, steps->times);
    while (g_hash_table_iter_next(&at, &thread, &value)) {
        uint64_t time_ns = *(const uint64_t *)value;

        if (time_ns > most_ns ||
            (time_ns == most_ns && step.thread && thread &&
             ((const struct ct_thread *)thread)->number < step.thread->number)) {
            most_ns = time_ns;
            step.thread = thread;
        }
    }
    if (most_ns > 0)
        add_step(steps, step);
    g_hash_table_remove_all(steps->times);
}

static void add_time(struct steps *steps, const struct ct_thread *thread, uint64_t time_ns)
{
    uint64_t *known = g_hash_table_lookup(steps->times, thread);

    if (!known) {
        known = g_new0(uint64_t, 1);
        g_hash_table_insert(steps->times, (void *)thread, known);
    }
    *known += time_ns;
}

static void add_stretch(void *user, const struct ct_path_stretch *stretch)
{
    struct steps *steps = user;
    uint64_t at_ns = stretch->end_ns;

    for (;;) {
        uint64_t column_ns = column_begin_ns(steps, steps->column);
        uint64_t begin_ns = MAX(stretch->begin_ns, column_ns);

        if (begin_ns < at_ns)
            add_time(steps, stretch->thread, at_ns - begin_ns);
        at_ns = MIN(at_ns, begin_ns);
        if (stretch->begin_ns >= column_ns || steps->column == 0)
            return;
        end_column(steps);
        steps->column--;
    }
}

static void reverse(GArray *found)
{
    for (guint i = 0; i < found->len / 2; i++) {
        struct ct_scene_path_step *first = &g_array_index(found, struct ct_scene_path_step, i);
        struct ct_scene_path_step *last =
            &g_array_index(found, struct ct_scene_path_step, found->len - 1 - i);
        const struct ct_scene_path_step kept = *first;

        *first = *last;
        *last = kept;
    }
}

GArray *ct_path_steps_find(const struct ct_path_question *question, guint columns, GError **error)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(struct ct_scene_path_step));
    g_autoptr(GHashTable) times = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    struct steps steps = {question->window, columns, found, times, columns - 1};

    if (!ct_path_walk(question, add_stretch, &steps, error))
        return NULL;
    end_column(&steps);
    reverse(found);
    return g_steal_pointer(&found);
}
