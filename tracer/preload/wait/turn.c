#include "turn.h"

#include "preload/core/clock.h"
#include "preload/core/emit.h"
#include "preload/core/maximum.h"
#include "preload/core/operations.h"
#include "preload/core/parts.h"
#include "preload/core/raw.h"
#include "preload/core/sampling.h"
#include "preload/core/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

enum phase { PHASE_IDLE, PHASE_CLAIMED, PHASE_OPEN };

#define PHASE_MASK 3u
#define STEP       4u /* each change of the phase gives another number */

static uint32_t next(uint32_t state, enum phase phase)
{
    return (state & ~PHASE_MASK) + STEP + phase;
}

/* The first side's messages are what its origin says: read, or written. */
enum origin { ORIGIN_ACCEPTED, ORIGIN_OPENED, ORIGIN_PENDING };

/* Of a connection; its numbers are valid while it is OPEN. Only who has CLAIMED it changes what it
 * begins with. */
struct turn {
    _Atomic uint32_t state; /* the number of its phase, and the phase */
    _Atomic uint32_t generation;
    _Atomic int32_t tid; /* who began it; 0: not known */
    _Atomic uint8_t origin;
    _Atomic uint64_t first_ticks;
    _Atomic uint64_t last_ticks;
    _Atomic uint64_t lead_ticks; /* it was opened; or since then the request may lie there; or 0 */
    _Atomic uint32_t lead_round;
    _Atomic uint32_t begin_round;
};

/* Of connections with the numbers of a part. */
#define PART_FDS 1024
static CT_SELDOM _Atomic(void *) parts[CT_FD_CACHE / PART_FDS];

/* Of a descriptor that has turns. */
static struct turn *turn_of(int fd)
{
    return (struct turn *)ct_part_get(&parts[fd / PART_FDS]) + fd % PART_FDS;
}

/* Descriptors from here on never had turns. */
static _Atomic uint32_t turns_end;

/* Of forks: turns of another generation were begun in another process. */
static uint32_t generation;

#define LOAD(field)         atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* ---- Connections ---- */

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);

    return ct_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           (type == SOCK_STREAM || type == SOCK_SEQPACKET);
}

/* Not in the memory of who called vfork, nor where nothing is recorded. */
static bool is_told(int fd)
{
    return (unsigned)fd < CT_FD_CACHE && ct_control != NULL && ct_class_is_recorded(CT_CLASS_NET) &&
           (ct_process_is_own() || (ct_self_settle() && ct_process_is_own()));
}

static void begin_connection(int fd, enum origin origin)
{
    if (ct_part_use(&parts[fd / PART_FDS], PART_FDS * sizeof(struct turn)) == NULL)
        return;
    struct turn *turn = turn_of(fd);
    uint32_t state = LOAD(turn->state);

    STORE(turn->tid, origin == ORIGIN_ACCEPTED || ct_self.slot == NULL ? 0 : ct_self.slot->tid);
    STORE(turn->origin, origin);
    STORE(turn->lead_ticks, origin == ORIGIN_ACCEPTED ? 0 : ct_ticks());
    STORE(turn->lead_round, ct_self.rounds);
    atomic_store_explicit(&turn->state, next(state, PHASE_IDLE), memory_order_release);
    ct_maximum_raise(&turns_end, (uint32_t)fd + 1);
    ct_fd_kind(fd); /* to be known before its flag is set */
    ct_fds_begin(fd);
    ct_fds[fd].known |= CT_FD_HAS_TURNS;
}

void ct_turn_accepted(int fd)
{
    int saved_errno = errno;

    if (is_told(fd))
        begin_connection(fd, ORIGIN_ACCEPTED);
    errno = saved_errno;
}

void ct_turn_connected(int fd, bool is_pending)
{
    int saved_errno = errno;

    if (is_told(fd) && is_stream(fd))
        begin_connection(fd, is_pending ? ORIGIN_PENDING : ORIGIN_OPENED);
    errno = saved_errno;
}

/* What another thread of the parent had claimed at that moment, nobody goes on with here. */
static void give_back(struct turn *turn)
{
    uint32_t state = LOAD(turn->state);

    if ((state & PHASE_MASK) == PHASE_CLAIMED)
        STORE(turn->state, next(state, PHASE_IDLE));
}

void ct_turns_forked(void)
{
    uint32_t end = LOAD(turns_end);

    generation++;
    for (uint32_t fd = 0; fd < end; fd++)
        if (ct_fd_has_turns((int)fd))
            give_back(turn_of((int)fd));
}

static bool is_open(const struct turn *turn, uint32_t state)
{
    return (state & PHASE_MASK) == PHASE_OPEN && LOAD(turn->generation) == generation;
}

static int32_t own_tid(void)
{
    return ct_self.slot != NULL ? ct_self.slot->tid : 0;
}

enum ct_fd_role ct_turn_role(int fd)
{
    const struct turn *turn;

