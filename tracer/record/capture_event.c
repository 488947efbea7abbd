#include "capture_event.h"

#include "newest.h"
#include "schema/capture_words.h"

static G_GNUC_PRINTF(2, 3) void append_note(GString *notes, const char *format, ...)
{
    va_list arguments;

    if (notes->len > 0)
        g_string_append(notes, CT_NOTE_SEPARATOR);
    va_start(arguments, format);
    g_string_append_vprintf(notes, format, arguments);
    va_end(arguments);
}

/* Images that could not have a board. */
static void describe_refused(const struct ct_recording *recording, GString *missing)
{
    const uint64_t *refused = ct_boards_refused(recording->engine->boards);

    for (guint i = 0; i < CT_REFUSAL_COUNT; i++) {
        if (refused[i] > 0)
            append_note(missing,
                        CT_LAYER_PRELOAD CT_NOTE_COLON "not in %" G_GUINT64_FORMAT " process%s: %s",
                        refused[i], refused[i] == 1 ? "" : "es", ct_refusal_reason(i));
    }
}

/* So many of them are named. */
#define MAX_DAMAGED 8

/* Processes that wrote what cannot be. */
static void describe_damaged(const struct ct_recording *recording, GString *missing)
{
    const GArray *damaged = ct_boards_damaged(recording->engine->boards);

    for (guint i = 0; i < MIN(damaged->len, MAX_DAMAGED); i++)
        append_note(missing,
                    CT_LAYER_PRELOAD CT_NOTE_COLON
                    "the board of process %d is damaged; its counters are left out",
                    g_array_index(damaged, int32_t, i));
    if (damaged->len > MAX_DAMAGED)
        append_note(missing,
                    CT_LAYER_PRELOAD CT_NOTE_COLON "the boards of %u more processes are damaged",
                    damaged->len - MAX_DAMAGED);
}

/* What was not recorded, and why, as the capture event says it. Caller frees. */
static char *describe_missing(const struct ct_recording *recording, const char *fault)
{
    static const struct {
        enum ct_class class;
        const char *name;
    } choices[] = {{CT_CLASS_NET, "net"},
                   {CT_CLASS_SYNC, "sync"},
                   {CT_CLASS_SYSCALL, "syscall"},
                   {CT_CLASS_SLEEP, "sleep"}};
    g_autoptr(GString) chosen = g_string_new(NULL);
    g_autoptr(GString) others = g_string_new(NULL);
    GString *missing = g_string_new(recording->missing->str);

    for (size_t i = 0; i < G_N_ELEMENTS(choices); i++) {
        if (ct_recording_control(recording)->recorded_classes >> choices[i].class & 1)
            g_string_append_printf(chosen, " --%s", choices[i].name);
        else
            g_string_append_printf(others, "%s%s", others->len > 0 ? ", " : "", choices[i].name);
    }
    if (others->len > 0)
        append_note(missing, "%s: only counted, by%s", others->str, chosen->str);
    if (recording->is_snapshot)
        append_note(missing, "what came later: this is a snapshot of a recording that went on");
    if (!recording->has_begun)
        append_note(missing, "the recording itself: " CT_RECORDING_NOT_BEGUN);
    describe_refused(recording, missing);
    describe_damaged(recording, missing);
    if (ct_recording_control(recording)->parts[0].forgets_fds)
        append_note(missing,
                    CT_LAYER_PRELOAD CT_NOTE_COLON "what some descriptors are, since that was told "
                                                   "of in a part that is dropped, of more of "
                                                   "them than are remembered");
    if (fault != NULL || recording->stopped != NULL)
        append_note(missing, CT_NOTE_WAITS CT_NOTE_COLON "%s",
                    fault != NULL ? fault : recording->stopped);
    return g_string_free(missing, FALSE);
}

/* Caller frees. */
static char *list_layers(const struct ct_recording *recording,
                         const struct ct_closing_totals *totals)
{
    const struct {
        const char *name;
        gboolean is_live;
    } layers[] = {{CT_LAYER_PRELOAD, totals->processes > 0},
                  {CT_LAYER_KERNEL, recording->kernel_totals.events > 0},
                  {CT_LAYER_CPU, recording->kernel_totals.samples > 0}};
    GString *list = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
        if (layers[i].is_live)
            g_string_append_printf(list, "%s%s", list->len > 0 ? CT_LAYER_SEPARATOR : "",
                                   layers[i].name);
    }
    return g_string_free(list, FALSE);
}

void ct_capture_event_write_unpreloaded(const struct ct_recording *recording)
{
    const GArray *list = ct_unpreloaded_list(recording->engine->closing.unpreloaded);

    for (guint i = 0; i < list->len; i++) {
        const struct ct_unpreloaded_images *images =
            &g_array_index(list, struct ct_unpreloaded_images, i);
        struct ct_event_unseen event = {
            .count = images->count,
            .name = images->name,
            .why = ct_obstacle_words(images->obstacle),
            .is_recorded = recording->has_calls,
        };
        recording->engine->closing.writer->unseen(&event);
    }
}

void ct_capture_event_write(const struct ct_recording *recording, int exit_status,
                            const char *fault)
{
    const struct ct_control *control = ct_recording_control(recording);
    struct ct_closing_totals totals;

    ct_newest_totals(recording, &totals);
    g_autofree char *missing = describe_missing(recording, fault);
    g_autofree char *layers = list_layers(recording, &totals);
    struct ct_event_capture event = {
        .schema_version =
            recording->engine->closing.has_parts ? CT_SCHEMA_VERSION_PARTS : CT_SCHEMA_VERSION,
        .ctrace_version = CTRACE_VERSION,
        .command = control->command,
        .layers = layers,
        .missing = missing,
        .begin_ns = control->begin_ns,
        .end_ns = recording->end_ns,
        .rate_ns = control->rate_ns,
        .exit_status = exit_status,
        .process_count = (uint32_t)totals.processes,
        .waits_recorded = totals.waits,
        .stacks_lost = totals.stacks_lost,
        .threads_lost = totals.threads_lost,
        .modules_lost = totals.modules_lost,
        .events_lost = totals.events_lost,
        .held_up_ns = totals.held_up_ns,
    };

    recording->engine->closing.writer->capture(&event);
}
