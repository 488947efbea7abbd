#include "summary/latency.h"

#include "model/fact_finder.h"
#include "model/format.h"
#include "summary/latency_rows.h"

#include <string.h>

/* Of the slowest at a place: one in a hundred. */
#define SLOW_SHARE 0.99

/* Names of descriptors and calls, at most. */
#define TEXTS_MAX (1U << 16)

/* What a row is of, with those members set that its table goes by. */
struct key {
    enum ct_latency_table table;
    enum ct_op op;
    enum ct_object kind;
    uint32_t stack_id;
    uint64_t object;
    const struct ct_process *process; /* borrowed */
    const char *text;                 /* borrowed from the finder; or NULL */
};

struct keyed {
    struct key key; /* first: it is found by it */
    struct ct_latency_row *row;
};

struct finder {
    const struct ct_report *report; /* borrowed */
    struct ct_latency *latency;     /* owned */
    GHashTable *rows;               /* owned; struct keyed *, as a set */
    GHashTable *texts;              /* owned; names of descriptors and calls, as a set */
    struct ct_latency_row *others[CT_LATENCY_TABLE_COUNT]; /* borrowed; NULL: none */
    uint64_t from_ns;                                      /* where the scope begins */
};

static guint key_hash(const void *data)
{
    const struct key *key = data;
    uint64_t mixed = ((uint64_t)key->table << 60) + ((uint64_t)key->op << 52) +
                     ((uint64_t)key->kind << 48) + ((uint64_t)key->stack_id << 16) + key->object +
                     ((uintptr_t)key->process >> 4) + ((uintptr_t)key->text << 5);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean key_equal(const void *a, const void *b)
{
    const struct key *first = a, *second = b;

    return first->table == second->table && first->op == second->op &&
           first->kind == second->kind && first->stack_id == second->stack_id &&
           first->object == second->object && first->process == second->process &&
           first->text == second->text;
}

/* ---- What a wait belongs to ---- */

/* The store's model is another one, of the same recording. */
static const struct ct_thread *own_thread(const struct ct_report *report,
                                          const struct ct_thread *thread)
{
    const GPtrArray *all = report->model->all_threads;

    return thread && thread->number < all->len ? all->pdata[thread->number] : NULL;
}

static const char *keep_text(struct finder *finder, char *text)
{
    char *kept = g_hash_table_lookup(finder->texts, text);

    if (!kept && g_hash_table_size(finder->texts) < TEXTS_MAX) {
        g_hash_table_add(finder->texts, text);
        return text;
    }
    g_free(text);
    return kept ? kept : "others";
}

/* A connection goes by the end whose number is the same each time. */
static const char *descriptor_text(struct finder *finder, const struct ct_interval *interval)
{
    const struct ct_fd *fd = interval->fd;
    const char *local, *peer;
    const char *kind = ct_fd_kind_name(fd->kind);

    ct_fd_find_ends(fd, interval->fd_role, &local, &peer);
    if (peer)
        return keep_text(finder, g_strdup_printf("%s -> %s", kind, peer));
    if (!local || g_str_has_prefix(local, "anon_inode:"))
        return keep_text(finder, g_strdup(kind));
    return keep_text(finder, g_strdup_printf("%s %s", kind, local));
}

static void set_object(struct finder *finder, const struct ct_interval *interval, struct key *key)
{
    key->kind = ct_op_object(interval->op);
    if (interval->call_name) {
        key->text = keep_text(finder, g_strdup(interval->call_name));
    } else if (interval->fd) {
        key->text = descriptor_text(finder, interval);
    } else if (ct_object_is_address(key->kind) || key->kind == CT_OBJECT_THREAD ||
               key->kind == CT_OBJECT_IPC || key->kind == CT_OBJECT_FD ||
               key->kind == CT_OBJECT_PROCESS) {
        key->object = interval->object;
        key->process = own_thread(finder->report, interval->thread)->process;
    }
    if (key->text)
        key->kind = CT_OBJECT_NONE;
}

static struct key key_of(struct finder *finder, enum ct_latency_table table,
                         const struct ct_interval *interval)
{
    struct key key = {.table = table};

    if (table == CT_LATENCY_OBJECTS) {
        set_object(finder, interval, &key);
        return key;
    }
    key.op = interval->op;
    if (interval->call_name)
        key.text = keep_text(finder, g_strdup(interval->call_name));
    if (table == CT_LATENCY_PLACES) {
        key.process = own_thread(finder->report, interval->thread)->process;
        key.stack_id = interval->stack_id;
    }
    return key;
}

/* With the variable's name where it is one. */
static char *describe_object(const struct finder *finder, const struct ct_interval *interval,
                             const struct key *key)
{
    if (key->text)
        return g_strdup(key->text);
    if (!key->process)
        return g_strdup("");
    return ct_report_lock_object(finder->report, key->process, interval->op, key->object,
                                 interval->stack_id);
}

/* ---- Rows ---- */

static struct ct_latency_row *add_row(struct finder *finder, enum ct_latency_table table)
{
    struct ct_latency_row *row = g_new0(struct ct_latency_row, 1);

    row->times = ct_histogram_new();
    g_ptr_array_add(finder->latency->tables[table], row);
    return row;
}

static struct ct_latency_row *others_of(struct finder *finder, enum ct_latency_table table)
{
    if (!finder->others[table]) {
        finder->others[table] = add_row(finder, table);
        finder->others[table]->is_others = TRUE;
        finder->others[table]->object = g_strdup("");
    }
    return finder->others[table];
}

static struct ct_latency_row *find_row(const struct finder *finder, const struct key *key)
{
    const struct keyed *known = g_hash_table_lookup(finder->rows, key);

    return known ? known->row : finder->others[key->table];
}

static struct ct_latency_row *row_of(struct finder *finder, enum ct_latency_table table,
                                     const struct ct_interval *interval)
{
    const struct key key = key_of(finder, table, interval);
    struct keyed *known = g_hash_table_lookup(finder->rows, &key);

    if (known)
        return known->row;
    if (finder->latency->tables[table]->len >= CT_LATENCY_ROWS)
        return others_of(finder, table);
    known = g_new(struct keyed, 1);
    known->key = key;
    known->row = add_row(finder, table);
    known->row->op = key.op;
    known->row->call_name = table == CT_LATENCY_OBJECTS ? NULL : g_strdup(key.text);
    known->row->process = table == CT_LATENCY_PLACES ? key.process : NULL;
    known->row->process_count = 1;
    known->row->stack_id = key.stack_id;
    known->row->object =
        table == CT_LATENCY_OBJECTS ? describe_object(finder, interval, &key) : g_strdup("");
    g_hash_table_add(finder->rows, known);
    return known->row;
}

/* The parts of a wait come one by one: one of them counts for all. */
static gboolean is_call(const struct finder *finder, const struct ct_interval *interval)
{
    return interval->class != CT_CLASS_RUNNABLE && !interval->is_outside &&
           ct_interval_is_counted(interval, finder->from_ns) &&
           own_thread(finder->report, interval->thread);
}

/* By the rule, which is of the report's model. */
static gboolean is_idle(const struct finder *finder, const struct ct_interval *interval)
{
    struct ct_interval own = *interval;

    own.thread = (struct ct_thread *)own_thread(finder->report, interval->thread);
    own.waker = (struct ct_thread *)own_thread(finder->report, interval->waker);
    return ct_idle_has(finder->report->idle, &own);
}

static void add_call(void *user, const struct ct_interval *interval)
{
    struct finder *finder = user;
    uint64_t duration_ns = ct_interval_wait_ns(interval);

    if (!is_call(finder, interval))
        return;
    double idle_ns = is_idle(finder, interval) ? (double)duration_ns * interval->weight : 0;

    ct_histogram_add(finder->latency->all, duration_ns, interval->weight);
    for (int table = 0; table < CT_LATENCY_TABLE_COUNT; table++) {
        struct ct_latency_row *row = row_of(finder, (enum ct_latency_table)table, interval);

        ct_histogram_add(row->times, duration_ns, interval->weight);
        row->idle_ns += idle_ns;
        if (interval->is_open)
            row->open_count += interval->weight;
    }
}

/* ---- Places that are the same for a reader ---- */

static void merge_row(struct ct_latency_row *row, const struct ct_latency_row *more)
{
    ct_histogram_merge(row->times, more->times);
    row->open_count += more->open_count;
    row->idle_ns += more->idle_ns;
    row->process_count += more->process != row->process;
}

/* By what a reader would see of it; the first ones by when they came stay. */
static void fold_places(struct finder *finder)
{
    GPtrArray *places = finder->latency->tables[CT_LATENCY_PLACES];
    g_autoptr(GHashTable) firsts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) folded = g_hash_table_new(NULL, NULL); /* row -> the one that stays */
    GHashTableIter at;
    void *value;

    for (guint i = 0; i < places->len; i++) {
        struct ct_latency_row *row = places->pdata[i];

        if (row->is_others)
            continue;
        char *text = ct_report_describe_place(finder->report, row->process, row->op, row->stack_id);
        char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        struct ct_latency_row *first = g_hash_table_lookup(firsts, digest);

        g_free(text);
        if (first) {
            merge_row(first, row);
            g_hash_table_insert(folded, row, first);
            g_free(digest);
        } else {
            g_hash_table_insert(firsts, digest, row);
        }
    }
    g_hash_table_iter_init(&at, finder->rows);
    while (g_hash_table_iter_next(&at, &value, NULL)) {
        struct keyed *keyed = value;
        struct ct_latency_row *first = g_hash_table_lookup(folded, keyed->row);

        keyed->row = first ? first : keyed->row;
    }
    for (guint i = places->len; i-- > 0;) {
        if (g_hash_table_contains(folded, places->pdata[i]))
            g_ptr_array_remove_index(places, i);
    }
}

