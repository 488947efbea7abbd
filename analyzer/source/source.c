#include "source/source.h"

struct ct_source {
    const struct ct_source_reader *reader;
    void *state; /* owned; the reader's */
    struct ct_source_events events;
    struct ct_source_result result;
};

/* The best one first. */
static const struct ct_source_reader *const readers[] = {&ct_source_direct, &ct_source_babeltrace};

static void reset(struct ct_source_result *result)
{
    g_free(result->damage);
    *result = (struct ct_source_result){.first_ns = UINT64_MAX};
}

static gboolean try_reader(struct ct_source *source, const struct ct_source_reader *reader,
                           const GPtrArray *paths, GError **error)
{
    reset(&source->result);
    source->reader = reader;
    source->state = reader->open(paths, &source->events, &source->result, error);
    return source->state != NULL;
}

struct ct_source *ct_source_open(const struct ct_source_reader *reader, const GPtrArray *paths,
                                 const struct ct_source_events *events, GError **error)
{
    struct ct_source *source = g_new0(struct ct_source, 1);
    GError *failure = NULL;
    gboolean is_open = FALSE;

    source->events = *events;
    if (reader)
        is_open = try_reader(source, reader, paths, &failure);
    for (size_t i = 0; !reader && !is_open && !failure && i < G_N_ELEMENTS(readers); i++)
        is_open = try_reader(source, readers[i], paths, &failure);
    if (is_open)
        return source;
    if (failure)
        g_propagate_error(error, failure);
    ct_source_free(source);
    return NULL;
}

gboolean ct_source_read(struct ct_source *source, GError **error)
{
    return source->reader->read(source->state, error);
}

const struct ct_source_result *ct_source_result(const struct ct_source *source)
{
    return &source->result;
}

const char *ct_source_reader_name(const struct ct_source *source)
{
    return source->reader->name;
}

void ct_source_free(struct ct_source *source)
{
    if (!source)
        return;
    if (source->state)
        source->reader->free(source->state);
    g_free(source->result.damage);
    g_free(source);
}
