#include "thread.h"

#include "description.h"
#include "ended_threads.h"
#include "exec_room.h"
#include "keys.h"
#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/maximum.h"
#include "preload/core/raw.h"
#include "preload/core/symbol.h"
#include "preload/core/tables.h"
#include "preload/core/work_stack.h"
#include "preload/stack/deep.h"
#include "preload/wait/wait.h"
#include "slots.h"

#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* In what a pthread_t points to; 0: not looked for yet. */
static _Atomic uint32_t tid_offset;
#define NO_TID_OFFSET UINT32_MAX

/* Of the board the first slot has memory. NULL: there is none for this one. */
static struct ct_board_slot *prepare_slot(uint32_t index)
{
    struct ct_board_slot *slot = ct_table_get(CT_TABLE_SLOTS, index);

    if (slot == NULL || ct_slots_is_backed(index))
        return slot;
    if (index != 0 && !ct_slot_back(slot))
        return NULL;
    ct_slots_note_backed(index);
    return slot;
}

/* With its ring. */
static struct ct_board_thread *claim_slot(struct ct_self *self)
{
    uint32_t index = ct_slots_take();
    struct ct_board_slot *slot = index < CT_BOARD_MAX_THREADS ? prepare_slot(index) : NULL;

    if (slot == NULL) {
        if (index < CT_BOARD_MAX_THREADS)
            ct_slots_give_back(index);
        atomic_fetch_add(&ct_board->threads_lost, 1);
        return NULL;
    }
    atomic_store(&slot->thread.tid, -1);
    ct_maximum_raise(&ct_board->thread_high_water, index + 1);
    self->slot_index = index;
    ct_ring_begin_thread(self, slot);
    return &slot->thread;
}

/* What taking a stack and writing an event may need: 7 KB were measured. */
#define STACK_RESERVE 12288

#define PAGE_SIZE 4096

/* So much of a stack without a limit is known to be one: other things may lie below. */
#define UNLIMITED_SIZE ((rlim_t)8 << 20)

/* The main thread's grows down to here: its top is where the kernel put the program's name. */
static bool find_main_stack(uint64_t *begin, size_t *size)
{
    struct rlimit limit;
    uint64_t top = getauxval(AT_EXECFN);

    if (top == 0 || getrlimit(RLIMIT_STACK, &limit) != 0)
        return false;
    *size = limit.rlim_cur < top ? limit.rlim_cur : UNLIMITED_SIZE;
    *begin = (top / PAGE_SIZE + 1) * PAGE_SIZE - *size;
    return true;
}

/* What the C library has of a thread's stack, in what a pthread_t points to. */
struct stack_record {
    uint64_t begin;
    uint64_t size;
    uint64_t guard_size; /* of both */
};

static _Atomic uint32_t stack_record_offset; /* 0: not known */

/* By the C library's own call, which allocates: in a new thread, 64 MB of address space. */
static bool ask_for_stack(uint64_t *begin, size_t *size)
{
    pthread_attr_t attributes;
    void *address = NULL;

    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return false;
    bool is_found = pthread_attr_getstack(&attributes, &address, size) == 0;
    pthread_attr_destroy(&attributes);
    *begin = (uint64_t)address;
    return is_found;
}

static bool is_record_of(const struct stack_record *record, uint64_t begin, size_t size)
{
    return record->begin + record->guard_size == begin &&
           record->size - record->guard_size == size && record->guard_size < size;
}

/* A thread's stack ends behind what its pthread_t points to. */
static void learn_stack_record(uint64_t begin, size_t size)
{
    uint64_t thread = (uint64_t)pthread_self();
    uint64_t end = thread - begin < size ? begin + size : thread;

    for (uint64_t at = thread; at + sizeof(struct stack_record) <= end; at += sizeof(uint64_t)) {
        if (is_record_of((const struct stack_record *)at, begin, size)) {
            atomic_store(&stack_record_offset, (uint32_t)(at - thread));
            return;
        }
    }
}

