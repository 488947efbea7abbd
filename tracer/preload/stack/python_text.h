/* Strings of CPython, as UTF-8. */
#ifndef CTRACE_PRELOAD_STACK_PYTHON_TEXT_H
#define CTRACE_PRELOAD_STACK_PYTHON_TEXT_H

#include "python.h"

/* In every string: the hash, if it is known. */
#define CT_PYTHON_HASH_OFFSET 24

/*
 * Writes the string at `address`, with its end, and returns how many bytes that are, `room` at
 * most. Of one that is longer, only what it begins, or ends, with. 0: there is no string.
 */
size_t ct_python_text_begin(const struct ct_python *python, uint64_t address, char *text,
                            size_t room);
size_t ct_python_text_end(const struct ct_python *python, uint64_t address, char *text,
                          size_t room);

#endif
