#include "summary/heap_places.h"

#include "model/format.h"
#include "summary/heap_series.h"

/* Less of a heap is no leak to speak of. */
#define LEAST_SHARE 100

/* The moments of one heap that its places are told of. */
struct moments {
    int before, live;
    int half, three;
    gboolean has_quarters;
    uint64_t second_half_ns; /* from `half` to `live` */
};

/* A place with what it takes to find out whether it grows. */
struct gathered {
    struct ct_heap_place place; /* first */
    struct ct_heap_amount three;
    const struct ct_process *last; /* that was counted; borrowed */
};

void ct_heap_places_free(struct ct_heap_places *heap)
{
    if (!heap)
        return;
    g_ptr_array_unref(heap->heaps);
    g_ptr_array_unref(heap->places);
    g_free(heap);
}

static struct moments choose_moments(const struct ct_report *report,
                                     const struct ct_process *process)
{
    struct moments moments = {.before = CT_HEAP_AT_BEGIN, .live = CT_HEAP_AT_END};

    if (report->scope.is_whole_time) {
        moments.live = ct_heap_last_moment(process);
        moments.has_quarters =
            ct_heap_find_quarters(process, moments.live, &moments.half, &moments.three);
        if (moments.has_quarters) {
            uint64_t live_ns = ct_heap_moment_ns(process, moments.live);

            moments.second_half_ns =
                live_ns - MIN(ct_heap_moment_ns(process, moments.half), live_ns);
        }
    } else {
        moments.before = ct_heap_moment_near(process, report->scope.window.begin_ns);
        moments.live = ct_heap_moment_near(process, report->scope.window.end_ns);
    }
    return moments;
}

/* ---- One process ---- */

static void add_times(double to[CT_HEAP_AGES], const uint64_t samples[CT_HEAP_AGES], double weight)
{
    for (guint i = 0; i < CT_HEAP_AGES; i++)
        to[i] += weight * (double)samples[i];
}

static void add_site(struct gathered *gathered, const struct ct_heap_site *site,
                     const struct moments *moments)
{
    struct ct_heap_place *place = &gathered->place;
    double weight = ct_heap_site_weight(site);

    place->smallest = MIN(place->smallest, site->size);
    place->largest = MAX(place->largest, site->size);
    ct_heap_amount_add(&place->allocated, site, site->allocated);
    ct_heap_amount_add(&place->freed, site, site->freed);
    ct_heap_amount_add(&place->freed_elsewhere, site, site->freed_elsewhere);
    ct_heap_amount_add(&place->live, site, ct_heap_live_at(site, moments->live));
    ct_heap_amount_add(&place->before, site, ct_heap_live_at(site, moments->before));
    ct_heap_amount_add(&place->peak, site, site->peak_live);
    if (moments->has_quarters) {
        place->second_half_ns = moments->second_half_ns;
        ct_heap_amount_add(&place->half, site, ct_heap_live_at(site, moments->half));
        ct_heap_amount_add(&gathered->three, site, ct_heap_live_at(site, moments->three));
        ct_heap_amount_add(&place->last, site, ct_heap_live_at(site, moments->live));
    }
    add_times(place->lives, site->lives, weight);
    if (moments->live == CT_HEAP_AT_END)
        add_times(place->ages, site->ages, weight);
    place->life_ns += weight * (double)site->life_ns;
}

static struct gathered *find_place(GHashTable *places, const struct ct_process *process,
                                   uint32_t stack_id)
{
    struct gathered *gathered = g_hash_table_lookup(places, GUINT_TO_POINTER(stack_id));

    if (gathered)
        return gathered;
    gathered = g_new0(struct gathered, 1);
    gathered->place.process = process;
    gathered->last = process;
    gathered->place.process_count = 1;
    gathered->place.stack_id = stack_id;
    gathered->place.smallest = UINT64_MAX;
    g_hash_table_insert(places, GUINT_TO_POINTER(stack_id), gathered);
    return gathered;
}

static void add_to_heap(struct ct_heap_told *told, const struct ct_heap_site *site,
                        const struct moments *moments)
{
    told->samples += site->allocated;
    told->highest_rate = MAX(told->highest_rate, site->rate);
    ct_heap_amount_add(&told->allocated, site, site->allocated);
    ct_heap_amount_add(&told->live, site, ct_heap_live_at(site, moments->live));
    ct_heap_amount_add(&told->before, site, ct_heap_live_at(site, moments->before));
    ct_heap_amount_add(&told->end, site, site->live);
    ct_heap_amount_add(&told->peak, site, site->peak_live);
    for (guint i = 0; i < told->process->heap->moment_count; i++) {
        struct ct_heap_amount then = {0};

        ct_heap_amount_add(&then, site, site->moments_live[i]);
        told->moments[i] += then.bytes;
    }
}

