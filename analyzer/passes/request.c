#include "passes/request.h"

#include <string.h>

static const char *const link_names[CT_REQUEST_LINK_COUNT] = {
    [CT_REQUEST_ONE_THREAD] = "one thread", [CT_REQUEST_SHARED] = "shared thread",
    [CT_REQUEST_IN_LOOP] = "event loop",    [CT_REQUEST_WOKEN] = "woken",
    [CT_REQUEST_FOLLOWED] = "next in line", [CT_REQUEST_UNLINKED] = "unlinked",
};

static const char *const state_names[CT_REQUEST_STATE_COUNT] = {
    [CT_REQUEST_RUNNING] = "running", [CT_REQUEST_RUNNABLE] = "runnable",
    [CT_REQUEST_WAITING] = "waiting", [CT_REQUEST_QUEUED] = "queued",
    [CT_REQUEST_CALLING] = "calling", [CT_REQUEST_EITHER] = "either",
    [CT_REQUEST_UNKNOWN] = "unknown",
};

const char *ct_request_link_name(enum ct_request_link link)
{
    return link_names[link];
}

static const char *const confidences[CT_REQUEST_LINK_COUNT] = {
    [CT_REQUEST_ONE_THREAD] = "certain", [CT_REQUEST_SHARED] = "possible",
    [CT_REQUEST_IN_LOOP] = "likely",     [CT_REQUEST_WOKEN] = "likely",
    [CT_REQUEST_FOLLOWED] = "likely",    [CT_REQUEST_UNLINKED] = "unknown",
};

const char *ct_request_link_confidence(enum ct_request_link link)
{
    return confidences[link];
}

const char *ct_request_state_name(enum ct_request_state state)
{
    return state_names[state];
}

static void part_clear(void *data)
{
    g_free(((struct ct_request_part *)data)->object);
}

static void stretch_clear(void *data)
{
    struct ct_request_stretch *stretch = data;

    g_free(stretch->what.object);
    g_free(stretch->peer);
}

static void call_clear(void *data)
{
    g_free(((struct ct_request_call *)data)->address);
}

struct ct_request *ct_request_new(const struct ct_turn *turn)
{
    struct ct_request *request = g_new0(struct ct_request, 1);

    request->reader = turn->begin_thread;
    request->writer = turn->thread;
    request->begin_ns = turn->begin_ns;
    request->last_ns = turn->last_ns;
    request->end_ns = turn->end_ns;
    request->weight = turn->weight;
    request->fd_number = turn->fd_number;
    request->server = g_strdup(turn->fd ? turn->fd->local : "");
    request->client = g_strdup(turn->fd ? turn->fd->peer : "");
    request->link = CT_REQUEST_UNLINKED;
    request->parts = g_array_new(FALSE, FALSE, sizeof(struct ct_request_part));
    g_array_set_clear_func(request->parts, part_clear);
    request->unread_ns = turn->lead_ns;
    request->unread_parts = g_array_new(FALSE, FALSE, sizeof(struct ct_request_part));
    g_array_set_clear_func(request->unread_parts, part_clear);
    request->calls = g_array_new(FALSE, FALSE, sizeof(struct ct_request_call));
    g_array_set_clear_func(request->calls, call_clear);
    return request;
}

void ct_request_free(void *data)
{
    struct ct_request *request = data;

    g_array_unref(request->parts);
    g_clear_pointer(&request->stretches, g_array_unref);
    g_array_unref(request->unread_parts);
    g_array_unref(request->calls);
    g_free(request->server);
    g_free(request->client);
    g_free(request);
}

/* ---- What is told of it ---- */

void ct_request_keep_stretches(struct ct_request *request)
{
    request->stretches = g_array_new(FALSE, FALSE, sizeof(struct ct_request_stretch));
    g_array_set_clear_func(request->stretches, stretch_clear);
}

struct ct_request_account ct_request_account(const struct ct_request *request)
{
    return (struct ct_request_account){request->parts, request->stretches};
}

static gboolean is_same(const struct ct_request_part *a, const struct ct_request_part *b)
{
    return a->state == b->state && a->class == b->class && a->op == b->op &&
           strcmp(a->object, b->object) == 0;
}

