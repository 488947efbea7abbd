#include "cfi.h"

#include "loader.h"
#include "preload/core/object.h"

#include <string.h>

struct ct_cfi_bytes ct_cfi_expression(const struct ct_cfi_row *row, const struct ct_cfi_rule *rule)
{
    struct ct_cfi_bytes all = {row->base + rule->value, row->limit};
    uint64_t size = ct_cfi_uleb(&all);

    return ct_cfi_take(&all, size);
}

/* ---- Entries ---- */

/* Longer than that of the largest function: a made up one is not to take for ever. */
#define ENTRY_SIZE_MAX (1U << 20)

/* An entry of .eh_frame, without its length. */
static bool read_entry(const uint8_t *at, const uint8_t *limit, struct ct_cfi_bytes *entry)
{
    struct ct_cfi_bytes bytes = {at, limit};
    uint64_t length = ct_cfi_number(&bytes, 4);

    if (length == UINT32_MAX)
        length = ct_cfi_number(&bytes, 8);
    *entry = ct_cfi_take(&bytes, length);
    return length > 4 && length <= ENTRY_SIZE_MAX && (uint64_t)(entry->end - entry->at) == length;
}

/* What functions have in common. */
struct common {
    uint64_t code_factor;
    int64_t data_factor;
    uint64_t return_register;
    uint8_t encoding;
    bool has_augmentation;
    bool is_of_signal;
    struct ct_cfi_bytes instructions;
};

static bool read_augmentation(struct common *common, const char *letters,
                              struct ct_cfi_bytes *bytes)
{
    uint64_t value;

    common->has_augmentation = *letters == 'z';
    if (!common->has_augmentation)
        return *letters == '\0';
    struct ct_cfi_bytes data = ct_cfi_take(bytes, ct_cfi_uleb(bytes));
    for (letters++; *letters != '\0'; letters++) {
        if (*letters == 'R')
            common->encoding = (uint8_t)ct_cfi_number(&data, 1);
        else if (*letters == 'S')
            common->is_of_signal = true;
        else if (*letters == 'L')
            ct_cfi_number(&data, 1);
        else if (*letters == 'P') {
            uint8_t encoding = (uint8_t)ct_cfi_number(&data, 1);
            if (!ct_cfi_pointer(&data, encoding, &value))
                return false;
        } else if (*letters != 'B') { /* of AArch64: which key signs addresses */
            return false;
        }
    }
    return true;
}

static bool read_common(const uint8_t *at, const uint8_t *limit, struct common *common)
{
    struct ct_cfi_bytes bytes;

    *common = (struct common){0};
    if (!read_entry(at, limit, &bytes) || ct_cfi_number(&bytes, 4) != 0)
        return false;
    uint64_t version = ct_cfi_number(&bytes, 1);
    const char *letters = (const char *)bytes.at;
    while (bytes.at < bytes.end && *bytes.at != '\0')
        bytes.at++;
    if (bytes.at == bytes.end || (version != 1 && version != 3))
        return false;
    bytes.at++;
    common->code_factor = ct_cfi_uleb(&bytes);
    common->data_factor = ct_cfi_sleb(&bytes);
    common->return_register = version == 1 ? ct_cfi_number(&bytes, 1) : ct_cfi_uleb(&bytes);
    if (!read_augmentation(common, letters, &bytes))
        return false;
    common->instructions = bytes;
    return common->return_register < CT_REGISTER_COUNT;
}

/* ---- Instructions ---- */

/* Rows that can be remembered at a time; compilers write one within another at most. */
#define REMEMBERED_MAX 3

struct rules {
    struct ct_cfi_rule cfa;
    struct ct_cfi_rule rules[CT_REGISTER_COUNT];
};

struct program {
    const struct common *common;
    const uint8_t *base;
    uint64_t location;
    uint64_t address; /* the row that is looked for */
    struct rules row;
    struct rules first; /* after the common instructions */
    struct rules remembered[REMEMBERED_MAX];
    unsigned remembered_count;
};