/* ---- All processes ---- */

static void add_amount(struct ct_heap_amount *to, const struct ct_heap_amount *from)
{
    to->blocks += from->blocks;
    to->bytes += from->bytes;
    to->variance += from->variance;
}

static void merge(struct gathered *into, const struct gathered *from)
{
    struct ct_heap_place *to = &into->place;
    const struct ct_heap_place *place = &from->place;

    /* They come process by process, and a process may have several stacks of the same text. */
    if (into->last != place->process)
        to->process_count++;
    into->last = place->process;
    to->smallest = MIN(to->smallest, place->smallest);
    to->largest = MAX(to->largest, place->largest);
    add_amount(&to->allocated, &place->allocated);
    add_amount(&to->freed, &place->freed);
    add_amount(&to->freed_elsewhere, &place->freed_elsewhere);
    add_amount(&to->live, &place->live);
    add_amount(&to->before, &place->before);
    to->second_half_ns = MAX(to->second_half_ns, place->second_half_ns);
    add_amount(&to->half, &place->half);
    add_amount(&to->last, &place->last);
    add_amount(&to->peak, &place->peak);
    add_amount(&into->three, &from->three);
    for (guint i = 0; i < CT_HEAP_AGES; i++) {
        to->lives[i] += place->lives[i];
        to->ages[i] += place->ages[i];
    }
    to->life_ns += place->life_ns;
}

/* Places of other addresses may be the same functions and lines. */
static void add_place(const struct ct_report *report, GHashTable *by_text, GPtrArray *places,
                      struct gathered *gathered)
{
    g_autofree char *text = ct_report_describe_place(report, gathered->place.process, CT_OP_NONE,
                                                     gathered->place.stack_id);
    struct gathered *same = g_hash_table_lookup(by_text, text);

    if (same) {
        merge(same, gathered);
        g_free(gathered);
        return;
    }
    g_hash_table_insert(by_text, g_steal_pointer(&text), gathered);
    g_ptr_array_add(places, gathered);
}

static int compare_stacks(const void *a, const void *b)
{
    const struct gathered *first = *(struct gathered *const *)a;
    const struct gathered *second = *(struct gathered *const *)b;

    return (first->place.stack_id > second->place.stack_id) -
           (first->place.stack_id < second->place.stack_id);
}

/* The allocator is there, and something of it was seen. */
static void add_heap(const struct ct_report *report, struct ct_heap_places *heap,
                     GHashTable *by_text, const struct ct_process *process)
{
    struct moments moments = choose_moments(report, process);
    struct ct_heap_told *told = g_new0(struct ct_heap_told, 1);
    g_autoptr(GHashTable) by_stack = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    const GArray *sites = process->heap->sites;

    told->process = process;
    told->before_ns =
        moments.before == CT_HEAP_AT_BEGIN ? 0 : ct_heap_moment_ns(process, moments.before);
    told->live_ns = ct_heap_moment_ns(process, moments.live);
    told->is_end = moments.live == CT_HEAP_AT_END;
    for (guint i = 0; i < sites->len; i++) {
        const struct ct_heap_site *site = &g_array_index(sites, struct ct_heap_site, i);
        struct gathered *gathered = find_place(by_stack, process, site->stack_id);

        add_site(gathered, site, &moments);
        add_to_heap(told, site, &moments);
    }
    GHashTableIter iter;
    void *gathered;
    g_hash_table_iter_init(&iter, by_stack);
    while (g_hash_table_iter_next(&iter, NULL, &gathered))
        g_ptr_array_add(found, gathered);
    g_ptr_array_sort(found, compare_stacks);
    for (guint i = 0; i < found->len; i++)
        add_place(report, by_text, heap->places, found->pdata[i]);
    g_ptr_array_add(heap->heaps, told);
}

static int compare_heaps(const void *a, const void *b)
{
    const struct ct_heap_told *first = *(struct ct_heap_told *const *)a;
    const struct ct_heap_told *second = *(struct ct_heap_told *const *)b;
    double first_bytes = MAX(first->peak.bytes, first->live.bytes);
    double second_bytes = MAX(second->peak.bytes, second->live.bytes);

    if ((first->samples > 0) != (second->samples > 0))
        return first->samples > 0 ? -1 : 1;
    return (first_bytes < second_bytes) - (first_bytes > second_bytes);
}

