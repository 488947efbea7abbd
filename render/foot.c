#include "layout_parts.h"

#include "model/capture_notes.h"
#include "model/format.h"

#include <stddef.h>

/* What a count of the capture report means for the picture. */
static const struct loss {
    size_t offset;
    const char *one;
    const char *many;
} losses[] = {
    {offsetof(struct ct_capture, waits_lost), "wait was lost", "waits were lost"},
    {offsetof(struct ct_capture, events_lost), "event was lost for lack of buffer space",
     "events were lost for lack of buffer space"},
    {offsetof(struct ct_capture, kernel_events_lost),
     "kernel event was lost for lack of buffer space",
     "kernel events were lost for lack of buffer space"},
    {offsetof(struct ct_capture, packets_lost), "packet of events was lost",
     "packets of events were lost"},
    {offsetof(struct ct_capture, threads_lost), "thread was not recorded",
     "threads were not recorded"},
    {offsetof(struct ct_capture, stacks_lost), "stack was lost", "stacks were lost"},
    {offsetof(struct ct_capture, modules_lost), "module was lost", "modules were lost"},
    {offsetof(struct ct_capture, unknown_events), "event is of an unknown kind",
     "events are of an unknown kind"},
    {offsetof(struct ct_capture, records_dropped), "record is beyond what ctrace reads",
     "records are beyond what ctrace reads"},
};

static void place_line(struct ct_layout *layout, enum ct_text_style style, char *text, double *y_px)
{
    ct_layout_add_text(layout, (struct ct_layout_text){.text = text,
                                                       .style = style,
                                                       .x_px = CT_MARGIN,
                                                       .centre_y_px = *y_px + CT_LINE_HEIGHT / 2.0,
                                                       .width_px = layout->width_px - 2 * CT_MARGIN,
                                                       .row = -1});
    *y_px += CT_LINE_HEIGHT;
}

static void place_warnings(struct ct_layout *layout, const struct ct_capture *capture, double *y_px)
{
    const char *lost_waits = ct_capture_lost_waits(capture);
    if (lost_waits[0])
        place_line(layout, CT_TEXT_WARNING, g_strdup_printf("Waits were lost: %s", lost_waits),
                   y_px);
    if (capture->damage)
        place_line(layout, CT_TEXT_WARNING, g_strdup_printf("Damaged: %s", capture->damage), y_px);
    else if (!capture->is_complete)
        place_line(layout, CT_TEXT_WARNING,
                   g_strdup("The recording was cut off: its last part is missing."), y_px);
    for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
        uint64_t count = G_STRUCT_MEMBER(uint64_t, capture, losses[i].offset);
        if (count == 0)
            continue;
        g_autofree char *number = ct_format_count(count);
        place_line(layout, CT_TEXT_WARNING,
                   g_strdup_printf("%s %s.", number, count == 1 ? losses[i].one : losses[i].many),
                   y_px);
    }
}

double ct_layout_place_foot(struct ct_layout *layout, const struct ct_layout_request *request,
                            double y_px)
{
    const struct ct_capture *capture = &request->model->capture;
    if (layout->hidden_threads > 0) {
        g_autofree char *number = ct_format_count(layout->hidden_threads);
        place_line(layout, CT_TEXT_NOTE,
                   g_strdup_printf("… and %s more %s, less busy (--threads=all)", number,
                                   layout->hidden_threads == 1 ? "thread" : "threads"),
                   &y_px);
    }
    if (request->model->threads->len == 0)
        place_line(layout, CT_TEXT_NOTE, g_strdup("No thread was recorded."), &y_px);
    place_warnings(layout, capture, &y_px);
    g_autofree char *missing = ct_capture_missing_layers(capture);
    if (missing[0])
        place_line(layout, CT_TEXT_NOTE, g_strdup_printf("Not recorded: %s", missing), &y_px);
    g_autofree char *estimates = ct_capture_estimates(capture);
    if (estimates[0])
        place_line(layout, CT_TEXT_NOTE, g_strdup_printf("Note: %s", estimates), &y_px);
    if (capture->rate_ns > 0) {
        g_autofree char *rate = ct_format_duration(capture->rate_ns);
        place_line(
            layout, CT_TEXT_NOTE,
            g_strdup_printf("Waits shorter than %s are sampled; their share is estimated.", rate),
            &y_px);
    }
    return y_px;
}
