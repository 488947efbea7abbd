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

/*
 * How 32-bit programs call what others call by the base name, with the same arguments; but for
 * their select, whose arguments lie in memory.
 */
#define TIME64_SUFFIX "_time64"
static const struct {
    const char *name;
    const char *base;
} names_32_bit[] = {
    {"_newselect", "select"},   {"fcntl64", "fcntl"}, {"ftruncate64", "ftruncate"},
    {"sendfile64", "sendfile"}, {"waitpid", "wait4"}, {"select", "old_select"},
};

/* What was asked for once. */
static struct {
    const char *name; /* for good */
    enum ct_syscall call;
} known[CT_SYSCALL_ABI_COUNT][NUMBERS];

static enum ct_syscall find(const char *name)
{
    for (int i = CT_SYSCALL_OTHER + 1; i < CT_SYSCALL_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return (enum ct_syscall)i;
    }
    return CT_SYSCALL_OTHER;
}

static const char *base_name(char *name)
{
    if (g_str_has_suffix(name, TIME64_SUFFIX))
        name[strlen(name) - strlen(TIME64_SUFFIX)] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(names_32_bit); i++) {
        if (strcmp(names_32_bit[i].name, name) == 0) {
            free(name);
            return names_32_bit[i].base;
        }
    }
    return name;
}

static const char *resolve(enum ct_syscall_abi abi, int number)
{
    uint32_t native = seccomp_arch_native();
    uint32_t narrow = native == SCMP_ARCH_AARCH64 ? SCMP_ARCH_ARM : SCMP_ARCH_X86;
    gboolean is_32_bit = abi == CT_SYSCALL_ABI_32_BIT;
    char *name = seccomp_syscall_resolve_num_arch(is_32_bit ? narrow : native, number);

    if (name == NULL)
        return rows[CT_SYSCALL_OTHER].name;
    return is_32_bit ? base_name(name) : name;
}

/* FALSE for a number that cannot be one. */
static gboolean learn(enum ct_syscall_abi abi, int64_t number)
{
    if (number < 0 || number >= NUMBERS)
        return FALSE;
    if (known[abi][number].name == NULL) {
        known[abi][number].name = resolve(abi, (int)number);
        known[abi][number].call = find(known[abi][number].name);
    }
    return TRUE;
}

const char *ct_syscall_name(enum ct_syscall_abi abi, int64_t number)
{
    return learn(abi, number) ? known[abi][number].name : rows[CT_SYSCALL_OTHER].name;
}

enum ct_syscall ct_syscall_of(enum ct_syscall_abi abi, int64_t number)
{
    return learn(abi, number) ? known[abi][number].call : CT_SYSCALL_OTHER;
}

const char *ct_syscall_arguments(enum ct_syscall call)
{
    return rows[call].arguments;
}
