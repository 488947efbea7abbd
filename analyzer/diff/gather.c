#include "diff/gather.h"

#include "diff/place_names.h"
#include "passes/peers.h"
#include "summary/histogram.h"
#include "summary/idle_times.h"

#include <string.h>

/* Rows that go with a wait are looked up once for so many different ones: then all are forgotten.
 */
#define KNOWN_MAX (1U << 16)

/* A row, and how long its waits were. */
struct gathering {
    struct ct_digest_row *row;  /* borrowed from the run */
    struct ct_histogram *times; /* owned */
};

/* Waits that are in the same rows. */
struct known {
    const struct ct_process *process; /* borrowed; these are the key */
    const char *call_name;            /* borrowed from the model */
    uint64_t object;                  /* 0: it is a descriptor, or has none */
    uint32_t stack_id;
    enum ct_op op;
    enum ct_class class;
    gboolean is_idle;
    struct gathering *rows[CT_DIGEST_KIND_COUNT]; /* borrowed; NULL: it is in none */
};

struct gatherer {
    struct ct_report *report; /* borrowed */
    struct ct_sink report_sink;
    struct ct_digest *digest; /* owned until it is told */
    GHashTable *gathered; /* owned; name of the row with its kind and class -> struct gathering * */
    GHashTable *known;    /* owned; struct known *, as a set */
    guint counts[CT_DIGEST_KIND_COUNT];
    struct ct_window window;
};

static void gathering_free(void *data)
{
    struct gathering *gathering = data;

    ct_histogram_free(gathering->times);
    g_free(gathering);
}