    if (!ct_fd_has_turns(fd))
        return CT_FD_ROLE_UNKNOWN;
    turn = turn_of(fd);
    if (LOAD(turn->origin) == ORIGIN_ACCEPTED)
        return CT_FD_ROLE_ACCEPTED;
    /* What another thread asks is not what this one waits for. */
    bool is_awaited = LOAD(turn->origin) == ORIGIN_PENDING || is_open(turn, turn->state);
    return is_awaited && LOAD(turn->tid) == own_tid() ? CT_FD_ROLE_AWAITED : CT_FD_ROLE_OPENED;
}

/* ---- What is told ---- */

/* How many turns one of that length would stand for, in parts of CT_TURN_WHOLE: the more, the more
 * were recorded of late. */
static uint32_t stands_for(struct ct_self *self, uint64_t duration_ns)
{
    uint64_t rate_ns = ct_control->rate_ns;
    uint64_t burst_ns = CT_TURN_BURST * CT_TURN_INTERVAL * rate_ns;
    uint64_t now_ticks = ct_ticks();
    uint64_t passed_ns = ct_elapsed_ns(self->turns_ticks, now_ticks);
    uint64_t whole = CT_TURN_WHOLE;

    if (duration_ns >= CT_TURN_LONG * rate_ns)
        return CT_TURN_WHOLE;
    self->turns_ns -= passed_ns < self->turns_ns ? passed_ns : self->turns_ns;
    self->turns_ticks = now_ticks;
    uint64_t left_ns = self->turns_ns < burst_ns ? burst_ns - self->turns_ns : 0;
    if (left_ns < burst_ns / 2)
        whole =
            burst_ns / 2 / (left_ns / CT_TURN_WHOLE + burst_ns / CT_TURN_WHOLE / CT_TURN_WHOLE + 1);
    return (uint32_t)(whole > CT_TURN_WHOLE ? whole : CT_TURN_WHOLE);
}

/* Is such a one to be recorded? */
static bool is_drawn(struct ct_self *self, uint32_t whole)
{
    if (ct_self_random(self) * whole >= (uint64_t)CT_TURN_WHOLE << 32)
        return false;
    self->turns_ns += CT_TURN_INTERVAL * ct_control->rate_ns;
    return true;
}

static uint64_t lead_of(const struct ct_turn_step *step)
{
    return step->lead_ticks == 0 || ct_is_early(step->lead_ticks)
               ? 0
               : ct_elapsed_ns(step->lead_ticks, step->first_ticks);
}

static void tell(int fd, const struct ct_turn_step *step, enum ct_turn_kind kind,
                 enum ct_turn_outcome outcome)
{
    struct ct_self *self = ct_self_enter();
    uint64_t duration_ns = ct_elapsed_ns(step->first_ticks, step->end_ticks);
    struct ct_event_turn event = {
        .duration_ns = duration_ns,
        .spread_ns = ct_elapsed_ns(step->first_ticks, step->last_ticks),
        .lead_ns = lead_of(step),
        .fd = fd,
        .begin_tid = step->tid,
        .lead_round = step->lead_round,
        .begin_round = step->begin_round,
        .end_round = ct_self.rounds,
        .kind = (uint8_t)kind,
        .outcome = (uint8_t)outcome,
    };

    if (self == NULL || ct_is_early(step->first_ticks) || !ct_class_is_recorded(CT_CLASS_NET))
        return;
    /* Who asked waited for both. */
    event.stands_for =
        stands_for(self, duration_ns + (kind == CT_TURN_REQUEST ? event.lead_ns : 0));
    /* Who called vfork shares its connections with its child, and what becomes of their turns; but
     * the child tells nothing in its name. */
    if (!is_drawn(self, event.stands_for) || !ct_process_is_own())
        return;
    if (event.spread_ns > duration_ns)
        event.spread_ns = duration_ns;
    self->mode = CT_MODE_BUSY;
    ct_fd_announce(fd);
    uint64_t now_ticks = ct_ticks();
    event.lag_ns = ct_elapsed_ns(step->end_ticks, now_ticks);
    ct_emit_turn(self, now_ticks, &event);
    self->mode = CT_MODE_TRACED;
}

/* ---- Steps ---- */

/* Since when what is read from an accepted connection may have lain there: since its thread last
 * asked what there is, if that is the one that asks for this connection. 0: not known. */
static uint64_t unread_since(int fd, const struct turn *turn)
{
    return LOAD(turn->tid) == own_tid() && !ct_fd_may_wait(fd) ? ct_self.unread_ticks : 0;
}

/* A message of the side that begins. */
static void ask(struct turn *turn, uint64_t ticks, struct ct_turn_step *step)
{
    uint32_t state = atomic_load_explicit(&turn->state, memory_order_acquire);

    if (is_open(turn, state)) {
        STORE(turn->last_ticks, ticks);
        return;
    }
    uint32_t claimed = next(state, PHASE_CLAIMED);
    if ((state & PHASE_MASK) == PHASE_CLAIMED ||
        !atomic_compare_exchange_strong(&turn->state, &state, claimed))
        return;
    STORE(turn->generation, generation);
    STORE(turn->tid, own_tid());
    STORE(turn->first_ticks, ticks);
    STORE(turn->last_ticks, ticks);
    STORE(turn->begin_round, ct_self.rounds);
    step->what = CT_TURN_STEP_BEGUN;
    step->number = next(claimed, PHASE_OPEN);
    atomic_store_explicit(&turn->state, step->number, memory_order_release);
}

