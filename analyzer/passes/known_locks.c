#include "passes/known_locks.h"

#include "symbols/object_name.h"
#include "symbols/stack_text.h"

#include <string.h>

#define PYTHON_LOCK CT_PYTHON_GIL " (global interpreter lock)"

/* By the base name of the program as it begins, and a function that waits: the first one counts. */
static const struct {
    const char *program;
    const char *function;
    const char *name;
} known[] = {
    {"postgres", "XactLockTableWait", "a row lock of PostgreSQL (XactLockTableWait)"},
    {"postgres", "LockTuple", "a row lock of PostgreSQL (LockTuple)"},
    {"postgres", "LockRelationOid", "a table lock of PostgreSQL (LockRelationOid)"},
    {"postgres", "ProcSleep", "a lock of PostgreSQL (ProcSleep)"},
    {"postgres", "LWLockAcquire", "a lightweight lock of PostgreSQL (LWLockAcquire)"},
    {"python", "take_gil", PYTHON_LOCK},
};

static gboolean has_function(const GArray *frames, const char *function)
{
    for (guint i = 0; i < frames->len; i++) {
        const struct ct_symbol_frame *frame =
            g_array_index(frames, struct ct_stack_frame, i).function;

        if (frame && strcmp(frame->function, function) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Where functions have no names. */
static gboolean is_python_lock(struct ct_symbolizer *symbolizer, const struct ct_wait_traits *wait)
{
    const struct ct_process *process = wait->thread->process;

    return wait->is_for_lock &&
           g_strcmp0(ct_object_find_name(symbolizer, process, ct_op_object(wait->op), wait->object,
                                         ct_process_stack_time(process, wait->stack_id)),
                     CT_PYTHON_GIL) == 0;
}

const char *ct_known_lock(struct ct_symbolizer *symbolizer, const struct ct_wait_traits *wait)
{
    const struct ct_process *process = wait->thread->process;
    g_autofree char *program = g_path_get_basename(process->exe ? process->exe : "");
    g_autoptr(GArray) frames = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!g_str_has_prefix(program, known[i].program))
            continue;
        if (!frames)
            frames = ct_stack_list(symbolizer, process, wait->stack_id);
        if (has_function(frames, known[i].function))
            return known[i].name;
    }
    return is_python_lock(symbolizer, wait) ? PYTHON_LOCK : NULL;
}
