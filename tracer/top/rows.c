#include "rows.h"

#include <string.h>

/* Fewer threads of a kind are read at a glance. */
#define ALIKE_MIN 3

/* What a thread had spent at the last refresh. */
struct past {
    pid_t pid;
    uint64_t begin_ns; /* with the ids, that is this very thread */
    uint64_t looked_ns;
    uint64_t ns[CT_CLASS_COUNT];
};

struct ct_rows {
    GHashTable *pasts;   /* owned; tid -> struct past *, owned */
    GPtrArray *threads;  /* owned; struct ct_row *, owned */
    GPtrArray *kinds;    /* owned; struct ct_row *, owned */
    struct ct_row *idle; /* owned; of all kinds that have not run */
    struct ct_row total;
    uint64_t refreshed_ns;
    uint64_t interval_ns;
};

static void row_free(void *data)
{
    struct ct_row *row = data;

    if (row->members != NULL)
        g_ptr_array_unref(row->members);
    g_free(row->thread);
    g_free(row);
}

static struct ct_row *folded_new(enum ct_row_kind row_kind, const struct ct_kind *kind)
{
    struct ct_row *row = g_new0(struct ct_row, 1);

    row->row_kind = row_kind;
    row->kind = kind;
    row->members = g_ptr_array_new();
    return row;
}

struct ct_rows *ct_rows_new(void)
{
    struct ct_rows *rows = g_new0(struct ct_rows, 1);

    rows->pasts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    rows->threads = g_ptr_array_new_with_free_func(row_free);
    rows->kinds = g_ptr_array_new_with_free_func(row_free);
    rows->idle = folded_new(CT_ROW_IDLE, NULL);
    return rows;
}

void ct_rows_free(struct ct_rows *rows)
{
    g_hash_table_unref(rows->pasts);
    g_ptr_array_unref(rows->threads);
    g_ptr_array_unref(rows->kinds);
    row_free(rows->idle);
    g_free(rows);
}

/* ---- What was spent ---- */

/* With what the kernel will tell only when the thread leaves its CPU, or gets one. */
static struct past present(const struct ct_account_thread *thread)
{
    const struct ct_seen_thread *seen = &thread->seen;
    struct past now = {
        .pid = seen->pid,
        .begin_ns = thread->account.begin_ns,
        .looked_ns = seen->looked_ns,
    };

    memcpy(now.ns, thread->account.ns, sizeof(now.ns));
    now.ns[thread->untold] += ct_account_untold_ns(&thread->account, seen->looked_ns);
    return now;
}

/* A thread that has begun since has spent all of its time since. */
static void set_spent(const struct ct_rows *rows, struct ct_row *row, const struct past *now)
{
    const struct past *past = g_hash_table_lookup(rows->pasts, GINT_TO_POINTER(row->thread->tid));
    gboolean is_same = past != NULL && past->pid == now->pid && past->begin_ns == now->begin_ns;
    uint64_t interval_ns = is_same ? now->looked_ns - past->looked_ns : rows->interval_ns;

    double sum = 0;

    for (int i = 0; i < CT_CLASS_COUNT && interval_ns > 0; i++) {
        uint64_t before_ns = is_same ? past->ns[i] : 0;
        uint64_t spent_ns = now->ns[i] > before_ns ? now->ns[i] - before_ns : 0;

        row->spent[i] = (double)spent_ns / (double)interval_ns;
        sum += row->spent[i];
    }
    /* What was taken for one state then may have become another's by now. */
    for (int i = 0; i < CT_CLASS_COUNT && sum > 1; i++)
        row->spent[i] /= sum;
}

static void add_to(struct ct_row *sum, const struct ct_row *row)
{
    for (int i = 0; i < CT_CLASS_COUNT; i++)
        sum->spent[i] += row->spent[i];
    sum->threads += row->threads;
    sum->for_ns = MAX(sum->for_ns, row->for_ns);
}

