#include "memory.h"

#include "board.h"
#include "raw.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>

/* The smallest of any machine. */
#define PAGE_SIZE 4096

#define WORD_SIZE sizeof(uint64_t)

static uintptr_t page_of(uintptr_t address)
{
    return address / PAGE_SIZE;
}

/*
 * Asks the kernel, by a call that every program may make, that reads one word and changes nothing:
 * there is no such `how`. Copying what is there with process_vm_readv takes three times as long,
 * and is a reason to be killed under many a seccomp filter.
 */
static bool is_page_readable(uintptr_t address)
{
    uintptr_t word = address - address % WORD_SIZE;

    /* Our own frame is there. A call with NULL reads nothing. */
    if (page_of(address) == page_of((uintptr_t)__builtin_frame_address(0)))
        return true;
    return word != 0 && ct_syscall(SYS_rt_sigprocmask, ~0, word, NULL, WORD_SIZE) != -EFAULT;
}

size_t ct_memory_readable(const void *address, size_t size)
{
    uintptr_t begin = (uintptr_t)address;
    uintptr_t at = begin;

    if (size > UINTPTR_MAX - begin)
        size = UINTPTR_MAX - begin;
    while (at - begin < size && is_page_readable(at))
        at = (page_of(at) + 1) * PAGE_SIZE;
    return at - begin < size ? at - begin : size;
}

/* One that the program puts on itself ends its recording. */
bool ct_calls_are_filtered(void)
{
    static _Atomic enum { UNKNOWN, FREE, FILTERED } state;

    if (state == UNKNOWN)
        state = ct_syscall(SYS_prctl, PR_GET_SECCOMP) > 0 ? FILTERED : FREE;
    return state == FILTERED;
}

/* Whose memory this is. The board says it, where the kernel sees to it that no copy of this memory
 * takes the board for its own: asking takes as long as copying a frame does. */
static long find_pid(void)
{
    bool is_known = ct_board != NULL && ct_is_ours == &ct_wiped.is_ours && *ct_is_ours != 0;

    return is_known ? ct_board->pid : ct_syscall(SYS_getpid);
}

/* TRUE if all of the `size` bytes were copied. */
static bool read_all(const struct iovec *to, const struct iovec *from, size_t count, long size)
{
    return ct_syscall(SYS_process_vm_readv, find_pid(), to, count, from, count, 0) == size;
}

bool ct_memory_copy(uint64_t address, void *copy, size_t size)
{
    const struct iovec from = {.iov_base = (void *)address, .iov_len = size};
    const struct iovec to = {.iov_base = copy, .iov_len = size};

    return !ct_calls_are_filtered() && read_all(&to, &from, 1, (long)size);
}

/* By no call that a filter may kill for. */
static bool take_each(const struct ct_memory_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *from = (const void *)pieces[i].address;

        if (!ct_memory_is_readable(from, pieces[i].size))
            return false;
        memcpy(pieces[i].copy, from, pieces[i].size);
    }
    return true;
}

bool ct_memory_gather(const struct ct_memory_piece *pieces, size_t count)
{
    struct iovec from[CT_MEMORY_PIECES], to[CT_MEMORY_PIECES];
    long size = 0;

    if (count > CT_MEMORY_PIECES || ct_calls_are_filtered())
        return count <= CT_MEMORY_PIECES && take_each(pieces, count);
    for (size_t i = 0; i < count; i++) {
        from[i] = (struct iovec){(void *)pieces[i].address, pieces[i].size};
        to[i] = (struct iovec){pieces[i].copy, pieces[i].size};
        size += (long)pieces[i].size;
    }
    return read_all(to, from, count, size);
}

bool ct_memory_take(uint64_t address, void *copy, size_t size)
{
    const struct ct_memory_piece piece = {address, copy, size};

    return ct_memory_gather(&piece, 1);
}

bool ct_memory_is_string(const char *text, size_t size, uintptr_t *known_page)
{
    size_t seen = 0;

    while (seen < size) {
        uintptr_t page = page_of((uintptr_t)text + seen);
        size_t left = (page + 1) * PAGE_SIZE - ((uintptr_t)text + seen);

        if (left > size - seen)
            left = size - seen;
        if ((page == 0 || page != *known_page) && !ct_memory_is_readable(text + seen, left))
            return false;
        *known_page = page;
        if (memchr(text + seen, '\0', left) != NULL)
            return true;
        seen += left;
    }
    return false;
}
