#include "shared_memory.h"

#include "schema/board.h"
#include "sigbus.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct ct_shared_memory {
    char *data; /* owned mapping */
    size_t size;
    struct ct_sigbus_watch watch; /* of the mapping */
};

static void set_mapping(struct ct_shared_memory *memory, void *data, size_t size)
{
    memory->data = data;
    memory->size = size;
    memory->watch.begin = (uintptr_t)data;
    memory->watch.end = (uintptr_t)data + size;
}

struct ct_shared_memory *ct_shared_memory_map(int fd, size_t size)
{
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

    if (data == MAP_FAILED)
        return NULL;
    struct ct_shared_memory *memory = g_new0(struct ct_shared_memory, 1);
    set_mapping(memory, data, size);
    return memory;
}

void ct_shared_memory_unmap(struct ct_shared_memory *memory)
{
    if (memory == NULL)
        return;
    munmap(memory->data, memory->size);
    g_free(memory);
}

static int compare_places(const void *a, const void *b)
{
    const char *one = (*(struct ct_shared_memory *const *)a)->data;
    const char *other = (*(struct ct_shared_memory *const *)b)->data;

    return (one > other) - (one < other);
}

void ct_shared_memory_unmap_all(GPtrArray *memories)
{
    g_ptr_array_sort(memories, compare_places);
    for (guint i = 0; i < memories->len;) {
        const struct ct_shared_memory *first = memories->pdata[i];
        char *end = first->data;

        for (; i < memories->len; i++) {
            const struct ct_shared_memory *next = memories->pdata[i];
            if (next->data != end)
                break;
            end += next->size;
        }
        munmap(first->data, (size_t)(end - first->data));
    }
    for (guint i = 0; i < memories->len; i++)
        g_free(memories->pdata[i]);
}

gboolean ct_shared_memory_grow(struct ct_shared_memory *memory, size_t size)
{
    void *data = mremap(memory->data, memory->size, size, MREMAP_MAYMOVE);

    if (data == MAP_FAILED)
        return FALSE;
    set_mapping(memory, data, size);
    return TRUE;
}

size_t ct_shared_memory_size(const struct ct_shared_memory *memory)
{
    return memory->size;
}

gboolean ct_shared_memory_is_broken(const struct ct_shared_memory *memory)
{
    return memory->watch.is_hit != 0;
}

gboolean ct_shared_memory_mend(struct ct_shared_memory *memory, int fd)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || status.st_size < (off_t)memory->size ||
        mmap(memory->data, memory->size, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED)
        return FALSE;
    memory->watch.is_hit = 0;
    return TRUE;
}

/* ---- Touching it. ---- */

/* FALSE: it is beyond the mapping. */
static gboolean begin(struct ct_shared_memory *memory, size_t at, size_t size)
{
    if (at % sizeof(uint64_t) != 0 || at > memory->size || size > memory->size - at)
        return FALSE;
    ct_sigbus_watched = &memory->watch;
    atomic_signal_fence(memory_order_seq_cst);
    return TRUE;
}

static void end(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    ct_sigbus_watched = NULL;
}

void ct_shared_memory_copy(struct ct_shared_memory *memory, size_t at, void *copy, size_t size)
{
    const size_t count = size / sizeof(uint64_t);

    if (!begin(memory, at, size)) {
        memset(copy, 0, size);
        return;
    }
    const uint64_t *words = (const void *)(memory->data + at);
    for (size_t i = 0; i < count; i++) {
        uint64_t word = __atomic_load_n(&words[i], __ATOMIC_ACQUIRE);
        memcpy((char *)copy + i * sizeof(word), &word, sizeof(word));
    }
    end();
}

void ct_shared_memory_store(struct ct_shared_memory *memory, size_t at, uint64_t word)
{
    if (!begin(memory, at, sizeof(word)))
        return;
    __atomic_store_n((uint64_t *)(void *)(memory->data + at), word, __ATOMIC_RELEASE);
    end();
}

gboolean ct_shared_memory_exchange(struct ct_shared_memory *memory, size_t at, uint64_t before,
                                   uint64_t after)
{
    if (!begin(memory, at, sizeof(before)))
        return FALSE;
    gboolean is_done =
        __atomic_compare_exchange_n((uint64_t *)(void *)(memory->data + at), &before, after, FALSE,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    end();
    return is_done;
}

/* ---- The doorbell. ---- */

static struct ct_doorbell *doorbell_of(const struct ct_shared_memory *memory)
{
    return (struct ct_doorbell *)(void *)memory->data;
}

uint32_t ct_shared_memory_rung(struct ct_shared_memory *memory)
{
    begin(memory, 0, sizeof(struct ct_doorbell));
    uint32_t rung = atomic_load(&doorbell_of(memory)->rung);
    end();
    return rung;
}

void ct_shared_memory_ring(struct ct_shared_memory *memory)
{
    struct ct_doorbell *doorbell = doorbell_of(memory);

    begin(memory, 0, sizeof(*doorbell));
    atomic_fetch_add(&doorbell->rung, 1);
    end();
    syscall(SYS_futex, &doorbell->rung, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint64_t ct_shared_memory_deserted(struct ct_shared_memory *memory)
{
    begin(memory, 0, sizeof(struct ct_doorbell));
    uint64_t deserted = atomic_load(&doorbell_of(memory)->deserted);
    end();
    return deserted;
}

static void set_awaited(struct ct_shared_memory *memory, uint32_t is_awaited)
{
    begin(memory, 0, sizeof(struct ct_doorbell));
    atomic_store(&doorbell_of(memory)->is_awaited, is_awaited);
    end();
}

gboolean ct_shared_memory_await_ring(struct ct_shared_memory *memory, uint32_t rung,
                                     long duration_ns)
{
    struct timespec duration = {.tv_nsec = duration_ns};

    set_awaited(memory, 1);
    long result =
        syscall(SYS_futex, &doorbell_of(memory)->rung, FUTEX_WAIT, rung, &duration, NULL, 0);
    int cause = result == 0 ? 0 : errno;
    set_awaited(memory, 0);
    if (cause == 0 || cause == EAGAIN || cause == EINTR)
        return TRUE;
    if (cause != ETIMEDOUT) /* it is not there any more */
        nanosleep(&duration, NULL);
    return FALSE;
}
