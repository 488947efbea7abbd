/* What the sanitizers' runtimes ask a program for, answered where the program itself does not. */
#include "sanitizers.h"

#include "hook.h"

#include <stddef.h>

bool ct_has_thread_sanitizer(void)
{
    return ct_symbol_anywhere("__tsan_init") != NULL;
}

CT_EXPORT const char *__asan_default_options(void);
CT_EXPORT const char *__lsan_default_options(void);
CT_EXPORT const char *__lsan_default_suppressions(void);

/* Else it ends a program in which another library than its own is loaded first. */
const char *__asan_default_options(void)
{
    return "verify_asan_link_order=0";
}

/* What our libraries keep to the end is not the program's leak, nor is there a word about it. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libctrace-preload\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
