#include "ingest/ingest.h"

#include "assemble/assemble.h"
#include "ingest/relay.h"
#include "source/error.h"
#include "source/source.h"
#include "source/traces.h"

/* One reading of a trace. */
struct reading {
    const char *directory;          /* borrowed */
    struct ct_activity *activity;   /* borrowed; or NULL */
    gboolean is_search;             /* on behalf of another reading */
    struct ct_assembler *assembler; /* owned */
    struct ct_source *source;       /* owned */
    uint64_t record_count;
    const struct ct_sink *sinks; /* borrowed */
    size_t sink_count;
    struct ct_relay *relay; /* owned; to them */
    struct ct_sink relayed; /* its sink */
    const char *unreadable; /* borrowed; what of the directory could not be looked into, or NULL */
    GError *error;          /* owned; why the reading was stopped, or NULL */
};

static uint64_t find_rate(void *user);

static gboolean on_record(void *user, const struct ct_record *record)
{
    struct reading *reading = user;

    reading->record_count += record->event != CT_EVENT_COUNT;
    return ct_assembler_add(reading->assembler, record, &reading->error);
}

static void on_loss(void *user, const struct ct_kernel_loss *loss)
{
    struct reading *reading = user;

    ct_assembler_lose(reading->assembler, loss);
}

static void on_packet(void *user, uint64_t packets_read)
{
    struct reading *reading = user;
    uint64_t count = ct_source_result(reading->source)->packet_count;
    double share = count > 0 ? (double)packets_read / (double)count : 0;

    for (size_t i = 0; i < reading->sink_count; i++) {
        if (reading->sinks[i].on_progress)
            reading->sinks[i].on_progress(reading->sinks[i].user, MIN(share, 1.0));
    }
    ct_activity_step(reading->activity);
}

static void on_trace(void *user, const char *name)
{
    struct reading *reading = user;

    ct_activity_turn_to(reading->activity, name);
}

static void fill_capture(struct ct_model *model, struct reading *reading)
{
    const struct ct_source_result *result = ct_source_result(reading->source);
    struct ct_capture *capture = &model->capture;
    const char *damage = reading->unreadable ? reading->unreadable : result->damage;

    model->epoch_offset_ns = result->epoch_offset_ns;
    capture->event_count = result->event_count;
    capture->unknown_events = result->unknown_events;
    capture->events_lost = result->events_lost;
    capture->packets_lost = result->packets_lost;
    capture->kernel_events_lost = result->kernel_events_lost;
    capture->samples_lost = result->samples_lost;
    capture->damage = g_strdup(damage);
    if (damage)
        capture->is_complete = FALSE;
}

static gboolean check(const struct ct_model *model, struct reading *reading, GError **error)
{
    const char *directory = reading->directory;

    /* Without a recorder's word, and nobody of our format: then it is all of another ctrace. */
    if (!reading->error && !model->capture.is_complete && model->processes->len == 0 &&
        model->capture.foreign_images > 0)
        ct_check_version(model->capture.foreign_version, &reading->error);
    if (reading->error) {
        g_propagate_prefixed_error(error, g_steal_pointer(&reading->error),
                                   "cannot read the trace in '%s': ", directory);
        return FALSE;
    }
    if (reading->record_count > 0)
        return TRUE;
    if (model->capture.damage)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_DAMAGED,
                    "the trace in '%s' is damaged and nothing of it can be read: %s", directory,
                    model->capture.damage);
    else if (model->capture.event_count > 0)
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_CTRACE,
                    "the trace in '%s' has no event that this ctrace knows: record it with "
                    "'ctrace record'",
                    directory);
    else
        g_set_error(error, CT_INGEST_ERROR, CT_INGEST_ERROR_NOT_CTRACE,
                    "the trace in '%s' is empty: the recording was not finished, or goes on; if "
                    "its recorder was killed, finish it with: ctrace recover %s",
                    directory, directory);
    return FALSE;
}

/* What is found while they are opened is damage, not an error. */
static gboolean read_all(struct reading *reading, const GPtrArray *paths, struct ct_model *model,
                         GError **error)
{
    const struct ct_source_events events = {.user = reading,
                                            .on_record = on_record,
                                            .on_loss = on_loss,
                                            .on_packet = on_packet,
                                            .on_trace = on_trace};

    reading->source = ct_source_open(NULL, paths, &events, error);
    if (!reading->source || !ct_source_read(reading->source, error))
        return FALSE;
    fill_capture(model, reading);
    if (!reading->error)
        ct_assembler_finish(reading->assembler);
    return check(model, reading, error);
}

static gboolean read_traces(struct reading *reading, struct ct_model *model, GError **error)
{
    struct ct_traces traces;
    gboolean success;

    if (!ct_traces_find(reading->directory, &traces, error))
        return FALSE;
    reading->activity = model->activity;
    reading->unreadable = traces.unreadable;
    reading->relay = ct_relay_new(reading->sinks, reading->sink_count);
    reading->relayed = ct_relay_sink(reading->relay);
    reading->assembler = ct_assembler_new(model, &reading->relayed, 1);
    if (!reading->is_search)
        ct_assembler_set_rate_finder(reading->assembler, find_rate, (void *)reading->directory);
    success = read_all(reading, traces.paths, model, error);
    ct_source_free(reading->source);
    ct_relay_free(reading->relay);
    ct_assembler_free(reading->assembler);
    ct_traces_clear(&traces);
    g_clear_error(&reading->error);
    return success;
}

/* What a recording's last events say. Reads it once more: only where its first ones are lost. */
static uint64_t find_rate(void *user)
{
    g_autoptr(ct_model) model = ct_model_new();
    struct reading reading = {.directory = user, .is_search = TRUE};
    uint64_t rate_ns;

    read_traces(&reading, model, NULL);
    rate_ns = model->capture.rate_ns;
    for (guint i = 0; i < model->processes->len; i++) {
        const struct ct_process *process = g_ptr_array_index(model->processes, i);

        rate_ns = MAX(rate_ns, process->rate_ns);
    }
    return rate_ns;
}

gboolean ct_ingest(const char *directory, struct ct_model *model, const struct ct_sink *sinks,
                   size_t sink_count, GError **error)
{
    struct reading reading = {.directory = directory, .sinks = sinks, .sink_count = sink_count};

    return read_traces(&reading, model, error);
}
