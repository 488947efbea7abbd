#include "store/releases_writer.h"

/* Those that are looked through, of late; and those that are kept when memory is short. */
#define RECENT_MAX 1024
#define RECENT_FEW 16

struct ct_releases_writer {
    struct ct_lane_writer *lane; /* borrowed */
    GArray *recent;              /* owned; struct ct_wake, by time: the last ones told */
    uint64_t told;               /* of all */
    size_t next;                 /* of a wait's releases: the first that is new */
};

struct ct_releases_writer *ct_releases_writer_new(struct ct_lane_writer *lane)
{
    struct ct_releases_writer *writer = g_new0(struct ct_releases_writer, 1);

    writer->lane = lane;
    writer->recent = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));
    return writer;
}

void ct_releases_writer_free(struct ct_releases_writer *writer)
{
    if (!writer)
        return;
    g_array_unref(writer->recent);
    g_free(writer);
}

struct ct_lane_writer *ct_releases_writer_lane(const struct ct_releases_writer *writer)
{
    return writer->lane;
}

static const struct ct_wake *recent_at(const struct ct_releases_writer *writer, guint index)
{
    return &g_array_index(writer->recent, struct ct_wake, index);
}

static gboolean is_same(const struct ct_wake *a, const struct ct_wake *b)
{
    return a->time_ns == b->time_ns && a->thread == b->thread && a->stack_id == b->stack_id &&
           a->op == b->op;
}

/* Those from `index` on are the first of the wait's. */
static gboolean is_begun_at(const struct ct_releases_writer *writer, guint index,
                            const struct ct_wake *releases, size_t count)
{
    for (size_t i = 0; i < count && index + i < writer->recent->len; i++)
        if (!is_same(recent_at(writer, index + (guint)i), &releases[i]))
            return FALSE;
    return TRUE;
}

/* The first that is not before that time. */
static guint find_time(const struct ct_releases_writer *writer, uint64_t time_ns)
{
    guint low = 0, high = writer->recent->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (recent_at(writer, middle)->time_ns < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t ct_releases_writer_find(struct ct_releases_writer *writer, const struct ct_wake *releases,
                                 size_t count)
{
    guint len = writer->recent->len;

    for (guint i = find_time(writer, releases[0].time_ns);
         i < len && recent_at(writer, i)->time_ns == releases[0].time_ns; i++) {
        if (is_begun_at(writer, i, releases, count)) {
            writer->next = len - i;
            return writer->told - (len - i);
        }
    }
    /* One that came late, or went: they begin anew. */
    writer->next = 0;
    g_array_set_size(writer->recent, 0);
    return writer->told;
}

static void keep_last(struct ct_releases_writer *writer, guint most, guint kept)
{
    if (writer->recent->len > most)
        g_array_remove_range(writer->recent, 0, writer->recent->len - kept);
}

void ct_releases_writer_forget(struct ct_releases_writer *writer)
{
    g_autoptr(GArray) few = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));

    keep_last(writer, RECENT_FEW, RECENT_FEW);
    /* An array does not shrink. */
    g_array_append_vals(few, writer->recent->data, writer->recent->len);
    g_array_unref(writer->recent);
    writer->recent = g_steal_pointer(&few);
}

const struct ct_wake *ct_releases_writer_next(struct ct_releases_writer *writer,
                                              const struct ct_wake *releases, size_t count,
                                              uint64_t *number)
{
    if (writer->next >= count) {
        keep_last(writer, RECENT_MAX, RECENT_MAX / 2);
        return NULL;
    }
    const struct ct_wake *release = &releases[writer->next++];

    g_array_append_val(writer->recent, *release);
    *number = writer->told++;
    return release;
}
