/* Locks, and what is used as one: who waited, and who held it meanwhile. */
#include "passes/findings/rules.h"
#include "passes/findings/words.h"
#include "passes/known_locks.h"

#include "symbols/object_name.h"
#include "symbols/stack_text.h"

/* Of so many locks that are one for a reader, it is asked what their holders did. */
#define KEYS_MAX 64

/* The name of the variable; NULL: it has none, as on the heap. */
static const char *variable_of(const struct ct_findings_case *a_case,
                               const struct ct_evidence_wait *wait)
{
    const struct ct_process *process = wait->thread->process;

    return ct_object_find_name(a_case->input->symbolizer, process, ct_op_object(wait->op),
                               wait->object, ct_process_stack_time(process, wait->stack_id));
}

/* One lock of one process. */
static char *key_of_lock(const struct ct_process *process, enum ct_object kind, uint64_t object,
                         const char *file)
{
    return g_strdup_printf("%p %d %" G_GINT64_MODIFIER "x %s", (const void *)process, (int)kind,
                           object, file ? file : "");
}

static char *key_of(const struct ct_findings_case *a_case, const struct ct_evidence_wait *wait)
{
    (void)a_case;
    return key_of_lock(wait->thread->process, ct_op_object(wait->op), wait->object, wait->local);
}

/* The same for locks that a reader takes for one: a variable or file in however many processes of
 * one program; and of those without a name, such as each bucket's, all that are waited for at one
 * place above all. */
static const char *known_lock_of(const struct ct_findings_case *a_case,
                                 const struct ct_evidence_wait *wait)
{
    const struct ct_wait_traits traits = ct_evidence_traits(wait);

    return ct_known_lock(a_case->input->symbolizer, &traits);
}

static char *label_of(const struct ct_findings_case *a_case, const struct ct_gathering *gathering)
{
    const struct ct_evidence_wait *wait = gathering->first;
    const char *exe = wait->thread->process->exe;
    const char *variable = variable_of(a_case, wait);
    const char *known = known_lock_of(a_case, wait);

    if (known)
        return g_strdup(known);
    if (wait->local)
        return g_strdup(wait->local);
    if (!variable && !gathering->place)
        return key_of(a_case, wait);
    g_autofree char *place = variable ? NULL : ct_stack_place_text(gathering->place);

    return g_strdup_printf("%s %d %s", exe ? exe : "", (int)ct_op_object(wait->op),
                           variable ? variable : place);
}

static char *name_lock(const struct ct_findings_case *a_case, const struct ct_gathering *gathering,
                       guint count)
{
    const struct ct_evidence_wait *wait = gathering->first;
    const char *variable = variable_of(a_case, wait);
    const char *kind = ct_object_name(ct_op_object(wait->op));
    const char *known = known_lock_of(a_case, wait);

    if (known)
        return g_strdup(known);
    if (wait->local)
        return g_strdup_printf("the lock of %s", wait->local);
    if (variable)
        return g_strdup_printf("%s %s", kind, variable);
    if (count > 1)
        return g_strdup_printf("%u locks (%s)", count, kind);
    if (ct_object_is_address(ct_op_object(wait->op)))
        return g_strdup_printf("%s 0x%" G_GINT64_MODIFIER "x", kind, wait->object);
    return g_strdup_printf("a lock by %s", ct_op_name(wait->op));
}

/* Each once for a reader, however many locks it is. */
struct lock {
    struct ct_gathering *waits; /* borrowed */
    double able_ns;             /* for which those who held it ran, or could have, at all */
    guint count;                /* so many locks */
    GArray *keys;               /* owned; struct ct_lock_key: the first KEYS_MAX of them */
};

static void lock_free(void *data)
{
    struct lock *lock = data;

    g_array_unref(lock->keys);
    g_free(lock);
}

static const struct ct_thread *holder_of(const struct ct_evidence_hold *hold)
{
    if (hold->holder || hold->holder_tid == 0)
        return hold->holder;
    return g_hash_table_lookup(hold->process->threads, GINT_TO_POINTER(hold->holder_tid));
}

