/*
 * Large areas of memory that the program maps itself, as blocks of the heap: in a library of their
 * own, since nobody else's calls are to go through us. What the allocator maps is not counted.
 */
#include "hooks.h"
#include "sampler.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <sys/types.h>

#define HOOK __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

#define LEAST_BYTES 65536

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* F(type of result, name, parameters, arguments) */
#define MAP_FUNCTIONS(F)                                                                   \
    F(void *, mmap, (void *address, size_t size, int access, int flags, int fd, off_t at), \
      (address, size, access, flags, fd, at))                                              \
    F(int, munmap, (void *address, size_t size), (address, size))                          \
    F(void *, mremap, (void *address, size_t size, size_t new_size, int flags, void *to),  \
      (address, size, new_size, flags, to))

static void find_all(void);

#define DECLARE(type, name, params, args)            \
    static type first_##name params;                 \
    static type(*next_##name) params = first_##name; \
    static type first_##name params                  \
    {                                                \
        find_all();                                  \
        return next_##name args;                     \
    }
MAP_FUNCTIONS(DECLARE)

static void find_all(void)
{
#define FIND(type, name, params, args) \
    *(void **)&next_##name = ct_heap_find_next(#name, (const void *)name);
    MAP_FUNCTIONS(FIND)
}

/* Memory that is only reserved is none yet. */
static bool is_memory(size_t size, int access, int flags)
{
    return (flags & MAP_ANONYMOUS) != 0 && (access & PROT_WRITE) != 0 && size >= LEAST_BYTES;
}

static void count(void *area, size_t size, const void *site)
{
    const void *allocator = ct_hooks_allocator();

    if (area != MAP_FAILED && allocator != NULL && ct_heap_is_of_program(site, allocator) &&
        !ct_passes_over(size))
        ct_sample(area, size, site);
}

static inline __attribute__((always_inline)) void *
map(void *address, size_t size, int access, int flags, int fd, off_t at, const void *site)
{
    struct ct_heap_block replaced;
    bool was_sampled = (flags & MAP_FIXED) != 0 && ct_may_be_sampled(address) &&
                       ct_sample_take_out(address, &replaced);
    void *area = next_mmap(address, size, access, flags, fd, at);

    if (was_sampled)
        ct_sample_end(&replaced, area != MAP_FAILED);
    if (is_memory(size, access, flags))
        count(area, size, site);
    return area;
}

HOOK void *mmap(void *address, size_t size, int access, int flags, int fd, off_t at)
{
    return map(address, size, access, flags, fd, at, SITE);
}

HOOK void *mmap64(void *address, size_t size, int access, int flags, int fd, off64_t at)
{
    return map(address, size, access, flags, fd, at, SITE);
}

/* Who unmaps the begin of an area is taken to unmap all of it. */
HOOK int munmap(void *address, size_t size)
{
    struct ct_heap_block sample;
    bool was_sampled = ct_may_be_sampled(address) && ct_sample_take_out(address, &sample);
    int error = next_munmap(address, size);

    if (was_sampled)
        ct_sample_end(&sample, error == 0);
    return error;
}

/* Of an area that was no sample it is not known whether it is memory. */
HOOK void *mremap(void *address, size_t size, size_t new_size, int flags, ...)
{
    struct ct_heap_block sample;
    bool was_sampled = ct_may_be_sampled(address) && ct_sample_take_out(address, &sample);
    void *to = NULL;
    va_list more;

    va_start(more, flags);
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) /* to the second it is a hint */
        to = va_arg(more, void *);
    va_end(more);
    void *area = next_mremap(address, size, new_size, flags, to);
    if (was_sampled) {
        ct_sample_end(&sample, area != MAP_FAILED);
        count(area, new_size, SITE);
    }
    return area;
}
