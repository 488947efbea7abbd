#include "model/capture_notes.h"

#include "model/format.h"
#include "schema/capture_words.h"

#include <string.h>

static gboolean is_about(const char *note, const char *about)
{
    return g_str_has_prefix(note, about) && g_str_has_prefix(note + strlen(about), CT_NOTE_COLON);
}

const char *ct_capture_note_about(const struct ct_capture *capture, const char *about)
{
    const char *note = capture->missing;

    while (note && !is_about(note, about)) {
        note = strstr(note, CT_NOTE_SEPARATOR);
        note = note ? note + strlen(CT_NOTE_SEPARATOR) : NULL;
    }
    return note;
}

char *ct_capture_missing_layers(const struct ct_capture *capture)
{
    const char *waits = ct_capture_note_about(capture, CT_NOTE_WAITS);

    if (!waits || waits == capture->missing)
        return g_strdup(waits ? "" : capture->missing);
    return g_strndup(capture->missing,
                     (gsize)(waits - capture->missing) - strlen(CT_NOTE_SEPARATOR));
}

const char *ct_capture_lost_waits(const struct ct_capture *capture)
{
    const char *waits = ct_capture_note_about(capture, CT_NOTE_WAITS);

    return waits ? waits + strlen(CT_NOTE_WAITS CT_NOTE_COLON) : "";
}

gboolean ct_capture_has_layer(const struct ct_capture *capture, const char *layer)
{
    g_auto(GStrv) layers =
        g_strsplit(capture->layers ? capture->layers : "", CT_LAYER_SEPARATOR, -1);

    return g_strv_contains((const char *const *)layers, layer);
}

static void add_loss(GString *text, uint64_t count, const char *what)
{
    if (count == 0)
        return;
    g_autofree char *number = ct_format_count(count);
    g_string_append_printf(text, "%s%s %s%s", text->len > 0 ? ", " : "", number, what,
                           count == 1 ? "" : "s");
}

char *ct_capture_losses(const struct ct_capture *capture)
{
    GString *text = g_string_new(NULL);

    add_loss(text, capture->waits_lost, "wait");
    add_loss(text, capture->events_lost, "event");
    add_loss(text, capture->packets_lost, "packet");
    add_loss(text, capture->kernel_events_lost, "kernel event");
    add_loss(text, capture->samples_lost, "CPU sample");
    add_loss(text, capture->stacks_lost, "stack");
    add_loss(text, capture->threads_lost, "thread");
    add_loss(text, capture->modules_lost, "module");
    return g_string_free(text, FALSE);
}

char *ct_capture_foreign(const struct ct_capture *capture)
{
    g_autofree char *count = ct_format_count(capture->foreign_images);

    if (capture->foreign_images == 0)
        return g_strdup("");
    return g_strdup_printf("%s process%s of another ctrace, by what %s: %s", count,
                           capture->foreign_images == 1 ? "" : "es",
                           capture->foreign_images == 1 ? "it says" : "they say",
                           capture->foreign_names);
}

GPtrArray *ct_capture_complaints(const struct ct_capture *capture)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *losses = ct_capture_losses(capture);

    if (capture->damage)
        g_ptr_array_add(lines, g_strdup_printf("not read: %s", capture->damage));
    else if (!capture->is_complete)
        g_ptr_array_add(lines, g_strdup("the recording is not complete: its end is missing; "
                                        "'ctrace recover' may add it"));
    if (ct_capture_lost_waits(capture)[0])
        g_ptr_array_add(lines,
                        g_strdup_printf("waits were lost: %s", ct_capture_lost_waits(capture)));
    if (losses[0])
        g_ptr_array_add(lines, g_strdup_printf("lost while recording: %s", losses));
    if (capture->unknown_events > 0) {
        g_autofree char *number = ct_format_count(capture->unknown_events);
        g_ptr_array_add(lines, g_strdup_printf("not understood: %s event%s of a newer ctrace",
                                               number, capture->unknown_events == 1 ? "" : "s"));
    }
    if (capture->foreign_images > 0) {
        g_autofree char *foreign = ct_capture_foreign(capture);
        g_ptr_array_add(lines, g_strdup_printf("not read: %s", foreign));
    }
    if (capture->records_dropped > 0) {
        g_autofree char *number = ct_format_count(capture->records_dropped);
        g_ptr_array_add(lines, g_strdup_printf("too much to hold: %s record%s left out", number,
                                               capture->records_dropped == 1 ? "" : "s"));
    }
    return lines;
}

static void add_line(GPtrArray *lines, const char *name, const char *value)
{
    if (value && *value)
        g_ptr_array_add(lines, g_strdup_printf("%s: %s", name, value));
}

