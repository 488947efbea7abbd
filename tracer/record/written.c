#include "written.h"

struct part {
    uint64_t begin_ns;
    struct ct_written_counts before;
};

struct ct_written {
    struct ct_written_counts all;
    GArray *parts; /* owned; struct part, in their order */
};

struct ct_written *ct_written_new(void)
{
    struct ct_written *written = g_new0(struct ct_written, 1);

    written->parts = g_array_new(FALSE, FALSE, sizeof(struct part));
    return written;
}

void ct_written_free(struct ct_written *written)
{
    if (written == NULL)
        return;
    g_array_unref(written->parts);
    g_free(written);
}

static struct part *part_at(const struct ct_written *written, guint index)
{
    return &g_array_index(written->parts, struct part, index);
}

/* Where the parts are that began then or later: all of them come behind it. */
static guint find_since(const struct ct_written *written, uint64_t time_ns)
{
    guint index = written->parts->len;

    while (index > 0 && part_at(written, index - 1)->begin_ns >= time_ns)
        index--;
    return index;
}

static void add_wait(struct ct_written *written, uint64_t end_ns)
{
    written->all.waits++;
    for (guint i = find_since(written, end_ns); i < written->parts->len; i++)
        part_at(written, i)->before.waits++;
}

void ct_written_add_open_wait(struct ct_written *written, uint64_t end_ns)
{
    written->all.open_waits++;
    for (guint i = find_since(written, end_ns); i < written->parts->len; i++)
        part_at(written, i)->before.open_waits++;
}

void ct_written_add(struct ct_written *written, enum ct_event event, uint64_t time_ns)
{
    switch (event) {
    case CT_EVENT_ID_WAIT:
    case CT_EVENT_ID_LOCK_WAIT:
    case CT_EVENT_ID_LONG_WAIT:
        add_wait(written, time_ns);
        break;
    case CT_EVENT_ID_THREAD_EXIT:
        written->all.thread_exits++;
        break;
    default:
        break;
    }
}

void ct_written_begin_part(struct ct_written *written, uint64_t begin_ns)
{
    const struct part part = {.begin_ns = begin_ns, .before = written->all};

    g_array_append_val(written->parts, part);
}

void ct_written_before(const struct ct_written *written, uint64_t begin_ns,
                       struct ct_written_counts *before)
{
    guint index = find_since(written, begin_ns);

    *before = index < written->parts->len ? part_at(written, index)->before : written->all;
}

void ct_written_forget(struct ct_written *written, uint64_t begin_ns)
{
    g_array_remove_range(written->parts, 0, find_since(written, begin_ns));
}

const struct ct_written_counts *ct_written_all(const struct ct_written *written)
{
    return &written->all;
}