static void set_rule(struct program *program, uint64_t number, enum ct_cfi_kind kind, int64_t value)
{
    if (number < CT_REGISTER_COUNT) /* of the others, such as vectors, no stack is made */
        program->row.rules[number] =
            (struct ct_cfi_rule){.kind = (uint8_t)kind, .value = (int32_t)value};
}

static void set_expression(struct program *program, struct ct_cfi_rule *rule, uint8_t kind,
                           struct ct_cfi_bytes *bytes)
{
    *rule = (struct ct_cfi_rule){.kind = kind, .value = (int32_t)(bytes->at - program->base)};
    ct_cfi_take(bytes, ct_cfi_uleb(bytes));
}

static void set_cfa(struct program *program, uint64_t number, int64_t offset)
{
    program->row.cfa = (struct ct_cfi_rule){
        .kind = CT_CFI_OFFSET,
        .number = (uint8_t)(number < CT_REGISTER_COUNT ? number : CT_REGISTER_COUNT),
        .value = (int32_t)offset};
}

/* An expression has none: there, what would be one is its place. */
static void set_cfa_offset(struct program *program, int64_t offset)
{
    if (program->row.cfa.kind == CT_CFI_OFFSET)
        program->row.cfa.value = (int32_t)offset;
}

static void restore(struct program *program, uint64_t number)
{
    if (number < CT_REGISTER_COUNT)
        program->row.rules[number] = program->first.rules[number];
}

/* By their names in the DWARF standard, without "DW_CFA_". */
enum {
    ADVANCE_LOC = 0x40, /* these three have an operand in their low bits */
    OFFSET = 0x80,
    RESTORE = 0xc0,
    NOP = 0x00,
    SET_LOC,
    ADVANCE_LOC1,
    ADVANCE_LOC2,
    ADVANCE_LOC4,
    OFFSET_EXTENDED,
    RESTORE_EXTENDED,
    UNDEFINED,
    SAME_VALUE,
    REGISTER,
    REMEMBER_STATE,
    RESTORE_STATE,
    DEF_CFA,
    DEF_CFA_REGISTER,
    DEF_CFA_OFFSET,
    DEF_CFA_EXPRESSION,
    EXPRESSION,
    OFFSET_EXTENDED_SF,
    DEF_CFA_SF,
    DEF_CFA_OFFSET_SF,
    VAL_OFFSET,
    VAL_OFFSET_SF,
    VAL_EXPRESSION,
    AARCH64_NEGATE_RA_STATE = 0x2d,
    GNU_ARGS_SIZE,
    GNU_NEGATIVE_OFFSET_EXTENDED,
};

/* The operand of an instruction that moves on; UINT64_MAX: it is none of these. */
static uint64_t find_advance(const struct program *program, uint8_t code,
                             struct ct_cfi_bytes *bytes)
{
    if ((code & 0xc0) == ADVANCE_LOC)
        return (code & 0x3f) * program->common->code_factor;
    if (code >= ADVANCE_LOC1 && code <= ADVANCE_LOC4)
        return ct_cfi_number(bytes, 1U << (code - ADVANCE_LOC1)) * program->common->code_factor;
    return UINT64_MAX;
}

/* Rules for the frame's address. */
static bool run_cfa(struct program *program, uint8_t code, struct ct_cfi_bytes *bytes)
{
    int64_t factor = program->common->data_factor;
    uint64_t number;

    switch (code) {
    case DEF_CFA:
        number = ct_cfi_uleb(bytes);
        set_cfa(program, number, (int64_t)ct_cfi_uleb(bytes));
        return true;
    case DEF_CFA_SF:
        number = ct_cfi_uleb(bytes);
        set_cfa(program, number, ct_cfi_sleb(bytes) * factor);
        return true;
    case DEF_CFA_REGISTER:
        set_cfa(program, ct_cfi_uleb(bytes), program->row.cfa.value);
        return true;
    case DEF_CFA_OFFSET:
        set_cfa_offset(program, (int64_t)ct_cfi_uleb(bytes));
        return true;
    case DEF_CFA_OFFSET_SF:
        set_cfa_offset(program, ct_cfi_sleb(bytes) * factor);
        return true;
    case DEF_CFA_EXPRESSION:
        set_expression(program, &program->row.cfa, CT_CFI_EXPRESSION, bytes);
        return true;
    default:
        return false;
    }
}