static bool find_own_stack(uint64_t *begin, size_t *size)
{
    uint32_t offset = atomic_load(&stack_record_offset);

    if (ct_syscall(SYS_gettid) == ct_syscall(SYS_getpid))
        return find_main_stack(begin, size);
    if (offset == 0) {
        if (!ask_for_stack(begin, size))
            return false;
        learn_stack_record(*begin, *size);
        return true;
    }
    const struct stack_record *record = (const void *)((const char *)pthread_self() + offset);
    *begin = record->begin + record->guard_size;
    *size = record->size - record->guard_size;
    return true;
}

static void find_stack(struct ct_self *self)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    uint64_t begin;
    size_t size;

    if (self->stack_room != 0 || !find_own_stack(&begin, &size) || here - begin >= size)
        return;
    size_t reserve = size / 2 < STACK_RESERVE ? size / 2 : STACK_RESERVE;
    self->stack_low = begin + reserve;
    self->stack_room = size - reserve;
}

/* Gives the calling thread a slot and announces it. */
static void begin_thread(struct ct_self *self, int32_t creator_tid, uint64_t entry)
{
    struct ct_board_thread *slot;

    self->mode = CT_MODE_BUSY;
    slot = claim_slot(self);
    if (slot == NULL) {
        self->slot = NULL;
        self->mode = CT_MODE_BYPASS;
        return;
    }
    int32_t tid = (int32_t)ct_syscall(SYS_gettid);
    slot->creator_tid = creator_tid;
    slot->entry = entry;
    slot->start_ns = tid == ct_board->pid ? ct_board->start_ns : ct_now_ns();
    slot->handle = (uint64_t)pthread_self();
    ct_syscall(SYS_prctl, PR_GET_NAME, slot->name);
    atomic_store(&slot->tid, tid);
    self->slot = slot;
    self->has_unwritten = 0;
    self->wait_frame = NULL;
    self->counted = NULL;
    self->last_stack = 0;
    self->stack_cache = NULL;
    self->stacks_taken = 0; /* a child of fork may not live to take as many as its parent */
    ct_deep_forget(self);
    self->random = (slot->start_ns ^ (uint64_t)tid << 40) | 1;
    memset(self->sites, 0, sizeof(self->sites));
    ct_keys_watch_thread();

    /* The first one of a process may be all that it ever does. */
    uint64_t ticks = tid == ct_board->pid ? ct_ticks_once() : ct_ticks();
    ct_process_announce(self, ticks);
    atomic_fetch_add(&ct_board->threads_started, 1);
    struct ct_event_thread_start started = {.creator_tid = creator_tid, .entry = entry};
    if (!ct_process_is_told(tid))
        ct_emit_thread_start(self, ticks, &started);
    struct ct_event_thread_name named = {.name = slot->name};
    ct_emit_thread_name(self, ticks, &named);
    self->mode = CT_MODE_TRACED;
}

void ct_thread_begin(int32_t creator_tid, uint64_t entry)
{
    if (ct_board == NULL || !*ct_is_ours || ct_self.mode != CT_MODE_NEW)
        return;
    ct_self.mode = CT_MODE_BUSY;
    find_stack(&ct_self);
    begin_thread(&ct_self, creator_tid, entry);
}

void ct_thread_renamed(void)
{
    int saved_errno = errno;
    struct ct_self *self = &ct_self;
    char name[CT_THREAD_NAME_SIZE];

    if (self->mode != CT_MODE_TRACED || !*ct_is_ours)
        return;
    self->mode = CT_MODE_BUSY;
    if (ct_syscall(SYS_prctl, PR_GET_NAME, name) == 0 && strcmp(name, self->slot->name) != 0) {
        memcpy(self->slot->name, name, sizeof(name));
        struct ct_event_thread_name event = {.name = name};
        ct_emit_thread_name(self, ct_ticks(), &event);
    }
    self->mode = CT_MODE_TRACED;
    errno = saved_errno;
}

static void emit_counters(struct ct_self *self)
{
    const struct ct_board_thread *slot = self->slot;
    uint64_t histogram[CT_HISTOGRAM_BUCKETS];

    for (unsigned op = 0; op < CT_OP_COUNT; op++) {
        if (slot->counters_of[op] == 0)
            continue;
        const struct ct_board_counters *counters = &slot->counters[slot->counters_of[op] - 1];
        for (unsigned i = 0; i < CT_HISTOGRAM_BUCKETS; i++)
            histogram[i] = counters->histogram[i];
        struct ct_event_counters event = {
            .pid = ct_board->pid,
            .process_start_ns = ct_board->start_ns,
            .tid = slot->tid,
            .op = (uint8_t)op,
            .calls = counters->calls,
            .total_ns = counters->total_ns,
            .histogram = {histogram, CT_HISTOGRAM_BUCKETS},
        };
        ct_emit_counters(self, ct_ticks(), &event);
    }
}

