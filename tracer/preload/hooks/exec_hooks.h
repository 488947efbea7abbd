/* What exec needs to know from the start. */
#ifndef CTRACE_PRELOAD_HOOKS_EXEC_HOOKS_H
#define CTRACE_PRELOAD_HOOKS_EXEC_HOOKS_H

/* Remembers, from the environment, how this image came to be traced. */
void ct_exec_init(void);

#endif
