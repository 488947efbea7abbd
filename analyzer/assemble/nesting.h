/*
 * Waits inside waits. A signal handler that waits interrupts the wait that its thread is in, and
 * both are recorded: the inner one first, since events come in the order in which waits end. Here
 * every nanosecond of a thread goes to one wait, the innermost.
 */
#ifndef CTRACE_ASSEMBLE_NESTING_H
#define CTRACE_ASSEMBLE_NESTING_H

#include <glib.h>
#include <stdint.h>

/* [begin_ns, end_ns). */
struct ct_span {
    uint64_t begin_ns;
    uint64_t end_ns;
};

/* Time taken already: one wait, or several far back and the time between them. */
struct ct_taken {
    struct ct_span span;
    uint64_t waited_ns; /* of the span */
};

/* What one thread waited for of late. All zero is a valid beginning. */
struct ct_nesting {
    struct ct_taken *taken; /* owned; in order, without overlap */
    uint32_t count;
    uint32_t capacity;
};

/* Where more waits lie in one, the places of the first are kept roughly; their time is exact. */
#define CT_NESTING_TAKEN_MAX    64
#define CT_NESTING_SECTIONS_MAX (2 * CT_NESTING_TAKEN_MAX + 1)

/*
 * Gives the wait, which ended last, what nothing inside it has taken: the number of sections, in
 * order, at least one; it may be empty. `wait` is corrected by what clocks may differ.
 */
unsigned ct_nesting_take(struct ct_nesting *nesting, struct ct_span *wait,
                         struct ct_span sections[CT_NESTING_SECTIONS_MAX]);

/* Forgets everything. */
void ct_nesting_clear(struct ct_nesting *nesting);

#endif
