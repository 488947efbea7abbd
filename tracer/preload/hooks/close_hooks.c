/*
 * Closing descriptors. Without dirent.h: where a header says that a folder is never NULL, the
 * compiler leaves out what we do in case it is.
 */
#include "preload/wait/fd.h"
#include "wrap.h"

#include <limits.h>
#include <unistd.h>

CT_REAL(int, close, (int fd))

int close(int fd)
{
    CT_NEED_REAL(close);
    ct_turn_closing(fd);
    ct_fd_forget(fd); /* before: the number may be another thread's at once */
    return real_close(fd);
}

CT_FIND_AHEAD(close)

int dirfd(void *directory);

CT_REAL(int, closedir, (void *directory))

int closedir(void *directory)
{
    CT_NEED_REAL(closedir);
    ct_fd_forget(directory != NULL ? dirfd(directory) : -1); /* before, as for close */
    return real_closedir(directory);
}

CT_REAL(int, close_range, (unsigned first, unsigned last, int flags))

int close_range(unsigned first, unsigned last, int flags)
{
    CT_NEED_REAL(close_range);
    if (first <= last && !(flags & ~CLOSE_RANGE_UNSHARE)) /* what the kernel takes, and closes by */
        ct_turn_closing_range(first, last);
    int result = real_close_range(first, last, flags);
    if (result == 0 && !(flags & CLOSE_RANGE_CLOEXEC)) /* those stay open */
        ct_fd_forget_range(first, last);
    return result;
}

CT_REAL(void, closefrom, (int first))

void closefrom(int first)
{
    CT_NEED_REAL(closefrom);
    ct_turn_closing_range(first < 0 ? 0 : (unsigned)first, UINT_MAX);
    ct_fd_forget_range(first < 0 ? 0 : (unsigned)first, UINT_MAX);
    real_closefrom(first);
}