static void find_suspects(struct ct_heap_places *heap)
{
    double live = 0;

    for (guint i = 0; i < heap->heaps->len; i++)
        live += ((struct ct_heap_told *)heap->heaps->pdata[i])->live.bytes;
    for (guint i = 0; i < heap->places->len; i++) {
        struct gathered *gathered = heap->places->pdata[i];
        struct ct_heap_place *place = &gathered->place;

        place->is_suspect = place->live.bytes * LEAST_SHARE >= live &&
                            ct_heap_grows(&place->half, &gathered->three, &place->last);
    }
}

struct ct_heap_places *ct_heap_places_find(const struct ct_report *report)
{
    struct ct_heap_places *heap = g_new0(struct ct_heap_places, 1);
    g_autoptr(GHashTable) by_text = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    heap->heaps = g_ptr_array_new_with_free_func(g_free);
    heap->places = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < report->processes->len; i++) {
        const struct ct_process *process = report->processes->pdata[i];

        if (process->heap && process->heap->rate != CT_HEAP_UNREACHED)
            add_heap(report, heap, by_text, process);
    }
    g_ptr_array_sort(heap->heaps, compare_heaps);
    if (report->scope.is_whole_time)
        find_suspects(heap);
    return heap;
}

/* ---- In an order ---- */

double ct_heap_place_growth(const struct ct_heap_place *place)
{
    return place->is_suspect ? place->last.bytes - place->half.bytes
                             : place->live.bytes - place->before.bytes;
}

static double bucket_begin_ns(guint bucket)
{
    return bucket > 0 ? (double)(UINT64_C(128) << bucket) : 0;
}

uint64_t ct_heap_median_ns(const double blocks[CT_HEAP_AGES])
{
    double half = 0, until = 0;

    for (guint i = 0; i < CT_HEAP_AGES; i++)
        half += blocks[i] / 2;
    for (guint i = 0; i < CT_HEAP_AGES && half > 0; i++) {
        if (blocks[i] > 0 && until + blocks[i] >= half)
            return ct_rounded(bucket_begin_ns(i) +
                              (half - until) / blocks[i] *
                                  (bucket_begin_ns(i + 1) - bucket_begin_ns(i)));
        until += blocks[i];
    }
    return 0;
}

struct order {
    enum ct_heap_order order;
    double least_freed; /* blocks */
};

/* What the place is sorted by; 0: it is left out. */
static double key_of(const struct ct_heap_place *place, const struct order *order)
{
    switch (order->order) {
    case CT_HEAP_ALL:
        return 1 + place->live.bytes;
    case CT_HEAP_BY_SUSPICION:
        return place->is_suspect ? ct_heap_place_growth(place) : 0;
    case CT_HEAP_BY_GROWTH:
        return ct_heap_place_growth(place);
    case CT_HEAP_BY_LIVE:
        return place->live.bytes;
    case CT_HEAP_BY_ALLOCATED:
        return place->allocated.bytes;
    case CT_HEAP_BY_LIFE:
        return place->freed.blocks > 0 && place->freed.blocks >= order->least_freed
                   ? place->freed.blocks / MAX(place->life_ns, 1)
                   : 0;
    case CT_HEAP_BY_ELSEWHERE:
        return place->freed_elsewhere.blocks;
    case CT_HEAP_BY_PEAK:
        return place->peak.bytes;
    }
    return 0;
}

/* Of equal ones, the one that was found first. */
static int compare_places(const void *a, const void *b, void *user)
{
    const struct ct_heap_place *first = *(struct ct_heap_place *const *)a;
    const struct ct_heap_place *second = *(struct ct_heap_place *const *)b;
    const struct order *by = user;
    double first_key = key_of(first, by), second_key = key_of(second, by);

    if (by->order == CT_HEAP_ALL && first->is_suspect != second->is_suspect)
        return first->is_suspect ? -1 : 1;
    if (first_key != second_key)
        return first_key < second_key ? 1 : -1;
    return (first->allocated.bytes < second->allocated.bytes) -
           (first->allocated.bytes > second->allocated.bytes);
}

GPtrArray *ct_heap_places_in_order(const struct ct_heap_places *heap, enum ct_heap_order order)
{
    GPtrArray *places = g_ptr_array_new();
    struct order by = {.order = order};

    for (guint i = 0; i < heap->places->len; i++)
        by.least_freed += ((struct ct_heap_place *)heap->places->pdata[i])->freed.blocks / 100;
    for (guint i = 0; i < heap->places->len; i++) {
        if (key_of(heap->places->pdata[i], &by) > 0)
            g_ptr_array_add(places, heap->places->pdata[i]);
    }
    g_ptr_array_sort_with_data(places, compare_places, &by);
    return places;
}