/* ---- The slowest ---- */

/* "worker-*": threads of one kind have names that differ in numbers. */
static char *kind_of_name(const char *name)
{
    GString *kind = g_string_new(NULL);

    for (; *name; name++) {
        if (!g_ascii_isdigit(*name))
            g_string_append_c(kind, *name);
        else if (!g_ascii_isdigit(name[1]))
            g_string_append_c(kind, '*');
    }
    return g_string_free(kind, FALSE);
}

static char *waker_text(const struct finder *finder, const struct ct_interval *interval)
{
    const struct ct_thread *waker = own_thread(finder->report, interval->waker);
    const struct ct_thread *thread = own_thread(finder->report, interval->thread);

    if (!waker)
        return g_strdup("");
    g_autofree char *name = kind_of_name(waker->name);
    gboolean is_inside = waker->process == thread->process;

    return is_inside ? g_steal_pointer(&name)
                     : g_strdup_printf("%s of %s", name, waker->process->name);
}

static struct ct_latency_slow *slow_of(struct ct_latency_row *row, enum ct_class class,
                                       const char *object, const char *waker)
{
    struct ct_latency_slow *slow = NULL;

    for (guint i = 0; i < row->slow->len; i++) {
        slow = row->slow->pdata[i];
        if (slow->class == class && strcmp(slow->object, object) == 0 &&
            strcmp(slow->waker, waker) == 0)
            return slow;
    }
    /* The last one is of all others then. */
    if (row->slow->len == CT_LATENCY_SLOW)
        return slow;
    gboolean is_last = row->slow->len + 1 == CT_LATENCY_SLOW;

    slow = g_new0(struct ct_latency_slow, 1);
    slow->class = class;
    slow->object = g_strdup(is_last ? "other objects" : object);
    slow->waker = g_strdup(is_last ? "" : waker);
    g_ptr_array_add(row->slow, slow);
    return slow;
}

