#include "raw.h"

#include "symbol.h"

#include <stddef.h>

ct_syscall_function ct_real_syscall;

ct_syscall_function ct_raw_syscall(void)
{
    *(void **)&ct_real_syscall = ct_symbol_next("syscall", NULL);
    return ct_real_syscall;
}
