#include "raw.h"

#include "hook.h"

ct_syscall_function ct_real_syscall;

static const struct ct_hook hook_syscall __attribute__((section("ct_hooks"), used, aligned(8))) = {
    "syscall", NULL, (void **)&ct_real_syscall};

ct_syscall_function ct_raw_syscall(void)
{
    ct_hook_resolve(&hook_syscall);
    return ct_real_syscall;
}
