#include "unwind.h"

#include "memory.h"
#include "modules.h"
#include "sanitizers.h"
#include "work_stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

/* libunwind's functions, by the names that its header gives them for this machine. */
#define NAME(function)          #function
#define EXPANDED_NAME(function) NAME(function)
#define FIND(library, function) dlsym(library, EXPANDED_NAME(function))

/* As the compiler passes it to the loader. */
struct tls_place {
    unsigned long module, offset;
};

void *__tls_get_addr(struct tls_place *place);

static struct {
    int (*backtrace)(void **addresses, int size);
    int (*get_context)(unw_context_t *context);
    int (*init)(unw_cursor_t *cursor, unw_context_t *context);
    int (*get_register)(unw_cursor_t *cursor, unw_regnum_t number, unw_word_t *value);
    int (*get_save_place)(unw_cursor_t *cursor, int number, unw_save_loc_t *place);
    int (*is_signal_frame)(unw_cursor_t *cursor);
    int (*step)(unw_cursor_t *cursor);
    void (*flush)(unw_addr_space_t space, unw_word_t begin, unw_word_t end);
    unw_addr_space_t *space;
    struct ct_object_range code;
    struct tls_place tls; /* of its thread data; module 0: none */
    bool has_cache;
} libunwind;

#if defined(__x86_64__)
#define FRAME_POINTER UNW_X86_64_RBP
#elif defined(__aarch64__)
#define FRAME_POINTER UNW_AARCH64_X29
#endif

/* ---- What libunwind reads. ---- */

#define PAGE_SIZE  4096
#define PAGES_KEPT 4

/* Pages found to be readable since the walk began. */
static CT_TLS struct {
    uint64_t pages[PAGES_KEPT];
    unsigned count;
} readable;

static bool is_readable(uint64_t address)
{
    uint64_t page = address / PAGE_SIZE;

    if (ct_self_stack_has(&ct_self, address) || ct_work_stack_has(&ct_self, address))
        return true;
    for (unsigned i = 0; i < PAGES_KEPT; i++)
        if (readable.pages[i] == page)
            return true;
    if (page == 0 || !ct_memory_is_readable((const void *)address, sizeof(uint64_t)))
        return false;
    readable.pages[readable.count++ % PAGES_KEPT] = page;
    return true;
}

static void begin_walk(void)
{
    for (unsigned i = 0; i < PAGES_KEPT; i++)
        readable.pages[i] = UINT64_MAX; /* no page's number */
}

/*
 * Stacks that nobody ended properly make it read beyond them. Its own check takes a page that it
 * once found for readable from then on; the next coroutine's may be the last one before a hole.
 */
static int access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value,
                         int is_write, void *cursor)
{
    (void)space;
    (void)cursor;
    if (is_write)
        *(unw_word_t *)address = *value;
    else if (address % sizeof(*value) == 0 && is_readable(address))
        *value = *(const unw_word_t *)address;
    else
        return -UNW_EINVAL;
    return 0;
}

static void check_what_it_reads(void *library)
{
    unw_addr_space_t *local = FIND(library, unw_local_addr_space);
    unw_accessors_t *(*accessors_of)(unw_addr_space_t) = NULL;

    *(void **)&accessors_of = FIND(library, unw_get_accessors);
    if (local != NULL && accessors_of != NULL)
        accessors_of(*local)->access_mem = access_memory;
}

/* ---- Walks. ---- */

static bool read_frame(unw_cursor_t *cursor, struct ct_frame *frame)
{
    unw_save_loc_t place;

    frame->is_of_signal = libunwind.is_signal_frame(cursor) > 0;
    frame->frame_pointer_place = NULL;
    if (libunwind.get_save_place(cursor, FRAME_POINTER, &place) == 0 &&
        place.type == UNW_SLT_MEMORY)
        frame->frame_pointer_place = (const uint64_t *)place.u.addr;
    return libunwind.get_register(cursor, UNW_REG_IP, &frame->address) == 0 &&
           libunwind.get_register(cursor, UNW_REG_SP, &frame->stack_pointer) == 0 &&
           libunwind.get_register(cursor, FRAME_POINTER, &frame->frame_pointer) == 0;
}

bool ct_unwind_visit(bool (*visit)(void *user, const struct ct_frame *frame), void *user)
{
    unw_context_t context;
    unw_cursor_t cursor;
    struct ct_frame frame;
    int status;

    if (libunwind.step == NULL)
        return false;
    begin_walk();
    libunwind.get_context(&context);
    if (libunwind.init(&cursor, &context) != 0)
        return false;
    do {
        if (!read_frame(&cursor, &frame) || (frame.address != 0 && !visit(user, &frame)))
            return false;
    } while ((status = libunwind.step(&cursor)) > 0);
    return status == 0;
}

static int walk(void **addresses, int size)
{
    unw_context_t context;
    unw_cursor_t cursor;
    int count = 0;

    libunwind.get_context(&context);
    if (libunwind.init(&cursor, &context) != 0)
        return 0;
    do {
        unw_word_t address;
        if (libunwind.get_register(&cursor, UNW_REG_IP, &address) != 0 || address == 0)
            break;
        addresses[count++] = (void *)address;
    } while (count < size && libunwind.step(&cursor) > 0);
    return count;
}

