#include "summary/long_waits.h"

#include "model/format.h"

static uint64_t length_ns(const struct ct_report_wait *wait)
{
    return ct_interval_wait_ns(&wait->interval);
}

static void wait_free(void *data)
{
    struct ct_report_wait *wait = data;

    g_free(wait->object);
    if (wait->ended_by)
        ct_fd_free(wait->ended_by);
    g_free(wait);
}

/* Threads' names are known for good at the end: NULL. */
char *ct_report_wait_early_object(const struct ct_interval *interval)
{
    return ct_op_object(interval->op) == CT_OBJECT_THREAD ? NULL : ct_format_object(interval);
}

static struct ct_fd *copy_fd(const struct ct_fd *fd)
{
    struct ct_fd *copy = g_memdup2(fd, sizeof(*fd));

    copy->local = g_strdup(fd->local);
    copy->peer = g_strdup(fd->peer);
    return copy;
}

static struct ct_report_wait *wait_new(const struct ct_interval *interval,
                                       const struct ct_evidence_wait *kind)
{
    struct ct_report_wait *wait = g_new0(struct ct_report_wait, 1);

    wait->interval = *interval;
    wait->kind = kind;
    /* These are gone after the call. */
    wait->ended_by = interval->is_ended_by_fd ? copy_fd(interval->fd) : NULL;
    wait->interval.fd = wait->ended_by;
    wait->interval.releases = NULL;
    wait->interval.release_count = 0;
    wait->object = ct_report_wait_early_object(interval);
    return wait;
}

/* The list is a heap whose first entry is the shortest wait. */
static void sift_down(GPtrArray *heap, guint at)
{
    for (;;) {
        guint least = at;

        for (guint child = 2 * at + 1; child <= 2 * at + 2 && child < heap->len; child++) {
            if (length_ns(heap->pdata[child]) < length_ns(heap->pdata[least]))
                least = child;
        }
        if (least == at)
            return;
        void *moved = heap->pdata[at];

        heap->pdata[at] = heap->pdata[least];
        heap->pdata[least] = moved;
        at = least;
    }
}

static void sift_up(GPtrArray *heap, guint at)
{
    while (at > 0) {
        guint parent = (at - 1) / 2;
        void *moved = heap->pdata[at];

        if (length_ns(heap->pdata[parent]) <= length_ns(moved))
            return;
        heap->pdata[at] = heap->pdata[parent];
        heap->pdata[parent] = moved;
        at = parent;
    }
}

/* Whether a wait of this length has a place among the longest. */
static gboolean has_place(const GPtrArray *heap, guint limit, uint64_t wait_ns)
{
    return heap->len < limit || (limit > 0 && wait_ns > length_ns(heap->pdata[0]));
}

/* Takes the wait, which must have a place. */
static void keep(GPtrArray *heap, guint limit, struct ct_report_wait *wait)
{
    if (heap->len < limit) {
        g_ptr_array_add(heap, wait);
        sift_up(heap, heap->len - 1);
        return;
    }
    wait_free(heap->pdata[0]);
    heap->pdata[0] = wait;
    sift_down(heap, 0);
}

void ct_report_waits_offer(GPtrArray *heap, guint limit, const struct ct_interval *interval,
                           const struct ct_evidence_wait *kind)
{
    if (has_place(heap, limit, ct_interval_wait_ns(interval)))
        keep(heap, limit, wait_new(interval, kind));
}

void ct_report_waits_merge(GPtrArray *heap, guint limit, GPtrArray *more)
{
    while (more->len > 0) {
        struct ct_report_wait *wait = g_ptr_array_steal_index_fast(more, more->len - 1);

        if (has_place(heap, limit, length_ns(wait)))
            keep(heap, limit, wait);
        else
            wait_free(wait);
    }
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_waits(const void *a, const void *b)
{
    const struct ct_report_wait *first = *(struct ct_report_wait *const *)a;
    const struct ct_report_wait *second = *(struct ct_report_wait *const *)b;
    int order = COMPARE(length_ns(second), length_ns(first));

    if (order == 0)
        order = COMPARE(first->interval.wait_begin_ns, second->interval.wait_begin_ns);
    return order != 0 ? order : COMPARE(first->interval.thread->tid, second->interval.thread->tid);
}

static int compare_idle_last(const void *a, const void *b)
{
    const struct ct_report_wait *first = *(struct ct_report_wait *const *)a;
    const struct ct_report_wait *second = *(struct ct_report_wait *const *)b;
    int order = COMPARE(first->is_idle, second->is_idle);

    return order != 0 ? order : compare_waits(a, b);
}

void ct_report_waits_sort(GPtrArray *waits)
{
    g_ptr_array_sort(waits, compare_waits);
}

void ct_report_waits_sort_idle_last(GPtrArray *waits)
{
    g_ptr_array_sort(waits, compare_idle_last);
}

void ct_report_waits_name(const GPtrArray *waits)
{
    for (guint i = 0; i < waits->len; i++) {
        struct ct_report_wait *wait = waits->pdata[i];

        if (!wait->object)
            wait->object = ct_format_object(&wait->interval);
    }
}

GPtrArray *ct_report_waits_new(void)
{
    return g_ptr_array_new_with_free_func(wait_free);
}
