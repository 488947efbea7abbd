/*
 * Functions of the C library that run in every process, by ourselves: the rest of the preload is
 * linked to these. Each of the C library's is a symbol for the loader to look up, and most lie on a
 * page that nobody else has touched, which is a fault. They leave errno alone.
 */
#include "raw.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Compilers know loops like these, and would have the function call itself. */
#if defined(__clang__)
#pragma clang optimize off
#else
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

/* ---- Bytes ---- */

/* Beginning to copy by the instruction for it takes longer than a few bytes. */
#define FEW 24

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    size_t i = 0;

#if defined(__x86_64__)
    if (size > FEW) {
        void *at = to;
        __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
    }
#endif
    for (; i < size; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    size_t i = 0;

#if defined(__x86_64__)
    if (size > FEW) {
        void *at = to;
        __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
    }
#endif
    for (; i < size; i++)
        ((char *)to)[i] = (char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *one = a, *other = b;
    size_t i = 0;

    while (i < size && one[i] == other[i])
        i++;
    return i < size ? one[i] - other[i] : 0;
}

/* Is one of the word's bytes 0? */
static bool has_zero(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return ((word - ones) & ~word & ones << 7) != 0;
}

/* The buffers of stdio are looked through with it. */
void *memchr(const void *bytes, int byte, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t all = UINT64_C(0x0101010101010101) * (unsigned char)byte;

    for (; size > 0; at++, size--) {
        uint64_t word;
        while (size >= sizeof(word) && (uintptr_t)at % sizeof(word) == 0) {
            __builtin_memcpy(&word, at, sizeof(word));
            if (has_zero(word ^ all))
                break;
            at += sizeof(word);
            size -= sizeof(word);
        }
        if (size == 0 || *at == (unsigned char)byte)
            break;
    }
    return size > 0 ? (void *)at : NULL;
}

/* ---- Strings. ---- */

size_t strnlen(const char *text, size_t size)
{
    size_t length = 0;

    while (length < size && text[length] != '\0')
        length++;
    return length;
}

size_t strlen(const char *text)
{
    return strnlen(text, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t size)
{
    size_t i = 0;

    while (i < size && a[i] == b[i] && a[i] != '\0')
        i++;
    return i < size ? (unsigned char)a[i] - (unsigned char)b[i] : 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *strchr(const char *text, int byte)
{
    while (*text != (char)byte && *text != '\0')
        text++;
    return *text == (char)byte ? (char *)text : NULL;
}

char *strrchr(const char *text, int byte)
{
    const char *last = NULL;

    for (; *text != '\0'; text++)
        if (*text == (char)byte)
            last = text;
    return byte == '\0' ? (char *)text : (char *)last;
}

char *strstr(const char *text, const char *wanted)
{
    size_t length = strlen(wanted);

    while (*text != '\0' && strncmp(text, wanted, length) != 0)
        text++;
    return strncmp(text, wanted, length) == 0 ? (char *)text : NULL;
}

char *getenv(const char *name)
{
    size_t length = strlen(name);

    for (char **at = environ; at != NULL && *at != NULL; at++)
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}

/* ---- System calls: what they say of failing is only that. ---- */

static int fails(long result)
{
    return result < 0 ? -1 : 0;
}

static void *place_of(long result)
{
    return result < 0 && result > -4096 ? MAP_FAILED : (void *)result;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return place_of(ct_syscall(SYS_mmap, address, size, protection, flags, fd, offset));
}

void *mremap(void *address, size_t size, size_t new_size, int flags, ...)
{
    return place_of(ct_syscall(SYS_mremap, address, size, new_size, flags));
}

int munmap(void *address, size_t size)
{
    return fails(ct_syscall(SYS_munmap, address, size));
}

int mprotect(void *address, size_t size, int protection)
{
    return fails(ct_syscall(SYS_mprotect, address, size, protection));
}

int madvise(void *address, size_t size, int advice)
{
    return fails(ct_syscall(SYS_madvise, address, size, advice));
}

int munlock(const void *address, size_t size)
{
    return fails(ct_syscall(SYS_munlock, address, size));
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
    return fails(ct_syscall(SYS_prlimit64, 0, resource, NULL, limit));
}

int sigaltstack(const stack_t *restrict stack, stack_t *restrict before)
{
    return fails(ct_syscall(SYS_sigaltstack, stack, before));
}

int fstat(int fd, struct stat *status)
{
    return fails(ct_syscall(SYS_fstat, fd, status));
}

int fstatfs(int fd, struct statfs *system)
{
    return fails(ct_syscall(SYS_fstatfs, fd, system));
}

ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)
{
    long result = ct_syscall(SYS_fgetxattr, fd, name, value, size);

    return result < 0 ? -1 : result;
}

uid_t getuid(void)
{
    return (uid_t)ct_syscall(SYS_getuid);
}

uid_t geteuid(void)
{
    return (uid_t)ct_syscall(SYS_geteuid);
}

gid_t getgid(void)
{
    return (gid_t)ct_syscall(SYS_getgid);
}

gid_t getegid(void)
{
    return (gid_t)ct_syscall(SYS_getegid);
}
