#include "passes/findings/gatherings.h"

#include "symbols/stack_text.h"

#include <string.h>

static void gathering_free(void *data)
{
    struct ct_gathering *gathering = data;

    g_ptr_array_unref(gathering->threads);
    g_ptr_array_unref(gathering->wakers);
    g_ptr_array_unref(gathering->targets);
    g_hash_table_unref(gathering->places);
    g_hash_table_unref(gathering->known_threads);
    g_hash_table_unref(gathering->waker_ns);
    g_hash_table_unref(gathering->known_targets);
    g_free(gathering);
}

static struct ct_gathering *gathering_new(const struct ct_evidence_wait *first)
{
    struct ct_gathering *gathering = g_new0(struct ct_gathering, 1);

    gathering->first = first;
    gathering->threads = g_ptr_array_new();
    gathering->wakers = g_ptr_array_new();
    gathering->targets = g_ptr_array_new();
    gathering->places = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    gathering->known_threads = g_hash_table_new(NULL, NULL);
    gathering->waker_ns = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    gathering->known_targets = g_hash_table_new(NULL, NULL);
    return gathering;
}

static void add_once(GPtrArray *list, GHashTable *known, const void *item)
{
    if (item && g_hash_table_add(known, (void *)item))
        g_ptr_array_add(list, (void *)item);
}

static void add_waker(struct ct_gathering *gathering, struct ct_thread *waker, double time_ns)
{
    double *sum_ns = g_hash_table_lookup(gathering->waker_ns, waker);

    if (!waker)
        return;
    if (!sum_ns) {
        sum_ns = g_new0(double, 1);
        g_hash_table_insert(gathering->waker_ns, waker, sum_ns);
        g_ptr_array_add(gathering->wakers, waker);
    }
    *sum_ns += time_ns;
    if (*sum_ns > gathering->first_waker_ns) {
        gathering->first_waker_ns = *sum_ns;
        gathering->first_waker = waker;
    }
}

/* Of places with the same time, always the same one. */
static gboolean is_before(const struct ct_symbol_frame *a, const struct ct_symbol_frame *b)
{
    int order = strcmp(a->function, b->function);

    return order < 0 || (order == 0 && a->line < b->line);
}

static void add_place(struct ct_gathering *gathering, const struct ct_symbol_frame *place,
                      double time_ns)
{
    double *sum_ns = g_hash_table_lookup(gathering->places, place);

    if (!sum_ns) {
        sum_ns = g_new0(double, 1);
        g_hash_table_insert(gathering->places, (void *)place, sum_ns);
    }
    *sum_ns += time_ns;
    if (place && (*sum_ns > gathering->most_ns ||
                  (*sum_ns >= gathering->most_ns && is_before(place, gathering->place)))) {
        gathering->most_ns = *sum_ns;
        gathering->place = place;
    }
}

static void add_longest(struct ct_gathering *gathering, uint64_t longest_ns,
                        const struct ct_window *longest, const struct ct_thread *thread)
{
    if (longest_ns <= gathering->longest_ns)
        return;
    gathering->longest_ns = longest_ns;
    gathering->longest = *longest;
    gathering->longest_of = thread;
}

static void add_wait(const struct ct_findings_case *a_case, struct ct_gathering *gathering,
                     const struct ct_evidence_wait *wait)
{
    gathering->total_ns += wait->total_ns;
    gathering->used_ns += wait->used_ns;
    gathering->count += wait->count;
    add_longest(gathering, wait->longest_ns, &wait->longest, wait->thread);
    ct_window_stretch(&gathering->when, wait->when.begin_ns, wait->when.end_ns);
    gathering->broadcast_count += wait->broadcast_count;
    gathering->vain_count += wait->vain_count;
    gathering->vain_ns += wait->vain_ns;
    add_once(gathering->threads, gathering->known_threads, wait->thread);
    add_waker(gathering, wait->waker, wait->total_ns);
    add_once(gathering->targets, gathering->known_targets, wait->peer ? wait->peer : wait->local);
    add_place(gathering,
              ct_stack_place(a_case->input->symbolizer, wait->thread->process, wait->stack_id),
              wait->total_ns);
}

