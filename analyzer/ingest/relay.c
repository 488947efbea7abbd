#include "ingest/relay.h"

/* Few enough to stay in a CPU's cache, and many enough that to hand them over costs nothing. */
#define BATCH_ENTRIES  256
#define BATCH_RELEASES 4096 /* about */

/* Of which one is being filled, and one told. */
#define BATCH_COUNT 8

struct entry {
    enum { ENTRY_INTERVAL, ENTRY_RUN, ENTRY_SAMPLE } kind;
    union {
        struct {
            struct ct_interval interval;
            struct ct_fd fd;   /* if it has one */
            guint releases_at; /* in the batch's */
        } wait;
        struct ct_run run;
        struct ct_sample sample;
    } as;
};

struct batch {
    struct entry entries[BATCH_ENTRIES];
    size_t count;
    GArray *releases; /* owned; struct ct_wake */
};

struct ct_relay {
    const struct ct_sink *sinks; /* borrowed */
    size_t sink_count;
    struct batch *batches; /* owned; a ring */
    GThread *thread;       /* owned; NULL: there is none */
    GMutex mutex;          /* of what follows */
    GCond has_changed;
    uint64_t filled; /* batches; the one that follows is being filled */
    uint64_t told;
    gboolean is_over;
};

/* ---- Telling ---- */

static void tell_interval(const struct ct_relay *relay, const struct batch *batch,
                          struct entry *entry)
{
    struct ct_interval *interval = &entry->as.wait.interval;

    if (interval->fd)
        interval->fd = &entry->as.wait.fd;
    if (interval->release_count > 0)
        interval->releases =
            &g_array_index(batch->releases, struct ct_wake, entry->as.wait.releases_at);
    for (size_t i = 0; i < relay->sink_count; i++)
        if (relay->sinks[i].on_interval)
            relay->sinks[i].on_interval(relay->sinks[i].user, interval);
}

static void tell_entry(const struct ct_relay *relay, const struct batch *batch, struct entry *entry)
{
    if (entry->kind == ENTRY_INTERVAL) {
        tell_interval(relay, batch, entry);
        return;
    }
    for (size_t i = 0; i < relay->sink_count; i++) {
        const struct ct_sink *sink = &relay->sinks[i];

        if (entry->kind == ENTRY_RUN && sink->on_run)
            sink->on_run(sink->user, &entry->as.run);
        else if (entry->kind == ENTRY_SAMPLE && sink->on_sample)
            sink->on_sample(sink->user, &entry->as.sample);
    }
}

static void tell(const struct ct_relay *relay, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        tell_entry(relay, batch, &batch->entries[i]);
    batch->count = 0;
    g_array_set_size(batch->releases, 0);
}

static void *tell_all(void *user)
{
    struct ct_relay *relay = user;

    g_mutex_lock(&relay->mutex);
    for (;;) {
        while (relay->told == relay->filled && !relay->is_over)
            g_cond_wait(&relay->has_changed, &relay->mutex);
        if (relay->told == relay->filled)
            break;
        g_mutex_unlock(&relay->mutex);
        tell(relay, &relay->batches[relay->told % BATCH_COUNT]);
        g_mutex_lock(&relay->mutex);
        relay->told++;
        g_cond_signal(&relay->has_changed);
    }
    g_mutex_unlock(&relay->mutex);
    return NULL;
}

/* ---- Filling ---- */

static struct batch *current(const struct ct_relay *relay)
{
    return &relay->batches[relay->filled % BATCH_COUNT];
}

/* Hands over what there is. Returns once no more than `most` batches wait to be told. */
static void hand_over(struct ct_relay *relay, uint64_t most)
{
    if (!relay->thread) {
        tell(relay, current(relay));
        return;
    }
    g_mutex_lock(&relay->mutex);
    if (current(relay)->count > 0) {
        relay->filled++;
        g_cond_signal(&relay->has_changed);
    }
    while (relay->filled - relay->told > most)
        g_cond_wait(&relay->has_changed, &relay->mutex);
    g_mutex_unlock(&relay->mutex);
}

static struct entry *next_entry(struct ct_relay *relay)
{
    struct batch *batch = current(relay);

    if (batch->count == BATCH_ENTRIES || batch->releases->len >= BATCH_RELEASES) {
        hand_over(relay, BATCH_COUNT - 1);
        batch = current(relay);
    }
    return &batch->entries[batch->count++];
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct ct_relay *relay = user;
    struct entry *entry = next_entry(relay);
    GArray *releases = current(relay)->releases;

    entry->kind = ENTRY_INTERVAL;
    entry->as.wait.interval = *interval;
    if (interval->fd)
        entry->as.wait.fd = *interval->fd;
    if (interval->release_count > 0) {
        entry->as.wait.releases_at = releases->len;
        g_array_append_vals(releases, interval->releases, (guint)interval->release_count);
    }
}

static void on_run(void *user, const struct ct_run *run)
{
    struct entry *entry = next_entry(user);

    entry->kind = ENTRY_RUN;
    entry->as.run = *run;
}

static void on_sample(void *user, const struct ct_sample *sample)
{
    struct entry *entry = next_entry(user);

    entry->kind = ENTRY_SAMPLE;
    entry->as.sample = *sample;
}

static void on_flush(void *user)
{
    hand_over(user, 0);
}

/* ---- Life ---- */

struct ct_sink ct_relay_sink(struct ct_relay *relay)
{
    return (struct ct_sink){
        .user = relay,
        .on_run = on_run,
        .on_sample = on_sample,
        .on_interval = on_interval,
        .on_flush = on_flush,
    };
}

struct ct_relay *ct_relay_new(const struct ct_sink *sinks, size_t sink_count)
{
    struct ct_relay *relay = g_new0(struct ct_relay, 1);

    relay->sinks = sinks;
    relay->sink_count = sink_count;
    relay->batches = g_new0(struct batch, BATCH_COUNT);
    for (size_t i = 0; i < BATCH_COUNT; i++)
        relay->batches[i].releases = g_array_new(FALSE, FALSE, sizeof(struct ct_wake));
    g_mutex_init(&relay->mutex);
    g_cond_init(&relay->has_changed);
    relay->thread = g_thread_try_new("sinks", tell_all, relay, NULL);
    return relay;
}

void ct_relay_free(struct ct_relay *relay)
{
    hand_over(relay, 0);
    g_mutex_lock(&relay->mutex);
    relay->is_over = TRUE;
    g_cond_signal(&relay->has_changed);
    g_mutex_unlock(&relay->mutex);
    if (relay->thread)
        g_thread_join(relay->thread);
    for (size_t i = 0; i < BATCH_COUNT; i++)
        g_array_unref(relay->batches[i].releases);
    g_free(relay->batches);
    g_cond_clear(&relay->has_changed);
    g_mutex_clear(&relay->mutex);
    g_free(relay);
}
