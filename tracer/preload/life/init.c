/* When the library is loaded, and when the process ends by itself. */
#include "exec_environment.h"
#include "preload/core/hook.h"
#include "preload/core/symbol.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>

/* What exit was called with; returning from main does not say. */
static int exit_status = -1;

CT_REAL(void, exit, (int status))

__attribute__((noreturn)) void exit(int status)
{
    CT_NEED_REAL(exit);
    exit_status = status;
    real_exit(status);
    __builtin_unreachable();
}

/* The C library gives constructors what it gives to main. */
static __attribute__((constructor)) void ct_init(int count, char **arguments)
{
    (void)count;
    int saved_errno = errno;

    ct_symbol_init();
    ct_exec_init();
    ct_process_init(arguments);
    errno = saved_errno;
}

static __attribute__((destructor)) void ct_end(void)
{
    int saved_errno = errno;

    ct_process_exit(exit_status);
    errno = saved_errno;
}
