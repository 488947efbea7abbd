#include "lasting.h"

#include "schema/kernel_events.h"

/* Bits of the state of a task that will not be back. */
#define STATE_DEAD 0x30

/* A time off the CPU, by the record of when it began. */
struct span {
    uint64_t offset;
    uint64_t left_ns;
    uint64_t until_ns;
};

/* One whose end was not told yet. */
struct open_span {
    struct span span;
    guint losses_before; /* so many losses had been told when the task was still off the CPU */
};

struct ct_lasting {
    GArray *spans;     /* owned; struct span */
    GArray *losses;    /* owned; struct ct_off_cpu_loss, in the order in which they were told */
    GHashTable *open;  /* owned; tid -> struct open_span *, owned */
    GHashTable *seen;  /* owned; tids of which there were records */
    GHashTable *until; /* owned; offset -> owned uint64_t *, of those that outlast one */
};

struct ct_lasting *ct_lasting_new(void)
{
    struct ct_lasting *lasting = g_new0(struct ct_lasting, 1);

    lasting->spans = g_array_new(FALSE, FALSE, sizeof(struct span));
    lasting->losses = g_array_new(FALSE, FALSE, sizeof(struct ct_off_cpu_loss));
    lasting->open = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    lasting->seen = g_hash_table_new(NULL, NULL);
    lasting->until = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return lasting;
}

void ct_lasting_free(struct ct_lasting *lasting)
{
    if (lasting == NULL)
        return;
    g_array_unref(lasting->spans);
    g_array_unref(lasting->losses);
    g_hash_table_unref(lasting->open);
    g_hash_table_unref(lasting->seen);
    g_hash_table_unref(lasting->until);
    g_free(lasting);
}

gboolean ct_lasting_is_blocked(const struct ct_off_cpu *off)
{
    gboolean is_woken_already = off->woken_ns != 0 && off->woken_ns <= off->left_ns;

    return off->left_ns == 0 || ((off->state & CT_TASK_STATE_MASK) != 0 && !is_woken_already);
}

/* Who is woken is in line for a CPU from then on. */
static uint64_t end_of(const struct ct_off_cpu *off, uint64_t left_ns)
{
    return off->woken_ns > left_ns ? off->woken_ns : off->back_ns;
}

static void add_span(struct ct_lasting *lasting, struct span span, uint64_t until_ns)
{
    span.until_ns = until_ns;
    if (until_ns > span.left_ns)
        g_array_append_val(lasting->spans, span);
}

/* That it is back was lost, or has not been so: it was off the CPU when it was last told of. */
static void end_open(struct ct_lasting *lasting, const struct open_span *open)
{
    uint64_t until_ns = 0;

    for (guint i = 0; i < open->losses_before; i++)
        until_ns =
            MAX(until_ns, g_array_index(lasting->losses, struct ct_off_cpu_loss, i).until_ns + 1);
    add_span(lasting, open->span, until_ns);
}

/* It had left its CPU before it was followed: its first record is that it is back, or still off. */
static void add_present(struct ct_lasting *lasting, const struct ct_off_cpu *off, uint64_t offset)
{
    const struct span span = {.offset = offset};

    if (off->header.type == CT_OFF_CPU_STILL)
        add_span(lasting, span, UINT64_MAX);
    else if (off->flags & CT_OFF_CPU_HAS_CALL)
        add_span(lasting, span, end_of(off, 0));
}

