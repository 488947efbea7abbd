#include "passes/request_parts.h"

#include "model/format.h"
#include "passes/request_loop.h"

#include <string.h>

static void tell_interval(const struct ct_request_account *account,
                          const struct ct_interval *interval, uint64_t ns)
{
    g_autofree char *object = ct_format_object(interval);
    const char *peer = ct_interval_peer(interval);
    const struct ct_request_stretch wait = {
        .what = {.class = interval->class, .op = interval->op, .object = object, .ns = ns},
        .thread = interval->thread,
        .object = interval->object,
        .stack_id = interval->stack_id,
        .peer = (char *)(peer ? peer : ""),
    };

    ct_request_tell_wait(account, &wait);
}

/* What the thread did from then on, up to then. */
static gboolean add_thread(struct ct_request *request, struct ct_store *store,
                           const struct ct_thread *thread, uint64_t begin_ns, uint64_t end_ns,
                           GError **error)
{
    const struct ct_window window = {begin_ns, end_ns};
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, thread, &window);
    struct ct_store_event event;
    g_autoptr(GError) failure = NULL;
    const struct ct_request_account account = ct_request_account(request);
    uint64_t told_ns = begin_ns;

    while (ct_store_cursor_next(cursor, &event, &failure)) {
        uint64_t from_ns = MAX(event.begin_ns, told_ns);
        uint64_t to_ns = MIN(event.end_ns, end_ns);

        if (from_ns >= to_ns)
            continue;
        ct_request_tell_state(&account, CT_REQUEST_RUNNING, thread, from_ns - told_ns);
        tell_interval(&account, &event.interval, to_ns - from_ns);
        told_ns = to_ns;
    }
    ct_request_tell_state(&account, CT_REQUEST_RUNNING, thread, end_ns - told_ns);
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return !failure;
}

/* ---- What else its threads had to do ---- */

/* What the writer answered and asked meanwhile. */
struct company {
    guint requests;    /* others, open at the time */
    uint64_t freed_ns; /* it answered the last of them that it did before this one; 0: none */
};

static gboolean is_itself(const struct ct_request *request, const struct ct_turn *turn)
{
    return turn->begin_ns == request->begin_ns && turn->end_ns == request->end_ns &&
           turn->fd_number == request->fd_number;
}

static gboolean find_company(struct ct_request *request, struct ct_store *store,
                             struct company *company, GError **error)
{
    const struct ct_window window = {request->begin_ns, request->end_ns};
    g_autoptr(ct_store_cursor) cursor = ct_store_turns(store, request->writer, &window);
    struct ct_store_event event;
    g_autoptr(GError) failure = NULL;

    while (ct_store_cursor_next(cursor, &event, &failure)) {
        const struct ct_turn *turn = &event.turn;

        if (turn->kind == CT_TURN_REQUEST && !is_itself(request, turn)) {
            company->requests++;
            if (turn->end_ns <= request->end_ns)
                company->freed_ns = MAX(company->freed_ns, turn->end_ns);
        } else if (turn->kind == CT_TURN_CALL && turn->begin_ns >= request->begin_ns &&
                   turn->end_ns <= request->end_ns && turn->begin_thread == request->writer) {
            ct_request_add_call(request, turn->fd ? turn->fd->peer : "", turn->weight,
                                turn->end_ns - turn->begin_ns);
        }
    }
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return !failure;
}

/* When the writer was woken, in the time from when it was free. */
struct woken {
    guint by_reader;
    guint by_others;
    uint64_t wake_ns; /* by the reader */
    uint64_t end_ns;  /* then it went on */
};

