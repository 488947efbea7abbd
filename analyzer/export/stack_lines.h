/* The functions of a sample's stack, a line each, with their addresses: for people to read. */
#ifndef CTRACE_STACK_LINES_H
#define CTRACE_STACK_LINES_H

#include "summary/profile.h"
#include "symbols/symbols.h"

struct ct_stack_lines {
    GString *lines;     /* owned */
    GString *addresses; /* owned; " 0x1 0x2", the leaf first: what each returns to */
};

/* How a line is: of a function, the place in its file ("" if unknown), and the address that it
 * returns to, 0 of what has none. */
typedef void ct_stack_line(GString *lines, uint64_t address, const char *function,
                           const char *place);

/* The leaf first, without ctrace's own. Clear with ct_stack_lines_clear(). */
struct ct_stack_lines ct_stack_lines_make(struct ct_symbolizer *symbolizer,
                                          enum ct_profile_kind kind,
                                          const struct ct_profile_sample *sample,
                                          ct_stack_line *line);
void ct_stack_lines_clear(struct ct_stack_lines *lines);

#endif
