#include "kept_rows.h"

#include "preload/core/storage.h"

CT_LARGE struct ct_kept_rows ct_kept_rows[1 << CT_ROWS_KEPT_BITS];
struct ct_kept_rows ct_kept_few[1 << CT_ROWS_FEW_BITS];

_Atomic bool ct_kept_are_many;

_Atomic uint32_t ct_kept_rows_age;

/* How often one was kept among the few: they are nearly full, or have no room for all. */
static _Atomic uint32_t few_kept;

#define FEW_KEPT_MAX ((1 << CT_ROWS_FEW_BITS) * 3 / 4)

void ct_kept_row_keep(uint64_t address, uint32_t age, const union ct_kept_row *kept)
{
    if (!ct_kept_are_many && atomic_fetch_add(&few_kept, 1) >= FEW_KEPT_MAX)
        ct_kept_are_many = true;
    struct ct_kept_rows *rows = ct_kept_row_of(address);
    atomic_store_explicit(&rows->check, ct_kept_row_tag(address, age) ^ kept->bits,
                          memory_order_relaxed);
    atomic_store_explicit(&rows->bits, kept->bits, memory_order_relaxed);
}

void ct_kept_rows_forget(void)
{
    atomic_fetch_add(&ct_kept_rows_age, 1);
}

/* Is it the frame pointer, and so much, and what is there, if it is to be dereferenced? */
static bool is_at_frame_pointer(const struct ct_cfi_row *row, const struct ct_cfi_rule *rule,
                                bool is_dereferenced, int64_t *offset)
{
    enum { BREG0 = 0x70, DEREF = 0x06 };
    struct ct_cfi_bytes bytes = ct_cfi_expression(row, rule);

    if (bytes.at >= bytes.end || *bytes.at++ != BREG0 + CT_REGISTER_FRAME_POINTER)
        return false;
    *offset = ct_cfi_sleb(&bytes);
    if (is_dereferenced && (bytes.at == bytes.end || *bytes.at++ != DEREF))
        return false;
    return bytes.at == bytes.end;
}

static bool pack_cfa(const struct ct_cfi_row *row, union ct_kept_row *kept)
{
    int64_t offset = row->cfa.value;

    if (row->cfa.kind == CT_CFI_EXPRESSION) {
        if (!is_at_frame_pointer(row, &row->cfa, true, &offset))
            return false;
        kept->row.cfa = CT_CFA_AT_FRAME_POINTER;
    } else if (row->cfa.kind == CT_CFI_OFFSET && (row->cfa.number == CT_REGISTER_STACK_POINTER ||
                                                  row->cfa.number == CT_REGISTER_FRAME_POINTER)) {
        kept->row.cfa = row->cfa.number == CT_REGISTER_STACK_POINTER ? CT_CFA_FROM_STACK_POINTER
                                                                     : CT_CFA_FROM_FRAME_POINTER;
    } else {
        return false;
    }
    kept->row.cfa_offset = offset;
    return kept->row.cfa_offset == offset;
}

static bool pack_pointer(const struct ct_cfi_row *row, union ct_kept_row *kept)
{
    const struct ct_cfi_rule *rule = &row->rules[CT_REGISTER_FRAME_POINTER];
    int64_t offset = rule->value;

    if (rule->kind == CT_CFI_SAME)
        kept->row.pointer = CT_POINTER_SAME;
    else if (rule->kind == CT_CFI_AT_OFFSET)
        kept->row.pointer = CT_POINTER_IN_FRAME;
    else if (rule->kind == CT_CFI_AT_EXPRESSION && is_at_frame_pointer(row, rule, false, &offset))
        kept->row.pointer = CT_POINTER_AT_FRAME_POINTER;
    else
        return false;
    kept->row.pointer_offset = rule->kind != CT_CFI_SAME ? offset / 8 : 0;
    return rule->kind == CT_CFI_SAME || kept->row.pointer_offset * INT64_C(8) == offset;
}

static bool pack_address(const struct ct_cfi_row *row, union ct_kept_row *kept)
{
    const struct ct_cfi_rule *rule = &row->rules[row->return_register];

    if (rule->kind == CT_CFI_AT_OFFSET)
        kept->row.address = CT_ADDRESS_IN_FRAME;
    else if (rule->kind == CT_CFI_UNDEFINED)
        kept->row.address = CT_ADDRESS_OF_NONE;
    else
        return false;
    kept->row.address_offset = rule->kind == CT_CFI_AT_OFFSET ? rule->value / 8 : 0;
    return rule->kind == CT_CFI_UNDEFINED || kept->row.address_offset * INT64_C(8) == rule->value;
}

bool ct_kept_row_pack(const struct ct_cfi_row *row, union ct_kept_row *kept)
{
    kept->bits = 0;
    return !row->is_of_signal && row->return_register == CT_REGISTER_RETURN &&
           row->rules[CT_REGISTER_STACK_POINTER].kind == CT_CFI_SAME && pack_cfa(row, kept) &&
           pack_pointer(row, kept) && pack_address(row, kept);
}
