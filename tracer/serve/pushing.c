#include "serve/pushing.h"

#include "files/tree.h"
#include "serve/command.h"
#include "serve/say.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define SENDER "ctrace-push"

/* Two minutes, where nobody listens: who is started anew meanwhile misses none. */
#define TRIES "--tries=10"

/* Beyond what those tries take where each is one that hangs. */
enum { SENDER_LIMIT_MS = 300000 };

/* More than an hour's, at three a minute. */
enum { WAITING_MAX = 256 };

/* What takes longer is asked why. */
enum { LOOK_MS = 2000 };

/* At the end, for all of them. */
enum { END_MS = 5000 };

/* That of one target something is said. */
#define SAY_GAP_US (10 * 60 * G_USEC_PER_SEC)

struct target {
    struct ct_pushing *pushing; /* borrowed, as is the next */
    const char *text;
    char *said;                 /* owned; the file for what a sender says */
    char *out;                  /* owned; the same of its output */
    GQueue waiting;             /* char *, owned: paths; the oldest first */
    struct ct_command *command; /* a sender that runs; or NULL */
    guint look;                 /* the source that asks it why; 0: none */
    guint sent;
    guint lost;       /* were not, for good */
    guint lost_told;  /* of those */
    gint64 told_us;   /* when it was said last that it goes wrong; 0: never */
    gboolean is_told; /* and not yet that it goes well again */
    gboolean is_bad;  /* it goes wrong at present */
};

struct ct_pushing {
    struct ct_pushing_request request;
    char *scratch; /* owned; a folder */
    char *sender;  /* owned; its path */
    struct target *targets;
    guint count;      /* of them */
    gboolean is_over; /* no more time */
};

static void start(struct target *target);

/* ---- What is said ---- */

static void is_bad(struct target *target, const char *why)
{
    gint64 now_us = g_get_monotonic_time();

    target->is_bad = TRUE;
    if (target->is_told || (target->told_us != 0 && now_us - target->told_us < SAY_GAP_US))
        return;
    ct_serve_say("%s", why);
    target->told_us = now_us;
    target->is_told = TRUE;
}

static void is_well(struct target *target)
{
    target->is_bad = FALSE;
    if (!target->is_told)
        return;
    ct_serve_say("profiles are sent to %s again; %u were not", target->text,
                 target->lost - target->lost_told);
    target->lost_told = target->lost;
    target->is_told = FALSE;
}

/* The first line has the reason. The caller frees it. */
static char *reason_of(const struct target *target)
{
    char *said = ct_command_said(target->said);

    said[strcspn(said, "\n")] = '\0';
    return said;
}

/* ---- One after the other ---- */

static gboolean on_look(void *user)
{
    struct target *target = user;
    struct stat said;

    if (stat(target->said, &said) != 0 || said.st_size == 0)
        return G_SOURCE_CONTINUE;
    g_autofree char *reason = reason_of(target);

    target->look = 0;
    is_bad(target, reason);
    return G_SOURCE_REMOVE;
}

static void on_sent(void *user, enum ct_command_end end)
{
    struct target *target = user;

    target->command = NULL;
    if (target->look)
        g_source_remove(target->look);
    target->look = 0;
    if (end == CT_COMMAND_GOOD) {
        target->sent++;
        is_well(target);
    } else {
        g_autofree char *reason = reason_of(target);

        target->lost++;
        if (!target->pushing->is_over)
            is_bad(target, reason);
    }
    start(target);
}

/* The caller frees it. */
static char **words_of(const struct target *target, const char *path)
{
    const struct ct_pushing_request *request = &target->pushing->request;
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *name = request->name ? g_strconcat("--name=", request->name, NULL) : NULL;

    g_strv_builder_add_many(words, target->pushing->sender, TRIES, NULL);
    if (name)
        g_strv_builder_add(words, name);
    for (char *const *label = request->labels; label && *label; label++) {
        g_autofree char *word = g_strconcat("--label=", *label, NULL);

        g_strv_builder_add(words, word);
    }
    g_strv_builder_add_many(words, target->text, path, NULL);
    return g_strv_builder_end(words);
}

