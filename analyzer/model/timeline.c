#include "model/timeline.h"

#include "model/fact_finder.h"

#include <math.h>

enum {
    CACHE_SIZE = 4096,
    /* So many threads have their full share of memory. Then the share halves each time that the
     * number of threads doubles, so that thousands of threads do not need gigabytes. */
    FULL_SHARE_THREADS = 256,
    FULL_SHARE_BINS = 4096,
    LEAST_BINS = 16,
    FULL_SHARE_WAITS = 256,
    LEAST_WAITS = 16,
};

struct ct_timeline {
    struct ct_window window;
    GHashTable *threads;      /* owned; struct ct_thread * -> struct ct_timeline_thread * */
    GStringChunk *texts;      /* owned */
    struct ct_cpu_runs *cpus; /* owned */
    uint64_t wait_count;
    struct ct_timeline_thread *cache[CACHE_SIZE]; /* borrowed from threads, by address */
};

void ct_window_stretch(struct ct_window *window, uint64_t begin_ns, uint64_t end_ns)
{
    if (begin_ns >= end_ns)
        return;
    window->begin_ns = window->end_ns > 0 ? MIN(window->begin_ns, begin_ns) : begin_ns;
    window->end_ns = MAX(window->end_ns, end_ns);
}

static void thread_free(gpointer data)
{
    struct ct_timeline_thread *thread = data;
    ct_bins_clear(&thread->bins);
    ct_bins_clear(&thread->cpus);
    g_free(thread->waits);
    g_free(thread);
}

struct ct_timeline *ct_timeline_new(const struct ct_window *window)
{
    struct ct_timeline *timeline = g_new0(struct ct_timeline, 1);
    timeline->window = window ? *window : (struct ct_window){0, UINT64_MAX};
    timeline->threads = g_hash_table_new_full(NULL, NULL, NULL, thread_free);
    timeline->texts = g_string_chunk_new(4096);
    timeline->cpus = ct_cpu_runs_new(timeline->window.begin_ns, timeline->window.end_ns);
    return timeline;
}

void ct_timeline_free(struct ct_timeline *timeline)
{
    if (!timeline)
        return;
    g_hash_table_destroy(timeline->threads);
    g_string_chunk_free(timeline->texts);
    ct_cpu_runs_free(timeline->cpus);
    g_free(timeline);
}

static uint32_t share(uint32_t full, uint32_t least, uint32_t thread_count)
{
    for (; thread_count >= FULL_SHARE_THREADS && full > least; thread_count /= 2)
        full /= 2;
    return full;
}

static struct ct_timeline_thread *thread_new(struct ct_timeline *timeline,
                                             const struct ct_thread *thread)
{
    struct ct_timeline_thread *entry = g_new0(struct ct_timeline_thread, 1);
    uint32_t thread_count = g_hash_table_size(timeline->threads);
    entry->thread = thread;
    entry->wait_limit = share(FULL_SHARE_WAITS, LEAST_WAITS, thread_count);
    ct_bins_init(&entry->bins, share(FULL_SHARE_BINS, LEAST_BINS, thread_count));
    ct_bins_init(&entry->cpus, share(FULL_SHARE_BINS, LEAST_BINS, thread_count));
    g_hash_table_insert(timeline->threads, (gpointer)thread, entry);
    return entry;
}

static struct ct_timeline_thread *get_thread(struct ct_timeline *timeline,
                                             const struct ct_thread *thread)
{
    /* Threads are some hundred bytes apart, so the low bits say little. */
    uintptr_t hash = ((uintptr_t)thread >> 4) * UINT64_C(0x9E3779B97F4A7C15);
    struct ct_timeline_thread **slot = &timeline->cache[hash >> 32 & (CACHE_SIZE - 1)];
    if (*slot && (*slot)->thread == thread)
        return *slot;
    struct ct_timeline_thread *entry = g_hash_table_lookup(timeline->threads, thread);
    if (!entry)
        entry = thread_new(timeline, thread);
    return *slot = entry;
}

static uint64_t wait_duration_ns(const struct ct_timeline_wait *wait)
{
    return wait->end_ns - wait->begin_ns;
}

