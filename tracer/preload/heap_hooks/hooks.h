/* The hooks of malloc and its kin, for those of C++'s operators. */
#ifndef CTRACE_PRELOAD_HEAP_HOOKS_HOOKS_H
#define CTRACE_PRELOAD_HEAP_HOOKS_HOOKS_H

/* The program's malloc; NULL: it is not ours that it calls. */
const void *ct_hooks_allocator(void);

#endif
