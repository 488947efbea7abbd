#include "wait.h"

#include "preload/core/emit.h"
#include "preload/core/tables.h"

#include <signal.h>

/* A call shorter than this returned at once, as far as its call site is concerned. */
#define QUICK_NS 5000

/* What result may say: see the schema. */
#define RESULT_MAX 32767

static int16_t clamp_result(int64_t result)
{
    if (result > RESULT_MAX)
        return RESULT_MAX;
    return result < -RESULT_MAX ? -RESULT_MAX : (int16_t)result;
}

/* What the three events of a wait have in common; their times differ in width. */
#define EVENT_FIELDS                                                                               \
    .duration_ns = (typeof(event.duration_ns))duration_ns, .lag_ns = (typeof(event.lag_ns))lag_ns, \
    .object = shown->object, .stack = shown->stack, .result = shown->result, .op = shown->op,      \
    .class = shown->class

/* Writes the slot's wait, which ended at `end_ticks`, as an event. */
static void emit_wait(struct ct_self *self, uint64_t end_ticks)
{
    const struct ct_board_wait *shown = &self->slot->wait;
    uint64_t duration_ns = ct_elapsed_ns(shown->begin_ticks, end_ticks);

    self->mode = CT_MODE_BUSY;
    if (shown->op == CT_OP_CONNECT) /* it has another end now */
        ct_fd_connected((int)(uint32_t)shown->object);
    if (ct_op_object(shown->op) == CT_OBJECT_FD && shown->op != CT_OP_FCLOSE)
        ct_fd_announce((int)(uint32_t)shown->object);
    if (shown->op == CT_OP_OPEN && shown->result >= 0)
        ct_fd_announce(shown->result);
    if (ct_op_is_of_set(shown->op) && ct_set_object_fd(shown->object) >= 0)
        ct_fd_announce(ct_set_object_fd(shown->object));
    uint64_t now_ticks = ct_ticks();
    uint64_t lag_ns = ct_elapsed_ns(end_ticks, now_ticks);
    if (duration_ns > UINT32_MAX || lag_ns > UINT32_MAX) {
        struct ct_event_long_wait event = {EVENT_FIELDS, .owner = shown->owner};
        ct_emit_long_wait(self, now_ticks, &event);
    } else if (shown->owner != 0) {
        struct ct_event_lock_wait event = {EVENT_FIELDS, .owner = shown->owner};
        ct_emit_lock_wait(self, now_ticks, &event);
    } else {
        struct ct_event_wait event = {EVENT_FIELDS};
        ct_emit_wait(self, now_ticks, &event);
    }
    /* Last: if the process is killed before this, no wait is missing. */
    self->slot->waits_recorded++;
    self->mode = CT_MODE_TRACED;
}

void ct_wait_announce(struct ct_wait *wait, uint64_t object)
{
    int saved_errno = errno;
    struct ct_self *self = wait->self;

    if (ct_op_object(wait->op) != CT_OBJECT_FD)
        return;
    self->mode = CT_MODE_BUSY;
    ct_fd_announce((int)object);
    self->mode = CT_MODE_TRACED;
    errno = saved_errno;
}

static bool is_reader(enum ct_op op)
{
    switch (op) {
    case CT_OP_READ:
    case CT_OP_READV:
    case CT_OP_RECV:
    case CT_OP_RECVFROM:
    case CT_OP_RECVMSG:
    case CT_OP_RECVMMSG:
    case CT_OP_FREAD:
    case CT_OP_FGETS:
    case CT_OP_GETLINE:
    case CT_OP_FGETC:
    case CT_OP_FSCANF:
    case CT_OP_EPOLL_WAIT:
        return true;
    default:
        return false;
    }
}

void ct_wait_count_reader(struct ct_wait *wait, uint64_t object)
{
    struct ct_self *self = wait->self;

    if (!is_reader((enum ct_op)wait->op) || self->counted != NULL)
        return;
    self->counted = ct_waiters_of(ct_fd_waiters_key((int)object));
    atomic_fetch_add(self->counted, 1);
}

