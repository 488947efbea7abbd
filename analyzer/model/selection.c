#include "model/selection.h"

#include <string.h>

static gboolean is_everyone(const char *const *wanted)
{
    return !wanted || !*wanted;
}

static gboolean is_selected(const char *const *wanted, int32_t id, const char *name)
{
    char id_text[16];

    if (is_everyone(wanted))
        return TRUE;
    g_snprintf(id_text, sizeof(id_text), "%" G_GINT32_FORMAT, id);
    for (; *wanted; wanted++)
        if (strcmp(*wanted, id_text) == 0 || g_pattern_match_simple(*wanted, name))
            return TRUE;
    return FALSE;
}

gboolean ct_selection_is_all(const struct ct_selection *selection)
{
    return is_everyone(selection->processes) && is_everyone(selection->threads);
}

gboolean ct_selection_has_process(const struct ct_selection *selection,
                                  const struct ct_process *process)
{
    return is_selected(selection->processes, process->pid, process->name);
}

gboolean ct_selection_has_thread(const struct ct_selection *selection,
                                 const struct ct_thread *thread)
{
    return ct_selection_has_process(selection, thread->process) &&
           is_selected(selection->threads, thread->tid, thread->name);
}