static void add_thread(struct ct_rows *rows, const struct ct_account_thread *thread,
                       GHashTable *pasts)
{
    const struct ct_seen_thread *seen = &thread->seen;
    struct ct_row *row = g_new0(struct ct_row, 1);
    struct past now = present(thread);

    row->row_kind = CT_ROW_THREAD;
    row->kind = thread->kind;
    row->thread = g_memdup2(seen, sizeof(*seen));
    row->threads = row->processes = 1;
    row->for_ns = seen->looked_ns - seen->since_ns;
    if (rows->interval_ns > 0)
        set_spent(rows, row, &now);
    g_hash_table_insert(pasts, GINT_TO_POINTER(seen->tid), g_memdup2(&now, sizeof(now)));
    g_ptr_array_add(rows->threads, row);
}

static int compare_ids(const void *first, const void *second)
{
    const struct ct_row *one = *(struct ct_row *const *)first;
    const struct ct_row *other = *(struct ct_row *const *)second;

    if (one->thread->pid != other->thread->pid)
        return one->thread->pid < other->thread->pid ? -1 : 1;
    return (one->thread->tid > other->thread->tid) - (one->thread->tid < other->thread->tid);
}

/* Members are in the order of their processes. */
static guint count_processes(const GPtrArray *members)
{
    guint count = 0;

    for (guint i = 0; i < members->len; i++) {
        const struct ct_row *row = members->pdata[i];
        const struct ct_row *last = i > 0 ? members->pdata[i - 1] : NULL;

        count += last == NULL || last->thread->pid != row->thread->pid;
    }
    return count;
}

static gboolean has_run(const struct ct_row *row)
{
    return row->spent[CT_CLASS_RUNNING] > 0 || row->spent[CT_CLASS_RUNNABLE] > 0;
}

static void fold(struct ct_rows *rows)
{
    g_autoptr(GHashTable) by_kind = g_hash_table_new(NULL, NULL);
    struct ct_row *idle = rows->idle;

    for (guint i = 0; i < rows->threads->len; i++) {
        struct ct_row *thread = rows->threads->pdata[i];
        struct ct_row *row = g_hash_table_lookup(by_kind, thread->kind);

        if (row == NULL) {
            row = folded_new(CT_ROW_KIND, thread->kind);
            g_hash_table_insert(by_kind, (void *)thread->kind, row);
            g_ptr_array_add(rows->kinds, row);
        }
        g_ptr_array_add(row->members, thread);
        add_to(row, thread);
        add_to(&rows->total, thread);
    }
    for (guint i = 0; i < rows->kinds->len; i++) {
        struct ct_row *row = rows->kinds->pdata[i];

        row->processes = count_processes(row->members);
        if (has_run(row))
            continue;
        g_ptr_array_add(idle->members, row);
        add_to(idle, row);
    }
}

void ct_rows_refresh(struct ct_rows *rows, const struct ct_accounts *accounts)
{
    const struct ct_accounts_totals *totals = ct_accounts_totals(accounts);
    const GPtrArray *threads = ct_accounts_threads(accounts);
    GHashTable *pasts = g_hash_table_new_full(NULL, NULL, NULL, g_free);

    rows->interval_ns = rows->refreshed_ns != 0 ? totals->now_ns - rows->refreshed_ns : 0;
    g_ptr_array_set_size(rows->threads, 0);
    g_ptr_array_set_size(rows->kinds, 0);
    row_free(rows->idle);
    rows->idle = folded_new(CT_ROW_IDLE, NULL);
    rows->total = (struct ct_row){.processes = totals->processes};
    for (guint i = 0; i < threads->len; i++)
        add_thread(rows, threads->pdata[i], pasts);
    g_ptr_array_sort(rows->threads, compare_ids);
    fold(rows);
    rows->refreshed_ns = totals->now_ns;
    g_hash_table_unref(rows->pasts);
    rows->pasts = pasts;
}

uint64_t ct_rows_interval_ns(const struct ct_rows *rows)
{
    return rows->interval_ns;
}

const struct ct_row *ct_rows_total(const struct ct_rows *rows)
{
    return &rows->total;
}

/* ---- Which of them are shown, and where ---- */

gpointer ct_row_key(const struct ct_row *row)
{
    if (row->row_kind == CT_ROW_THREAD)
        return GINT_TO_POINTER(row->thread->tid);
    return row->row_kind == CT_ROW_KIND ? (gpointer)row->kind : (gpointer)-1;
}

