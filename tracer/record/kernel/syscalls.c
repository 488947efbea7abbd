#include "syscalls.h"

#include <glib.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

/* More than any architecture has; but for a few private ones, numbers begin at 0. */
#define NUMBERS 1024

static const struct {
    const char *name;
    const char *arguments;
} rows[CT_SYSCALL_COUNT] = {[CT_SYSCALL_OTHER] = {"unknown", ""},
#define WAITING_ROW(name, op, subject, arguments) [CT_SYSCALL_##name] = {#name, arguments},
#define TELLING_ROW(name, arguments)              [CT_SYSCALL_##name] = {#name, arguments},
                            CT_WAITING_SYSCALLS(WAITING_ROW) CT_RECENT_WAITING_SYSCALLS(WAITING_ROW)
                                CT_OLD_WAITING_SYSCALLS(WAITING_ROW)
                                    CT_TELLING_SYSCALLS(TELLING_ROW)
                                        CT_OLD_TELLING_SYSCALLS(TELLING_ROW)
#undef WAITING_ROW
#undef TELLING_ROW
};

/* What was asked for once. */
static struct {
    char *name; /* for good */
    enum ct_syscall call;
} known[NUMBERS];

static enum ct_syscall find(const char *name)
{
    for (int i = CT_SYSCALL_OTHER + 1; i < CT_SYSCALL_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return (enum ct_syscall)i;
    }
    return CT_SYSCALL_OTHER;
}

/* FALSE for a number that cannot be one. */
static gboolean learn(int64_t number)
{
    if (number < 0 || number >= NUMBERS)
        return FALSE;
    if (known[number].name == NULL) {
        known[number].name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), (int)number);
        if (known[number].name == NULL)
            known[number].name = strdup(rows[CT_SYSCALL_OTHER].name);
        known[number].call = find(known[number].name);
    }
    return TRUE;
}

const char *ct_syscall_name(int64_t number)
{
    return learn(number) ? known[number].name : rows[CT_SYSCALL_OTHER].name;
}

enum ct_syscall ct_syscall_of(int64_t number)
{
    return learn(number) ? known[number].call : CT_SYSCALL_OTHER;
}

const char *ct_syscall_arguments(enum ct_syscall call)
{
    return rows[call].arguments;
}
