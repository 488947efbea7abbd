/*
 * The allocator's functions: each passes on to the next library's, whichever that is, and the
 * pieces that are sampled are told of to libctrace-preload. The pointers to those lead to what
 * finds them until they are called for the first time: no call looks whether they are there.
 */
#include "hooks.h"

#include "sampler.h"

#include <errno.h>
#include <stdlib.h>

#define HOOK __attribute__((visibility("default")))

/* F(type of result, name, parameters, arguments) */
#define ALLOCATOR_FUNCTIONS(F)                                                              \
    F(void *, malloc, (size_t size), (size))                                                \
    F(void, free, (void *block), (block))                                                   \
    F(void *, calloc, (size_t count, size_t size), (count, size))                           \
    F(void *, realloc, (void *block, size_t size), (block, size))                           \
    F(void *, reallocarray, (void *block, size_t count, size_t size), (block, count, size)) \
    F(int, posix_memalign, (void **block, size_t alignment, size_t size),                   \
      (block, alignment, size))                                                             \
    F(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))            \
    F(void *, memalign, (size_t alignment, size_t size), (alignment, size))                 \
    F(void *, valloc, (size_t size), (size))                                                \
    F(void *, pvalloc, (size_t size), (size))

static void find_all(void);

#define DECLARE(type, name, params, args)            \
    HOOK type name params;                           \
    static type first_##name params;                 \
    static type(*next_##name) params = first_##name; \
    static type first_##name params                  \
    {                                                \
        find_all();                                  \
        return next_##name args;                     \
    }
ALLOCATOR_FUNCTIONS(DECLARE)
#undef DECLARE

extern const char ct_code_begin[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
extern const char ct_code_end[] __asm__("_end") __attribute__((visibility("hidden")));

/* By the program: else it has another in its own file. */
static bool is_called;

static void find_all(void)
{
#define FIND(type, name, params, args)                                 \
    void *found_##name = ct_heap_find_next(#name, (const void *)name); \
    if (found_##name != NULL)                                          \
        *(void **)&next_##name = found_##name;
    ALLOCATOR_FUNCTIONS(FIND)
#undef FIND
    const struct ct_heap_hooks hooks = {.allocator = *(void **)&next_malloc,
                                        .hook = (const void *)malloc,
                                        .code_begin = ct_code_begin,
                                        .code_end = ct_code_end};
    is_called = ct_heap_begin_hooks(&hooks);
}

const void *ct_hooks_allocator(void)
{
    if (next_malloc == first_malloc)
        find_all();
    return is_called ? *(void **)&next_malloc : NULL;
}

/* A program that has its own allocator calls none of ours, and is to be told so. */
static __attribute__((constructor)) void begin(void)
{
    if (next_malloc == first_malloc)
        find_all();
}

#define SITE __builtin_return_address(0)

void *malloc(size_t size)
{
    if (CT_LIKELY(ct_passes_over(size)))
        return next_malloc(size);
    void *block = next_malloc(size);
    ct_sample(block, size, SITE);
    return block;
}

void free(void *block)
{
    if (ct_may_be_sampled(block))
        ct_sample_free(block);
    next_free(block);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    if (CT_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        return next_calloc(count, size);
    if (CT_LIKELY(ct_passes_over(bytes)))
        return next_calloc(count, size);
    void *block = next_calloc(count, size);
    ct_sample(block, bytes, SITE);
    return block;
}

/* What is resized is freed, and allocated with its new size, be it at the same place or not. Of no
 * bytes it is freed, or, by some allocators, is a block of none. */
static inline __attribute__((always_inline)) void *resize(void *block, size_t size,
                                                          const void *site)
{
    struct ct_heap_block sample;
    bool was_sampled =
        block != NULL && ct_may_be_sampled(block) && ct_sample_take_out(block, &sample);
    void *resized = next_realloc(block, size);

    if (CT_UNLIKELY(was_sampled))
        ct_sample_end(&sample, resized != NULL || size == 0);
    if (resized != NULL && CT_UNLIKELY(!ct_passes_over(size)))
        ct_sample(resized, size, site);
    return resized;
}

void *realloc(void *block, size_t size)
{
    return resize(block, size, SITE);
}

/* Not by the next one of the name: glibc's calls our realloc. */
void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;

    if (CT_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)))
        return next_reallocarray(block, count, size);
    return resize(block, bytes, SITE);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int error = next_posix_memalign(block, alignment, size);

    if (error == 0 && CT_UNLIKELY(!ct_passes_over(size)))
        ct_sample(*block, size, SITE);
    return error;
}

#define ALIGNED(name, params, args)                              \
    void *name params                                            \
    {                                                            \
        void *block = next_##name args;                          \
        if (block != NULL && CT_UNLIKELY(!ct_passes_over(size))) \
            ct_sample(block, size, SITE);                        \
        return block;                                            \
    }
ALIGNED(aligned_alloc, (size_t alignment, size_t size), (alignment, size))
ALIGNED(memalign, (size_t alignment, size_t size), (alignment, size))
ALIGNED(valloc, (size_t size), (size))
ALIGNED(pvalloc, (size_t size), (size))
