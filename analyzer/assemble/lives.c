#include "assemble/lives.h"

#include "assemble/thread_state.h"
#include "assemble/waits.h"

/* More than any program has, and few enough to fit in memory. */
#define PROCESSES_MAX (1U << 18)
#define THREADS_MAX   (1U << 20)

#define SLOT_COUNT 256

struct ct_lives {
    struct ct_model *model;     /* borrowed */
    struct ct_binding *binding; /* borrowed */
    GHashTable *current;        /* owned; pid -> newest struct ct_image * */
    GHashTable *images;         /* owned; struct ct_image * by pid and start -> itself */
    GHashTable *foreign_pids;   /* owned; the newest image of it is left out */
    GHashTable *foreign_images; /* owned; struct ct_process *, owned, by pid and start */
    GHashTable *unpreloaded;    /* owned; tid -> struct ct_thread_state * */
    GHashTable *forkers;        /* owned; pid of a child that is not known yet -> who forked it */
    gboolean has_rate;
    uint64_t rate_ns; /* of the recording, if has_rate */
    uint64_t (*find_rate)(void *user);
    void *find_rate_user; /* borrowed */
    struct {
        int32_t pid;
        int32_t tid;
        struct ct_thread_state *thread; /* borrowed; NULL: empty */
    } slots[SLOT_COUNT]; /* live threads that are found without a look into the tables */
};

static guint image_hash(const void *data)
{
    const struct ct_process *process = data;
    uint64_t mixed = (process->start_ns ^ (uint64_t)(uint32_t)process->pid << 32);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean image_equal(const void *a, const void *b)
{
    const struct ct_process *first = a;
    const struct ct_process *second = b;

    return first->pid == second->pid && first->start_ns == second->start_ns;
}

struct ct_lives *ct_lives_new(struct ct_model *model, struct ct_binding *binding)
{
    struct ct_lives *lives = g_new0(struct ct_lives, 1);

    lives->model = model;
    lives->binding = binding;
    lives->current = g_hash_table_new(NULL, NULL);
    lives->images = g_hash_table_new(image_hash, image_equal);
    lives->foreign_pids = g_hash_table_new(NULL, NULL);
    lives->foreign_images = g_hash_table_new_full(image_hash, image_equal, g_free, NULL);
    lives->unpreloaded = g_hash_table_new(NULL, NULL);
    lives->forkers = g_hash_table_new(NULL, NULL);
    return lives;
}

void ct_lives_free(struct ct_lives *lives)
{
    g_hash_table_unref(lives->unpreloaded);
    g_hash_table_unref(lives->forkers);
    g_hash_table_unref(lives->current);
    g_hash_table_unref(lives->images);
    g_hash_table_unref(lives->foreign_pids);
    g_hash_table_unref(lives->foreign_images);
    g_free(lives);
}

/* The pid's thread ids mean other threads from now on. */
static void forget_slots(struct ct_lives *lives, int32_t pid)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (lives->slots[i].pid == pid)
            lives->slots[i].thread = NULL;
    }
}

/* ---- Images ---- */

/* More names than anybody reads are a sign of damage. */
#define MAX_FOREIGN_NAMES 16

void ct_lives_skip_image(struct ct_lives *lives, int32_t pid,
                         const struct ct_event_process_start *start)
{
    struct ct_capture *capture = &lives->model->capture;
    g_autofree char *before = g_steal_pointer(&capture->foreign_names);
    const char *separator = before[0] != '\0' ? ", " : "";

    forget_slots(lives, pid);
    g_hash_table_add(lives->foreign_pids, GINT_TO_POINTER(pid));
    if (g_hash_table_size(lives->foreign_images) < PROCESSES_MAX) {
        struct ct_process *key = g_new0(struct ct_process, 1);

        key->pid = pid;
        key->start_ns = start->process_start_ns;
        g_hash_table_add(lives->foreign_images, key);
    }
    if (capture->foreign_images < MAX_FOREIGN_NAMES)
        capture->foreign_names = g_strdup_printf("%s%s%s (%d, format %u)", before, separator,
                                                 start->exe, pid, start->schema_version);
    else if (capture->foreign_images == MAX_FOREIGN_NAMES)
        capture->foreign_names = g_strdup_printf("%s ...", before);
    else
        capture->foreign_names = g_steal_pointer(&before);
    if (capture->foreign_images++ == 0)
        capture->foreign_version = start->schema_version;
}

