/* What somebody may have meant who mistyped a word. */
#ifndef CTRACE_OPTIONS_NEAREST_H
#define CTRACE_OPTIONS_NEAREST_H

#include <stddef.h>

/*
 * The word that takes the fewest slips of the keyboard to become `typed`: a letter left out, put
 * in, replaced, or in turn with its neighbour. NULL if none is near.
 */
const char *ct_nearest(const char *typed, const char *const *words, size_t count);

#endif
