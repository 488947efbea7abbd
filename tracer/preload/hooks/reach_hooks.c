/*
 * Calls after which a board may be out of reach, by another user, root, limit or namespace: a child
 * of fork that has none yet gets one before. So may the doorbell.
 */
#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/hook.h"
#include "preload/core/self.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

static void keep_in_reach(void)
{
    ct_self_settle();
    if (ct_board != NULL)
        ct_emit_reach_doorbell();
}

#define CT_SETTLED(type, name, params, args) \
    CT_REAL(type, name, params)              \
    type name params                         \
    {                                        \
        CT_NEED_REAL(name);                  \
        keep_in_reach();                     \
        return real_##name args;             \
    }

CT_SETTLED(int, setuid, (uid_t user), (user))
CT_SETTLED(int, seteuid, (uid_t effective), (effective))
CT_SETTLED(int, setreuid, (uid_t real, uid_t effective), (real, effective))
CT_SETTLED(int, setresuid, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))
CT_SETTLED(int, setfsuid, (uid_t user), (user))
CT_SETTLED(int, chroot, (const char *path), (path))
CT_SETTLED(int, mount,
           (const char *source, const char *target, const char *type, unsigned long flags,
            const void *data),
           (source, target, type, flags, data))
CT_SETTLED(int, umount, (const char *target), (target))
CT_SETTLED(int, umount2, (const char *target, int flags), (target, flags))
CT_SETTLED(int, setrlimit, (__rlimit_resource_t resource, const struct rlimit *limit),
           (resource, limit))
CT_SETTLED(int, setrlimit64, (__rlimit_resource_t resource, const struct rlimit64 *limit),
           (resource, limit))
CT_SETTLED(int, prlimit,
           (pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit,
            struct rlimit *before),
           (pid, resource, limit, before))
CT_SETTLED(int, prlimit64,
           (pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limit,
            struct rlimit64 *before),
           (pid, resource, limit, before))

/* libc has it for libcap; no header has both. */
int capset(void *header, const void *data);
CT_SETTLED(int, capset, (void *header, const void *data), (header, data))

CT_REAL(int, unshare, (int flags))

int unshare(int flags)
{
    CT_NEED_REAL(unshare);
    keep_in_reach();
    ct_clock_expect_namespace();
    return real_unshare(flags);
}
