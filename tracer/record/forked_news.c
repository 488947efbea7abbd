#include "forked_news.h"

#include "forked.h"

struct news {
    const struct ct_board_map *map; /* borrowed */
    uint32_t index;
    gboolean is_end;
    uint64_t ticks;
};

struct ct_forked_news {
    struct ct_boards *boards;
    const struct ct_writer *writer;
    GArray *all; /* owned; struct news, in their order */
    guint next;
};

struct ct_forked_news *ct_forked_news_new(struct ct_boards *boards, const struct ct_writer *writer)
{
    struct ct_forked_news *news = g_new0(struct ct_forked_news, 1);

    news->boards = boards;
    news->writer = writer;
    news->all = g_array_new(FALSE, FALSE, sizeof(struct news));
    return news;
}

void ct_forked_news_free(struct ct_forked_news *news)
{
    g_array_unref(news->all);
    g_free(news);
}

void ct_forked_news_begin(struct ct_forked_news *news)
{
    g_array_set_size(news->all, 0);
    news->next = 0;
}

void ct_forked_news_add(struct ct_forked_news *news, const struct ct_board_map *map,
                        uint64_t now_ns)
{
    uint32_t count = ct_forked_count(map);
    struct ct_forked forked;

    for (uint32_t i = 0; i < count; i++) {
        if (!ct_forked_is_news(map, i) || !ct_forked_read(map, i, now_ns, &forked))
            continue;
        struct news one = {.map = map, .index = i, .ticks = forked.start_ticks};
        if (!forked.is_start_told)
            g_array_append_val(news->all, one);
        one.is_end = TRUE;
        one.ticks = MAX(forked.end_ticks, forked.start_ticks);
        if (forked.state >= CT_FORKED_EXECED && !forked.is_end_told)
            g_array_append_val(news->all, one);
    }
}

static int compare_news(const void *a, const void *b)
{
    const struct news *one = a, *other = b;

    if (one->ticks != other->ticks)
        return one->ticks < other->ticks ? -1 : 1;
    return one->is_end - other->is_end;
}

void ct_forked_news_sort(struct ct_forked_news *news)
{
    g_array_sort(news->all, compare_news);
}

gboolean ct_forked_news_is_due(const struct ct_forked_news *news, uint64_t ticks)
{
    return news->next < news->all->len &&
           g_array_index(news->all, struct news, news->next).ticks <= ticks;
}

static void write_start(const struct ct_writer *writer, const struct ct_source *source,
                        const struct ct_board_map *parent, const struct ct_forked *forked)
{
    g_autofree char *exe = ct_board_map_exe(parent);
    g_autofree char *args = ct_board_map_args(parent);
    struct ct_event_process_start start = {
        .schema_version = CT_SCHEMA_VERSION,
        .process_start_ns = forked->identity.start_ns,
        .rate_ns = forked->identity.rate_ns,
        .ppid = forked->identity.ppid,
        .exe = exe,
        .args = args,
        .cwd = forked->cwd,
    };
    struct ct_event_thread_start thread = {.creator_tid = 0};
    struct ct_event_thread_name name = {.name = forked->name};

    writer->process_start(source, &start);
    writer->thread_start(source, &thread);
    writer->thread_name(source, &name);
}

static void write_end(const struct ct_writer *writer, const struct ct_source *source,
                      const struct ct_forked *forked)
{
    struct ct_event_exec exec = {.path = forked->path};
    struct ct_event_process_exit exit = {.status = forked->exit_status};

    if (forked->state == CT_FORKED_EXECED)
        writer->exec(source, &exec);
    else
        writer->process_exit(source, &exit);
}

/* It may have gone on since it was found; then the next round tells. */
void ct_forked_news_write_next(struct ct_forked_news *news, const struct ct_drain_round *round)
{
    const struct news *one = &g_array_index(news->all, struct news, news->next++);
    struct ct_forked forked;

    if (!ct_forked_read(one->map, one->index, round->now_ns, &forked))
        return;
    uint64_t happened_ns = ct_drain_round_time(round, &forked.identity, one->ticks);
    uint64_t time_ns = news->writer->time_of(happened_ns);
    struct ct_source source = {
        .vpid = forked.identity.pid,
        .vtid = forked.identity.pid,
        .time_ns = time_ns,
        .lag_ns = time_ns - happened_ns,
    };
    if (!one->is_end) {
        /* Its own board tells of it. */
        if (forked.state == CT_FORKED_MOVING)
            return;
        if (!ct_forked_tell_start(one->map, one->index, &forked))
            return;
        ct_boards_add_image(news->boards, forked.identity.pid, forked.identity.start_ns);
        write_start(news->writer, &source, one->map, &forked);
    } else if (forked.is_start_told && forked.state >= CT_FORKED_EXECED &&
               ct_forked_tell_end(one->map, one->index, &forked)) {
        write_end(news->writer, &source, &forked);
    }
}
