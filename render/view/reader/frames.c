/* Stacks for pages. */
#include "export/json_document.h"
#include "model/format.h"
#include "symbols/stack_text.h"
#include "view/reader/reader.h"

void ct_view_add_frame(JsonBuilder *json, const struct ct_stack_frame *frame)
{
    json_builder_begin_object(json);
    if (!frame->function) {
        g_autofree char *omitted = ct_format_omitted(frame->cut);

        ct_json_add_string(json, "omitted", omitted);
        json_builder_end_object(json);
        return;
    }
    ct_json_add_string(json, "function", frame->function->function);
    if (frame->function->file[0])
        ct_json_add_string(json, "file", frame->function->file);
    if (frame->function->line > 0)
        ct_json_add_number(json, "line", frame->function->line);
    if (frame->module)
        ct_json_add_string(json, "module", frame->module->path);
    if (frame->function->is_inlined)
        ct_json_add_boolean(json, "inlined", TRUE);
    json_builder_end_object(json);
}

void ct_view_add_stack(const struct ct_view_reader *reader, JsonBuilder *json, const char *name,
                       const struct ct_process *process, uint32_t stack_id)
{
    g_autoptr(GArray) frames = ct_stack_list_shown(reader->symbolizer, process, stack_id);

    json_builder_set_member_name(json, name);
    json_builder_begin_array(json);
    for (guint i = 0; i < frames->len; i++)
        ct_view_add_frame(json, &g_array_index(frames, struct ct_stack_frame, i));
    json_builder_end_array(json);
}
