#include "sandbox.h"

#include "system_calls.h"
#include "user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* What changes files, by the first version of Landlock that knows it. */
#define WRITES_OF_VERSION_1                                                                        \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Headers may be older than kernels. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static gboolean fail(GError **error, const char *what)
{
    int number = errno;

    g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(number),
                "cannot give up privilege before files of others are read (%s): %s", what,
                g_strerror(number));
    return FALSE;
}

/* ---- Capabilities and the user ---- */

/* Of the capabilities at most the one to read everything. */
static gboolean keep_reading_only(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    const uint32_t kept = 1U << CAP_DAC_READ_SEARCH;

    if (syscall(SYS_capget, &header, data) != 0)
        return FALSE;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= i == 0 ? kept : 0;
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) == 0;
}

/* A user namespace may not know it, or not let go of groups. The folder is given away only where
 * the user follows. */
static gboolean can_become_nobody(const char *writable)
{
    const gid_t no_groups[1] = {CT_SANDBOX_USER};

    if (geteuid() != 0 || setgroups(0, no_groups) != 0)
        return FALSE;
    if (writable != NULL && lchown(writable, CT_SANDBOX_USER, CT_SANDBOX_USER) != 0)
        return FALSE;
    if (setresgid(CT_SANDBOX_USER, CT_SANDBOX_USER, CT_SANDBOX_USER) == 0)
        return TRUE;
    if (writable != NULL)
        (void)!lchown(writable, geteuid(), getegid());
    return FALSE;
}

/* Sets *is_nobody if root has become that. */
static gboolean drop_privilege(const char *writable, gboolean *is_nobody, GError **error)
{
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    *is_nobody = can_become_nobody(writable);
    if (*is_nobody) {
        /* Else access() would not count what is kept. Where that may not be set, the next is. */
        prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
        if (setresuid(CT_SANDBOX_USER, CT_SANDBOX_USER, CT_SANDBOX_USER) != 0)
            return fail(error, "setresuid");
    }
    /* Where the user cannot be changed, what is left of root has no capability to write. */
    return keep_reading_only() || fail(error, "capset");
}

/* ---- Files ---- */

static uint64_t writes_of(long version)
{
    uint64_t writes = WRITES_OF_VERSION_1;

    writes |= version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    writes |= version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
    return writes;
}

/* Beside what the filter of system calls says: that cannot see paths. FALSE: the kernel has not
 * got that. */
static gboolean restrict_writes(const char *writable)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 1)
        return FALSE;
    const struct landlock_ruleset_attr rules = {
        .handled_access_fs = writes_of(version) | LANDLOCK_ACCESS_FS_EXECUTE,
    };
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);

    if (ruleset < 0)
        return FALSE;
    if (writable != NULL) {
        const struct landlock_path_beneath_attr below = {
            .allowed_access = writes_of(version),
            .parent_fd = open(writable, O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW),
        };

        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
        close(below.parent_fd);
    }
    gboolean is_restricted = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return is_restricted;
}

static void set_limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit limit = {value, value};
    struct rlimit now;

    if (getrlimit(resource, &now) == 0 && now.rlim_max < value)
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
    setrlimit(resource, &limit);
}

static void set_limits(const struct ct_sandbox *sandbox)
{
    set_limit(RLIMIT_CORE, 0);
    if (!sandbox->has_threads)
        set_limit(RLIMIT_NPROC, 0);
    /* Not RLIMIT_AS: debug information of any size may be mapped. */
    if (sandbox->memory_bytes > 0 && !CT_HAS_SANITIZER)
        set_limit(RLIMIT_DATA, sandbox->memory_bytes);
}

gboolean ct_sandbox_enter(const struct ct_sandbox *sandbox, GError **error)
{
    int parent_death = 0;
    gboolean is_nobody;

    prctl(PR_GET_PDEATHSIG, &parent_death, 0, 0, 0);
    if (!drop_privilege(sandbox->writable, &is_nobody, error))
        return FALSE;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(error, "no_new_privs");
    /* The kernel forgets it when the user changes. */
    prctl(PR_SET_PDEATHSIG, parent_death, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, CT_HAS_SANITIZER, 0, 0, 0);
    set_limits(sandbox);
    gboolean is_kept = restrict_writes(sandbox->writable) || is_nobody || sandbox->must_write;
    ct_system_calls_restrict(sandbox->writable != NULL && is_kept, sandbox->has_threads);
    return TRUE;
}

static gboolean is_of_nobody(int folder, const char *name)
{
    struct stat status;

    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_uid == CT_SANDBOX_USER;
}

void ct_sandbox_take_back(const char *writable)
{
    int folder = open(writable, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    DIR *entries = folder >= 0 && geteuid() == 0 ? fdopendir(folder) : NULL;
    const struct dirent *entry;
    struct stat status;

    if (entries == NULL) {
        if (folder >= 0)
            close(folder);
        return;
    }
    /* First the folder: from then on nobody else puts anything there. */
    if (fstat(folder, &status) == 0 && status.st_uid == CT_SANDBOX_USER)
        (void)!fchown(folder, geteuid(), getegid());
    while ((entry = readdir(entries)) != NULL) {
        if (is_of_nobody(folder, entry->d_name))
            (void)!fchownat(folder, entry->d_name, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW);
    }
    closedir(entries);
}

void ct_sandbox_allow_cpu(unsigned seconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};

    if (seconds > 0)
        signal(SIGPROF, SIG_DFL);
    setitimer(ITIMER_PROF, &timer, NULL);
}