static struct ct_image *add_image(struct ct_lives *lives, int32_t pid, uint64_t start_ns,
                                  gboolean is_implicit)
{
    if (lives->model->processes->len >= PROCESSES_MAX) {
        lives->model->capture.records_dropped++;
        return NULL;
    }
    struct ct_image *image = (struct ct_image *)ct_model_add_process(
        lives->model, pid, is_implicit ? 0 : start_ns, sizeof(*image));

    image->is_implicit = is_implicit;
    /* After a pid was reused without a sign, an older image keeps the place by its start. */
    if (!g_hash_table_contains(lives->images, image))
        g_hash_table_add(lives->images, image);
    return image;
}

struct ct_image *ct_lives_begin_image(struct ct_lives *lives, int32_t pid, uint64_t start_ns,
                                      gboolean is_preloaded)
{
    struct ct_image *image = add_image(lives, pid, start_ns, FALSE);

    if (is_preloaded)
        g_hash_table_remove(lives->foreign_pids, GINT_TO_POINTER(pid));
    forget_slots(lives, pid);
    if (!image)
        return NULL;
    image->process.is_unpreloaded = !is_preloaded;
    g_hash_table_insert(lives->current, GINT_TO_POINTER(pid), image);
    return image;
}

struct ct_image *ct_lives_image(const struct ct_lives *lives, int32_t pid)
{
    return g_hash_table_lookup(lives->current, GINT_TO_POINTER(pid));
}

struct ct_image *ct_lives_told_image(struct ct_lives *lives, int32_t pid, uint64_t start_ns)
{
    struct ct_process key = {.pid = pid, .start_ns = start_ns};
    struct ct_image *image = g_hash_table_lookup(lives->images, &key);

    if (image)
        return image;
    if (g_hash_table_contains(lives->foreign_images, &key))
        return NULL;
    key.start_ns = 0;
    image = g_hash_table_lookup(lives->images, &key);
    if (image && image->is_implicit) {
        g_hash_table_remove(lives->images, image);
        image->process.start_ns = start_ns;
        image->is_implicit = FALSE;
        g_hash_table_add(lives->images, image);
        return image;
    }
    return add_image(lives, pid, start_ns, FALSE);
}

uint64_t ct_lives_last_sign_ns(const struct ct_image *image)
{
    uint64_t last_ns = image->process.start_ns;
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, image->process.threads);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        last_ns = MAX(last_ns, ct_thread_state(value)->life.last_ns);
    return last_ns;
}

void ct_lives_set_rate(struct ct_lives *lives, struct ct_image *image, uint64_t rate_ns)
{
    image->process.rate_ns = rate_ns;
    lives->rate_ns = rate_ns;
    lives->has_rate = TRUE;
    ct_binding_set_rate(lives->binding, rate_ns);
}

/* A recording has one rate: what another process says holds for one whose start was lost. */
static void guess_rate(struct ct_lives *lives, struct ct_image *image)
{
    if (lives->has_rate)
        image->process.rate_ns = lives->rate_ns;
    else if (lives->find_rate)
        ct_lives_set_rate(lives, image, lives->find_rate(lives->find_rate_user));
}

void ct_lives_set_rate_finder(struct ct_lives *lives, uint64_t (*find)(void *user), void *user)
{
    lives->find_rate = find;
    lives->find_rate_user = user;
}

static struct ct_image *current_image(struct ct_lives *lives, int32_t pid)
{
    struct ct_image *image = ct_lives_image(lives, pid);

    if (!image) {
        image = add_image(lives, pid, 0, TRUE);
        if (!image)
            return NULL;
        guess_rate(lives, image);
        g_hash_table_insert(lives->current, GINT_TO_POINTER(pid), image);
    }
    return image;
}