static void start(struct target *target)
{
    if (target->command || target->pushing->is_over || g_queue_is_empty(&target->waiting))
        return;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_queue_pop_head(&target->waiting);
    g_auto(GStrv) words = words_of(target, path);
    const struct ct_command_request request = {.argv = (const char *const *)words,
                                               .output = target->out,
                                               .said = target->said,
                                               .end_signal = SIGTERM,
                                               .limit_ms = SENDER_LIMIT_MS};

    target->command = ct_command_start(&request, on_sent, target, &error);
    if (target->command) {
        target->look = g_timeout_add(LOOK_MS, on_look, target);
        return;
    }
    target->lost++;
    is_bad(target, error->message);
}

void ct_pushing_add(struct ct_pushing *pushing, const char *path)
{
    for (guint i = 0; i < pushing->count; i++) {
        struct target *target = &pushing->targets[i];

        g_queue_push_tail(&target->waiting, g_strdup(path));
        start(target);
        if (g_queue_get_length(&target->waiting) <= WAITING_MAX)
            continue;
        g_autofree char *oldest = g_queue_pop_head(&target->waiting);
        g_autofree char *why =
            g_strdup_printf("%d profiles wait to be sent to %s: the oldest are left out",
                            WAITING_MAX, target->text);

        target->lost++;
        is_bad(target, why);
    }
}

/* ---- Its life ---- */

static void target_begin(struct target *target, struct ct_pushing *pushing, guint index)
{
    g_autofree char *said = g_strdup_printf("said-%u", index);
    g_autofree char *out = g_strdup_printf("out-%u", index);

    target->pushing = pushing;
    target->text = pushing->request.targets[index];
    target->said = g_build_filename(pushing->scratch, said, NULL);
    target->out = g_build_filename(pushing->scratch, out, NULL);
    g_queue_init(&target->waiting);
}

struct ct_pushing *ct_pushing_new(const struct ct_pushing_request *request, GError **error)
{
    g_autofree char *scratch = g_dir_make_tmp("ctrace-pushing-XXXXXX", error);

    if (!scratch)
        return NULL;
    struct ct_pushing *pushing = g_new0(struct ct_pushing, 1);

    pushing->request = *request;
    pushing->scratch = g_steal_pointer(&scratch);
    pushing->sender = g_build_filename(request->programs, SENDER, NULL);
    pushing->count = g_strv_length((char **)request->targets);
    pushing->targets = g_new0(struct target, pushing->count);
    for (guint i = 0; i < pushing->count; i++)
        target_begin(&pushing->targets[i], pushing, i);
    return pushing;
}

/* Who did not answer will hardly do so now. */
static gboolean is_worth_waiting(const struct ct_pushing *pushing)
{
    for (guint i = 0; i < pushing->count; i++)
        if (pushing->targets[i].command && !pushing->targets[i].is_bad)
            return TRUE;
    return FALSE;
}

static gboolean on_over(void *user)
{
    struct ct_pushing *pushing = user;

    pushing->is_over = TRUE;
    return G_SOURCE_CONTINUE;
}

static void target_end(struct target *target)
{
    if (target->command)
        ct_command_kill(target->command);
    while (target->command)
        g_main_context_iteration(NULL, TRUE);
    target->lost += g_queue_get_length(&target->waiting);
    if (target->lost > 0)
        ct_serve_say("%u of %u profiles were not sent to %s", target->lost,
                     target->lost + target->sent, target->text);
    g_queue_clear_full(&target->waiting, g_free);
    g_free(target->said);
    g_free(target->out);
}

void ct_pushing_free(struct ct_pushing *pushing)
{
    guint over = g_timeout_add(END_MS, on_over, pushing);

    while (!pushing->is_over && is_worth_waiting(pushing))
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(over);
    pushing->is_over = TRUE;
    for (guint i = 0; i < pushing->count; i++)
        target_end(&pushing->targets[i]);
    ct_tree_remove(pushing->scratch);
    g_free(pushing->targets);
    g_free(pushing->sender);
    g_free(pushing->scratch);
    g_free(pushing);
}
