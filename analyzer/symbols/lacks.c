#include "symbols/lacks.h"

enum ct_symbols_lack ct_symbols_lack_of(const struct ct_symbolizer_module *module)
{
    gboolean has_nameless = module->address_count > module->named_count;

    if (module->is_own || module->is_vdso)
        return CT_SYMBOLS_LACK_NOTHING;
    if (!*module->path)
        return has_nameless ? CT_SYMBOLS_LACK_JIT_NAMES : CT_SYMBOLS_LACK_NOTHING;
    if (has_nameless)
        return module->problem ? CT_SYMBOLS_LACK_FILE : CT_SYMBOLS_LACK_SYMBOLS;
    return module->with_line_count == 0 && !module->is_without_lines ? CT_SYMBOLS_LACK_LINES
                                                                     : CT_SYMBOLS_LACK_NOTHING;
}

static char *describe_nameless(const struct ct_symbolizer_module *module, const char *what)
{
    return g_strdup_printf("%s: %u of %u addresses have no name", what,
                           module->address_count - module->named_count, module->address_count);
}

char *ct_symbols_lack_describe(const struct ct_symbolizer_module *module)
{
    g_autofree char *what = NULL;

    switch (ct_symbols_lack_of(module)) {
    case CT_SYMBOLS_LACK_FILE:
        what = g_strdup_printf("%s %s", module->path, module->problem);
        return describe_nameless(module, what);
    case CT_SYMBOLS_LACK_SYMBOLS:
        what = g_strdup_printf("%s lacks symbols", module->path);
        return describe_nameless(module, what);
    case CT_SYMBOLS_LACK_LINES:
        return g_strdup_printf("%s lacks debug information: no source lines", module->path);
    case CT_SYMBOLS_LACK_JIT_NAMES:
        return describe_nameless(module, "code in no file");
    default:
        return g_strdup("");
    }
}

#define DEBUG_ADVICE                                                                               \
    "Debug packages have what is missing (on Debian, NAME-dbgsym of the package that "             \
    "`dpkg -S FILE` tells; for your own programs, build with -g and do not strip): install them, " \
    "then run this again."

const char *ct_symbols_lack_advice(enum ct_symbols_lack lack)
{
    static const char *const advice[CT_SYMBOLS_LACK_COUNT] = {
        [CT_SYMBOLS_LACK_NOTHING] = "",
        [CT_SYMBOLS_LACK_FILE] =
            "Run this where the program was recorded, or bring the files that were recorded to "
            "their paths here; build ids tell if they are the same.",
        [CT_SYMBOLS_LACK_SYMBOLS] = DEBUG_ADVICE,
        [CT_SYMBOLS_LACK_LINES] = DEBUG_ADVICE,
        [CT_SYMBOLS_LACK_JIT_NAMES] =
            "Programs that make code while they run can name it in /tmp/perf-PID.map "
            "(node --perf-basic-prof, java -XX:+DumpPerfMapAtExit).",
    };

    return advice[lack];
}
