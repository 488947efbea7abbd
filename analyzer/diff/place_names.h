/* What code and locks are called such that two builds of a program call them the same. Free strings
 * with g_free(). */
#ifndef CTRACE_DIFF_PLACE_NAMES_H
#define CTRACE_DIFF_PLACE_NAMES_H

#include "model/sink.h"
#include "symbols/symbols.h"

/* "serve_page < worker < start_thread": all functions, the innermost first; and the one that a
 * programmer would call the place. Without what a compiler adds to the name of a part of a
 * function; code without symbols goes by its file alone, as in "[libfoo.so]". */
struct ct_place_names {
    char *stack; /* owned; "" if it is lost, as the next */
    char *function;
};

struct ct_place_names ct_place_names_of(struct ct_symbolizer *symbolizer,
                                        const struct ct_process *process, uint32_t stack_id);
void ct_place_names_clear(struct ct_place_names *names);

/* Between a nameless lock and its place. */
#define CT_PLACE_NAMES_USED " used in "

/* "mutex queue_lock"; of one that is no variable, "mutex used in serve_page". NULL: it was no wait
 * for something that lies in memory. */
char *ct_place_name_lock(struct ct_symbolizer *symbolizer, const struct ct_interval *interval,
                         const char *function);

/* As a reader of text wants it, of a name that was made of these: functions without what their
 * templates are of, and of many callers the first. */
char *ct_place_name_shown(const char *name);

#endif