static void add_slow(void *user, const struct ct_interval *interval)
{
    struct finder *finder = user;
    uint64_t duration_ns = ct_interval_wait_ns(interval);

    if (interval->is_outside || !own_thread(finder->report, interval->thread))
        return;
    const struct key key = key_of(finder, CT_LATENCY_PLACES, interval);
    struct ct_latency_row *row = find_row(finder, &key);

    if (!row || duration_ns < row->slow_from_ns)
        return;
    if (interval->class == CT_CLASS_RUNNABLE)
        row->slow_runnable_ns += interval->weight * (double)(interval->end_ns - interval->begin_ns);
    if (!is_call(finder, interval))
        return;
    struct key object_key = {.table = CT_LATENCY_OBJECTS};

    set_object(finder, interval, &object_key);
    g_autofree char *object = describe_object(finder, interval, &object_key);
    g_autofree char *waker = waker_text(finder, interval);
    struct ct_latency_slow *slow = slow_of(row, interval->class, object, waker);

    slow->count += interval->weight;
    slow->total_ns += interval->weight * (double)duration_ns;
    row->slow_count += interval->weight;
    row->slow_total_ns += interval->weight * (double)duration_ns;
}

/* ---- All ---- */

static void prepare_slow(const GPtrArray *places)
{
    for (guint i = 0; i < places->len; i++) {
        struct ct_latency_row *row = places->pdata[i];

        row->slow = ct_latency_slow_list();
        row->slow_from_ns = ct_histogram_quantile_floor_ns(row->times, SLOW_SHARE);
    }
}

struct ct_latency *ct_latency_find(const struct ct_report *report, struct ct_store *store,
                                   const struct ct_store_scope *scope, GError **error)
{
    struct finder finder = {.report = report, .latency = ct_latency_new()};
    const struct ct_sink first = {.user = &finder, .on_interval = add_call};
    const struct ct_sink second = {.user = &finder, .on_interval = add_slow};
    struct ct_latency *latency = finder.latency;

    finder.rows = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    finder.texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    finder.from_ns = scope->window ? scope->window->begin_ns : 0;
    gboolean is_found = ct_store_replay(store, scope, &first, error);

    if (is_found) {
        fold_places(&finder);
        prepare_slow(latency->tables[CT_LATENCY_PLACES]);
        is_found = ct_store_replay(store, scope, &second, error);
        ct_latency_sort(latency);
    }
    g_hash_table_unref(finder.rows);
    g_hash_table_unref(finder.texts);
    if (is_found)
        return latency;
    ct_latency_free(latency);
    return NULL;
}