/* The waits are a heap with the shortest on top. */
static void sift_up(struct ct_timeline_wait *waits, uint32_t child, struct ct_timeline_wait wait)
{
    while (child > 0) {
        uint32_t parent = (child - 1) / 2;
        if (wait_duration_ns(&waits[parent]) <= wait_duration_ns(&wait))
            break;
        waits[child] = waits[parent];
        child = parent;
    }
    waits[child] = wait;
}

static void sift_down(struct ct_timeline_wait *waits, uint32_t count, struct ct_timeline_wait wait)
{
    uint32_t parent = 0;
    for (;;) {
        uint32_t child = 2 * parent + 1;
        if (child >= count)
            break;
        if (child + 1 < count &&
            wait_duration_ns(&waits[child + 1]) < wait_duration_ns(&waits[child]))
            child++;
        if (wait_duration_ns(&wait) <= wait_duration_ns(&waits[child]))
            break;
        waits[parent] = waits[child];
        parent = child;
    }
    waits[parent] = wait;
}

static const char *keep_text(struct ct_timeline *timeline, const char *text)
{
    return text && *text ? g_string_chunk_insert_const(timeline->texts, text) : NULL;
}

static const char *place_of(struct ct_timeline *timeline, const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;
    const char *place = fd && fd->peer && *fd->peer ? fd->peer : fd ? fd->local : NULL;
    return keep_text(timeline, place);
}

static struct ct_timeline_wait wait_from(struct ct_timeline *timeline,
                                         const struct ct_interval *interval,
                                         const struct ct_window *inside)
{
    gboolean is_by_itself = interval->class == CT_CLASS_RUNNABLE || interval->is_outside;
    const char *local = NULL, *peer = NULL;

    if (interval->fd)
        ct_fd_find_ends(interval->fd, interval->fd_role, &local, &peer);
    return (struct ct_timeline_wait){
        .begin_ns = inside->begin_ns,
        .end_ns = inside->end_ns,
        .whole = {is_by_itself ? interval->begin_ns : interval->wait_begin_ns,
                  is_by_itself ? interval->end_ns : interval->wait_end_ns},
        .object = interval->object,
        .call_name = interval->call_name,
        .place = place_of(timeline, interval),
        .waker = interval->waker,
        .wake_ns = interval->wake_ns,
        .owner_tid = ct_interval_owner(interval),
        .preempted_by = keep_text(timeline, interval->preempted_by),
        .stack_id = interval->stack_id,
        .op = interval->op,
        .class = interval->class,
        .is_open = !is_by_itself && interval->is_open,
        .is_for_lock = interval->is_for_lock,
        .has_fd = interval->fd != NULL,
        .is_ended_by_fd = interval->is_ended_by_fd,
        .fd_kind = interval->fd ? interval->fd->kind : CT_FD_KIND_UNKNOWN,
        .fd_role = interval->fd_role,
        .local = keep_text(timeline, local),
        .peer = keep_text(timeline, peer),
    };
}

static void add_to_bins(struct ct_timeline_thread *thread, const struct ct_timeline_wait *wait)
{
    ct_bins_add(&thread->bins, wait->class, wait->begin_ns, wait->end_ns, wait_duration_ns(wait));
}

/* Keeps the wait if it is among the longest; what it displaces goes to the bins. */
static void keep_wait(struct ct_timeline_thread *thread, struct ct_timeline_wait wait)
{
    if (thread->wait_count < thread->wait_limit) {
        if (thread->wait_count == thread->wait_capacity) {
            thread->wait_capacity = MIN(thread->wait_limit, MAX(2, 2 * thread->wait_capacity));
            thread->waits = g_renew(struct ct_timeline_wait, thread->waits, thread->wait_capacity);
        }
        sift_up(thread->waits, thread->wait_count++, wait);
    } else {
        add_to_bins(thread, &thread->waits[0]);
        sift_down(thread->waits, thread->wait_count, wait);
    }
    /* Beside the heap, whose memory the short waits then need not touch. */
    if (thread->wait_count == thread->wait_limit)
        thread->least_kept_ns = wait_duration_ns(&thread->waits[0]);
}