bool ct_wait_clip(struct ct_board_wait *shown, uint64_t end_ticks)
{
    uint64_t begin_ticks = atomic_load(&ct_control->begin_ticks);

    if (end_ticks <= begin_ticks)
        return false;
    if (shown->begin_ticks < begin_ticks)
        shown->begin_ticks = begin_ticks;
    return true;
}

static void note_site(struct ct_self *self, uint64_t site, uint64_t duration_ns)
{
    *ct_site_entry(self, site) = duration_ns < QUICK_NS ? site : 0;
}

void ct_wait_skip(struct ct_wait *wait, uint64_t end_ticks)
{
    note_site(wait->self, wait->site, ct_elapsed_ns(wait->begin_ticks, end_ticks));
    ct_wait_cancel(wait);
}

void ct_wait_record(struct ct_wait *wait, uint64_t end_ticks, uint64_t duration_ns, int64_t result)
{
    int saved_errno = errno;
    struct ct_self *self = wait->self;
    struct ct_board_wait *shown = &self->slot->wait;

    if (shown->stack == 0)
        shown->stack = ct_stack_capture(self, shown->site);
    note_site(self, shown->site, duration_ns);
    shown->result = clamp_result(result);
    shown->end_ticks = end_ticks;
    emit_wait(self, end_ticks);
    atomic_store_explicit(&shown->state, CT_WAIT_STATE_NONE, memory_order_release);
    errno = saved_errno;
}

bool ct_wait_begin_on(struct ct_wait *wait, enum ct_op op, const void *object, const void *site)
{
    if (!ct_wait_begin(wait, op, site))
        return false;
    if (wait->stack == 0)
        wait->stack = ct_stack_capture(wait->self, wait->site);
    ct_wait_uncount(wait->self); /* left by a handler's siglongjmp */
    wait->self->counted = ct_waiters_of(object);
    atomic_fetch_add(wait->self->counted, 1);
    ct_wait_subject(wait, CT_CLASS_SYNC, (uint64_t)object);
    return true;
}

void ct_wait_end_deferred(struct ct_wait *wait, int64_t result)
{
    struct ct_self *self = wait->self;
    struct ct_board_wait *shown = &self->slot->wait;
    uint64_t end_ticks = ct_ticks();

    if (!*ct_is_ours)
        return;
    if (!ct_wait_clip(shown, end_ticks)) {
        ct_wait_cancel(wait);
        return;
    }
    uint64_t duration_ns = ct_elapsed_ns(shown->begin_ticks, end_ticks);
    ct_wait_uncount(self);
    ct_wait_count(self, duration_ns);
    if (wait->has_outer || !ct_wait_is_sampled(self, duration_ns)) {
        atomic_store_explicit(&shown->state, CT_WAIT_STATE_NONE, memory_order_release);
        if (wait->has_outer)
            ct_wait_resume_outer(wait);
        return;
    }
    if (shown->stack == 0)
        shown->stack = ct_stack_capture(self, shown->site); /* now: the flush has another stack */
    shown->result = clamp_result(result);
    shown->end_ticks = end_ticks;
    atomic_store_explicit(&shown->state, CT_WAIT_STATE_UNWRITTEN, memory_order_release);
    self->has_unwritten = 1;
}

void ct_wait_flush(struct ct_self *self)
{
    int saved_errno = errno;
    struct ct_board_wait *shown = &self->slot->wait;

    self->has_unwritten = 0;
    if (shown->state != CT_WAIT_STATE_UNWRITTEN)
        return;
    emit_wait(self, shown->end_ticks);
    atomic_store_explicit(&shown->state, CT_WAIT_STATE_NONE, memory_order_release);
    errno = saved_errno;
}

/* Where stack addresses say nothing about who called whom. */
static bool is_on_signal_stack(void)
{
    stack_t stack;

    return sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0;
}

