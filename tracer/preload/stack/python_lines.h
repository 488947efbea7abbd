/* The tables by which CPython knows the line of an instruction, of each version. */
#ifndef CTRACE_PRELOAD_STACK_PYTHON_LINES_H
#define CTRACE_PRELOAD_STACK_PYTHON_LINES_H

#include <stdint.h>

enum ct_python_lines {
    CT_PYTHON_LNOTAB,    /* up to 3.9: co_lnotab */
    CT_PYTHON_LINETABLE, /* 3.10 */
    CT_PYTHON_LOCATIONS, /* from 3.11 on */
};

struct ct_python_bytes {
    int (*next)(void *user); /* the table's next byte; negative: there is none */
    void *user;
};

/*
 * The line of the instruction that begins so many bytes behind the first one of a code, which
 * begins with `first_line`. 0: it has none, or the table is damaged. An offset below 0 is that of a
 * code that has not begun.
 */
uint32_t ct_python_line(enum ct_python_lines kind, const struct ct_python_bytes *table,
                        uint32_t first_line, int64_t offset);

#endif
