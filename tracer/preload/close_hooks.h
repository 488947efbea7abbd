/* Descriptors inside the program that are not the program's. */
#ifndef CTRACE_PRELOAD_CLOSE_HOOKS_H
#define CTRACE_PRELOAD_CLOSE_HOOKS_H

/* Takes `fd` out of the program's way and reach; gives its new number. Not in a hook: it locks. */
int ct_close_guard(int fd);

#endif
