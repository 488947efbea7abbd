#include "export/json_stack.h"

#include "export/json_document.h"
#include "model/format.h"
#include "symbols/stack_text.h"

static void add_frame(JsonBuilder *json, const struct ct_stack_frame *frame)
{
    const char *module = frame->module ? frame->module->path : "";
    g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", frame->address);

    json_builder_begin_object(json);
    if (!frame->function) {
        g_autofree char *omitted = ct_format_omitted(frame->cut);

        ct_json_add_string(json, "omitted", omitted);
        json_builder_end_object(json);
        return;
    }
    ct_json_add_string(json, "function", frame->function->function);
    ct_json_add_string(json, "file", frame->function->file);
    ct_json_add_number(json, "line", frame->function->line);
    ct_json_add_boolean(json, "is_inlined", frame->function->is_inlined);
    ct_json_add_string(json, "module", module);
    ct_json_add_string(json, "address", address);
    json_builder_end_object(json);
}

void ct_json_add_stack(JsonBuilder *json, const struct ct_report *report, const char *name,
                       const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list(report->symbolizer, process, stack_id);

    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < frames->len; i++)
        add_frame(json, &g_array_index(frames, struct ct_stack_frame, i));
    json_builder_end_array(json);
}
