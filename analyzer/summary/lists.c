#include "summary/lists.h"

#include "model/format.h"

#include <string.h>

/* Places and open waits kept at most. */
#define SITES_MAX (1U << 18)
#define OPEN_MAX  4096

static void site_free(void *data)
{
    struct ct_report_site *site = data;

    if (site->others)
        g_ptr_array_unref(site->others);
    g_free(site->object);
    g_free(site->ended_by);
    g_free(site);
}

/* Whose pages are read from anywhere in it is one object. */
static gboolean is_of_mapped_file(const struct ct_interval *interval)
{
    return ct_op_object(interval->op) == CT_OBJECT_MAPPING && interval->fd;
}

static uint64_t site_object_id(const struct ct_interval *interval)
{
    return is_of_mapped_file(interval) ? g_str_hash(interval->fd->local) : interval->object;
}

static char *site_object(const struct ct_interval *interval)
{
    return is_of_mapped_file(interval) ? g_strdup(interval->fd->local)
                                       : ct_report_wait_early_object(interval);
}

static guint site_hash(const void *data)
{
    const struct ct_report_site *site = data;
    uint64_t mixed =
        ((uint64_t)site->stack_id << 16 | (uint64_t)site->op << 8 | (uint64_t)site->class) +
        ((uintptr_t)site->process >> 4);

    if (site->ended_by)
        mixed += (uint64_t)g_str_hash(site->ended_by) << 24;
    return (guint)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static gboolean site_equal(const void *a, const void *b)
{
    const struct ct_report_site *first = a;
    const struct ct_report_site *second = b;

    return first->process == second->process && first->stack_id == second->stack_id &&
           first->op == second->op && first->class == second->class &&
           g_strcmp0(first->ended_by, second->ended_by) == 0;
}

/* It borrows from the interval. */
static struct ct_report_site key_of(const struct ct_interval *interval)
{
    return (struct ct_report_site){
        .process = interval->thread->process,
        .stack_id = interval->stack_id,
        .op = interval->op,
        .class = interval->class,
        .ended_by = (char *)ct_interval_ended_by(interval),
    };
}

/* NULL if there is no room. The site is empty but for its key. */
static struct ct_report_site *add_site(struct ct_report_lists *lists,
                                       const struct ct_report_site *key)
{
    if (lists->sites->len >= SITES_MAX)
        return NULL;
    struct ct_report_site *site = g_new(struct ct_report_site, 1);

    *site = *key;
    site->ended_by = g_strdup(key->ended_by);
    g_ptr_array_add(lists->sites, site);
    g_hash_table_add(lists->index, site);
    return site;
}

/* A wait may come in several pieces, between which the thread ran or was runnable. */
static void note_length(struct ct_report_site *site, const struct ct_interval *interval,
                        uint64_t duration_ns)
{
    if (site->last_thread != interval->thread || site->last_begin_ns != interval->wait_begin_ns) {
        site->last_thread = interval->thread;
        site->last_begin_ns = interval->wait_begin_ns;
        site->last_ns = 0;
    }
    if (site->last_ns == 0 && duration_ns > 0)
        site->blocked_count += interval->weight;
    site->last_ns += duration_ns;
    site->longest_ns = MAX(site->longest_ns, site->last_ns);
}

/* Made if it is not known yet; NULL if there is no room. */
static struct ct_report_site *find_site(struct ct_report_lists *lists,
                                        const struct ct_interval *interval)
{
    struct ct_report_site key = key_of(interval);
    struct ct_report_site **slot = &lists->slots[site_hash(&key) % CT_REPORT_SLOTS];

    if (*slot && site_equal(*slot, &key))
        return *slot;
    struct ct_report_site *site = g_hash_table_lookup(lists->index, &key);

    if (!site) {
        site = add_site(lists, &key);
        if (!site)
            return NULL;
        site->object_id = site_object_id(interval);
        site->object = site_object(interval);
    }
    return *slot = site;
}

static void add_to_site(struct ct_report_lists *lists, const struct ct_interval *interval,
                        double count, uint64_t duration_ns)
{
    struct ct_report_site *site = find_site(lists, interval);

    if (!site) {
        lists->unlisted_count += count;
        return;
    }
    site->count += count;
    site->total_ns += interval->weight * (double)duration_ns;
    note_length(site, interval, duration_ns);
    if (!site->ended_by && site->object_id != site_object_id(interval))
        site->has_many_objects = TRUE;
}

static void note_process(struct ct_report_site *site, const struct ct_process *process)
{
    if (process == site->process)
        return;
    if (!site->others)
        site->others = g_ptr_array_new();
    if (!g_ptr_array_find(site->others, process, NULL))
        g_ptr_array_add(site->others, (void *)process);
}

/* A number may mean another object in another process. */
static gboolean is_same_object(const struct ct_report_site *a, const struct ct_report_site *b)
{
    if (a->ended_by)
        return g_strcmp0(a->ended_by, b->ended_by) == 0;
    return a->object_id == b->object_id &&
           (a->process == b->process || g_strcmp0(a->object, b->object) == 0);
}

/* What both were for is then told as one. */
static void sum_up(struct ct_report_site *site, const struct ct_report_site *more)
{
    site->count += more->count;
    site->blocked_count += more->blocked_count;
    site->total_ns += more->total_ns;
    site->idle_ns += more->idle_ns;
    site->used_ns += more->used_ns;
    site->longest_ns = MAX(site->longest_ns, more->longest_ns);
    if (!is_same_object(site, more) || more->has_many_objects)
        site->has_many_objects = TRUE;
    note_process(site, more->process);
}

/* Takes the site's object. */
static void merge_site(struct ct_report_lists *lists, struct ct_report_site *more)
{
    struct ct_report_site *site = g_hash_table_lookup(lists->index, more);

    if (!site) {
        const struct ct_report_site key = {.process = more->process,
                                           .stack_id = more->stack_id,
                                           .op = more->op,
                                           .class = more->class,
                                           .ended_by = more->ended_by};

        site = add_site(lists, &key);
        if (!site) {
            lists->unlisted_count += more->count;
            return;
        }
        site->object_id = more->object_id;
        site->object = g_steal_pointer(&more->object);
    }
    sum_up(site, more);
}

void ct_report_lists_add(struct ct_report_lists *lists, const struct ct_interval *interval,
                         const struct ct_window *window, const struct ct_evidence_wait *kind)
{
    uint64_t begin_ns = MAX(interval->begin_ns, window->begin_ns);
    uint64_t end_ns = MIN(interval->end_ns, window->end_ns);
    gboolean is_counted = ct_interval_is_counted(interval, window->begin_ns);

    /* One that took no time has its place in the window all the same. */
    if (begin_ns > end_ns || (begin_ns == end_ns && interval->begin_ns != interval->end_ns))
        return;
    if (is_counted && interval->is_open) {
        lists->open_count++;
        ct_report_waits_offer(lists->open, OPEN_MAX, interval, kind);
    } else if (is_counted) {
        ct_report_waits_offer(lists->longest, lists->top, interval, kind);
    }
    add_to_site(lists, interval, is_counted ? interval->weight : 0, end_ns - begin_ns);
}

void ct_report_lists_merge(struct ct_report_lists *lists, struct ct_report_lists *more)
{
    ct_report_waits_merge(lists->longest, lists->top, more->longest);
    ct_report_waits_merge(lists->open, OPEN_MAX, more->open);
    lists->open_count += more->open_count;
    lists->unlisted_count += more->unlisted_count;
    for (guint i = 0; i < more->sites->len; i++)
        merge_site(lists, more->sites->pdata[i]);
    g_ptr_array_set_size(more->sites, 0);
    g_hash_table_remove_all(more->index);
    memset(more->slots, 0, sizeof(more->slots));
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

gboolean ct_report_site_is_idle(const struct ct_report_site *site)
{
    return site->idle_ns * 2 > site->total_ns;
}

static int compare_sites(const void *a, const void *b)
{
    const struct ct_report_site *first = *(struct ct_report_site *const *)a;
    const struct ct_report_site *second = *(struct ct_report_site *const *)b;
    int order = COMPARE(ct_report_site_is_idle(first), ct_report_site_is_idle(second));

    if (order == 0)
        order = COMPARE(second->total_ns, first->total_ns);

    if (order == 0)
        order = COMPARE(second->count, first->count);
    if (order == 0)
        order = COMPARE(first->process->start_ns, second->process->start_ns);
    if (order == 0)
        order = COMPARE(first->process->pid, second->process->pid);
    if (order == 0)
        order = COMPARE(first->op, second->op);
    if (order == 0)
        order = COMPARE(first->stack_id, second->stack_id);
    return order != 0 ? order : g_strcmp0(first->ended_by, second->ended_by);
}

void ct_report_lists_name(struct ct_report_lists *lists)
{
    ct_report_waits_name(lists->longest);
    ct_report_waits_name(lists->open);
    for (guint i = 0; i < lists->sites->len; i++) {
        struct ct_report_site *site = lists->sites->pdata[i];
        struct ct_thread member = {.process = (struct ct_process *)site->process};
        const struct ct_interval interval = {
            .thread = &member, .op = site->op, .object = site->object_id};

        if (!site->object)
            site->object = ct_format_object(&interval);
    }
}

void ct_report_lists_sort(struct ct_report_lists *lists)
{
    ct_report_waits_sort(lists->longest);
    ct_report_waits_sort_idle_last(lists->open);
    g_ptr_array_sort(lists->sites, compare_sites);
}

void ct_report_lists_fold(struct ct_report_lists *lists, ct_report_site_describe *describe,
                          void *user)
{
    g_autoptr(GHashTable) firsts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint kept = 0;

    for (guint i = 0; i < lists->sites->len; i++) {
        struct ct_report_site *site = lists->sites->pdata[i];
        g_autofree char *text = describe(user, site);
        /* Of many sites with deep stacks the texts themselves would be too large to keep. */
        char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
        struct ct_report_site *first = g_hash_table_lookup(firsts, digest);

        if (first) {
            sum_up(first, site);
            site->folded_into = first;
            g_free(digest);
        } else {
            g_hash_table_insert(firsts, digest, site);
            lists->sites->pdata[kept++] = site;
        }
    }
    g_ptr_array_set_size(lists->sites, (gint)kept);
    g_ptr_array_sort(lists->sites, compare_sites);
}

const struct ct_report_site *ct_report_lists_site(const struct ct_report_lists *lists,
                                                  const struct ct_interval *interval)
{
    struct ct_report_site key = key_of(interval);
    const struct ct_report_site *site = g_hash_table_lookup(lists->index, &key);

    return site && site->folded_into ? site->folded_into : site;
}

static struct ct_report_site *site_of(struct ct_report_lists *lists,
                                      const struct ct_evidence_wait *kind)
{
    const struct ct_report_site key = {.process = kind->thread->process,
                                       .stack_id = kind->stack_id,
                                       .op = kind->op,
                                       .class = kind->class,
                                       .ended_by = (char *)kind->ended_by};

    return g_hash_table_lookup(lists->index, &key);
}

void ct_report_lists_add_idle(struct ct_report_lists *lists, const struct ct_evidence_wait *kind)
{
    struct ct_report_site *site = site_of(lists, kind);

    if (site)
        site->idle_ns += kind->total_ns;
}

void ct_report_lists_add_use(struct ct_report_lists *lists, const struct ct_evidence_wait *kind)
{
    struct ct_report_site *site = site_of(lists, kind);

    if (site)
        site->used_ns += kind->used_ns;
}

struct ct_report_lists *ct_report_lists_new(guint top)
{
    struct ct_report_lists *lists = g_new0(struct ct_report_lists, 1);

    lists->top = top;
    lists->longest = ct_report_waits_new();
    lists->open = ct_report_waits_new();
    lists->sites = g_ptr_array_new();
    lists->index = g_hash_table_new_full(site_hash, site_equal, site_free, NULL);
    return lists;
}

void ct_report_lists_free(struct ct_report_lists *lists)
{
    if (!lists)
        return;
    g_ptr_array_unref(lists->longest);
    g_ptr_array_unref(lists->open);
    g_ptr_array_unref(lists->sites);
    g_hash_table_unref(lists->index);
    g_free(lists);
}
