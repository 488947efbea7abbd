#include "export/json_whatif.h"

#include "export/json_capture.h"

static void add_change(JsonBuilder *json, const struct ct_whatif *what)
{
    ct_json_add_string(json, "kind", ct_whatif_kind_name(what->kind));
    ct_json_add_string(json, "name", what->name);
    ct_json_add_boolean(json, "is_removed", what->is_gone);
    if (what->is_gone)
        return;
    json_builder_set_member_name(json, "change_percent");
    json_builder_add_double_value(json, 100 * (what->factor - 1));
}

/* Whose end it is. */
static void add_question(JsonBuilder *json, const struct ct_path_question *question)
{
    ct_json_add_signed(json, "pid", question->thread->process->pid);
    ct_json_add_signed(json, "tid", question->thread->tid);
    ct_json_add_string(json, "thread", question->thread->name);
    ct_json_add_number(json, "begin_ns", question->window.begin_ns);
    ct_json_add_number(json, "end_ns", question->window.end_ns);
}

static void add_result(JsonBuilder *json, const struct ct_whatif_result *result)
{
    ct_json_add_number(json, "now_ns", result->before_ns);
    ct_json_add_number(json, "then_ns", MIN(result->kept_ns, result->free_ns));
    ct_json_add_number(json, "then_at_most_ns", MAX(result->kept_ns, result->free_ns));
    ct_json_add_number(json, "then_with_locks_in_order_ns", result->kept_ns);
    ct_json_add_number(json, "then_with_locks_in_any_order_ns", result->free_ns);
    ct_json_add_number(json, "changed_ns", result->changed_ns);
    ct_json_add_number(json, "cpu_samples", result->samples);
}

void ct_json_write_whatif(const struct ct_path_question *question, const struct ct_whatif *what,
                          const struct ct_whatif_result *result, FILE *out)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    struct ct_json_document document = {.out = out, .json = json, .generator = generator};

    json_generator_set_pretty(generator, TRUE);
    fputs("{\n", out);
    ct_json_write_string(&document, "schema", "ctrace-whatif-1");
    ct_json_write_capture(&document, question->model);
    ct_json_begin_member(&document, "whatif");
    json_builder_begin_object(json);
    add_change(json, what);
    add_question(json, question);
    add_result(json, result);
    json_builder_end_object(json);
    ct_json_end_member(&document);
    fputs("\n}\n", out);
}
