/* C++'s operators new and delete, of allocators that have their own. */
#ifndef CTRACE_PRELOAD_HEAP_HOOKS_OPERATORS_H
#define CTRACE_PRELOAD_HEAP_HOOKS_OPERATORS_H

/* Finds what they pass on to, where `allocator` is the program's malloc; NULL: it is not hooked. */
void ct_operators_find(const void *allocator);

#endif