/* ---- Threads ---- */

struct ct_thread_state *ct_lives_add_thread(struct ct_lives *lives, struct ct_image *image,
                                            int32_t tid, uint64_t start_ns)
{
    if (lives->model->threads->len >= THREADS_MAX) {
        lives->model->capture.records_dropped++;
        return NULL;
    }
    struct ct_thread_state *thread = ct_thread_state(
        ct_model_add_thread(lives->model, &image->process, tid, start_ns, sizeof(*thread)));

    ct_waits_begin_thread(thread, start_ns);
    ct_binding_bind(lives->binding, thread, start_ns);
    forget_slots(lives, image->process.pid);
    return thread;
}

struct ct_thread_state *ct_lives_live_thread(struct ct_lives *lives, const struct ct_record *record,
                                             uint64_t start_ns)
{
    size_t slot = (uint32_t)record->tid % SLOT_COUNT;

    if (lives->slots[slot].thread && lives->slots[slot].tid == record->tid &&
        lives->slots[slot].pid == record->pid) {
        lives->slots[slot].thread->life.last_ns = record->time_ns;
        return lives->slots[slot].thread;
    }
    if (g_hash_table_contains(lives->foreign_pids, GINT_TO_POINTER(record->pid)))
        return NULL;
    struct ct_image *image = current_image(lives, record->pid);

    if (!image)
        return NULL;
    struct ct_thread_state *thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(record->tid));

    if (!thread)
        thread = ct_lives_add_thread(lives, image, record->tid, start_ns);
    if (!thread)
        return NULL;
    thread->life.last_ns = record->time_ns;
    lives->slots[slot].pid = record->pid;
    lives->slots[slot].tid = record->tid;
    lives->slots[slot].thread = thread;
    return thread;
}

gboolean ct_lives_knows_thread(const struct ct_lives *lives, int32_t pid, int32_t tid)
{
    const struct ct_image *image = ct_lives_image(lives, pid);

    return image && g_hash_table_contains(image->process.threads, GINT_TO_POINTER(tid));
}

struct ct_thread_state *ct_lives_replace_thread(struct ct_lives *lives,
                                                struct ct_thread_state *thread, uint64_t start_ns)
{
    if (!thread->thread.has_exited)
        thread->thread.end_ns = MAX(ct_waits_last_end_ns(thread), thread->thread.start_ns);
    thread->thread.has_exited = TRUE;
    return ct_lives_add_thread(lives, ct_image_of(&thread->thread), thread->thread.tid, start_ns);
}

void ct_lives_start_thread(struct ct_lives *lives, struct ct_thread_state *thread, uint64_t time_ns,
                           const struct ct_event_thread_start *start)
{
    if (thread->life.has_start || thread->thread.has_exited) /* the id is used again */
        thread = ct_lives_replace_thread(lives, thread, time_ns);
    if (!thread)
        return;
    thread->life.last_ns = time_ns;
    thread->life.has_start = TRUE;
    thread->thread.entry = start->entry;
    thread->thread.creator_tid = start->creator_tid;
}

void ct_lives_note_fork(struct ct_lives *lives, int32_t child_pid, int32_t forker_tid)
{
    struct ct_image *image = ct_lives_image(lives, child_pid);
    struct ct_thread *first =
        image && !image->has_ended
            ? g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(child_pid))
            : NULL;

    if (first && first->creator_tid == 0)
        first->creator_tid = forker_tid;
    else if (!first && g_hash_table_size(lives->forkers) < PROCESSES_MAX)
        g_hash_table_insert(lives->forkers, GINT_TO_POINTER(child_pid),
                            GINT_TO_POINTER(forker_tid));
}

void ct_lives_set_forker(struct ct_lives *lives, struct ct_thread_state *first)
{
    void *pid = GINT_TO_POINTER(first->thread.process->pid);

    first->thread.creator_tid = GPOINTER_TO_INT(g_hash_table_lookup(lives->forkers, pid));
    g_hash_table_remove(lives->forkers, pid);
}

