#include "sources.h"

#include "arrivals.h"

static void source_free(void *data)
{
    struct ct_source *source = data;

    if (source->reader != NULL)
        ct_off_cpu_reader_unref(source->reader);
    else
        ct_spool_free(source->spool);
    g_free(source);
}

static int compare_sources(const void *a, const void *b)
{
    const struct ct_source *first = *(struct ct_source *const *)a;
    const struct ct_source *second = *(struct ct_source *const *)b;

    if (first->cpu != second->cpu)
        return first->cpu < second->cpu ? -1 : 1;
    return (first->spool->head.part > second->spool->head.part) -
           (first->spool->head.part < second->spool->head.part);
}

static gboolean is_wanted(const struct ct_spool *spool, gboolean of_samples)
{
    return spool->head.cpu == CT_SPOOL_NO_CPU ||
           (spool->head.kind == CT_RINGS_SAMPLES) == (of_samples != 0);
}

static struct ct_source *add_source(GPtrArray *sources, struct ct_spool *spool, uint32_t cpu)
{
    struct ct_source *source = g_new0(struct ct_source, 1);

    source->spool = spool;
    source->cpu = cpu;
    g_ptr_array_add(sources, source);
    return source;
}

/* One for each CPU. */
static void add_off_cpu(GPtrArray *sources, struct ct_spool *spool)
{
    struct ct_off_cpu_reader *reader = ct_off_cpu_reader_new(spool);

    for (guint cpu = 0; cpu < ct_off_cpu_reader_cpu_count(reader); cpu++)
        add_source(sources, spool, cpu)->reader = ct_off_cpu_reader_ref(reader);
    ct_off_cpu_reader_unref(reader);
}

/* What was present at the begin of the oldest part is in the first of those files. */
static void mark_later(const GPtrArray *sources)
{
    const struct ct_source *last = NULL;

    for (guint i = 0; i < sources->len; i++) {
        const struct ct_source *source = sources->pdata[i];

        if (!ct_source_is_present(source))
            continue;
        source->spool->is_later = last != NULL;
        last = source;
    }
}

GPtrArray *ct_sources_open(const char *path, gboolean of_samples)
{
    g_autofree char *folder = g_build_filename(path, CT_SPOOL_FOLDER, NULL);
    GPtrArray *sources = g_ptr_array_new_with_free_func(source_free);
    GDir *entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *file = g_build_filename(folder, name, NULL);
        struct ct_spool *spool = ct_spool_open(file);

        if (spool == NULL || !is_wanted(spool, of_samples)) {
            ct_spool_free(spool);
        } else if (spool->head.kind == CT_RINGS_BPF && spool->head.cpu != CT_SPOOL_NO_CPU) {
            add_off_cpu(sources, spool);
        } else {
            add_source(sources, spool, spool->head.cpu);
        }
    }
    if (entries != NULL)
        g_dir_close(entries);
    g_ptr_array_sort(sources, compare_sources);
    mark_later(sources);
    return sources;
}

static void read_next(struct ct_source *source)
{
    source->has_record = source->reader != NULL
                             ? ct_off_cpu_reader_next(source->reader, source->cpu, &source->record)
                             : ct_arrivals_read(source->spool, &source->is_told, &source->record);
    /* perf's clock is one for all CPUs, but let no stream go back. */
    source->record.time_ns = MAX(source->record.time_ns, source->last_ns);
}

void ct_sources_begin(const GPtrArray *sources)
{
    for (guint i = 0; i < sources->len; i++)
        read_next(sources->pdata[i]);
}

struct ct_source *ct_sources_first(const GPtrArray *sources, guint *index)
{
    struct ct_source *first = NULL;

    for (guint i = 0; i < sources->len; i++) {
        struct ct_source *source = sources->pdata[i];

        if (source->has_record &&
            (first == NULL || source->record.time_ns < first->record.time_ns)) {
            first = source;
            *index = i;
        }
    }
    return first;
}

void ct_source_advance(struct ct_source *source)
{
    source->last_ns = source->record.time_ns;
    read_next(source);
}