/* Touches no page of the board that the thread has not touched. */
static void clear_slot(struct ct_board_thread *slot)
{
    memset(slot->counters, 0, slot->counters_used * sizeof(slot->counters[0]));
    memset((char *)slot + sizeof(slot->tid), 0,
           offsetof(struct ct_board_thread, counters) - sizeof(slot->tid));
    atomic_store(&slot->tid, 0);
}

void ct_thread_exit(struct ct_self *self)
{
    struct ct_board_thread *slot = self->slot;

    if (self->mode != CT_MODE_TRACED || !*ct_is_ours)
        return;
    ct_wait_flush(self);
    ct_wait_abandon(self);
    ct_thread_renamed();
    self->mode = CT_MODE_BUSY;
    emit_counters(self);
    struct ct_event_thread_exit event = {
        .net_ns = slot->class_ns[CT_CLASS_NET],
        .sync_ns = slot->class_ns[CT_CLASS_SYNC],
        .syscall_ns = slot->class_ns[CT_CLASS_SYSCALL],
        .sleep_ns = slot->class_ns[CT_CLASS_SLEEP],
    };
    ct_emit_thread_exit(self, ct_ticks(), &event);
    /* First off the slot: a process that is killed in between has counted none of them twice. */
    uint64_t waits_recorded = slot->waits_recorded;
    *(volatile uint64_t *)&slot->waits_recorded = 0;
    atomic_fetch_add(&ct_board->waits_recorded, waits_recorded);
    self->mode = CT_MODE_BYPASS;
    self->slot = NULL;
    ct_ended_thread_note(slot->handle, slot->tid);
    clear_slot(slot);
    ct_slots_give_back(self->slot_index);
    ct_work_stack_free(self);
    ct_exec_room_free(self);
}

/* Where glibc keeps a thread's id, as it tells debuggers. */
static uint32_t find_tid_offset(void)
{
    const struct {
        uint32_t bits, count, offset;
    } *field = ct_symbol_in_libc("_thread_db_pthread_tid");
    uint64_t self = (uint64_t)pthread_self();

    if (field != NULL && field->bits == 32 && field->offset < 8192 &&
        *(const int32_t *)(self + field->offset) == (int32_t)ct_syscall(SYS_gettid))
        return field->offset;
    return NO_TID_OFFSET;
}

/* By the board: where the C library does not tell. */
static int32_t find_tid(uint64_t handle)
{
    uint32_t high = atomic_load(&ct_board->thread_high_water);

    for (uint32_t i = 0; i < high; i++) {
        const struct ct_board_slot *slot = ct_slot_at(i);
        if (slot != NULL && slot->thread.handle == handle && slot->thread.tid > 0)
            return slot->thread.tid;
    }
    return 0;
}

uint64_t ct_thread_object(pthread_t handle)
{
    uint32_t offset = atomic_load_explicit(&tid_offset, memory_order_relaxed);

    if (offset == 0)
        atomic_store_explicit(&tid_offset, offset = find_tid_offset(), memory_order_relaxed);
    /* While it can be joined, its memory is there; when it has ended, the kernel clears its id. */
    int32_t tid = offset != NO_TID_OFFSET
                      ? *(const volatile int32_t *)((const char *)handle + offset)
                      : find_tid((uint64_t)handle);
    if (tid <= 0)
        tid = ct_ended_thread_tid((uint64_t)handle);
    return tid > 0 ? (uint64_t)tid : (uint64_t)handle;
}

static void on_thread_end(void)
{
    ct_thread_exit(&ct_self);
}

static void begin_unannounced(struct ct_self *self)
{
    begin_thread(self, 0, 0);
}

void ct_thread_init(void)
{
    ct_self_set_begin(begin_unannounced);
    ct_keys_init(on_thread_end);
}