static void add_all(GPtrArray *list, GHashTable *known, const GPtrArray *more)
{
    for (guint i = 0; i < more->len; i++)
        add_once(list, known, more->pdata[i]);
}

void ct_gathering_merge(struct ct_gathering *gathering, const struct ct_gathering *more)
{
    GHashTableIter at;
    void *place;
    void *time_ns;

    gathering->total_ns += more->total_ns;
    gathering->used_ns += more->used_ns;
    gathering->count += more->count;
    add_longest(gathering, more->longest_ns, &more->longest, more->longest_of);
    ct_window_stretch(&gathering->when, more->when.begin_ns, more->when.end_ns);
    gathering->broadcast_count += more->broadcast_count;
    gathering->vain_count += more->vain_count;
    gathering->vain_ns += more->vain_ns;
    add_all(gathering->threads, gathering->known_threads, more->threads);
    for (guint i = 0; i < more->wakers->len; i++)
        add_waker(gathering, more->wakers->pdata[i],
                  *(const double *)g_hash_table_lookup(more->waker_ns, more->wakers->pdata[i]));
    add_all(gathering->targets, gathering->known_targets, more->targets);
    g_hash_table_iter_init(&at, more->places);
    while (g_hash_table_iter_next(&at, &place, &time_ns))
        add_place(gathering, place, *(const double *)time_ns);
}

static int compare(const void *a, const void *b)
{
    const struct ct_gathering *first = *(struct ct_gathering *const *)a;
    const struct ct_gathering *second = *(struct ct_gathering *const *)b;

    return (first->total_ns < second->total_ns) - (first->total_ns > second->total_ns);
}

/* `cause` NULL: whatever it is. */
static GPtrArray *gather(const struct ct_findings_case *a_case, const enum ct_cause *cause,
                         ct_gathering_key *key)
{
    const GPtrArray *waits = a_case->input->evidence->waits;
    GPtrArray *gatherings = g_ptr_array_new_with_free_func(gathering_free);
    g_autoptr(GHashTable) by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < waits->len; i++) {
        const struct ct_evidence_wait *wait = waits->pdata[i];

        if (cause && ct_cause_of(a_case->causes, wait) != *cause)
            continue;
        char *text = key(a_case, wait);

        if (!text)
            continue;
        struct ct_gathering *gathering = g_hash_table_lookup(by_key, text);

        if (!gathering) {
            gathering = gathering_new(wait);
            g_ptr_array_add(gatherings, gathering);
        }
        g_hash_table_replace(by_key, text, gathering);
        add_wait(a_case, gathering, wait);
    }
    g_ptr_array_sort(gatherings, compare);
    return gatherings;
}

GPtrArray *ct_gather_all(const struct ct_findings_case *a_case, ct_gathering_key *key)
{
    return gather(a_case, NULL, key);
}

GPtrArray *ct_gather(const struct ct_findings_case *a_case, enum ct_cause cause,
                     ct_gathering_key *key)
{
    return gather(a_case, &cause, key);
}

char *ct_gathering_key_of_place(const struct ct_findings_case *a_case,
                                const struct ct_evidence_wait *wait)
{
    const char *exe = wait->thread->process->exe;
    g_autofree char *place = ct_gathering_place_of(a_case, wait);

    return g_strdup_printf("%s %s", exe ? exe : "", place);
}

char *ct_gathering_place_of(const struct ct_findings_case *a_case,
                            const struct ct_evidence_wait *wait)
{
    const struct ct_symbol_frame *place =
        ct_stack_place(a_case->input->symbolizer, wait->thread->process, wait->stack_id);

    return place ? ct_stack_place_text(place) : g_strdup("");
}