/* A lock's key -> struct ct_causes_life *, owned: of those who held it. */
static GHashTable *list_holders(const struct ct_findings_case *a_case)
{
    const GPtrArray *holds = a_case->input->evidence->holds;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTable *by_lock = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (guint i = 0; i < holds->len; i++) {
        const struct ct_evidence_hold *hold = holds->pdata[i];
        const struct ct_thread *holder = holder_of(hold);
        g_autofree char *key = key_of_lock(hold->process, hold->kind, hold->object, NULL);
        struct ct_causes_life *life = g_hash_table_lookup(by_lock, key);

        if (!holder || !g_hash_table_add(seen, g_strdup_printf("%s %p", key, (const void *)holder)))
            continue;
        if (!life) {
            life = g_new0(struct ct_causes_life, 1);
            g_hash_table_insert(by_lock, g_strdup(key), life);
        }
        ct_causes_add_life(a_case->causes, holder, life);
    }
    return by_lock;
}

/* What is signalled by one of those who wait for it is no lock if they hardly work: not for half of
 * the time for which one of them waits. */
static gboolean is_lock(const struct lock *lock)
{
    const struct ct_gathering *gathering = lock->waits;
    enum ct_object kind = ct_op_object(gathering->first->op);

    return ct_object_is_lock(kind) || kind == CT_OBJECT_FD ||
           lock->able_ns * 2 >= gathering->total_ns / gathering->threads->len;
}

static void add(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings,
                const struct lock *lock)
{
    const struct ct_gathering *gathering = lock->waits;

    if (!is_lock(lock))
        return;
    g_autofree char *who = ct_words_threads(gathering->threads);
    g_autofree char *time = ct_words_time_of(a_case, gathering);
    g_autofree char *what = name_lock(a_case, gathering, lock->count);
    g_autofree char *count = ct_words_count(gathering);
    /* Of what is known by its functions, those say where. */
    g_autofree char *where =
        known_lock_of(a_case, gathering->first) ? g_strdup("") : ct_words_where(gathering);
    /* Of what only its functions tell to be a lock, the section on locks knows nothing. */
    gboolean is_listed =
        gathering->first->is_for_lock || ct_object_is_lock(ct_op_object(gathering->first->op));
    struct ct_finding *finding = ct_finding_add(
        findings, name, gathering,
        g_strdup_printf("%s spent %s in line for %s: %s%s.", who, time, what, count, where),
        is_listed ? "report locks" : "report waits", is_listed ? NULL : gathering->threads);

    finding->locks = g_array_ref(lock->keys);
}

static void add_lock(struct lock *lock, const struct ct_gathering *gathering,
                     const struct ct_causes_life *holders)
{
    const struct ct_evidence_wait *wait = gathering->first;
    enum ct_object kind = ct_op_object(wait->op);
    const struct ct_lock_key key = ct_lock_key_of(wait->thread->process, kind, wait->object);

    lock->count++;
    if (holders)
        lock->able_ns += holders->able_ns;
    if (lock->keys->len < KEYS_MAX)
        g_array_append_val(lock->keys, key);
}

/* struct lock *: each once for a reader. The caller owns it; the gatherings are borrowed. */
static GPtrArray *merge(const struct ct_findings_case *a_case, const GPtrArray *gatherings)
{
    g_autoptr(GHashTable) by_label = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) holders = list_holders(a_case);
    GPtrArray *locks = g_ptr_array_new_with_free_func(lock_free);

    for (guint i = 0; i < gatherings->len; i++) {
        struct ct_gathering *gathering = gatherings->pdata[i];
        char *label = label_of(a_case, gathering);
        g_autofree char *key = key_of(a_case, gathering->first);
        struct lock *lock = g_hash_table_lookup(by_label, label);

        if (lock) {
            ct_gathering_merge(lock->waits, gathering);
            g_free(label);
        } else {
            lock = g_new0(struct lock, 1);
            lock->waits = gathering;
            lock->keys = g_array_new(FALSE, FALSE, sizeof(struct ct_lock_key));
            g_ptr_array_add(locks, lock);
            g_hash_table_insert(by_label, label, lock);
        }
        add_lock(lock, gathering, g_hash_table_lookup(holders, key));
    }
    return locks;
}

void ct_findings_lock(const struct ct_findings_case *a_case, const char *name, GPtrArray *findings)
{
    g_autoptr(GPtrArray) gatherings = ct_gather(a_case, CT_CAUSE_LOCK, key_of);
    g_autoptr(GPtrArray) locks = merge(a_case, gatherings);

    for (guint i = 0; i < locks->len; i++)
        add(a_case, name, findings, locks->pdata[i]);
}