static void add_to_parts(GArray *parts, const struct ct_request_part *told)
{
    for (guint i = 0; i < parts->len; i++) {
        struct ct_request_part *part = &g_array_index(parts, struct ct_request_part, i);

        if (is_same(part, told)) {
            part->ns += told->ns;
            return;
        }
    }
    struct ct_request_part part = *told;

    part.object = g_strdup(told->object);
    g_array_append_val(parts, part);
}

static gboolean goes_on(const struct ct_request_stretch *last,
                        const struct ct_request_stretch *stretch)
{
    return is_same(&last->what, &stretch->what) && last->thread == stretch->thread &&
           last->object == stretch->object && last->stack_id == stretch->stack_id &&
           strcmp(last->peer, stretch->peer) == 0;
}

static void add_to_stretches(GArray *stretches, const struct ct_request_stretch *stretch)
{
    struct ct_request_stretch *last =
        stretches->len > 0
            ? &g_array_index(stretches, struct ct_request_stretch, stretches->len - 1)
            : NULL;
    struct ct_request_stretch added = *stretch;

    if (last && (last->rest > 0 || goes_on(last, stretch))) {
        last->what.ns += stretch->what.ns;
        last->rest += last->rest > 0 && last->rest < UINT32_MAX ? 1 : 0;
        return;
    }
    if (stretches->len + 1 >= CT_REQUEST_STRETCHES_MAX)
        added = (struct ct_request_stretch){
            .what = {.state = CT_REQUEST_UNKNOWN, .object = (char *)"", .ns = stretch->what.ns},
            .peer = (char *)"",
            .rest = 1};
    added.what.object = g_strdup(added.what.object);
    added.peer = g_strdup(added.peer);
    g_array_append_val(stretches, added);
}

void ct_request_tell(const struct ct_request_account *account,
                     const struct ct_request_stretch *stretch)
{
    if (stretch->what.ns == 0)
        return;
    add_to_parts(account->parts, &stretch->what);
    if (account->stretches)
        add_to_stretches(account->stretches, stretch);
}

void ct_request_tell_state(const struct ct_request_account *account, enum ct_request_state state,
                           const struct ct_thread *thread, uint64_t ns)
{
    const struct ct_request_stretch stretch = {
        .what = {.state = state, .object = (char *)"", .ns = ns},
        .thread = thread,
        .peer = (char *)"",
    };

    ct_request_tell(account, &stretch);
}

void ct_request_tell_wait(const struct ct_request_account *account,
                          const struct ct_request_stretch *wait)
{
    struct ct_request_stretch stretch = *wait;

    if (wait->what.class == CT_CLASS_RUNNABLE || wait->what.class == CT_CLASS_UNKNOWN) {
        stretch.what = (struct ct_request_part){.state = wait->what.class == CT_CLASS_RUNNABLE
                                                             ? CT_REQUEST_RUNNABLE
                                                             : CT_REQUEST_UNKNOWN,
                                                .object = (char *)"",
                                                .ns = wait->what.ns};
        stretch.object = 0;
        stretch.peer = (char *)"";
    } else {
        stretch.what.state = CT_REQUEST_WAITING;
    }
    ct_request_tell(account, &stretch);
}

static int compare_parts(const void *a, const void *b)
{
    const struct ct_request_part *first = a, *second = b;

    if (first->ns != second->ns)
        return first->ns < second->ns ? 1 : -1;
    return strcmp(first->object, second->object);
}

void ct_request_parts_sort(GArray *parts)
{
    g_array_sort(parts, compare_parts);
}

void ct_request_add_call(struct ct_request *request, const char *address, double count, uint64_t ns)
{
    struct ct_request_call *call = NULL;

    for (guint i = 0; i < request->calls->len && !call; i++) {
        struct ct_request_call *known = &g_array_index(request->calls, struct ct_request_call, i);

        call = strcmp(known->address, address) == 0 ? known : NULL;
    }
    if (!call) {
        const struct ct_request_call added = {.address = g_strdup(address)};

        g_array_append_val(request->calls, added);
        call = &g_array_index(request->calls, struct ct_request_call, request->calls->len - 1);
    }
    call->count += count;
    call->ns += ns;
}
