#include "symbols/object_name.h"

/* By the variable as it begins: nothing else in it is of that kind, in 3.8 to 3.13. */
static const struct {
    enum ct_object kind;
    const char *variable;
    const char *name;
} known[] = {
    {CT_OBJECT_COND, "_PyRuntime+", CT_PYTHON_GIL},
    {CT_OBJECT_LOCK, "_PyRuntime+", "inside " CT_PYTHON_GIL},
};

const char *ct_object_find_name(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                                enum ct_object kind, uint64_t address, uint64_t time_ns)
{
    const char *variable = ct_object_is_address(kind)
                               ? ct_symbolizer_resolve_data(symbolizer, process, address, time_ns)
                               : NULL;

    for (size_t i = 0; variable && i < G_N_ELEMENTS(known); i++) {
        if (kind == known[i].kind && g_str_has_prefix(variable, known[i].variable))
            return known[i].name;
    }
    return variable;
}
