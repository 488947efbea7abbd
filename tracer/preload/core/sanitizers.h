/* Programs built with sanitizers, whose runtimes have ideas of their own about other libraries. */
#ifndef CTRACE_PRELOAD_CORE_SANITIZERS_H
#define CTRACE_PRELOAD_CORE_SANITIZERS_H

#include <stdbool.h>

/*
 * True if ThreadSanitizer is in the program. It leaves a thread in the last round of the thread's
 * destructors, and then the lock functions, which are its own, crash.
 */
bool ct_has_thread_sanitizer(void);

#endif
