#include "export/json_capture.h"

void ct_json_write_capture(struct ct_json_document *document, const struct ct_model *model)
{
    const struct ct_capture *capture = &model->capture;
    JsonBuilder *json = document->json;

    ct_json_begin_member(document, "capture");
    json_builder_begin_object(json);
    ct_json_add_string(json, "ctrace_version", capture->ctrace_version);
    ct_json_add_string(json, "command", capture->command);
    ct_json_add_string(json, "layers", capture->layers);
    ct_json_add_string(json, "missing", capture->missing);
    ct_json_add_boolean(json, "is_complete", capture->is_complete);
    ct_json_add_string(json, "damage", capture->damage ? capture->damage : "");
    ct_json_add_number(json, "begin_ns", model->begin_ns);
    ct_json_add_number(json, "end_ns", model->end_ns);
    /* It is beyond 2^53, up to where a reader's numbers are whole. */
    g_autofree char *epoch_offset = g_strdup_printf("%" G_GINT64_FORMAT, model->epoch_offset_ns);
    ct_json_add_string(json, "epoch_offset_ns", epoch_offset);
    if (capture->dropped_ns > 0) {
        ct_json_add_number(json, "dropped_ns", capture->dropped_ns);
        ct_json_add_number(json, "dropped_bytes", capture->dropped_bytes);
    }
    ct_json_add_number(json, "rate_ns", capture->rate_ns);
    ct_json_add_signed(json, "exit_status", capture->exit_status);
    ct_json_add_number(json, "events", capture->event_count);
    ct_json_add_number(json, "waits_recorded", capture->waits_recorded);
    ct_json_add_number(json, "waits_lost", capture->waits_lost);
    ct_json_add_number(json, "events_lost", capture->events_lost);
    ct_json_add_number(json, "packets_lost", capture->packets_lost);
    ct_json_add_number(json, "kernel_events_lost", capture->kernel_events_lost);
    ct_json_add_number(json, "switches_missed", capture->switches_missed);
    ct_json_add_number(json, "kernel_stacks", capture->kernel_stacks);
    ct_json_add_number(json, "cpu_samples", capture->samples);
    ct_json_add_number(json, "cpu_samples_partial", capture->samples_partial);
    ct_json_add_number(json, "cpu_samples_unknown", capture->samples_unknown);
    ct_json_add_number(json, "cpu_samples_lost", capture->samples_lost);
    ct_json_add_number(json, "cpu_sample_period_ns", capture->sample_period_ns);
    ct_json_add_number(json, "stacks_lost", capture->stacks_lost);
    ct_json_add_number(json, "threads_lost", capture->threads_lost);
    ct_json_add_number(json, "modules_lost", capture->modules_lost);
    ct_json_add_number(json, "held_up_ns", capture->held_up_ns);
    ct_json_add_number(json, "unseen_processes", capture->unseen_images);
    ct_json_add_string(json, "unseen", capture->unseen_names);
    ct_json_add_boolean(json, "unseen_recorded", capture->unseen_recorded);
    ct_json_add_number(json, "records_dropped", capture->records_dropped);
    ct_json_add_number(json, "unknown_events", capture->unknown_events);
    json_builder_end_object(json);
    ct_json_end_member(document);
}