void ct_lasting_add(struct ct_lasting *lasting, const struct ct_off_cpu *off, uint64_t offset)
{
    gpointer tid = GINT_TO_POINTER(off->task.tid);
    gboolean is_first = g_hash_table_add(lasting->seen, tid);
    struct open_span *open = g_hash_table_lookup(lasting->open, tid);
    const struct span span = {.offset = offset, .left_ns = off->left_ns};

    if (open != NULL && off->back_ns == 0 && open->span.left_ns == off->left_ns) {
        open->losses_before = lasting->losses->len;
        return;
    }
    if (open != NULL && off->left_ns == 0)
        add_span(lasting, open->span, end_of(off, open->span.left_ns));
    else if (open != NULL)
        end_open(lasting, open);
    else if (is_first && off->left_ns == 0)
        add_present(lasting, off, offset);
    g_hash_table_remove(lasting->open, tid);
    if (off->left_ns == 0 || (off->state & STATE_DEAD) != 0)
        return;
    if (off->back_ns != 0) {
        add_span(lasting, span, end_of(off, off->left_ns));
        return;
    }
    open = g_new(struct open_span, 1);
    *open = (struct open_span){span, lasting->losses->len};
    g_hash_table_insert(lasting->open, tid, open);
}

void ct_lasting_add_loss(struct ct_lasting *lasting, const struct ct_off_cpu_loss *loss)
{
    g_array_append_val(lasting->losses, *loss);
}

static int compare_ends(const void *a, const void *b)
{
    const struct ct_off_cpu_loss *first = a, *second = b;

    return (first->until_ns > second->until_ns) - (first->until_ns < second->until_ns);
}

/* One of them ended while the task was off the CPU. */
static gboolean outlasts_any(const struct ct_lasting *lasting, const struct span *span)
{
    guint low = 0, high = lasting->losses->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(lasting->losses, struct ct_off_cpu_loss, middle).until_ns > span->left_ns)
            high = middle;
        else
            low = middle + 1;
    }
    return low < lasting->losses->len &&
           g_array_index(lasting->losses, struct ct_off_cpu_loss, low).until_ns < span->until_ns;
}

static void settle_open(struct ct_lasting *lasting)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, lasting->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct open_span *open = value;

        if (open->losses_before == lasting->losses->len)
            add_span(lasting, open->span, UINT64_MAX);
        else
            end_open(lasting, open);
    }
    g_hash_table_remove_all(lasting->open);
}

void ct_lasting_settle(struct ct_lasting *lasting, void (*told)(void *user, uint64_t offset),
                       void *user)
{
    settle_open(lasting);
    g_array_sort(lasting->losses, compare_ends);
    for (guint i = 0; i < lasting->spans->len; i++) {
        const struct span *span = &g_array_index(lasting->spans, struct span, i);

        if (!outlasts_any(lasting, span))
            continue;
        g_hash_table_insert(lasting->until, g_memdup2(&span->offset, sizeof(span->offset)),
                            g_memdup2(&span->until_ns, sizeof(span->until_ns)));
        told(user, span->offset);
    }
    g_array_set_size(lasting->spans, 0);
}

uint64_t ct_lasting_until(const struct ct_lasting *lasting, uint64_t offset)
{
    const uint64_t *until_ns =
        lasting != NULL ? g_hash_table_lookup(lasting->until, &offset) : NULL;

    return until_ns != NULL ? *until_ns : 0;
}

/* Before all of them. */
static uint64_t before_losses(const struct ct_lasting *lasting)
{
    uint64_t first_ns = UINT64_MAX;

    for (guint i = 0; i < lasting->losses->len; i++)
        first_ns =
            MIN(first_ns, g_array_index(lasting->losses, struct ct_off_cpu_loss, i).since_ns);
    return MAX(first_ns, 1) - 1;
}

/* They are in the order of their ends. */
uint64_t ct_lasting_told_from(const struct ct_lasting *lasting, const struct ct_off_cpu *off)
{
    uint64_t time_ns = off->left_ns;

    if (time_ns == 0)
        return before_losses(lasting);
    for (guint i = 0; i < lasting->losses->len; i++) {
        const struct ct_off_cpu_loss *loss =
            &g_array_index(lasting->losses, struct ct_off_cpu_loss, i);

        if (loss->cpu == off->left_cpu && loss->since_ns <= time_ns && time_ns <= loss->until_ns)
            time_ns = loss->until_ns;
    }
    return time_ns;
}
