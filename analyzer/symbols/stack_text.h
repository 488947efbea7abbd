/* A stack as the frames that a reader wants: symbolized, without ctrace's own. */
#ifndef CTRACE_STACK_TEXT_H
#define CTRACE_STACK_TEXT_H

#include "symbols/symbols.h"

/* One function of a stack, or what stands for those left out. */
struct ct_stack_frame {
    const struct ct_symbol_frame
        *function;                  /* borrowed from the symbolizer; NULL: frames were left out */
    const struct ct_stack *cut;     /* then: of this stack; borrowed from the model */
    const struct ct_module *module; /* borrowed from the model; NULL: in none */
    uint64_t address;               /* to which it returns */
};

/* struct ct_stack_frame, leaf first; inlined functions share their address. Empty: the stack is
 * lost. */
GArray *ct_stack_list(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                      uint32_t stack_id);

/* The same for a reader of text: where an interpreter's functions are among them, without the
 * interpreter's own, by which these call each other and wait. */
GArray *ct_stack_list_shown(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                            uint32_t stack_id);

/* All of them as "worker (convoy.c:42)", with names short enough for a line; strings owned by the
 * array. */
GPtrArray *ct_stack_frames(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                           uint32_t stack_id);
GPtrArray *ct_stack_frames_shown(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                                 uint32_t stack_id);

/* The frame that a programmer would call the place: the innermost one that is not of the C or C++
 * library, the vdso, Python's interpreter or an installed module of it; else the innermost one.
 * NULL: the stack is lost. Borrowed from the symbolizer. */
const struct ct_symbol_frame *ct_stack_place(struct ct_symbolizer *symbolizer,
                                             const struct ct_process *process, uint32_t stack_id);

/* "worker (convoy.c:42)", with a name short enough for a line. Free with g_free(). */
char *ct_stack_place_text(const struct ct_symbol_frame *frame);

/* Why the thread that waits there has nothing to do; NULL: it may have. */
const char *ct_stack_idleness(struct ct_symbolizer *symbolizer, const struct ct_process *process,
                              uint32_t stack_id);

#endif
