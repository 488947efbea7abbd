/* Locks that are taken in different orders. */
#include "export/text_sections.h"

#include "model/format.h"

static void write_step(const struct ct_text_out *out, const struct ct_inversion *inversion,
                       guint index)
{
    const struct ct_report *report = out->report;
    const struct ct_lock_order *step = inversion->steps->pdata[index];
    const struct ct_process *process = inversion->process;
    const struct ct_thread *thread =
        g_hash_table_lookup(process->threads, GINT_TO_POINTER(step->tid));
    g_autofree char *from =
        ct_format_duration(step->time_ns - MIN(report->model->begin_ns, step->time_ns));
    g_autofree char *held =
        ct_report_lock_object(report, process, step->held_op, step->held, step->stack_id);
    g_autofree char *wanted =
        ct_report_lock_object(report, process, step->op, step->object, step->stack_id);

    ct_text_out_entry(out, from, "%s (%d) had %s, and waited for %s",
                      thread ? thread->name : "a thread", step->tid, held, wanted);
    ct_text_out_stack(out, process, step->stack_id);
}

void ct_text_section_inversions(const struct ct_text_out *out)
{
    const GPtrArray *inversions = out->report->inversions;

    for (guint i = 0; inversions && i < inversions->len; i++) {
        const struct ct_inversion *inversion = inversions->pdata[i];

        ct_text_out_heading(
            out, "A deadlock is possible, but did not happen: %u locks of %s (%d) are taken in %s",
            inversion->steps->len, inversion->process->name, inversion->process->pid,
            inversion->steps->len == 2 ? "either order" : "a circle");
        for (guint k = 0; k < inversion->steps->len; k++)
            write_step(out, inversion, k);
    }
}
