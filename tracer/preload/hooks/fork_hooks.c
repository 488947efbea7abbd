/* What most children of fork run: apart, so that it lies together. */
#include "preload/core/hook.h"
#include "preload/core/self.h"
#include "preload/heap/inherit.h"
#include "preload/life/process.h"

#include <unistd.h>

CT_REAL(pid_t, fork, (void))
CT_REAL(void, _exit, (int status))

pid_t fork(void)
{
    CT_NEED_REAL(fork);
    CT_NEED_REAL(_exit);
    ct_find_ahead_close();
    ct_find_ahead_dup2();
    ct_find_ahead_execve();
    struct ct_board_forked *claimed = ct_process_fork_begin();
    enum ct_mode mode = ct_self.mode;
    if (mode == CT_MODE_TRACED)
        ct_self.mode = CT_MODE_BUSY; /* handlers of fork run our code */
    pid_t child = real_fork();
    if (child == 0) {
        ct_process_forked(claimed);
        return child;
    }
    ct_self.mode = mode;
    if (ct_heap_is_wanted())
        ct_heap_fork_end();
    if (child < 0)
        ct_process_fork_failed(claimed);
    if (child > 0 && ct_self_enter() != NULL)
        ct_process_announce_fork(child);
    return child;
}

__attribute__((noreturn)) void _exit(int status)
{
    CT_NEED_REAL(_exit);
    ct_process_exit(status);
    real__exit(status);
    __builtin_unreachable();
}