/* Rules for a register, whose number is the first operand. */
static bool run_register(struct program *program, uint8_t code, struct ct_cfi_bytes *bytes)
{
    int64_t factor = program->common->data_factor;
    uint64_t number = ct_cfi_uleb(bytes);
    struct ct_cfi_rule ignored;
    struct ct_cfi_rule *rule = number < CT_REGISTER_COUNT ? &program->row.rules[number] : &ignored;

    switch (code) {
    case OFFSET_EXTENDED:
        set_rule(program, number, CT_CFI_AT_OFFSET, (int64_t)ct_cfi_uleb(bytes) * factor);
        return true;
    case OFFSET_EXTENDED_SF:
        set_rule(program, number, CT_CFI_AT_OFFSET, ct_cfi_sleb(bytes) * factor);
        return true;
    case GNU_NEGATIVE_OFFSET_EXTENDED:
        set_rule(program, number, CT_CFI_AT_OFFSET, -(int64_t)ct_cfi_uleb(bytes) * factor);
        return true;
    case VAL_OFFSET:
        set_rule(program, number, CT_CFI_OFFSET, (int64_t)ct_cfi_uleb(bytes) * factor);
        return true;
    case VAL_OFFSET_SF:
        set_rule(program, number, CT_CFI_OFFSET, ct_cfi_sleb(bytes) * factor);
        return true;
    case REGISTER:
        set_rule(program, number, CT_CFI_REGISTER, (int64_t)ct_cfi_uleb(bytes));
        return true;
    case EXPRESSION:
        set_expression(program, rule, CT_CFI_AT_EXPRESSION, bytes);
        return true;
    case VAL_EXPRESSION:
        set_expression(program, rule, CT_CFI_EXPRESSION, bytes);
        return true;
    case UNDEFINED:
        set_rule(program, number, CT_CFI_UNDEFINED, 0);
        return true;
    case SAME_VALUE:
        set_rule(program, number, CT_CFI_SAME, 0);
        return true;
    case RESTORE_EXTENDED:
        restore(program, number);
        return true;
    default:
        return false;
    }
}

/* The others. */
static bool run_state(struct program *program, uint8_t code, struct ct_cfi_bytes *bytes)
{
    switch (code) {
    case NOP:
    case AARCH64_NEGATE_RA_STATE: /* signatures are taken off in any case */
        return true;
    case GNU_ARGS_SIZE:
        ct_cfi_uleb(bytes);
        return true;
    case SET_LOC:
        return ct_cfi_pointer(bytes, program->common->encoding, &program->location);
    case REMEMBER_STATE:
        if (program->remembered_count == REMEMBERED_MAX)
            return false;
        program->remembered[program->remembered_count++] = program->row;
        return true;
    case RESTORE_STATE:
        if (program->remembered_count == 0)
            return false;
        program->row = program->remembered[--program->remembered_count];
        return true;
    default:
        return false;
    }
}

/* Up to the row for the address. FALSE if something is not understood. */
static bool run(struct program *program, struct ct_cfi_bytes bytes)
{
    while (bytes.at < bytes.end) {
        uint8_t code = *bytes.at++;
        uint64_t advance = find_advance(program, code, &bytes);

        if (advance != UINT64_MAX)
            program->location += advance;
        else if ((code & 0xc0) == OFFSET)
            set_rule(program, code & 0x3f, CT_CFI_AT_OFFSET,
                     (int64_t)ct_cfi_uleb(&bytes) * program->common->data_factor);
        else if ((code & 0xc0) == RESTORE)
            restore(program, code & 0x3f);
        else if (!run_cfa(program, code, &bytes) && !run_state(program, code, &bytes) &&
                 !run_register(program, code, &bytes))
            return false;
        if (program->location > program->address)
            return true;
    }
    return true;
}

