#include "passes/known_locks.h"

#include "symbols/stack_text.h"

#include <string.h>

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
    {"python", "take_gil", "the global lock of Python (take_gil)"},
};

/* Where functions have no names, by the variable: of that, nothing else is waited for so. */
#define PYTHON_VARIABLE "_PyRuntime+"
#define PYTHON_LOCK     "the global lock of Python (in _PyRuntime)"

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

static gboolean is_python_lock(struct ct_symbolizer *symbolizer, const struct ct_wait_traits *wait)
{
    if (ct_op_object(wait->op) != CT_OBJECT_COND || !wait->is_for_lock)
        return FALSE;
    const struct ct_process *process = wait->thread->process;
    const char *variable = ct_symbolizer_resolve_data(
        symbolizer, process, wait->object, ct_process_stack_time(process, wait->stack_id));

    return variable && g_str_has_prefix(variable, PYTHON_VARIABLE);
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