int ct_unwind(void **addresses, int size, bool without_cache)
{
    errno = 0; /* libunwind takes the program's EINTR for its own, and repeats for ever */
    if (libunwind.backtrace == NULL)
        return 0;
    begin_walk();
    return without_cache && libunwind.step != NULL ? walk(addresses, size)
                                                   : libunwind.backtrace(addresses, size);
}

void ct_unwind_forget(void)
{
    if (libunwind.flush != NULL && libunwind.space != NULL)
        libunwind.flush(*libunwind.space, 0, 0);
}

/* ---- Its thread data. ---- */

/*
 * The loader would allocate it by the program's malloc, and with that give each thread an arena of
 * its own, of 64 MB address space. It is small: it has room in our own, which is part of the
 * thread.
 */
#define TLS_ROOM 64

static CT_TLS _Alignas(TLS_ROOM) char tls_room[TLS_ROOM];

static struct {
    const void *image; /* what it begins with; the rest is zero */
    size_t image_size;
    size_t size; /* 0: it does not fit, or is not known */
} tls_block;

static int find_tls_block(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)user;
    if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) ||
        info->dlpi_tls_modid != libunwind.tls.module)
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_TLS || segment->p_memsz > TLS_ROOM || segment->p_align > TLS_ROOM)
            continue;
        tls_block.image = (const void *)(info->dlpi_addr + segment->p_vaddr);
        tls_block.image_size = segment->p_filesz;
        tls_block.size = segment->p_memsz;
    }
    return 1;
}

#if defined(__x86_64__) && defined(__GLIBC__)
/* An entry of the thread's vector of thread data, as the loader has them: by module; the number of
 * entries stands before the first. */
struct tls_entry {
    void *data; /* or NOT_ALLOCATED */
    void *to_free;
};

#define NOT_ALLOCATED ((void *)-1)

static void give_tls_room(void)
{
    struct tls_entry *entries;

    __asm__("movq %%fs:8, %0" : "=r"(entries));
    if (tls_block.size == 0 || libunwind.tls.module > (size_t)entries[-1].data ||
        entries[libunwind.tls.module].data != NOT_ALLOCATED)
        return;
    memcpy(tls_room, tls_block.image, tls_block.image_size);
    memset(tls_room + tls_block.image_size, 0, tls_block.size - tls_block.image_size);
    entries[libunwind.tls.module] = (struct tls_entry){.data = tls_room};
}
#else
static void give_tls_room(void)
{
}
#endif

bool ct_unwind_prepare_thread(void)
{
    if (libunwind.tls.module != 0) {
        give_tls_room();
        __tls_get_addr(&libunwind.tls);
    }
    return libunwind.has_cache;
}

void ct_unwind_init(void)
{
    /* Local, so that libunwind's _Unwind_* do not become the program's C++ unwinder. */
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    void *warm[4];

    if (library == NULL)
        return;
    *(void **)&libunwind.get_context = FIND(library, unw_tdep_getcontext);
    *(void **)&libunwind.init = FIND(library, unw_init_local);
    *(void **)&libunwind.get_register = FIND(library, unw_get_reg);
    *(void **)&libunwind.get_save_place = FIND(library, unw_get_save_loc);
    *(void **)&libunwind.is_signal_frame = FIND(library, unw_is_signal_frame);
    if (libunwind.get_context != NULL && libunwind.init != NULL && libunwind.get_register != NULL &&
        libunwind.get_save_place != NULL && libunwind.is_signal_frame != NULL)
        *(void **)&libunwind.step = FIND(library, unw_step);
    *(void **)&libunwind.backtrace = FIND(library, unw_backtrace);
    *(void **)&libunwind.flush = FIND(library, unw_flush_cache);
    libunwind.space = FIND(library, unw_local_addr_space);
    libunwind.code = ct_object_range_around(*(void **)&libunwind.backtrace);
    dlinfo(library, RTLD_DI_TLS_MODID, &libunwind.tls.module);
    if (libunwind.tls.module != 0)
        dl_iterate_phdr(find_tls_block, NULL);
    /* It frees a thread's cache in the last round of destructors, under a lock. */
    libunwind.has_cache = !ct_has_thread_sanitizer();
    check_what_it_reads(library);
    ct_unwind(warm, 4, true); /* its set-up allocates: not in a hook. A cache may never be needed */
}

bool ct_is_unwinder(const void *caller)
{
    return (uint64_t)caller >= libunwind.code.begin && (uint64_t)caller < libunwind.code.end;
}

/* There is nothing in the pipe. */
ssize_t ct_unwinder_read(void)
{
    errno = EAGAIN;
    return -1;
}

ssize_t ct_unwinder_write(const void *address)
{
    if (ct_memory_is_readable(address, 1))
        return 1;
    errno = EFAULT;
    return -1;
}