void ct_lives_end_thread(struct ct_thread_state *thread, uint64_t time_ns)
{
    thread->thread.has_exited = TRUE;
    thread->thread.end_ns = MAX(time_ns, ct_waits_last_end_ns(thread));
    ct_binding_end_thread(thread);
    ct_waits_end_thread(thread);
}

gboolean ct_lives_was_seen_before(const struct ct_thread_state *thread, uint64_t time_ns)
{
    return thread->life.last_ns != 0 && time_ns > thread->life.last_ns;
}

struct ct_thread_state *ct_lives_told_thread(struct ct_lives *lives, struct ct_image *image,
                                             int32_t tid, uint64_t start_ns)
{
    struct ct_thread_state *thread =
        g_hash_table_lookup(image->process.threads, GINT_TO_POINTER(tid));

    /* One that has exited by then is another of the same id. */
    if (thread && (!thread->thread.has_exited || start_ns < thread->thread.end_ns))
        return thread;
    return ct_lives_add_thread(lives, image, tid, start_ns);
}

gboolean ct_lives_is_of_before(const struct ct_thread_state *thread)
{
    return ct_image_of(&thread->thread)->is_restated && !thread->life.has_start &&
           !thread->life.has_before;
}

static uint64_t since(uint64_t total_ns, uint64_t before_ns)
{
    return total_ns - MIN(before_ns, total_ns);
}

void ct_lives_set_totals(struct ct_thread_state *thread, const struct ct_class_totals *totals)
{
    const struct ct_class_totals *before = &thread->life.before;
    uint64_t *class_ns = thread->thread.class_ns;

    if (ct_lives_is_of_before(thread))
        return;
    class_ns[CT_CLASS_NET] = since(totals->net_ns, before->net_ns);
    class_ns[CT_CLASS_SYNC] = since(totals->sync_ns, before->sync_ns);
    class_ns[CT_CLASS_SYSCALL] = since(totals->syscall_ns, before->syscall_ns);
    class_ns[CT_CLASS_SLEEP] = since(totals->sleep_ns, before->sleep_ns);
    thread->thread.has_totals = TRUE;
}

void ct_lives_note_totals_before(struct ct_thread_state *thread,
                                 const struct ct_class_totals *totals)
{
    thread->life.before = *totals;
    thread->life.has_before = TRUE;
}

void ct_lives_name_thread(struct ct_thread_state *thread, const char *name)
{
    ct_assign_string(&thread->thread.name, name);
    thread->life.has_name = TRUE;
}

void ct_lives_settle_name(struct ct_thread_state *thread)
{
    if (!thread->life.has_name || !thread->thread.name[0])
        ct_assign_string(&thread->thread.name, thread->thread.process->name);
}

/* ---- Threads of images without preload ---- */

struct ct_thread_state *ct_lives_add_unpreloaded(struct ct_lives *lives, struct ct_image *image,
                                                 int32_t tid, uint64_t start_ns)
{
    struct ct_thread_state *thread = ct_lives_find_unpreloaded(lives, tid);

    if (thread && thread->thread.process == &image->process)
        return NULL; /* it was told of as one that was there, too */
    thread = ct_lives_add_thread(lives, image, tid, start_ns);
    if (!thread)
        return NULL;
    thread->life.last_ns = start_ns;
    image->live_threads++;
    g_hash_table_insert(lives->unpreloaded, GINT_TO_POINTER(tid), thread);
    return thread;
}

gboolean ct_lives_end_unpreloaded(struct ct_lives *lives, struct ct_thread_state *thread)
{
    g_hash_table_remove(lives->unpreloaded, GINT_TO_POINTER(thread->thread.tid));
    return --ct_image_of(&thread->thread)->live_threads == 0;
}

struct ct_thread_state *ct_lives_find_unpreloaded(const struct ct_lives *lives, int32_t tid)
{
    return g_hash_table_lookup(lives->unpreloaded, GINT_TO_POINTER(tid));
}
