/*
 * The traces of a recording as one sequence of records, in the order of their clock; of equal times
 * first comes what is of the trace whose path is first, and of one trace the stream whose class and
 * instance are first as text.
 *
 * There are two readers. The direct one takes what ctrace itself wrote and is whole; babeltrace2
 * takes everything else: what is older, foreign or damaged.
 */
#ifndef CTRACE_SOURCE_SOURCE_H
#define CTRACE_SOURCE_SOURCE_H

#include "source/record.h"

struct ct_source_events {
    void *user;
    /* FALSE stops the reading. */
    gboolean (*on_record)(void *user, const struct ct_record *record);
    /* The time of it begins about now. */
    void (*on_loss)(void *user, const struct ct_kernel_loss *loss);
    /* At the end of each packet; so many were read. */
    void (*on_packet)(void *user, uint64_t packets_read);
    /* Before a trace is opened, and before more of it is read. Borrowed: the same one each time. */
    void (*on_trace)(void *user, const char *path);
};

struct ct_source_result {
    uint64_t event_count; /* of any provider */
    uint64_t unknown_events;
    uint64_t events_lost;
    uint64_t packets_lost;
    uint64_t kernel_events_lost;
    uint64_t samples_lost;
    uint64_t first_ns; /* of our events, but the kernel's; UINT64_MAX and 0 if there are none */
    uint64_t last_ns;
    int64_t epoch_offset_ns;
    gboolean has_clock;    /* the offset is known */
    uint64_t packet_count; /* that there are to read; 0: not known */
    uint64_t packets_read;
    char *damage; /* owned; what cannot be read of the traces, the first of it; NULL: all can be */
};

/* A way to read. */
struct ct_source_reader {
    const char *name;
    /* The state of one reading. NULL if these traces cannot be read so, without an error if another
     * way may do. All parameters are borrowed until the state is freed. */
    void *(*open)(const GPtrArray *paths, const struct ct_source_events *events,
                  struct ct_source_result *result, GError **error);
    /* FALSE: nothing at all could be read. */
    gboolean (*read)(void *state, GError **error);
    void (*free)(void *state);
};

extern const struct ct_source_reader ct_source_direct;
extern const struct ct_source_reader ct_source_babeltrace;

struct ct_source;

/* `reader` is NULL for the best one that takes the traces; `paths` are borrowed until the source is
 * freed. NULL and an error, or no error if the reader that was asked for does not take them. */
struct ct_source *ct_source_open(const struct ct_source_reader *reader, const GPtrArray *paths,
                                 const struct ct_source_events *events, GError **error);
gboolean ct_source_read(struct ct_source *source, GError **error);
const struct ct_source_result *ct_source_result(const struct ct_source *source);
/* Of the reader that reads it. */
const char *ct_source_reader_name(const struct ct_source *source);
void ct_source_free(struct ct_source *source);

/* For readers. An event of ours, but not the kernel's, was at this time. */
static inline void ct_source_note_time(struct ct_source_result *result, uint64_t time_ns)
{
    result->first_ns = MIN(result->first_ns, time_ns);
    result->last_ns = MAX(result->last_ns, time_ns);
}

/* Takes it over. Only the first damage is kept. */
static inline void ct_source_note_damage(struct ct_source_result *result, char *damage)
{
    if (!result->damage)
        result->damage = damage;
    else
        g_free(damage);
}

#endif
