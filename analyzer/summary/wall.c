#include "summary/wall.h"

#include "model/life.h"

#include <math.h>

/* What was seen of a thread. */
struct seen {
    double state_ns[CT_CLASS_COUNT];
};

struct ct_wall {
    GHashTable *threads; /* owned; struct ct_thread * -> struct seen * */
};

struct ct_wall *ct_wall_new(void)
{
    struct ct_wall *wall = g_new0(struct ct_wall, 1);

    wall->threads = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return wall;
}

void ct_wall_free(struct ct_wall *wall)
{
    if (!wall)
        return;
    g_hash_table_unref(wall->threads);
    g_free(wall);
}

void ct_wall_add(struct ct_wall *wall, struct ct_thread *thread, enum ct_class state,
                 double time_ns)
{
    struct seen *seen = g_hash_table_lookup(wall->threads, thread);

    if (!seen) {
        seen = g_new0(struct seen, 1);
        g_hash_table_insert(wall->threads, thread, seen);
    }
    seen->state_ns[state] += time_ns;
}

/* How long the thread was in each state inside the window. */
static struct ct_life find_life(const struct ct_thread *thread, const struct seen *seen,
                                const struct ct_window *window)
{
    uint64_t waited_ns[CT_CLASS_COUNT] = {0};

    if (window->begin_ns <= thread->start_ns && window->end_ns >= thread->end_ns)
        for (size_t state = 0; state < CT_CLASS_COUNT; state++)
            waited_ns[state] = thread->class_ns[state]; /* exact */
    else if (seen)
        for (size_t state = 0; state < CT_CLASS_COUNT; state++)
            waited_ns[state] = (uint64_t)MIN(seen->state_ns[state], 9e18);
    waited_ns[CT_CLASS_RUNNING] = 0; /* what is left */
    return ct_life_inside(thread, window, waited_ns);
}

static gboolean is_of(const struct ct_profile_sample *sample, const struct ct_thread *thread,
                      enum ct_class state)
{
    return sample->thread == thread && sample->state == state;
}

/* The samples from `at` on that are of this thread and state; returns where the next ones are. */
static guint scale_samples(GArray *samples, guint at, double factor, uint64_t total_ns,
                           gboolean is_all)
{
    const struct ct_profile_sample first = g_array_index(samples, struct ct_profile_sample, at);
    struct ct_profile_sample *last = NULL;
    int64_t left_ns = (int64_t)MIN(total_ns, (uint64_t)INT64_MAX);
    double exact_ns = 0;
    int64_t scaled_ns = 0;

    for (; at < samples->len; at++) {
        struct ct_profile_sample *sample = &g_array_index(samples, struct ct_profile_sample, at);

        if (!is_of(sample, first.thread, first.state))
            break;
        /* Rounded as a sum, so that its error does not grow. */
        exact_ns += (double)sample->delay_ns * factor;
        int64_t up_to_ns = MIN(llround(MIN(exact_ns, 9e18)), left_ns);

        sample->delay_ns = MAX(up_to_ns - scaled_ns, 0);
        scaled_ns += sample->delay_ns;
        if (sample->delay_ns > 0)
            last = sample;
    }
    if (last && is_all)
        last->delay_ns += left_ns - scaled_ns;
    return at;
}

static void add_stackless(GArray *extra, struct ct_thread *thread, enum ct_class state,
                          uint64_t time_ns)
{
    const struct ct_profile_sample sample = {
        .process = thread->process,
        .thread = thread,
        .state = state,
        .op = CT_OP_NONE,
        .object_text = "",
        .peer = "",
        .delay_ns = (int64_t)MIN(time_ns, (uint64_t)INT64_MAX),
    };

    g_array_append_val(extra, sample);
}

/* The first sample of each thread, by its position plus one. */
static GHashTable *find_firsts(const GArray *samples)
{
    GHashTable *firsts = g_hash_table_new(NULL, NULL);

    for (guint i = samples->len; i-- > 0;)
        g_hash_table_insert(firsts, g_array_index(samples, struct ct_profile_sample, i).thread,
                            GUINT_TO_POINTER(i + 1));
    return firsts;
}

static void settle_thread(const struct ct_wall *wall, struct ct_thread *thread,
                          const struct ct_profile_limits *limits, GArray *samples, guint at,
                          GArray *extra)
{
    const struct ct_window window = {limits->begin_ns, limits->end_ns};
    const struct seen *seen = g_hash_table_lookup(wall->threads, thread);
    const struct ct_life life = find_life(thread, seen, &window);

    for (int state = 0; state < CT_CLASS_COUNT; state++) {
        double seen_ns = seen ? seen->state_ns[state] : 0;
        uint64_t total_ns = life.class_ns[state];

        if (seen_ns == 0 && total_ns > 0 &&
            (!limits->filter || ct_filter_lets_class(limits->filter, (enum ct_class)state)))
            add_stackless(extra, thread, (enum ct_class)state, total_ns);
        if (at < samples->len &&
            is_of(&g_array_index(samples, struct ct_profile_sample, at), thread, state))
            at = scale_samples(samples, at, seen_ns > 0 ? (double)total_ns / seen_ns : 1, total_ns,
                               !limits->filter ||
                                   ct_selection_is_by_class(ct_filter_selection(limits->filter)));
    }
}

void ct_wall_settle(const struct ct_wall *wall, const struct ct_model *model,
                    const struct ct_profile_limits *limits, const struct ct_selection *selection,
                    GArray *samples)
{
    g_autoptr(GHashTable) firsts = find_firsts(samples);
    g_autoptr(GArray) extra = g_array_new(FALSE, FALSE, sizeof(struct ct_profile_sample));

    for (guint i = 0; i < model->threads->len; i++) {
        struct ct_thread *thread = g_ptr_array_index(model->threads, i);
        guint first = GPOINTER_TO_UINT(g_hash_table_lookup(firsts, thread));

        if (ct_selection_has_thread(selection, thread))
            settle_thread(wall, thread, limits, samples, first > 0 ? first - 1 : samples->len,
                          extra);
    }
    if (extra->len > 0)
        g_array_append_vals(samples, extra->data, extra->len);
}