static gboolean has_word(const char *text, const char *word)
{
    g_autofree char *small = g_ascii_strdown(text, -1);

    return strstr(small, word) != NULL;
}

static gboolean matches(const struct ct_row *row, const char *word)
{
    g_autofree char *small = g_ascii_strdown(word, -1);

    if (has_word(row->kind->process, small) || has_word(row->kind->name, small))
        return TRUE;
    if (row->thread != NULL) {
        g_autofree char *ids = g_strdup_printf("%d %d", row->thread->pid, row->thread->tid);

        return has_word(row->thread->name, small) || has_word(ids, small);
    }
    for (guint i = 0; i < row->members->len; i++) {
        if (matches(row->members->pdata[i], word))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_shown(const struct ct_row *row, const struct ct_rows_view *view)
{
    return view->filter == NULL || *view->filter == '\0' || matches(row, view->filter);
}

static int compare_rows(const void *first, const void *second, void *user)
{
    const struct ct_rows_view *view = user;
    const struct ct_row *one = *(struct ct_row *const *)first;
    const struct ct_row *other = *(struct ct_row *const *)second;
    int order = view->compare(one, other);

    return view->is_reversed ? -order : order;
}

static gboolean is_open(const struct ct_row *row, const struct ct_rows_view *view)
{
    return view->open != NULL && g_hash_table_contains(view->open, ct_row_key(row));
}

static void list(GPtrArray *lines, const GPtrArray *rows, guint depth,
                 const struct ct_rows_view *view)
{
    g_autoptr(GPtrArray) shown = g_ptr_array_new();

    for (guint i = 0; i < rows->len; i++) {
        if (is_shown(rows->pdata[i], view))
            g_ptr_array_add(shown, rows->pdata[i]);
    }
    g_ptr_array_sort_with_data(shown, compare_rows, (void *)view);
    for (guint i = 0; i < shown->len; i++) {
        struct ct_row *row = shown->pdata[i];

        row->depth = depth;
        g_ptr_array_add(lines, row);
        if (row->members != NULL && is_open(row, view))
            list(lines, row->members, depth + 1, view);
    }
}

/* Kinds of which there are too few to be folded are their threads. */
static void spread(GPtrArray *top, const GPtrArray *kinds)
{
    for (guint i = 0; i < kinds->len; i++) {
        struct ct_row *row = kinds->pdata[i];

        if (row->members->len >= ALIKE_MIN) {
            g_ptr_array_add(top, row);
            continue;
        }
        for (guint j = 0; j < row->members->len; j++)
            g_ptr_array_add(top, row->members->pdata[j]);
    }
}

static GPtrArray *kinds_that_run(const struct ct_rows *rows)
{
    GPtrArray *kinds = g_ptr_array_new();

    for (guint i = 0; i < rows->kinds->len; i++) {
        if (has_run(rows->kinds->pdata[i]))
            g_ptr_array_add(kinds, rows->kinds->pdata[i]);
    }
    return kinds;
}

GPtrArray *ct_rows_list(struct ct_rows *rows, const struct ct_rows_view *view)
{
    gboolean is_filtered = view->filter != NULL && *view->filter != '\0';
    gboolean folds_idle =
        view->folds_idle && !is_filtered && !view->is_unfolded && rows->idle->members->len > 1;
    g_autoptr(GPtrArray) kinds = folds_idle ? kinds_that_run(rows) : g_ptr_array_ref(rows->kinds);
    g_autoptr(GPtrArray) top = g_ptr_array_new();
    GPtrArray *lines = g_ptr_array_new();

    if (view->is_unfolded) {
        list(lines, rows->threads, 0, view);
        return lines;
    }
    spread(top, kinds);
    list(lines, top, 0, view);
    if (!folds_idle)
        return lines;
    g_ptr_array_add(lines, rows->idle);
    if (is_open(rows->idle, view)) {
        g_autoptr(GPtrArray) idle = g_ptr_array_new();

        spread(idle, rows->idle->members);
        list(lines, idle, 1, view);
    }
    return lines;
}
