/* What names lack, of a module in which addresses were looked up, and what would bring them. */
#ifndef CTRACE_SYMBOLS_LACKS_H
#define CTRACE_SYMBOLS_LACKS_H

#include "symbols/symbols.h"

enum ct_symbols_lack {
    CT_SYMBOLS_LACK_NOTHING,
    CT_SYMBOLS_LACK_FILE,      /* it cannot be used */
    CT_SYMBOLS_LACK_SYMBOLS,   /* some addresses have no name */
    CT_SYMBOLS_LACK_LINES,     /* all have one, and none a source line */
    CT_SYMBOLS_LACK_JIT_NAMES, /* of code that is in no file */
    CT_SYMBOLS_LACK_COUNT
};

enum ct_symbols_lack ct_symbols_lack_of(const struct ct_symbolizer_module *module);

/* A line for people, without a full stop; "" if it lacks nothing. Free with g_free(). */
char *ct_symbols_lack_describe(const struct ct_symbolizer_module *module);

/* A sentence that says what to do; "" if nothing lacks. */
const char *ct_symbols_lack_advice(enum ct_symbols_lack lack);

#endif
