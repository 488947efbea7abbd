/* Locks that are taken in different orders: a deadlock that did not happen. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"
#include "passes/inversions.h"

#include "symbols/stack_text.h"

/* More are in the section on hangs alone. */
#define TOLD_MAX 2

static const struct ct_lock_order *step_of(const struct ct_inversion *inversion, guint index)
{
    return inversion->steps->pdata[index];
}

static const struct ct_symbol_frame *place_of(const struct ct_findings_case *a_case,
                                              const struct ct_inversion *inversion, guint index)
{
    return ct_stack_place(a_case->input->symbolizer, inversion->process,
                          step_of(inversion, index)->stack_id);
}

static char *name_held(const struct ct_findings_case *a_case, const struct ct_inversion *inversion,
                       guint index)
{
    const struct ct_lock_order *step = step_of(inversion, index);

    return ct_words_lock(a_case->input, inversion->process, step->held_op, step->held,
                         step->time_ns);
}

/* "mutex users and mutex orders" */
static char *name_locks(const struct ct_findings_case *a_case, const struct ct_inversion *inversion)
{
    GString *names = g_string_new(NULL);
    guint count = inversion->steps->len;

    for (guint i = 0; i < count; i++) {
        g_autofree char *name = name_held(a_case, inversion, i);

        g_string_append_printf(names, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " and ", name);
    }
    return g_string_free(names, FALSE);
}

/* "renamer (12) had users and waited for orders, in rename_user (bank.c:12)" */
static char *describe_step(const struct ct_findings_case *a_case,
                           const struct ct_inversion *inversion, guint index)
{
    const struct ct_lock_order *step = step_of(inversion, index);
    const struct ct_thread *thread =
        g_hash_table_lookup(inversion->process->threads, GINT_TO_POINTER(step->tid));
    const struct ct_symbol_frame *place = place_of(a_case, inversion, index);
    g_autofree char *text = place ? ct_stack_place_text(place) : NULL;
    g_autofree char *held = name_held(a_case, inversion, index);
    g_autofree char *wanted =
        ct_words_lock(a_case->input, inversion->process, step->op, step->object, step->time_ns);

    return g_strdup_printf("%s (%d) had %s and waited for %s%s%s",
                           thread ? thread->name : "a thread", step->tid, held, wanted,
                           text ? ", in " : "", text ? text : "");
}

static char *describe(const struct ct_findings_case *a_case, const struct ct_inversion *inversion)
{
    g_autofree char *locks = name_locks(a_case, inversion);
    GString *text = g_string_new(NULL);

    g_string_printf(text, "A deadlock is possible, but did not happen: %s are taken in %s:", locks,
                    inversion->steps->len == 2 ? "either order" : "a circle");
    for (guint i = 0; i < inversion->steps->len; i++) {
        g_autofree char *step = describe_step(a_case, inversion, i);

        g_string_append_printf(text, "%s %s", i > 0 ? ";" : "", step);
    }
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

static void add_steps(struct ct_finding *finding, const struct ct_inversion *inversion)
{
    for (guint i = 0; i < inversion->steps->len; i++) {
        const struct ct_lock_order *step = step_of(inversion, i);
        struct ct_thread *thread =
            g_hash_table_lookup(inversion->process->threads, GINT_TO_POINTER(step->tid));

        if (thread && !g_ptr_array_find(finding->threads, thread, NULL))
            g_ptr_array_add(finding->threads, thread);
        ct_window_stretch(&finding->when, step->time_ns, step->time_ns + 1);
    }
}

void ct_findings_lock_order(const struct ct_findings_case *a_case, const char *name,
                            GPtrArray *findings)
{
    const GPtrArray *inversions = a_case->input->inversions;

    for (guint i = 0; inversions && i < MIN(inversions->len, TOLD_MAX); i++) {
        const struct ct_inversion *inversion = inversions->pdata[i];
        const struct ct_gathering none = {.place = place_of(a_case, inversion, 0)};
        struct ct_finding *finding = ct_finding_add(
            findings, name, &none, describe(a_case, inversion), "report hangs", NULL);

        finding->is_risk = TRUE;
        add_steps(finding, inversion);
    }
}
