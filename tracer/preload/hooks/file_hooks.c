/* Files: making what was written durable, moving data, changing sizes and names, locks. */
#include "preload/wait/fd.h"
#include "wrap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define CT_WRAP_FILE(type, name, params, args, op, fd) \
    CT_WRAP(type, name, params, args, op, CT_CLASS_SYSCALL, fd)

#define CT_WRAP_PATH(name, params, args, op) \
    CT_WRAP(int, name, params, args, op, CT_CLASS_SYSCALL, 0)

/* ---- To the disk. ---- */

CT_WRAP_FILE(int, fsync, (int fd), (fd), CT_OP_FSYNC, fd)
CT_WRAP_FILE(int, fdatasync, (int fd), (fd), CT_OP_FDATASYNC, fd)
CT_WRAP_FILE(int, syncfs, (int fd), (fd), CT_OP_SYNCFS, fd)
CT_WRAP_FILE(int, sync_file_range, (int fd, off64_t offset, off64_t size, unsigned flags),
             (fd, offset, size, flags), CT_OP_SYNC_FILE_RANGE, fd)
CT_WRAP_FILE(int, msync, (void *address, size_t size, int flags), (address, size, flags),
             CT_OP_MSYNC, 0)

CT_REAL(void, sync, (void))

void sync(void)
{
    struct ct_wait wait;

    CT_NEED_REAL(sync);
    bool is_recorded = ct_wait_begin(&wait, CT_OP_SYNC, __builtin_return_address(0));
    if (is_recorded)
        ct_wait_subject(&wait, CT_CLASS_SYSCALL, 0);
    real_sync();
    if (is_recorded)
        ct_wait_end(&wait, 0);
}

/* ---- From one descriptor to another. ---- */

/* A socket on either side makes it a wait for the network. */
static enum ct_class transfer_class(int out, int in)
{
    enum ct_class class = ct_fd_class(out);

    return class == CT_CLASS_NET ? class : ct_fd_class(in);
}

/* The descriptor that the data goes to, unless only the other one can make it wait. */
static int transfer_object(int out, int in)
{
    return ct_fd_kind(out) == CT_FD_KIND_FILE ? in : out;
}

#define CT_WRAP_TRANSFER(name, params, args, op)                                               \
    CT_REAL(ssize_t, name, params)                                                             \
    static inline __attribute__((always_inline))                                               \
    CT_TIMED(ssize_t, timed_##name, name, params, args, op, true, transfer_class(out, in),     \
             transfer_object(out, in), CT_ERRNO_OUTCOME, real_##name args) ssize_t name params \
    {                                                                                          \
        struct ct_turn_step step;                                                              \
        ct_turn_begin_write(out, &step);                                                       \
        ssize_t result = timed_##name args;                                                    \
        ct_turn_end_write(out, &step, result);                                                 \
        ct_turn_read(in, result);                                                              \
        return result;                                                                         \
    }

CT_WRAP_TRANSFER(sendfile, (int out, int in, off_t *offset, size_t size), (out, in, offset, size),
                 CT_OP_SENDFILE)
CT_WRAP_TRANSFER(sendfile64, (int out, int in, off64_t *offset, size_t size),
                 (out, in, offset, size), CT_OP_SENDFILE)
CT_WRAP_TRANSFER(splice,
                 (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size,
                  unsigned flags),
                 (in, in_offset, out, out_offset, size, flags), CT_OP_SPLICE)
CT_WRAP_TRANSFER(tee, (int in, int out, size_t size, unsigned flags), (in, out, size, flags),
                 CT_OP_SPLICE)
CT_WRAP(ssize_t, vmsplice, (int fd, const struct iovec *parts, size_t count, unsigned flags),
        (fd, parts, count, flags), CT_OP_SPLICE, ct_fd_class(fd), fd)
CT_WRAP_FILE(ssize_t, copy_file_range,
             (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size,
              unsigned flags),
             (in, in_offset, out, out_offset, size, flags), CT_OP_COPY_FILE_RANGE, out)

/* ---- Sizes and names. ---- */

CT_WRAP_FILE(int, fallocate, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size),
             CT_OP_FALLOCATE, fd)
CT_WRAP_FILE(int, fallocate64, (int fd, int mode, off64_t offset, off64_t size),
             (fd, mode, offset, size), CT_OP_FALLOCATE, fd)
CT_WRAP_PTHREAD(posix_fallocate, (int fd, off_t offset, off_t size), (fd, offset, size),
                CT_OP_FALLOCATE, CT_CLASS_SYSCALL, fd)
CT_WRAP_PTHREAD(posix_fallocate64, (int fd, off64_t offset, off64_t size), (fd, offset, size),
                CT_OP_FALLOCATE, CT_CLASS_SYSCALL, fd)
CT_WRAP_FILE(int, ftruncate, (int fd, off_t size), (fd, size), CT_OP_FTRUNCATE, fd)
CT_WRAP_FILE(int, ftruncate64, (int fd, off64_t size), (fd, size), CT_OP_FTRUNCATE, fd)
CT_WRAP_PATH(unlink, (const char *path), (path), CT_OP_UNLINK)
CT_WRAP_PATH(unlinkat, (int directory, const char *path, int flags), (directory, path, flags),
             CT_OP_UNLINK)
CT_WRAP_PATH(rename, (const char *from, const char *to), (from, to), CT_OP_RENAME)
CT_WRAP_PATH(renameat, (int from_directory, const char *from, int to_directory, const char *to),
             (from_directory, from, to_directory, to), CT_OP_RENAME)
CT_WRAP_PATH(renameat2,
             (int from_directory, const char *from, int to_directory, const char *to,
              unsigned flags),
             (from_directory, from, to_directory, to, flags), CT_OP_RENAME)

/* ---- Locks. ---- */

CT_WRAP_IF(int, flock, (int fd, int operation), (fd, operation), CT_OP_FLOCK,
           !(operation & (LOCK_NB | LOCK_UN)), CT_CLASS_SYNC, fd)
CT_WRAP_IF(int, lockf, (int fd, int command, off_t size), (fd, command, size), CT_OP_FCNTL_LOCK,
           command == F_LOCK, CT_CLASS_SYNC, fd)
CT_WRAP_IF(int, lockf64, (int fd, int command, off64_t size), (fd, command, size), CT_OP_FCNTL_LOCK,
           command == F_LOCK, CT_CLASS_SYNC, fd)
