#include "system_calls.h"

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

/* Whatever their arguments. Those that an architecture lacks are left out there. */
static const char *const reading[] = {
    "access",
    "brk",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "eventfd2",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fcntl",
    "fcntl64",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "ftruncate",
    "ftruncate64",
    "futex",
    "futex_time64",
    "getcwd",
    "getdents",
    "getdents64",
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getpid",
    "getppid",
    "getrandom",
    "getrusage",
    "gettid",
    "gettimeofday",
    "getuid",
    "getuid32",
    "_llseek",
    "lseek",
    "lstat",
    "lstat64",
    "madvise",
    "membarrier",
    "memfd_create",
    "mmap",
    "mmap2",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "pipe2",
    "poll",
    "ppoll",
    "pread64",
    "preadv",
    "pwrite64",
    "pwritev",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "setitimer",
    "sigaltstack",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statx",
    "sysinfo",
    "time",
    "times",
    "uname",
    "write",
    "writev",
    NULL,
};

/* Where they do anything, who owns the file decides, and Landlock. */
static const char *const writing[] = {
    "creat",   "fallocate", "fsync",    "fdatasync", "mkdir",     "mkdirat",
    "open",    "openat",    "rename",   "renameat",  "renameat2", "rmdir",
    "symlink", "symlinkat", "unlinkat", "unlink",    NULL,
};

/* What looking for leaks takes, once the process is about to end. */
static const char *const sanitizing[] = {
    "clone", "kill", "prctl", "ptrace", "sched_setscheduler", "tkill", "wait4", NULL,
};

static void allow_all(scmp_filter_ctx filter, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);

        if (number != __NR_SCMP_ERROR)
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
}

static void allow(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp argument)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number != __NR_SCMP_ERROR)
        seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &argument);
}

/* Neither for writing, nor made or cut. */
static void allow_open_to_read(scmp_filter_ctx filter)
{
    const scmp_datum_t writes = O_ACCMODE | O_CREAT | O_TRUNC;

    allow(filter, "open", SCMP_A1_64(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
    allow(filter, "openat", SCMP_A2_64(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
}

static void allow_threads(scmp_filter_ctx filter)
{
    allow(filter, "clone", SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(set_tid_address), 0);
}

gboolean ct_system_calls_restrict(gboolean may_write, gboolean has_threads)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

    if (filter == NULL)
        return FALSE;
    /* What it asks for lies in memory, which a filter does not see: as if it did not exist, so that
     * clone() is called instead. */
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    allow_all(filter, reading);
    if (may_write)
        allow_all(filter, writing);
    else
        allow_open_to_read(filter);
    if (has_threads)
        allow_threads(filter);
    /* Of a terminal nothing but what it is: another request would type for the user. */
    allow(filter, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, TCGETS));
    allow(filter, "ioctl", SCMP_A1_32(SCMP_CMP_EQ, TIOCGWINSZ));
    allow(filter, "prctl", SCMP_A0_32(SCMP_CMP_EQ, PR_SET_NAME));
    allow(filter, "prctl", SCMP_A0_32(SCMP_CMP_EQ, PR_SET_VMA)); /* malloc names what it has */
    if (CT_HAS_SANITIZER)
        allow_all(filter, sanitizing);
    /* abort(); of others' lives nothing. */
    allow(filter, "tgkill", SCMP_A0_32(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    /* Its own limits can be asked for, not changed. */
    allow(filter, "prlimit64", SCMP_A2_64(SCMP_CMP_EQ, 0));
    gboolean is_loaded = seccomp_load(filter) == 0;

    seccomp_release(filter);
    return is_loaded;
}