/* ---- Tables ---- */

/* The table that a linker makes for a search, as all of them do: addresses relative to its own
 * begin, of functions and their entries, sorted. */
struct search_table {
    uint8_t version, frame_encoding, count_encoding, table_encoding;
};

#define TABLE_VERSION  1
#define TABLE_ENCODING 0x3b /* relative to the table, 4 bytes, signed */

struct search_entry {
    int32_t function, entry;
};

static const uint8_t *search(const uint8_t *table, size_t size, uint64_t address)
{
    const struct search_table *head = (const void *)table;
    struct ct_cfi_bytes bytes = {table + sizeof(*head), table + size};
    uint64_t frames, count;

    if (size < sizeof(*head) || head->version != TABLE_VERSION ||
        head->table_encoding != TABLE_ENCODING ||
        !ct_cfi_pointer(&bytes, head->frame_encoding, &frames) ||
        !ct_cfi_pointer(&bytes, head->count_encoding, &count))
        return NULL;
    const struct search_entry *entries = (const void *)bytes.at;
    uint64_t low = 0, high = (size_t)(bytes.end - bytes.at) / sizeof(*entries);
    int64_t wanted = (int64_t)(address - (uint64_t)table);
    if (high > count)
        high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (entries[middle].function <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? table + entries[low - 1].entry : NULL;
}

static bool read_function(const uint8_t *at, const struct ct_segment *tables, uint64_t address,
                          struct ct_cfi_row *row)
{
    struct common common;
    struct ct_cfi_bytes bytes;
    struct program program = {.common = &common, .base = at, .address = UINT64_MAX};
    uint64_t begin, size;

    if (!read_entry(at, tables->end, &bytes))
        return false;
    const uint8_t *place = bytes.at;
    uint64_t distance = ct_cfi_number(&bytes, 4);
    if (distance == 0 || distance > INT32_MAX || distance > (uint64_t)(place - tables->begin) ||
        !read_common(place - distance, tables->end, &common) ||
        !ct_cfi_pointer(&bytes, common.encoding, &begin) ||
        !ct_cfi_pointer(&bytes, common.encoding & 0xf, &size) || address < begin ||
        address - begin >= size)
        return false;
    if (common.has_augmentation)
        ct_cfi_take(&bytes, ct_cfi_uleb(&bytes));
    if (!run(&program, common.instructions))
        return false;
    program.first = program.row;
    program.location = begin;
    program.address = address;
    if (!run(&program, bytes))
        return false;
    *row = (struct ct_cfi_row){.base = at,
                               .limit = tables->end,
                               .cfa = program.row.cfa,
                               .return_register = (uint8_t)common.return_register,
                               .is_of_signal = common.is_of_signal};
    memcpy(row->rules, program.row.rules, sizeof(program.row.rules));
    return true;
}

/* The search table and the entries are in one segment: what points out of it is not followed. */
static bool look_up(const struct dl_phdr_info *info, const ElfW(Phdr) * header, uint64_t address,
                    struct ct_cfi_row *row)
{
    const uint8_t *table = (const uint8_t *)info->dlpi_addr + header->p_vaddr;
    struct ct_segment tables;

    if (!ct_segment_find(info, (uint64_t)table, &tables))
        return false;
    size_t left = (size_t)(tables.end - table);
    const uint8_t *entry = search(table, header->p_memsz < left ? header->p_memsz : left, address);
    return entry != NULL && entry >= tables.begin && entry < tables.end &&
           read_function(entry, &tables, address, row);
}

bool ct_cfi_find(uint64_t address, struct ct_cfi_row *row)
{
    struct dl_phdr_info info;

    if (!ct_loader_find(address, &info))
        return false;
    for (unsigned i = 0; i < info.dlpi_phnum; i++)
        if (info.dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            return look_up(&info, &info.dlpi_phdr[i], address, row);
    return false;
}
