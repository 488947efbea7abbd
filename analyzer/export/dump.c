/*
 * A profile as text, in the form of Go's ?debug=2: one thread after the other, what it does and for
 * what, and then its functions.
 */
#include "export/stack_lines.h"
#include "export/trace_format.h"
#include "model/format.h"
#include "symbols/go_stack.h"
#include "symbols/object_name.h"
#include "text/figures.h"
#include "text/safe_text.h"

#include <inttypes.h>
#include <string.h>

static void append_line(GString *lines, uint64_t address, const char *function, const char *place)
{
    g_string_append_printf(lines, "%s\n", function);
    if (*place || address)
        g_string_append_printf(lines, "\t%s%s0x%" PRIx64 "\n", place, *place ? " " : "", address);
}

static char *describe_object(const struct ct_export_input *input,
                             const struct ct_profile_sample *sample)
{
    const char *variable =
        ct_object_find_name(input->symbolizer, sample->process, sample->object_kind, sample->object,
                            sample->stack ? sample->stack->time_ns : UINT64_MAX);

    return variable ? g_strdup_printf("%s (%s)", sample->object_text, variable)
                    : g_strdup(sample->object_text);
}

/* Who waited when the recording began may have done so for long. */
static gboolean is_older(const struct ct_export_input *input,
                         const struct ct_profile_sample *sample)
{
    uint64_t end_ns = MIN(input->end_ns, input->model->end_ns);

    return sample->is_open && sample->delay_ns >= 0 && sample->thread &&
           end_ns - (uint64_t)sample->delay_ns <=
               MAX(sample->thread->start_ns, input->model->begin_ns);
}

static char *describe_time(const struct ct_export_input *input,
                           const struct ct_profile_sample *sample)
{
    if (sample->delay_ns == 0)
        return g_strdup("");
    g_autofree char *time = ct_format_duration((uint64_t)sample->delay_ns);

    return g_strdup_printf(", %s%s", time, is_older(input, sample) ? " or more" : "");
}

/* "sync, pthread_mutex_lock: mutex 0x1 (queue_lock), 1.20 s" */
static void write_state(const struct ct_export_input *input, const struct ct_profile_sample *sample,
                        FILE *out)
{
    g_autofree char *object = describe_object(input, sample);
    g_autofree char *safe = ct_safe_line(object);
    g_autofree char *time = describe_time(input, sample);
    const char *operation = sample->call_name ? sample->call_name : ct_op_name(sample->op);
    gboolean is_idle = sample->is_idle ||
                       ct_go_stack_look(input->symbolizer, sample->process, sample->stack).is_idle;

    fprintf(out, "[%s", ct_class_name(sample->state));
    if (sample->op != CT_OP_NONE)
        fprintf(out, ", %s", operation);
    fprintf(out, "%s%s%s", *safe ? ": " : "", safe, time);
    if (!ct_profile_kind_units(input->kind)->is_of_count)
        fprintf(out, ", %" PRId64 " times", sample->count);
    fprintf(out, "%s]", is_idle ? ", waits for work" : "");
}

static void write_sample(const struct ct_export_input *input,
                         const struct ct_profile_sample *sample, FILE *out)
{
    struct ct_stack_lines lines =
        ct_stack_lines_make(input->symbolizer, input->kind, sample, append_line);
    g_autofree char *process = ct_safe_line(sample->process->name);
    g_autofree char *name = ct_safe_line(sample->thread ? sample->thread->name : "");

    if (sample->thread)
        fprintf(out, "thread %d \"%s\" of %s (%d) ", sample->thread->tid, name, process,
                sample->process->pid);
    else
        fprintf(out, "%s (%d) ", process, sample->process->pid);
    write_state(input, sample, out);
    fprintf(out, ":\n%s\n", lines.lines->str);
    ct_stack_lines_clear(&lines);
}

gboolean ct_export_write_dump(const struct ct_export_input *input, FILE *out, GError **error)
{
    (void)error;
    for (guint i = 0; i < input->samples->len; i++)
        write_sample(input, &g_array_index(input->samples, struct ct_profile_sample, i), out);
    return TRUE;
}