/* What the waits that this one stands for took beside it. */
static uint64_t unseen_ns(double weight, uint64_t duration_ns)
{
    if (!(weight > 1)) /* also what is not a number */
        return 0;
    double unseen = (weight - 1) * (double)duration_ns;
    return unseen < 0x1p62 ? (uint64_t)llround(unseen) : 0;
}

/* One that was killed comes in parts, between which it was on its way to its death. A signal
 * handler may have waited inside of the wait that it interrupted. */
static void note_open(struct ct_timeline *timeline, const struct ct_interval *interval)
{
    struct ct_window *open = &get_thread(timeline, interval->thread)->open;

    if (open->end_ns == 0 || interval->wait_begin_ns < open->begin_ns)
        open->begin_ns = interval->wait_begin_ns;
    open->end_ns = MAX(open->end_ns, interval->wait_end_ns);
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct ct_timeline *timeline = user;
    timeline->wait_count += !interval->is_outside && ct_interval_is_counted(interval, 0);
    if (interval->is_open)
        note_open(timeline, interval);
    struct ct_window inside = {MAX(interval->begin_ns, timeline->window.begin_ns),
                               MIN(interval->end_ns, timeline->window.end_ns)};
    if (inside.begin_ns >= inside.end_ns || (unsigned)interval->class >= CT_CLASS_COUNT)
        return;

    struct ct_timeline_thread *thread = get_thread(timeline, interval->thread);
    uint64_t duration_ns = inside.end_ns - inside.begin_ns;
    uint64_t extra_ns = unseen_ns(interval->weight, duration_ns);
    thread->wait_ns[interval->class] += duration_ns + extra_ns;
    if (duration_ns > thread->least_kept_ns) {
        keep_wait(thread, wait_from(timeline, interval, &inside));
        duration_ns = 0;
    }
    if (duration_ns + extra_ns > 0)
        ct_bins_add(&thread->bins, interval->class, inside.begin_ns, inside.end_ns,
                    duration_ns + extra_ns);
}

static void on_run(void *user, const struct ct_run *run)
{
    struct ct_timeline *timeline = user;
    uint64_t begin_ns = MAX(run->begin_ns, timeline->window.begin_ns);
    uint64_t end_ns = MIN(run->end_ns, timeline->window.end_ns);
    if (begin_ns >= end_ns)
        return;
    ct_cpu_runs_add(timeline->cpus, run);
    ct_bins_add_run(&get_thread(timeline, run->thread)->cpus, run->cpu, begin_ns, end_ns);
}

struct ct_sink ct_timeline_sink(struct ct_timeline *timeline)
{
    return (struct ct_sink){
        .user = timeline, .on_interval = on_interval, .on_run = on_run, .is_early = TRUE};
}

static int compare_begin(const void *a, const void *b)
{
    const struct ct_timeline_wait *left = a, *right = b;
    if (left->begin_ns != right->begin_ns)
        return left->begin_ns < right->begin_ns ? -1 : 1;
    return (left->end_ns > right->end_ns) - (left->end_ns < right->end_ns);
}

void ct_timeline_finish(struct ct_timeline *timeline)
{
    GHashTableIter iter;
    gpointer value;
    ct_cpu_runs_finish(timeline->cpus);
    g_hash_table_iter_init(&iter, timeline->threads);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct ct_timeline_thread *thread = value;
        if (thread->wait_count > 0)
            qsort(thread->waits, thread->wait_count, sizeof(*thread->waits), compare_begin);
    }
}

const GPtrArray *ct_timeline_cpus(const struct ct_timeline *timeline)
{
    return ct_cpu_runs_list(timeline->cpus);
}

const struct ct_timeline_thread *ct_timeline_find(const struct ct_timeline *timeline,
                                                  const struct ct_thread *thread)
{
    return g_hash_table_lookup(timeline->threads, thread);
}

uint64_t ct_timeline_wait_count(const struct ct_timeline *timeline)
{
    return timeline->wait_count;
}
