/* Closing descriptors. */
#include "fd.h"
#include "hook.h"

#include <unistd.h>

CT_REAL(int, close, (int fd))

int close(int fd)
{
    CT_NEED_REAL(close);
    ct_fd_forget(fd); /* before: the number may be another thread's at once */
    return real_close(fd);
}

CT_REAL(int, close_range, (unsigned first, unsigned last, int flags))

int close_range(unsigned first, unsigned last, int flags)
{
    CT_NEED_REAL(close_range);
    if (first <= last)
        ct_fd_forget_range(first, last);
    return real_close_range(first, last, flags);
}

CT_REAL(void, closefrom, (int first))

void closefrom(int first)
{
    CT_NEED_REAL(closefrom);
    ct_fd_forget_range(first < 0 ? 0 : (unsigned)first, UINT_MAX);
    real_closefrom(first);
}