char *ct_capture_estimates(const struct ct_capture *capture)
{
    g_autofree char *missed = ct_format_count(capture->switches_missed);

    if (capture->switches_missed == 0)
        return g_strdup("");
    return g_strdup_printf("the kernel did not tell of %s switch%s that must have been: times on "
                           "CPUs and runnable are estimated",
                           missed, capture->switches_missed == 1 ? "" : "es");
}

char *ct_capture_dropped(const struct ct_capture *capture)
{
    g_autofree char *time = ct_format_duration(capture->dropped_ns);
    g_autofree char *size = ct_format_size(capture->dropped_bytes);

    if (capture->dropped_ns == 0)
        return g_strdup("");
    return g_strdup_printf("the first %s, of %s, as --keep asks", time, size);
}

char *ct_capture_held_up(const struct ct_capture *capture)
{
    g_autofree char *time = ct_format_duration(capture->held_up_ns);

    if (capture->held_up_ns == 0)
        return g_strdup("");
    return g_strdup_printf("the program's threads for %s in all, by --lossless, until their "
                           "waits could be recorded",
                           time);
}

char *ct_capture_approximations(const struct ct_capture *capture)
{
    g_autofree char *count = ct_format_count(capture->kernel_stacks);

    if (capture->kernel_stacks == 0)
        return g_strdup("");
    return g_strdup_printf("%s by frame pointers, from the kernel: of code that was built without "
                           "them, callers are missing",
                           count);
}

gboolean ct_capture_lacks_processes(const struct ct_capture *capture)
{
    return capture->unseen_images > 0 && !capture->unseen_recorded;
}

char *ct_capture_unseen(const struct ct_capture *capture)
{
    g_autofree char *count = ct_format_count(capture->unseen_images);

    if (capture->unseen_images == 0)
        return g_strdup("");
    return g_strdup_printf("%s process%s did not load ctrace's library: %s; %s", count,
                           capture->unseen_images == 1 ? "" : "es", capture->unseen_names,
                           ct_capture_lacks_processes(capture)
                               ? "what they waited for is not recorded"
                               : "recorded through the kernel");
}

char *ct_capture_samples(const struct ct_capture *capture)
{
    if (capture->samples == 0 || capture->sample_period_ns == 0)
        return g_strdup("");
    g_autofree char *count = ct_format_count(capture->samples);
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%s, %.0f in a second of CPU time", count,
                    1e9 / (double)capture->sample_period_ns);
    if (capture->samples_partial > 0)
        g_string_append_printf(text, "; of %.2g%% the first callers are not known",
                               100.0 * (double)capture->samples_partial / (double)capture->samples);
    if (capture->samples_unknown > 0)
        g_string_append_printf(text, "; %.2g%% are of processes without the preload, and left out",
                               100.0 * (double)capture->samples_unknown / (double)capture->samples);
    return g_string_free(text, FALSE);
}

GPtrArray *ct_capture_notes(const struct ct_capture *capture)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) complaints = ct_capture_complaints(capture);
    g_autofree char *missing = ct_capture_missing_layers(capture);
    g_autofree char *dropped = ct_capture_dropped(capture);
    g_autofree char *held_up = ct_capture_held_up(capture);
    g_autofree char *estimates = ct_capture_estimates(capture);
    g_autofree char *approximations = ct_capture_approximations(capture);
    g_autofree char *samples = ct_capture_samples(capture);
    g_autofree char *unseen = ct_capture_unseen(capture);

    add_line(lines, "command", capture->command);
    add_line(lines, "recorded by ctrace", capture->ctrace_version);
    add_line(lines, "layers", capture->layers);
    add_line(lines, "CPU samples", samples);
    add_line(lines, "dropped", dropped);
    add_line(lines, "not recorded", missing);
    add_line(lines, "held up", held_up);
    add_line(lines, "estimated", estimates);
    add_line(lines, "stacks", approximations);
    if (capture->is_complete) {
        g_autofree char *rate = ct_format_duration(capture->rate_ns);
        g_ptr_array_add(lines,
                        capture->rate_ns
                            ? g_strdup_printf("rate: waits shorter than %s are sampled", rate)
                            : g_strdup("rate: every wait is recorded"));
    }
    for (guint i = 0; i < complaints->len; i++)
        g_ptr_array_add(lines, g_strdup(complaints->pdata[i]));
    if (unseen[0])
        g_ptr_array_add(lines, g_strdup(unseen));
    if (complaints->len == 0 && !ct_capture_lacks_processes(capture))
        g_ptr_array_add(lines, g_strdup("nothing was lost"));
    return lines;
}
