#include "serve/watching.h"

#include "conditions/sight.h"
#include "serve/say.h"
#include "serve/selecting.h"
#include "text/figures.h"

#include <time.h>

/* All of it takes no more of a CPU's time than one part in so many. */
enum { COST_PART = 120 };

/* How soon it is seen that there is something to be looked at. */
enum { BEGIN_MS = 50 };

/* Looks that are no farther apart than that are what the manual promises. */
#define PAUSE_USUAL_NS UINT64_C(500000000)
#define PAUSE_MAX_NS   UINT64_C(10000000000)

/* A program whose heap is not seen for so long will not have one that is. */
#define HEAP_PATIENCE_US (5 * G_USEC_PER_SEC)

struct watched_condition {
    struct ct_judge *judge; /* owned */
    gint64 told_us;         /* 0: never */
    guint untold;           /* so often it held since */
};

struct ct_watching {
    struct ct_watching_request request;
    GArray *conditions;           /* owned; struct watched_condition */
    struct ct_sight *sight;       /* owned */
    gboolean has_heap;            /* that is to be looked at */
    gint64 heap_due_us;           /* it is to be seen until then; 0: it was, or that was told */
    struct ct_accounts *accounts; /* owned; NULL: there is nothing to be looked at yet */
    guint timer;                  /* 0: none */
    uint64_t last_cost_ns;        /* of a look */
    gboolean is_refusal_told;
    gboolean is_slowness_told;
};

static gboolean can_be_had(const struct ct_condition *condition, gboolean has_heap, GError **error)
{
    if (condition->kind != CT_CONDITION_HEAP || has_heap)
        return TRUE;
    g_set_error(
        error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--when='%s': what is live in a heap is seen of a program that is started with "
        "--heap, as in: ctrace serve --heap --when='%s' -- ./server; memory.rss, all that a "
        "process has in memory, is watched of any",
        condition->text, condition->text);
    return FALSE;
}

gboolean ct_watching_check(const char *const *conditions, gboolean has_heap, GError **error)
{
    gboolean is_good = TRUE;

    for (; is_good && conditions && *conditions; conditions++) {
        struct ct_condition *condition = ct_condition_parse(*conditions, error);

        is_good = condition && can_be_had(condition, has_heap, error);
        if (condition)
            ct_condition_free(condition);
    }
    return is_good;
}

/* ---- What is found ---- */

static void fire(struct ct_watching *watching, struct watched_condition *condition, const char *who)
{
    const char *text = ct_judge_condition(condition->judge)->text;
    const gint64 now_us = g_get_monotonic_time();
    const guint64 gap_us = watching->request.gap_ns / 1000;

    if (condition->told_us != 0 && (guint64)(now_us - condition->told_us) < gap_us) {
        condition->untold++;
        return;
    }
    if (condition->untold > 0)
        ct_serve_say("%s: %s (and %u times since it was last told of)", text, who,
                     condition->untold);
    else
        ct_serve_say("%s: %s", text, who);
    condition->told_us = now_us;
    condition->untold = 0;
    if (watching->request.fired)
        watching->request.fired(watching->request.user, text);
}

/* What keeps conditions from being seen to hold, once. */
static void tell_limits(struct ct_watching *watching, uint64_t pause_ns)
{
    if (!watching->is_refusal_told && ct_sight_is_refused(watching->sight)) {
        ct_serve_say("what some processes wait for is not ours to see, so --when cannot tell of "
                     "it; root is shown it");
        watching->is_refusal_told = TRUE;
    }
    if (!watching->is_slowness_told && pause_ns > PAUSE_USUAL_NS) {
        g_autofree char *pause = ct_format_duration(pause_ns);

        ct_serve_say(
            "a look at all threads takes so long that --when takes one every %s only: what "
            "holds for a shorter time may be missed",
            pause);
        watching->is_slowness_told = TRUE;
    }
}

