#include "store/codes_section.h"

static int compare_ids(const void *a, const void *b)
{
    const struct ct_code *first = a, *second = b;

    return (first->id > second->id) - (first->id < second->id);
}

void ct_codes_put(struct ct_bytes *bytes, const struct ct_process *process)
{
    g_autoptr(GList) codes = g_list_sort(g_hash_table_get_values(process->codes), compare_ids);

    ct_bytes_put(bytes, g_hash_table_size(process->codes));
    for (const GList *each = codes; each; each = each->next) {
        const struct ct_code *code = each->data;

        ct_bytes_put(bytes, code->id);
        ct_bytes_put_string(bytes, code->function);
        ct_bytes_put_string(bytes, code->file);
        ct_bytes_put(bytes, code->first_line);
    }
}

void ct_codes_take(struct ct_bytes_input *input, struct ct_process *process)
{
    for (uint64_t left = ct_bytes_take_count(input); left > 0 && !input->is_bad; left--) {
        uint32_t id = (uint32_t)ct_bytes_take(input);
        const char *function = ct_bytes_take_string(input);
        const char *file = ct_bytes_take_string(input);
        uint32_t first_line = (uint32_t)ct_bytes_take(input);

        g_hash_table_insert(
            process->codes, GUINT_TO_POINTER(id),
            ct_code_new(id, function ? function : "", file ? file : "", first_line));
    }
}
