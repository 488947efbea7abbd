#include "passes/request.h"

#include "model/format.h"

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

const char *ct_request_state_name(enum ct_request_state state)
{
    return state_names[state];
}

static void part_clear(void *data)
{
    g_free(((struct ct_request_part *)data)->object);
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
    g_array_unref(request->unread_parts);
    g_array_unref(request->calls);
    g_free(request->server);
    g_free(request->client);
    g_free(request);
}

/* ---- Parts ---- */

void ct_request_parts_add(GArray *parts, const struct ct_request_part *key, uint64_t ns)
{
    if (ns == 0)
        return;
    for (guint i = 0; i < parts->len; i++) {
        struct ct_request_part *part = &g_array_index(parts, struct ct_request_part, i);

        if (part->state == key->state && part->class == key->class && part->op == key->op &&
            strcmp(part->object, key->object) == 0) {
            part->ns += ns;
            return;
        }
    }
    struct ct_request_part part = *key;

    part.object = g_strdup(key->object);
    part.ns = ns;
    g_array_append_val(parts, part);
}

void ct_request_parts_add_state(GArray *parts, enum ct_request_state state, uint64_t ns)
{
    const struct ct_request_part key = {.state = state, .object = (char *)""};

    ct_request_parts_add(parts, &key, ns);
}

void ct_request_parts_add_interval(GArray *parts, const struct ct_interval *interval, uint64_t ns)
{
    g_autofree char *object = ct_format_object(interval);
    const struct ct_request_part key = {.state = CT_REQUEST_WAITING,
                                        .class = interval->class,
                                        .op = interval->op,
                                        .object = object};

    if (interval->class == CT_CLASS_RUNNABLE || interval->class == CT_CLASS_UNKNOWN)
        ct_request_parts_add_state(
            parts, interval->class == CT_CLASS_RUNNABLE ? CT_REQUEST_RUNNABLE : CT_REQUEST_UNKNOWN,
            ns);
    else
        ct_request_parts_add(parts, &key, ns);
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
