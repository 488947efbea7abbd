#include "syscall_names.h"

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

struct ct_syscall_names {
    struct ct_named_syscall known[CT_SYSCALL_ABI_COUNT][NUMBERS]; /* what was asked for once */
    char *owned[CT_SYSCALL_ABI_COUNT][NUMBERS];                   /* what of their names is ours */
};

static enum ct_syscall find(const char *name)
{
    for (int i = CT_SYSCALL_OTHER + 1; i < CT_SYSCALL_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return (enum ct_syscall)i;
    }
    return CT_SYSCALL_OTHER;
}

/* The base name of what a 32-bit program calls by a name of its own, else the name. */
static const char *base_name(char *name)
{
    if (g_str_has_suffix(name, TIME64_SUFFIX))
        name[strlen(name) - strlen(TIME64_SUFFIX)] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(names_32_bit); i++) {
        if (strcmp(names_32_bit[i].name, name) == 0)
            return names_32_bit[i].base;
    }
    return name;
}

/* `owned` is what it must not outlive, or NULL. */
static const char *resolve(enum ct_syscall_abi abi, int number, char **owned)
{
    uint32_t native = seccomp_arch_native();
    uint32_t narrow = native == SCMP_ARCH_AARCH64 ? SCMP_ARCH_ARM : SCMP_ARCH_X86;
    gboolean is_32_bit = abi == CT_SYSCALL_ABI_32_BIT;

    *owned = seccomp_syscall_resolve_num_arch(is_32_bit ? narrow : native, number);
    if (*owned == NULL)
        return rows[CT_SYSCALL_OTHER].name;
    return is_32_bit ? base_name(*owned) : *owned;
}

struct ct_named_syscall ct_syscall_names_find(struct ct_syscall_names *names,
                                              enum ct_syscall_abi abi, int64_t number)
{
    struct ct_named_syscall *known;

    if (number < 0 || number >= NUMBERS)
        return (struct ct_named_syscall){CT_SYSCALL_OTHER, rows[CT_SYSCALL_OTHER].name};
    known = &names->known[abi][number];
    if (known->name == NULL) {
        known->name = resolve(abi, (int)number, &names->owned[abi][number]);
        known->call = find(known->name);
    }
    return *known;
}

struct ct_syscall_names *ct_syscall_names_new(void)
{
    return g_new0(struct ct_syscall_names, 1);
}

void ct_syscall_names_free(struct ct_syscall_names *names)
{
    for (int abi = 0; abi < CT_SYSCALL_ABI_COUNT; abi++) {
        for (int number = 0; number < NUMBERS; number++)
            free(names->owned[abi][number]); /* libseccomp's */
    }
    g_free(names);
}

const char *ct_syscall_arguments(enum ct_syscall call)
{
    return rows[call].arguments;
}
