#include "loader.h"

#include "preload/core/clock.h"
#include "preload/core/memory.h"
#include "preload/core/raw.h"
#include "preload/core/self.h"
#include "preload/core/symbol.h"
#include "schema/syscalls.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

_Atomic uint32_t ct_unloads;

/* Threads between enter and leave. */
static _Atomic uint32_t readers;

/* A reader that has lost its CPU gets it back long before this. One that was cancelled never
 * leaves, and is forgotten then. */
#define LEAVING_NS UINT64_C(1000000000)

/* How often it is looked whether they have left, without taking the CPU from them. */
#define LOOK_AGAIN_NS 50000

static int (*find_object)(void *address, struct dl_find_object *object);

bool ct_loader_enter(bool is_live)
{
    ct_self.loader_reads++;
    atomic_fetch_add(&readers, 1);
    /* Who unloads says so first, and then looks for readers. */
    if (is_live || (atomic_load(&ct_unloads) & CT_UNLOADS_UNDER_WAY) == ct_self.unloads)
        return true;
    ct_loader_leave();
    return false;
}

void ct_loader_leave(void)
{
    atomic_fetch_sub(&readers, 1);
    ct_self.loader_reads--;
}

/* ---- Objects ---- */

/* The program's are where the kernel says, those of the others where their file begins. */
static bool find_headers(const struct dl_find_object *object, struct dl_phdr_info *info)
{
    uint64_t begin = (uint64_t)object->dlfo_map_start;
    uint64_t size = (uint64_t)object->dlfo_map_end - begin;
    const ElfW(Ehdr) *head = object->dlfo_map_start;
    uint64_t program = getauxval(AT_PHDR);

    if (program - begin < size) {
        info->dlpi_phdr = (const void *)program;
        info->dlpi_phnum = (ElfW(Half))getauxval(AT_PHNUM);
        return true;
    }
    if (size < sizeof(*head) || !ct_memory_is_readable(head, sizeof(*head)) ||
        memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_phentsize != sizeof(ElfW(Phdr)))
        return false;
    uint64_t headers_size = head->e_phnum * sizeof(ElfW(Phdr));
    info->dlpi_phdr = (const void *)(begin + head->e_phoff);
    info->dlpi_phnum = head->e_phnum;
    return head->e_phoff <= size && headers_size <= size - head->e_phoff &&
           ct_memory_is_readable(info->dlpi_phdr, headers_size);
}

bool ct_loader_find(uint64_t address, struct dl_phdr_info *info)
{
    struct dl_find_object object;

    if (find_object == NULL || find_object((void *)address, &object) != 0 ||
        !find_headers(&object, info))
        return false;
    info->dlpi_addr = object.dlfo_link_map->l_addr;
    info->dlpi_name = object.dlfo_link_map->l_name;
    return true;
}

/* ---- Unloading ---- */

/* Until there are other numbers of readers, or it is that late. */
static void pause_until(uint32_t value, uint64_t ns)
{
    uint64_t own_ns = ct_clock_own_ns(ns);
    const struct timespec time = {.tv_sec = (time_t)(own_ns / 1000000000),
                                  .tv_nsec = (long)(own_ns % 1000000000)};

    ct_syscall(SYS_futex, &readers, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value, &time, NULL,
               CT_OWN_FUTEX_BITSET);
}

void ct_loader_begin_unload(void)
{
    uint64_t begin_ns = 0;
    uint32_t all;

    ct_self.unloads++;
    atomic_fetch_add(&ct_unloads, 1);
    /* The thread may be a reader itself, in a signal handler. */
    while ((all = atomic_load(&readers)) > ct_self.loader_reads) {
        uint64_t now_ns = ct_now_ns();

        begin_ns = begin_ns != 0 ? begin_ns : now_ns;
        if (now_ns - begin_ns < LEAVING_NS)
            pause_until(all, now_ns + LOOK_AGAIN_NS);
        else
            atomic_fetch_sub(&readers, all - ct_self.loader_reads);
    }
}

void ct_loader_end_unload(void)
{
    atomic_fetch_sub(&ct_unloads, 1);
    ct_self.unloads--;
}

void ct_loader_init(void)
{
    *(void **)&find_object = ct_symbol_anywhere("_dl_find_object");
}

void ct_loader_forked(void)
{
    uint32_t unloads = atomic_load(&ct_unloads);

    if (atomic_load(&readers) != ct_self.loader_reads) /* else no page is touched for it */
        atomic_store(&readers, ct_self.loader_reads);
    if ((unloads & CT_UNLOADS_UNDER_WAY) != ct_self.unloads)
        atomic_store(&ct_unloads, (unloads & ~CT_UNLOADS_UNDER_WAY) + CT_UNLOAD + ct_self.unloads);
}
