#include "serve/looking.h"

#include "serve/metrics.h"
#include "serve/selecting.h"
#include "serve/status.h"

/* After so long without a question nobody is looked at, until the next one. */
#define ASKED_FOR_US (10 * 60 * G_USEC_PER_SEC)

struct ct_looking {
    const struct ct_served *served; /* borrowed */
    struct ct_living_heap *heap;    /* borrowed, or NULL */
    struct ct_accounts *accounts;   /* owned; NULL: nobody has asked yet */
    gint64 asked_us;
    guint timer; /* 0: none */
};

struct ct_looking *ct_looking_new(const struct ct_served *served, struct ct_living_heap *heap)
{
    struct ct_looking *looking = g_new0(struct ct_looking, 1);

    looking->served = served;
    looking->heap = heap;
    return looking;
}

void ct_looking_free(struct ct_looking *looking)
{
    if (looking->timer != 0)
        g_source_remove(looking->timer);
    ct_accounts_free(looking->accounts);
    g_free(looking);
}

static void set_timer(struct ct_looking *looking);

static gboolean on_time(void *user)
{
    struct ct_looking *looking = user;

    looking->timer = 0;
    if (g_get_monotonic_time() - looking->asked_us < ASKED_FOR_US) {
        ct_accounts_look(looking->accounts);
        set_timer(looking);
    }
    return G_SOURCE_REMOVE;
}

static void set_timer(struct ct_looking *looking)
{
    guint pause_ms = (guint)(ct_accounts_pause_ns(looking->accounts) / 1000000);

    looking->timer = g_timeout_add(MAX(pause_ms, 1), on_time, looking);
}

static gboolean fail(GError **error, enum ct_serve_status status, const GError *why)
{
    g_set_error_literal(error, CT_SERVE_STATUS, status,
                        why ? why->message : "the program has not begun yet");
    return FALSE;
}

static gboolean begin(struct ct_looking *looking, GError **error)
{
    g_autoptr(GError) why = NULL;
    struct ct_selection *selection = ct_served_select(looking->served, &why);

    if (!selection)
        return fail(error, CT_SERVE_NOT_NOW, why);
    looking->accounts = ct_accounts_new(selection, &why);
    return looking->accounts || fail(error, CT_SERVE_FAILED, why);
}

char *ct_looking_metrics(struct ct_looking *looking, GError **error)
{
    struct ct_heap_sum sum;

    if (looking->accounts == NULL && !begin(looking, error))
        return NULL;
    looking->asked_us = g_get_monotonic_time();
    if (looking->timer == 0) {
        ct_accounts_look(looking->accounts);
        set_timer(looking);
    }
    const gboolean has_heap = looking->heap && ct_living_heap_read(looking->heap, &sum);

    return ct_metrics_text(looking->accounts, has_heap ? &sum : NULL);
}