/* One of the other side. Who comes second finds another number. */
static void answer(struct turn *turn, uint64_t ticks, struct ct_turn_step *step)
{
    uint32_t state = atomic_load_explicit(&turn->state, memory_order_acquire);

    if (!is_open(turn, state))
        return;
    step->tid = LOAD(turn->tid);
    step->first_ticks = LOAD(turn->first_ticks);
    step->last_ticks = LOAD(turn->last_ticks);
    step->lead_ticks = LOAD(turn->lead_ticks);
    step->lead_round = LOAD(turn->lead_round);
    step->begin_round = LOAD(turn->begin_round);
    step->end_ticks = ticks;
    if (!atomic_compare_exchange_strong(&turn->state, &state, next(state, PHASE_IDLE)))
        return;
    STORE(turn->lead_ticks, 0); /* it is of the first turn only */
    step->what = CT_TURN_STEP_ENDED;
}

static bool is_accepted(const struct turn *turn)
{
    return LOAD(turn->origin) == ORIGIN_ACCEPTED;
}

void ct_turn_after_read(int fd, int64_t result)
{
    struct ct_turn_step step = {.what = CT_TURN_STEP_NONE};
    struct turn *turn = turn_of(fd);
    int saved_errno = errno;

    if (result < 0 || (!*ct_is_ours && !ct_self_settle()))
        return;
    if (!is_accepted(turn)) {
        answer(turn, ct_ticks(), &step);
        if (step.what == CT_TURN_STEP_ENDED)
            tell(fd, &step, CT_TURN_CALL, result > 0 ? CT_TURN_ANSWERED : CT_TURN_CLOSED);
    } else if (result > 0) {
        if ((turn->state & PHASE_MASK) == PHASE_IDLE) {
            STORE(turn->lead_ticks, unread_since(fd, turn));
            STORE(turn->lead_round, 0);
        }
        ask(turn, ct_ticks(), &step);
    }
    errno = saved_errno;
}

void ct_turn_before_write(int fd, struct ct_turn_step *step)
{
    struct turn *turn = turn_of(fd);

    step->what = CT_TURN_STEP_NONE;
    if (!*ct_is_ours && !ct_self_settle())
        return;
    if (is_accepted(turn)) {
        answer(turn, ct_ticks(), step);
        return;
    }
    if (LOAD(turn->origin) == ORIGIN_PENDING)
        STORE(turn->origin, ORIGIN_OPENED);
    ask(turn, ct_ticks(), step);
}

void ct_turn_after_write(int fd, const struct ct_turn_step *step, int64_t result)
{
    int saved_errno = errno;
    uint32_t number = step->number;

    if (step->what == CT_TURN_STEP_ENDED)
        tell(fd, step, CT_TURN_REQUEST, CT_TURN_ANSWERED);
    else if (step->what == CT_TURN_STEP_BEGUN && result <= 0) /* nothing was asked */
        atomic_compare_exchange_strong(&turn_of(fd)->state, &number, next(number, PHASE_IDLE));
    errno = saved_errno;
}

/* ---- The end ---- */

static void give_up(int fd, enum ct_turn_outcome outcome)
{
    struct ct_turn_step step = {.what = CT_TURN_STEP_NONE};
    struct turn *turn = turn_of(fd);
    int saved_errno = errno;

    if (is_accepted(turn))
        return; /* what gets no answer is no request */
    answer(turn, ct_ticks(), &step);
    if (step.what == CT_TURN_STEP_ENDED)
        tell(fd, &step, CT_TURN_CALL, outcome);
    errno = saved_errno;
}

void ct_turn_closing(int fd)
{
    if (ct_fd_has_turns(fd) && is_open(turn_of(fd), turn_of(fd)->state) && ct_process_is_own())
        give_up(fd, CT_TURN_GIVEN_UP);
}

void ct_turn_closing_range(unsigned first, unsigned last)
{
    uint32_t end = LOAD(turns_end);

    for (unsigned fd = first; fd <= last && fd < end; fd++)
        ct_turn_closing((int)fd);
}

/* A call that fails closes nothing. */
void ct_turn_replacing(int fd, int source)
{
    if (fd != source && ct_fd_has_turns(fd) && ct_syscall(SYS_fcntl, source, F_GETFD) >= 0)
        ct_turn_closing(fd);
}

void ct_turns_end(void)
{
    uint32_t end = LOAD(turns_end);

    for (uint32_t fd = 0; fd < end; fd++)
        if (ct_fd_has_turns((int)fd))
            give_up((int)fd, CT_TURN_OPEN);
}