void ct_wait_settle(struct ct_wait *wait)
{
    struct ct_self *self = wait->self;
    struct ct_board_wait *shown = &self->slot->wait;

    if (shown->state == CT_WAIT_STATE_UNWRITTEN) {
        ct_wait_flush(self);
    } else if ((void *)wait < self->wait_frame || is_on_signal_stack()) {
        wait->outer = *shown; /* we are in a signal handler that interrupted it */
        wait->outer_frame = self->wait_frame;
        wait->outer_counted = self->counted;
        wait->has_outer = true;
        self->counted = NULL;
    } else {
        /* Its frame is gone: siglongjmp took the thread out of it. */
        ct_wait_abandon(self);
    }
}

void ct_wait_resume_outer(struct ct_wait *wait)
{
    struct ct_board_wait *shown = &wait->self->slot->wait;

    *shown = wait->outer;
    wait->self->wait_frame = wait->outer_frame;
    wait->self->counted = wait->outer_counted;
}

void ct_wait_abandon(struct ct_self *self)
{
    int saved_errno = errno;
    struct ct_board_wait *shown = &self->slot->wait;

    if (shown->state != CT_WAIT_STATE_OPEN) {
        shown->state = CT_WAIT_STATE_NONE;
        return;
    }
    uint64_t end_ticks = ct_ticks();
    bool is_inside = ct_wait_clip(shown, end_ticks);
    uint64_t duration_ns = ct_elapsed_ns(shown->begin_ticks, end_ticks);
    ct_wait_uncount(self);
    if (is_inside)
        ct_wait_count(self, duration_ns);
    if (is_inside && ct_wait_is_sampled(self, duration_ns)) {
        if (shown->stack == 0)
            shown->stack = ct_stack_capture(self, shown->site);
        shown->result = -EINTR;
        emit_wait(self, end_ticks);
    }
    atomic_store_explicit(&shown->state, CT_WAIT_STATE_NONE, memory_order_release);
    errno = saved_errno;
}

/* Are the waits on `object` that `op` ends recorded? */
static bool is_wake_recorded(enum ct_op op, uint64_t object)
{
    enum ct_class class = ct_op_class((uint8_t)op);

    if (class != CT_CLASS_UNKNOWN)
        return ct_class_is_recorded(class);
    return object & CT_WAKE_OF_POLLER || ct_class_is_recorded(ct_fd_class((int)object));
}

void ct_wake(struct ct_self *self, enum ct_op op, uint64_t object, uint64_t ticks, const void *site)
{
    int saved_errno = errno;
    struct ct_event_wake event = {.object = object, .op = (uint8_t)op};

    if (ct_is_early(ticks) || !is_wake_recorded(op, object))
        return;
    event.stack = ct_stack_capture(self, (uint64_t)site);
    self->mode = CT_MODE_BUSY;
    uint64_t now_ticks = ct_ticks();
    uint64_t lag_ns = ct_elapsed_ns(ticks, now_ticks);
    event.lag_ns = lag_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)lag_ns;
    ct_emit_wake(self, now_ticks, &event);
    self->mode = CT_MODE_TRACED;
    errno = saved_errno;
}

/* ---- Counters. ---- */

/* Those before it have memory, and the thread has its first page. */
static bool back_counters(struct ct_board_thread *slot, uint32_t index)
{
    size_t begin = (size_t)((char *)&slot->counters[index] - (char *)slot);
    size_t last = begin + sizeof(slot->counters[index]) - 1;

    return last / CT_BOARD_ALIGNMENT == (begin - 1) / CT_BOARD_ALIGNMENT ||
           ct_memory_back((const char *)slot + last, 1);
}

/* A handler of a signal may do the same meanwhile, for the same operation. */
struct ct_board_counters *ct_wait_add_counters(struct ct_board_thread *slot)
{
    _Atomic uint8_t *number = &slot->counters_of[slot->wait.op];
    uint8_t is_none = 0;
    uint32_t index = atomic_load(&slot->counters_used);

    do {
        if (index >= CT_OP_COUNT || !back_counters(slot, index))
            return NULL;
    } while (!atomic_compare_exchange_weak(&slot->counters_used, &index, index + 1));
    if (!atomic_compare_exchange_strong(number, &is_none, (uint8_t)(index + 1)))
        index = is_none - 1U;
    return &slot->counters[index];
}