static guint known_hash(const void *data)
{
    const struct known *known = data;
    uint64_t mixed = known->object + ((uintptr_t)known->process >> 4) +
                     ((uint64_t)known->stack_id << 16) + ((uint64_t)known->op << 8) +
                     ((uint64_t)known->class << 4) + (uint64_t)(known->is_idle != 0) +
                     ((uintptr_t)known->call_name << 20);

    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean known_equal(const void *a, const void *b)
{
    const struct known *first = a, *second = b;

    return first->process == second->process && first->call_name == second->call_name &&
           first->object == second->object && first->stack_id == second->stack_id &&
           first->op == second->op && first->class == second->class &&
           first->is_idle == second->is_idle;
}

/* ---- Rows ---- */

static struct gathering *find_row(struct gatherer *gatherer, enum ct_digest_kind kind,
                                  enum ct_class class, const char *name)
{
    char *key = g_strdup_printf("%d %d %s", (int)kind, (int)class, name);
    struct gathering *gathering = g_hash_table_lookup(gatherer->gathered, key);

    if (gathering) {
        g_free(key);
        return gathering;
    }
    if (gatherer->counts[kind] >= CT_DIGEST_ROWS && strcmp(name, CT_DIGEST_OTHERS) != 0) {
        g_free(key);
        return find_row(gatherer, kind, CT_CLASS_UNKNOWN, CT_DIGEST_OTHERS);
    }
    gatherer->counts[kind]++;
    gathering = g_new0(struct gathering, 1);
    gathering->row = ct_digest_add(gatherer->digest, kind, class, name);
    gathering->times = ct_histogram_new();
    g_hash_table_insert(gatherer->gathered, key, gathering);
    return gathering;
}

static struct gathering *find_state(struct gatherer *gatherer, enum ct_digest_kind kind,
                                    enum ct_class class)
{
    return find_row(gatherer, kind, class, ct_class_name(class));
}

/* "recv in ask_upstream". */
static char *describe_call(const char *operation, const char *function)
{
    return function[0] ? g_strdup_printf("%s in %s", operation, function) : g_strdup(operation);
}

/* Each moment has one cause: a lock, else a call at a place; and all that is idle is one. */
static struct gathering *find_cause(struct gatherer *gatherer, const struct known *known,
                                    const char *lock, const char *operation, const char *function)
{
    if (known->is_idle)
        return find_row(gatherer, CT_DIGEST_CAUSE, CT_CLASS_UNKNOWN, CT_DIGEST_IDLE);
    g_autofree char *call = describe_call(operation, function);
    struct gathering *cause = find_row(gatherer, CT_DIGEST_CAUSE, known->class, lock ? lock : call);

    /* Of one without a name, the place is what it goes by. */
    if (lock && !cause->row->detail[0] && function[0] && !strstr(lock, CT_PLACE_NAMES_USED)) {
        g_free(cause->row->detail);
        cause->row->detail = g_strdup(function);
    }
    return cause;
}

static void find_rows(struct gatherer *gatherer, const struct ct_interval *interval,
                      struct known *known)
{
    struct ct_symbolizer *symbolizer = gatherer->report->symbolizer;
    const char *operation = known->call_name ? known->call_name : ct_op_name(known->op);
    struct ct_place_names names = ct_place_names_of(symbolizer, known->process, known->stack_id);
    g_autofree char *lock = ct_place_name_lock(symbolizer, interval, names.function);
    g_autofree char *stack =
        g_strdup_printf("%s%s%s", operation, names.stack[0] ? ": " : "", names.stack);

    known->rows[CT_DIGEST_STATE] = find_state(gatherer, CT_DIGEST_STATE, known->class);
    known->rows[CT_DIGEST_OPERATION] =
        find_row(gatherer, CT_DIGEST_OPERATION, known->class, operation);
    known->rows[CT_DIGEST_STACK] = find_row(gatherer, CT_DIGEST_STACK, known->class, stack);
    if (names.function[0])
        known->rows[CT_DIGEST_FUNCTION] =
            find_row(gatherer, CT_DIGEST_FUNCTION, known->class, names.function);
    if (lock)
        known->rows[CT_DIGEST_LOCK] = find_row(gatherer, CT_DIGEST_LOCK, known->class, lock);
    known->rows[CT_DIGEST_CAUSE] = find_cause(gatherer, known, lock, operation, names.function);
    ct_place_names_clear(&names);
}

static const struct known *find_known(struct gatherer *gatherer, const struct ct_interval *interval)
{
    struct known key = {
        .process = interval->thread->process,
        .call_name = interval->call_name,
        .stack_id = interval->stack_id,
        .op = interval->op,
        .class = interval->class,
        .is_idle = ct_idle_has(gatherer->report->idle, interval),
    };

    if (!interval->fd && ct_object_is_address(ct_op_object(interval->op)))
        key.object = interval->object;
    struct known *known = g_hash_table_lookup(gatherer->known, &key);

    if (known)
        return known;
    if (g_hash_table_size(gatherer->known) >= KNOWN_MAX)
        g_hash_table_remove_all(gatherer->known);
    find_rows(gatherer, interval, &key);
    known = g_memdup2(&key, sizeof(key));
    g_hash_table_add(gatherer->known, known);
    return known;
}

/* ---- Waits ---- */

/* What an interval adds to its rows. */
struct share {
    double count; /* 0: another part of the wait counts for all */
    double delay_ns;
    gboolean is_idle;
    uint64_t length_ns; /* of the whole wait */
};

static void add_share(const struct gathering *gathering, const struct share *share)
{
    struct ct_digest_row *row = gathering->row;

    row->delay_ns += share->delay_ns;
    row->idle_ns += share->is_idle ? share->delay_ns : 0;
    if (share->count > 0)
        ct_histogram_add(gathering->times, share->length_ns, share->count);
}

static void add_interval(struct gatherer *gatherer, const struct ct_interval *interval)
{
    uint64_t begin_ns = MAX(interval->begin_ns, gatherer->window.begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, gatherer->window.end_ns);
    struct share share = {.delay_ns = interval->weight * (double)(end_ns - begin_ns)};

    if (begin_ns > end_ns)
        return;
    /* Times in line for a CPU, and those outside of calls, are each one. */
    if (interval->class == CT_CLASS_RUNNABLE || interval->is_outside) {
        share.count = interval->weight;
        share.length_ns = interval->end_ns - interval->begin_ns;
        add_share(find_state(gatherer, CT_DIGEST_STATE, interval->class), &share);
        add_share(find_state(gatherer, CT_DIGEST_CAUSE, interval->class), &share);
        return;
    }
    const struct known *known = find_known(gatherer, interval);

    share.is_idle = known->is_idle;
    share.length_ns = ct_interval_wait_ns(interval);
    if (ct_interval_is_counted(interval, gatherer->window.begin_ns))
        share.count = interval->weight;
    for (size_t kind = 0; kind < CT_DIGEST_KIND_COUNT; kind++) {
        if (known->rows[kind])
            add_share(known->rows[kind], &share);
    }
}

static void on_interval(void *user, const struct ct_interval *interval)
{
    struct gatherer *gatherer = user;

    gatherer->report_sink.on_interval(gatherer->report_sink.user, interval);
    add_interval(gatherer, interval);
}

/* ---- What is not told by waits ---- */

/* Of whole recordings, the sums of classes are exact, also where short waits were sampled. */
static void add_states(struct gatherer *gatherer)
{
    const struct ct_report *report = gatherer->report;

    for (int class = 0; class < CT_CLASS_COUNT; class ++) {
        struct ct_digest_row *row;
        double total_ns = 0;

        if (!ct_report_tells_class(report, (enum ct_class) class))
            continue;
        for (guint i = 0; i < report->threads->len; i++)
            total_ns += (double)g_array_index(report->threads, struct ct_report_thread, i)
                            .life.class_ns[class];
        row = find_state(gatherer, CT_DIGEST_STATE, (enum ct_class) class)->row;
        row->delay_ns = total_ns;
        row->idle_ns = MIN(row->idle_ns, total_ns);
        if (class == CT_CLASS_RUNNING)
            find_state(gatherer, CT_DIGEST_CAUSE, CT_CLASS_RUNNING)->row->delay_ns = total_ns;
    }
}

static void add_durations(struct gatherer *gatherer, enum ct_digest_kind kind, const char *address,
                          const struct ct_durations *durations)
{
    struct ct_digest_row *row =
        ct_digest_add(gatherer->digest, kind, CT_CLASS_NET, address[0] ? address : "(no address)");

    row->count = durations->count;
    row->delay_ns = row->length_ns = durations->total_ns;
    row->p50_ns = (double)ct_durations_quantile_ns(durations, 0.5);
    row->p99_ns = (double)ct_durations_quantile_ns(durations, 0.99);
}

static gboolean add_connections(struct gatherer *gatherer, struct ct_store *store,
                                const struct ct_store_scope *scope, GError **error)
{
    g_autoptr(GPtrArray) peers = ct_peers_find(store, scope, error);
    g_autoptr(ct_requests) requests = peers ? ct_requests_find(store, scope, 0, error) : NULL;

    if (!requests)
        return FALSE;
    for (guint i = 0; i < peers->len; i++) {
        const struct ct_peer *peer = peers->pdata[i];

        if (peer->answers.count > 0)
            add_durations(gatherer, CT_DIGEST_PEER,
                          peer->is_others ? CT_DIGEST_OTHERS : peer->address, &peer->answers);
    }
    for (guint i = 0; i < requests->servers->len; i++) {
        const struct ct_server *server = requests->servers->pdata[i];

        gatherer->digest->requests += server->requests.count;
        if (server->requests.count > 0)
            add_durations(gatherer, CT_DIGEST_SERVER,
                          server->is_others ? CT_DIGEST_OTHERS : server->address,
                          &server->requests);
    }
    return TRUE;
}

static void tell_times(struct gatherer *gatherer)
{
    GHashTableIter at;
    void *value;

    g_hash_table_iter_init(&at, gatherer->gathered);
    while (g_hash_table_iter_next(&at, NULL, &value)) {
        const struct gathering *gathering = value;
        struct ct_digest_row *row = gathering->row;

        row->count = ct_histogram_count(gathering->times);
        row->length_ns = ct_histogram_total_ns(gathering->times);
        row->p50_ns = (double)ct_histogram_quantile_ns(gathering->times, 0.5);
        row->p99_ns = (double)ct_histogram_quantile_ns(gathering->times, 0.99);
    }
}

static void tell_capture(struct gatherer *gatherer)
{
    const struct ct_model *model = gatherer->report->model;
    struct ct_digest *digest = gatherer->digest;

    g_free(digest->layers);
    digest->layers = g_strdup(model->capture.layers ? model->capture.layers : "");
    digest->rate_ns = model->capture.rate_ns;
    digest->duration_ns = gatherer->window.end_ns - gatherer->window.begin_ns;
}

/* The threads' own time, of the part that is asked for: a recorder is there before its program. */
static struct ct_window window_of(const struct ct_report *report)
{
    const struct ct_window lives = ct_lives_extent(report->model);
    const struct ct_window *asked = &report->scope.window;

    if (report->scope.is_whole_time)
        return lives;
    uint64_t begin_ns = MAX(lives.begin_ns, asked->begin_ns);

    return (struct ct_window){begin_ns, MAX(begin_ns, MIN(lives.end_ns, asked->end_ns))};
}

struct ct_digest *ct_digest_gather(struct ct_report *report, struct ct_store *store,
                                   const struct ct_store_scope *scope, GError **error)
{
    struct gatherer gatherer = {
        .report = report,
        .report_sink = ct_report_sink(report),
        .digest = ct_digest_new(report->model->directory),
        .gathered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, gathering_free),
        .known = g_hash_table_new_full(known_hash, known_equal, g_free, NULL),
        .window =
            report->scope.is_whole_time ? (struct ct_window){0, UINT64_MAX} : report->scope.window,
    };
    const struct ct_sink sink = {.user = &gatherer, .on_interval = on_interval};
    gboolean is_gathered = ct_store_replay(store, scope, &sink, error);

    if (is_gathered) {
        ct_report_finish(report);
        add_states(&gatherer);
        tell_times(&gatherer);
        gatherer.window = window_of(report);
        tell_capture(&gatherer);
        is_gathered = add_connections(&gatherer, store, scope, error);
    }
    g_hash_table_unref(gatherer.gathered);
    g_hash_table_unref(gatherer.known);
    if (is_gathered)
        return gatherer.digest;
    ct_digest_free(gatherer.digest);
    return NULL;
}
