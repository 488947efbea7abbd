#include "ingest/relay.h"

/* Few enough to stay in a CPU's cache, and many enough that to hand them over costs nothing. */
#define BATCH_ENTRIES  128
#define BATCH_RELEASES 2048 /* about */

/* Of which one is being filled, and one told. Who has to wait for the other does so until half of
 * them are there: to go to sleep and to be woken takes longer than to fill some. */
#define BATCH_COUNT 16
#define BATCH_HALF  (BATCH_COUNT / 2)

/* Nobody waits for the other. */
#define NO_WAIT UINT64_MAX

struct entry {
    enum { ENTRY_INTERVAL, ENTRY_RUN, ENTRY_SAMPLE, ENTRY_TURN } kind;
    union {
        struct {
            struct ct_interval interval;
            struct ct_fd fd;   /* if it has one */
            guint releases_at; /* in the batch's */
        } wait;
        struct ct_run run;
        struct ct_sample sample;
        struct {
            struct ct_turn turn;
            struct ct_fd fd; /* if it has one */
        } turn;
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
    GCond has_more;
    GCond has_room;
    uint64_t filled; /* batches; the one that follows is being filled */
    uint64_t told;
    uint64_t more_at; /* the teller waits until so many are filled, and not told; or NO_WAIT */
    uint64_t room_at; /* the filler waits until no more are; or NO_WAIT */
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
    if (entry->kind == ENTRY_TURN && entry->as.turn.turn.fd)
        entry->as.turn.turn.fd = &entry->as.turn.fd;
    for (size_t i = 0; i < relay->sink_count; i++) {
        const struct ct_sink *sink = &relay->sinks[i];

        if (entry->kind == ENTRY_RUN && sink->on_run)
            sink->on_run(sink->user, &entry->as.run);
        else if (entry->kind == ENTRY_SAMPLE && sink->on_sample)
            sink->on_sample(sink->user, &entry->as.sample);
        else if (entry->kind == ENTRY_TURN && sink->on_turn)
            sink->on_turn(sink->user, &entry->as.turn.turn);
    }
}

static void tell(const struct ct_relay *relay, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        tell_entry(relay, batch, &batch->entries[i]);
    batch->count = 0;
    g_array_set_size(batch->releases, 0);
}

/* FALSE: there are no more. */
static gboolean wait_for_more(struct ct_relay *relay)
{
    if (relay->told == relay->filled && !relay->is_over) {
        relay->more_at = BATCH_HALF;
        while (relay->more_at != NO_WAIT)
            g_cond_wait(&relay->has_more, &relay->mutex);
    }
    return relay->told < relay->filled;
}

static void *tell_all(void *user)
{
    struct ct_relay *relay = user;

    g_mutex_lock(&relay->mutex);
    while (wait_for_more(relay)) {
        g_mutex_unlock(&relay->mutex);
        tell(relay, &relay->batches[relay->told % BATCH_COUNT]);
        g_mutex_lock(&relay->mutex);
        relay->told++;
        if (relay->room_at != NO_WAIT && relay->filled - relay->told <= relay->room_at) {
            relay->room_at = NO_WAIT;
            g_cond_signal(&relay->has_room);
        }
    }
    g_mutex_unlock(&relay->mutex);
    return NULL;
}

/* ---- Filling ---- */

static struct batch *current(const struct ct_relay *relay)
{
    return &relay->batches[relay->filled % BATCH_COUNT];
}

static void end_wait_for_more(struct ct_relay *relay)
{
    relay->more_at = NO_WAIT;
    g_cond_signal(&relay->has_more);
}

/* Hands over what there is, with room for another batch then. `has_all_told`: returns once there is
 * nothing left. */
static void hand_over(struct ct_relay *relay, gboolean has_all_told)
{
    const uint64_t most = has_all_told ? 0 : BATCH_COUNT - 1;

    if (!relay->thread) {
        tell(relay, current(relay));
        return;
    }
    g_mutex_lock(&relay->mutex);
    relay->filled += current(relay)->count > 0;
    if (relay->more_at != NO_WAIT &&
        (has_all_told || relay->filled - relay->told >= relay->more_at))
        end_wait_for_more(relay);
    if (relay->filled - relay->told > most) {
        relay->room_at = has_all_told ? 0 : BATCH_HALF;
        while (relay->room_at != NO_WAIT)
            g_cond_wait(&relay->has_room, &relay->mutex);
    }
    g_mutex_unlock(&relay->mutex);
}

static struct entry *next_entry(struct ct_relay *relay)
{
    struct batch *batch = current(relay);

    if (batch->count == BATCH_ENTRIES || batch->releases->len >= BATCH_RELEASES) {
        hand_over(relay, FALSE);
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

static void on_turn(void *user, const struct ct_turn *turn)
{
    struct entry *entry = next_entry(user);

    entry->kind = ENTRY_TURN;
    entry->as.turn.turn = *turn;
    if (turn->fd)
        entry->as.turn.fd = *turn->fd;
}

static void on_flush(void *user)
{
    hand_over(user, TRUE);
}

/* ---- Life ---- */

struct ct_sink ct_relay_sink(struct ct_relay *relay)
{
    return (struct ct_sink){
        .user = relay,
        .on_run = on_run,
        .on_sample = on_sample,
        .on_turn = on_turn,
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
    g_cond_init(&relay->has_more);
    g_cond_init(&relay->has_room);
    relay->more_at = relay->room_at = NO_WAIT;
    relay->thread = g_thread_try_new("sinks", tell_all, relay, NULL);
    return relay;
}

void ct_relay_free(struct ct_relay *relay)
{
    hand_over(relay, TRUE);
    g_mutex_lock(&relay->mutex);
    relay->is_over = TRUE;
    end_wait_for_more(relay);
    g_mutex_unlock(&relay->mutex);
    if (relay->thread)
        g_thread_join(relay->thread);
    for (size_t i = 0; i < BATCH_COUNT; i++)
        g_array_unref(relay->batches[i].releases);
    g_free(relay->batches);
    g_cond_clear(&relay->has_more);
    g_cond_clear(&relay->has_room);
    g_mutex_clear(&relay->mutex);
    g_free(relay);
}
