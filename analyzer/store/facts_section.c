#include "store/facts_section.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_real(struct ct_bytes *bytes, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    ct_bytes_put(bytes, bits);
}

/* Times and counts: never below 0. */
static double take_real(struct ct_bytes_input *input)
{
    uint64_t bits = ct_bytes_take(input);
    double value;

    memcpy(&value, &bits, sizeof(value));
    if (isfinite(value) && value >= 0)
        return value;
    input->is_bad = TRUE;
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In order, so that the bytes depend on the recording alone. */
static void put_servers(struct ct_bytes *bytes, GHashTable *servers)
{
    guint count;
    g_autofree void **names = g_hash_table_get_keys_as_array(servers, &count);

    qsort(names, count, sizeof(names[0]), compare_texts);
    ct_bytes_put(bytes, count);
    for (guint i = 0; i < count; i++)
        ct_bytes_put_string(bytes, names[i]);
}

void ct_facts_section_write(const struct ct_model *model, struct ct_bytes *bytes)
{
    const struct ct_wait_facts *facts = model->facts;

    put_servers(bytes, facts->servers);
    ct_bytes_put(bytes, facts->sleeps->len);
    for (guint i = 0; i < facts->sleeps->len; i++) {
        const struct ct_wait_sleeps *sleeps = facts->sleeps->pdata[i];

        ct_bytes_put(bytes, sleeps->thread);
        ct_bytes_put(bytes, sleeps->stack_id);
        ct_bytes_put(bytes, (uint64_t)sleeps->op);
        put_real(bytes, sleeps->count);
        put_real(bytes, sleeps->total_ns);
    }
    ct_bytes_put(bytes, facts->unasked->len);
    for (guint i = 0; i < facts->unasked->len; i++) {
        put_real(bytes, g_array_index(facts->unasked, struct ct_wait_unasked, i).ns);
        put_real(bytes, g_array_index(facts->unasked, struct ct_wait_unasked, i).events);
    }
}

static void take_sleeps(struct ct_bytes_input *input, struct ct_wait_facts *facts)
{
    struct ct_wait_sleeps sleeps = {.thread = (guint)ct_bytes_take(input)};

    sleeps.stack_id = (uint32_t)ct_bytes_take(input);
    uint64_t op = ct_bytes_take(input);

    sleeps.op = (enum ct_op)MIN(op, CT_OP_COUNT - 1);
    sleeps.count = take_real(input);
    sleeps.total_ns = take_real(input);
    ct_wait_facts_add_sleeps(facts, &sleeps);
}

void ct_facts_section_read(struct ct_model *model, struct ct_bytes_input *input)
{
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        const char *name = ct_bytes_take_string(input);

        if (name)
            ct_wait_facts_add_server(model->facts, name);
        else
            input->is_bad = TRUE;
    }
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--)
        take_sleeps(input, model->facts);
    uint64_t count = ct_bytes_take_count(input);

    if (count > model->all_threads->len)
        input->is_bad = TRUE;
    for (guint i = 0; i < count && !input->is_bad; i++) {
        struct ct_wait_unasked unasked = {.ns = take_real(input)};

        unasked.events = take_real(input);
        ct_wait_facts_add_unasked(model->facts, i, &unasked);
    }
}