/* 0: it is not seen. */
static uint64_t look_at_heap(struct ct_watching *watching)
{
    struct ct_heap_sum sum;

    if (ct_living_heap_read(watching->request.heap, &sum)) {
        watching->heap_due_us = 0;
        return sum.bytes;
    }
    if (watching->heap_due_us != 0 && g_get_monotonic_time() >= watching->heap_due_us) {
        ct_serve_say("the program's heap is not seen, so --when cannot tell of heap.live: its "
                     "allocator may be in its own file");
        watching->heap_due_us = 0;
    }
    return 0;
}

static uint64_t cpu_time_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

/* In ms, how long to do nothing then. */
static guint look(struct ct_watching *watching)
{
    const uint64_t begin_ns = cpu_time_ns();

    ct_accounts_look(watching->accounts);
    struct ct_watched watched = *ct_sight_update(watching->sight, watching->accounts);

    if (watching->has_heap)
        watched.heap_bytes = look_at_heap(watching);
    for (guint i = 0; i < watching->conditions->len; i++) {
        struct watched_condition *condition =
            &g_array_index(watching->conditions, struct watched_condition, i);
        g_autofree char *who = ct_judge_look(condition->judge, &watched);

        if (who)
            fire(watching, condition, who);
    }
    const uint64_t cost_ns = cpu_time_ns() - begin_ns;
    /* One that took long alone may be what else the machine did. */
    const uint64_t usual_ns = MIN(cost_ns, watching->last_cost_ns);
    const uint64_t pause_ns =
        MAX(ct_accounts_pause_ns(watching->accounts), MIN(COST_PART * usual_ns, PAUSE_MAX_NS));

    watching->last_cost_ns = cost_ns;
    tell_limits(watching, pause_ns);
    return (guint)(pause_ns / 1000000);
}

/* ---- When ---- */

/* FALSE: there will be nothing to be looked at. */
static gboolean begin(struct ct_watching *watching)
{
    g_autoptr(GError) error = NULL;
    struct ct_selection *selection = ct_served_select(watching->request.served, &error);

    if (selection)
        watching->accounts = ct_accounts_new(selection, &error);
    watching->heap_due_us = g_get_monotonic_time() + HEAP_PATIENCE_US;
    if (error)
        ct_serve_say("nothing is watched by --when: %s", error->message);
    return !error;
}

static gboolean on_time(void *user)
{
    struct ct_watching *watching = user;
    guint pause_ms = BEGIN_MS;

    watching->timer = 0;
    if (!watching->accounts && !begin(watching))
        return G_SOURCE_REMOVE;
    if (watching->accounts)
        pause_ms = look(watching);
    watching->timer = g_timeout_add(MAX(pause_ms, 1), on_time, watching);
    return G_SOURCE_REMOVE;
}

static void clear_condition(void *condition)
{
    ct_judge_free(((struct watched_condition *)condition)->judge);
}

struct ct_watching *ct_watching_new(const struct ct_watching_request *request, GError **error)
{
    struct ct_watching *watching = g_new0(struct ct_watching, 1);
    struct ct_sight_wish wish = {FALSE, FALSE};

    watching->request = *request;
    watching->conditions = g_array_new(FALSE, FALSE, sizeof(struct watched_condition));
    g_array_set_clear_func(watching->conditions, clear_condition);
    for (const char *const *text = request->conditions; *text; text++) {
        struct ct_condition *parsed = ct_condition_parse(*text, error);

        if (!parsed) {
            g_array_unref(watching->conditions);
            g_free(watching);
            return NULL;
        }
        const struct watched_condition condition = {.judge = ct_judge_new(parsed)};

        wish.has_memory |= parsed->kind == CT_CONDITION_MEMORY;
        wish.has_circle |= parsed->kind == CT_CONDITION_DEADLOCK;
        watching->has_heap |= parsed->kind == CT_CONDITION_HEAP && request->heap;
        g_array_append_val(watching->conditions, condition);
    }
    watching->sight = ct_sight_new(&wish);
    watching->timer = g_timeout_add(BEGIN_MS, on_time, watching);
    return watching;
}

void ct_watching_free(struct ct_watching *watching)
{
    if (watching->timer != 0)
        g_source_remove(watching->timer);
    g_array_unref(watching->conditions);
    ct_sight_free(watching->sight);
    ct_accounts_free(watching->accounts);
    g_free(watching);
}
