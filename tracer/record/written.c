#include "written.h"

#include "provider/writer.h"

struct part {
    uint64_t begin_ns;
    struct ct_written_counts before;
};

struct ct_written {
    struct ct_written_counts all;
    GArray *parts;            /* owned; struct part, in their order */
    GHashTable *images;       /* owned; pid -> owned table: tid of a thread that is there -> the
                                 number of parts when it was last told of; NULL: no parts */
    guint begun;              /* so many parts */
    gboolean has_begun_again; /* since the last round */
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
    g_clear_pointer(&written->images, g_hash_table_unref);
    g_free(written);
}

void ct_written_expect_parts(struct ct_written *written)
{
    written->images = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
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

/* ---- Threads ---- */

void ct_written_restate_thread(struct ct_written *written, int32_t pid, int32_t tid)
{
    if (written->images == NULL)
        return;
    GHashTable *threads = g_hash_table_lookup(written->images, GINT_TO_POINTER(pid));

    if (threads == NULL) {
        threads = g_hash_table_new(NULL, NULL);
        g_hash_table_insert(written->images, GINT_TO_POINTER(pid), threads);
    }
    g_hash_table_insert(threads, GINT_TO_POINTER(tid), GUINT_TO_POINTER(written->begun));
}

static void end_thread(struct ct_written *written, int32_t pid, int32_t tid)
{
    GHashTable *threads =
        written->images != NULL ? g_hash_table_lookup(written->images, GINT_TO_POINTER(pid)) : NULL;

    written->all.ended_threads++;
    if (threads != NULL)
        g_hash_table_remove(threads, GINT_TO_POINTER(tid));
}

void ct_written_forget_image(struct ct_written *written, int32_t pid)
{
    if (written->images != NULL)
        g_hash_table_remove(written->images, GINT_TO_POINTER(pid));
}

static gboolean is_gone(void *tid, void *begun, void *written)
{
    (void)tid;
    return GPOINTER_TO_UINT(begun) < ((const struct ct_written *)written)->begun;
}

/* What a thread says that ended before the part began has been written by now, or was lost. */
void ct_written_end_round(struct ct_written *written)
{
    GHashTableIter iter;
    gpointer threads;
    guint gone = 0;

    if (!written->has_begun_again)
        return;
    written->has_begun_again = FALSE;
    g_hash_table_iter_init(&iter, written->images);
    while (g_hash_table_iter_next(&iter, NULL, &threads))
        gone += g_hash_table_foreach_remove(threads, is_gone, written);
    written->all.ended_threads += gone;
    part_at(written, written->parts->len - 1)->before.ended_threads += gone;
}

/* ---- All of it ---- */

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

void ct_written_add(struct ct_written *written, const struct ct_source *source, enum ct_event event,
                    uint64_t time_ns)
{
    switch (event) {
    case CT_EVENT_ID_WAIT:
    case CT_EVENT_ID_LOCK_WAIT:
    case CT_EVENT_ID_LONG_WAIT:
        add_wait(written, time_ns);
        break;
    case CT_EVENT_ID_THREAD_START:
        ct_written_restate_thread(written, source->vpid, source->vtid);
        break;
    case CT_EVENT_ID_THREAD_EXIT:
        end_thread(written, source->vpid, source->vtid);
        break;
    default:
        break;
    }
}

void ct_written_begin_part(struct ct_written *written, uint64_t begin_ns)
{
    const struct part part = {.begin_ns = begin_ns, .before = written->all};

    g_array_append_val(written->parts, part);
    written->begun++;
    written->has_begun_again = written->images != NULL;
}

void ct_written_before(const struct ct_written *written, uint64_t begin_ns,
                       struct ct_written_counts *before)
{
    guint index = find_since(written, begin_ns);

    *before = index < written->parts->len ? part_at(written, index)->before : written->all;
}

void ct_written_forget(struct ct_written *written, uint64_t begin_ns)
{
    guint count = find_since(written, begin_ns);

    g_array_remove_range(written->parts, 0, MIN(count, written->parts->len - 1));
}

const struct ct_written_counts *ct_written_all(const struct ct_written *written)
{
    return &written->all;
}
