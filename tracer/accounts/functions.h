/* What a thread waits for by the kernel's function that it waits in: less exact than its system
 * call, and told to more people. */
#ifndef CTRACE_ACCOUNTS_FUNCTIONS_H
#define CTRACE_ACCOUNTS_FUNCTIONS_H

#include "schema/operations.h"

/* NONE: the function tells nothing. */
enum ct_op ct_function_op(const char *function, enum ct_class *class);

#endif
