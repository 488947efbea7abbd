#include "heap_history.h"

#include "board_sites.h"
#include "schema/control.h"
#include "schema/heap_weight.h"
#include "system/monotonic.h"

/* Looking takes no more than this part of the time. */
#define LOOK_SHARE 100

struct moment {
    uint64_t time_ns;
    GArray *live; /* owned; uint32_t, samples of each site; those behind have none */
};

struct ct_heap_history {
    uint64_t due_ns;   /* when it is looked at again */
    uint64_t step_ns;  /* from one moment that is kept to the next */
    GArray *moments;   /* owned; struct moment */
    struct moment now; /* `live` is used again and again */
    struct ct_heap_live now_live;
    struct moment peak;
    double peak_bytes;
};

static void clear_moment(void *data)
{
    struct moment *moment = data;

    g_clear_pointer(&moment->live, g_array_unref);
}

struct ct_heap_history *ct_heap_history_new(void)
{
    struct ct_heap_history *history = g_new0(struct ct_heap_history, 1);

    history->step_ns = CT_HEAP_LOOK_NS;
    history->moments = g_array_new(FALSE, FALSE, sizeof(struct moment));
    g_array_set_clear_func(history->moments, clear_moment);
    history->now.live = g_array_new(FALSE, TRUE, sizeof(uint32_t));
    history->peak.live = g_array_new(FALSE, TRUE, sizeof(uint32_t));
    return history;
}

void ct_heap_history_free(struct ct_heap_history *history)
{
    if (history == NULL)
        return;
    g_array_unref(history->moments);
    clear_moment(&history->now);
    clear_moment(&history->peak);
    g_free(history);
}

/* What is live now; gives what it stands for. */
static struct ct_heap_live read_live(GArray *live, const struct ct_board_map *map)
{
    uint64_t rate = ct_board_heap_rate(map);
    uint32_t sites = rate != CT_HEAP_OFF ? ct_board_heap_sites(map) : 0;
    struct ct_heap_site_copy site;
    struct ct_heap_live sum = {0, 0};

    g_array_set_size(live, 0);
    for (uint32_t i = 0; i < sites; i++) {
        if (!ct_board_heap_read_site(map, i, rate, &site) || site.live == 0)
            continue;
        uint32_t count = (uint32_t)MIN(site.live, UINT32_MAX);
        g_array_set_size(live, i);
        g_array_append_val(live, count);
        const double objects = (double)count * ct_heap_weight(site.size, site.rate);
        sum.objects += objects;
        sum.bytes += objects * (double)site.size;
    }
    return sum;
}

static void copy_moment(struct moment *to, const struct moment *from)
{
    to->time_ns = from->time_ns;
    g_array_set_size(to->live, 0);
    g_array_append_vals(to->live, from->live->data, from->live->len);
}

static const struct moment *last_of(const struct ct_heap_history *history)
{
    guint count = history->moments->len;

    return count > 0 ? &g_array_index(history->moments, struct moment, count - 1) : NULL;
}

/* Every second one goes, so that half of the room is free, and the newest stays. */
static void thin_out(struct ct_heap_history *history)
{
    for (guint i = 0; i < history->moments->len; i++)
        g_array_remove_index(history->moments, i);
    history->step_ns *= 2;
}

static void keep(struct ct_heap_history *history)
{
    struct moment kept = {.live = g_array_new(FALSE, TRUE, sizeof(uint32_t))};

    if (history->moments->len == CT_HEAP_MOMENTS)
        thin_out(history);
    copy_moment(&kept, &history->now);
    g_array_append_val(history->moments, kept);
}

static void look(struct ct_heap_history *history, const struct ct_board_map *map, uint64_t now_ns)
{
    history->now_live = read_live(history->now.live, map);
    history->now.time_ns = now_ns;
    if (history->now_live.bytes < history->peak_bytes)
        return;
    history->peak_bytes = history->now_live.bytes;
    copy_moment(&history->peak, &history->now);
}

/* The board of an image that has ended was there for a while. */
static void forget_after(struct ct_heap_history *history, uint64_t end_ns)
{
    const struct moment *last;

    while ((last = last_of(history)) != NULL && last->time_ns > end_ns)
        g_array_set_size(history->moments, history->moments->len - 1);
    if (history->peak.time_ns > end_ns)
        history->peak_bytes = 0; /* it is what it ended with */
}

void ct_heap_history_end(struct ct_heap_history *history, const struct ct_board_map *map,
                         uint64_t end_ns)
{
    forget_after(history, end_ns);
    look(history, map, end_ns);
}

void ct_heap_history_look(struct ct_heap_history *history, const struct ct_board_map *map,
                          uint64_t now_ns)
{
    uint64_t begin_ns = ct_monotonic_ns();
    const struct moment *last = last_of(history);

    if (now_ns < history->due_ns)
        return;
    look(history, map, now_ns);
    if (last == NULL || now_ns >= last->time_ns + history->step_ns)
        keep(history);
    history->due_ns = now_ns + MAX(CT_HEAP_LOOK_NS, (ct_monotonic_ns() - begin_ns) * LOOK_SHARE);
}

/* ---- What is told of it. ---- */

struct ct_heap_live ct_heap_history_now(const struct ct_heap_history *history)
{
    return history->now_live;
}

static uint64_t live_at(const struct moment *moment, uint32_t site)
{
    return site < moment->live->len ? g_array_index(moment->live, uint32_t, site) : 0;
}

uint64_t ct_heap_history_peak_ns(const struct ct_heap_history *history)
{
    return history->peak.time_ns;
}

uint64_t ct_heap_history_peak_live(const struct ct_heap_history *history, uint32_t site)
{
    return live_at(&history->peak, site);
}

uint32_t ct_heap_history_times(const struct ct_heap_history *history,
                               uint64_t times_ns[CT_HEAP_MOMENTS])
{
    for (guint i = 0; i < history->moments->len; i++)
        times_ns[i] = g_array_index(history->moments, struct moment, i).time_ns;
    return history->moments->len;
}

uint32_t ct_heap_history_live(const struct ct_heap_history *history, uint32_t site,
                              uint64_t live[CT_HEAP_MOMENTS])
{
    for (guint i = 0; i < history->moments->len; i++)
        live[i] = live_at(&g_array_index(history->moments, struct moment, i), site);
    return history->moments->len;
}