static gboolean find_wakes(const struct ct_request *request, struct ct_store *store,
                           uint64_t free_ns, struct woken *woken, GError **error)
{
    const struct ct_window window = {free_ns, request->end_ns};
    g_autoptr(ct_store_cursor) cursor = ct_store_intervals(store, request->writer, &window);
    struct ct_store_event event;
    uint64_t told_ns = UINT64_MAX;
    g_autoptr(GError) failure = NULL;

    while (ct_store_cursor_next(cursor, &event, &failure)) {
        const struct ct_interval *interval = &event.interval;

        /* One woken by the kernel alone is in no call that is told of. A wait may have pieces. */
        if (!interval->waker || interval->is_outside || interval->is_open ||
            interval->class == CT_CLASS_RUNNABLE || interval->wait_end_ns > request->end_ns ||
            interval->wake_ns < free_ns || interval->wait_begin_ns == told_ns)
            continue;
        told_ns = interval->wait_begin_ns;
        if (interval->waker != request->reader || interval->is_for_lock) {
            woken->by_others += interval->is_for_lock ? 0 : 1;
            continue;
        }
        woken->by_reader++;
        /* Who wakes may look at the clock a little later than who goes on. */
        woken->wake_ns = MIN(interval->wake_ns, interval->wait_end_ns);
        woken->end_ns = interval->wait_end_ns;
    }
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return !failure;
}

/* ---- Who worked on it ---- */

static gboolean is_of_calls(const struct ct_request *request)
{
    return request->link == CT_REQUEST_ONE_THREAD || request->link == CT_REQUEST_IN_LOOP;
}

/* Its reader read it, and something else answered it. */
static gboolean follow(struct ct_request *request, struct ct_store *store,
                       const struct company *company, GError **error)
{
    uint64_t free_ns = MAX(company->freed_ns, request->begin_ns);
    const struct ct_request_account account = ct_request_account(request);
    struct woken woken = {0};

    if (!request->reader || request->reader->process != request->writer->process) {
        ct_request_tell_state(&account, CT_REQUEST_UNKNOWN, NULL,
                              request->end_ns - request->begin_ns);
        return TRUE;
    }
    if (!find_wakes(request, store, free_ns, &woken, error))
        return FALSE;
    if (woken.by_reader == 1 && woken.by_others == 0) {
        request->link = CT_REQUEST_WOKEN;
        request->taken_ns = woken.end_ns;
        if (!add_thread(request, store, request->reader, request->begin_ns, woken.wake_ns, error))
            return FALSE;
        ct_request_tell_state(&account, CT_REQUEST_QUEUED, NULL, woken.end_ns - woken.wake_ns);
    } else if (woken.by_reader == 0 && woken.by_others == 0 && company->freed_ns != 0) {
        request->link = CT_REQUEST_FOLLOWED;
        request->taken_ns = free_ns;
        ct_request_tell_state(&account, CT_REQUEST_QUEUED, NULL, free_ns - request->begin_ns);
    } else {
        ct_request_tell_state(&account, CT_REQUEST_UNKNOWN, NULL,
                              request->end_ns - request->begin_ns);
        return TRUE;
    }
    return add_thread(request, store, request->writer, request->taken_ns, request->end_ns, error);
}

static int compare_calls(const void *a, const void *b)
{
    const struct ct_request_call *first = a, *second = b;

    if (first->ns != second->ns)
        return first->ns < second->ns ? 1 : -1;
    return strcmp(first->address, second->address);
}

gboolean ct_request_take_apart(struct ct_request *request, struct ct_store *store, GError **error)
{
    struct company company = {0};
    gboolean is_told;

    if (!find_company(request, store, &company, error))
        return FALSE;
    if (request->reader == request->writer) {
        request->link = company.requests > 0 ? CT_REQUEST_SHARED : CT_REQUEST_ONE_THREAD;
        request->others = company.requests;
        is_told = (request->link != CT_REQUEST_SHARED ||
                   ct_request_take_apart_in_loop(request, store, error)) &&
                  (request->link == CT_REQUEST_IN_LOOP ||
                   add_thread(request, store, request->writer, request->begin_ns, request->end_ns,
                              error));
    } else {
        is_told = follow(request, store, &company, error);
    }
    if (!is_of_calls(request)) /* whose they were is open */
        g_array_set_size(request->calls, 0);
    if (is_told && request->unread_ns > 0)
        is_told = ct_request_tell_unread(request, store, error);
    ct_request_parts_sort(request->parts);
    ct_request_parts_sort(request->unread_parts);
    g_array_sort(request->calls, compare_calls);
    return is_told;
}
