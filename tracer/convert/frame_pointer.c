#include "frame_pointer.h"

#include <gelf.h>
#include <string.h>

#if defined(__x86_64__)

/* How far a frame may reach: what is larger is not searched. */
#define FRAME_MAX ((uint64_t)1 << 16)

/* So much of a function's code makes its frame. */
#define PROLOGUE_SIZE 64

/* The longest call instruction. */
#define CALL_SIZE 7

/* Registers that a function saves beside its frame pointer, at most. */
#define SAVED_MAX 5

#define WORD sizeof(uint64_t)

/* ---- Files ---- */

/* `size` bytes at the address, as its file has them. NULL if they are not there. Borrowed. */
static const uint8_t *read_code(Dwfl_Module *module, uint64_t address, size_t size)
{
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(module, &bias);
    size_t count = 0;
    GElf_Phdr segment;

    if (elf == NULL || elf_getphdrnum(elf, &count) != 0)
        return NULL;
    address -= bias;
    for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &segment) != NULL; i++) {
        uint64_t offset = address - segment.p_vaddr;

        if (segment.p_type != PT_LOAD || offset >= segment.p_filesz ||
            size > segment.p_filesz - offset)
            continue;
        const Elf_Data *data =
            elf_getdata_rawchunk(elf, (int64_t)(segment.p_offset + offset), size, ELF_T_BYTE);
        return data != NULL ? data->d_buf : NULL;
    }
    return NULL;
}

/* The head of .eh_frame_hdr, as all linkers make it: a table of functions by their addresses. */
struct table_head {
    uint8_t version;
    uint8_t frame_encoding;
    uint8_t count_encoding; /* 3: four bytes */
    uint8_t table_encoding; /* 0x3b: four bytes with a sign, from this head on */
    int32_t frame;
    uint32_t count;
};

struct table_row {
    int32_t function;
    int32_t frame;
};

static gboolean find_table(Elf *elf, GElf_Phdr *table)
{
    size_t count = 0;

    if (elf_getphdrnum(elf, &count) != 0)
        return FALSE;
    for (size_t i = 0; i < count; i++) {
        if (gelf_getphdr(elf, (int)i, table) != NULL && table->p_type == PT_GNU_EH_FRAME)
            return TRUE;
    }
    return FALSE;
}

/* Where the function at the address begins; 0 if that is not known. */
static uint64_t find_start(Dwfl_Module *module, uint64_t address)
{
    struct table_head head;
    GElf_Addr bias;
    GElf_Phdr segment;
    Elf *elf = dwfl_module_getelf(module, &bias);

    if (elf == NULL || !find_table(elf, &segment) || segment.p_filesz < sizeof(head))
        return 0;
    const Elf_Data *data =
        elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_BYTE);
    if (data == NULL)
        return 0;
    memcpy(&head, data->d_buf, sizeof(head));
    if (head.version != 1 || head.count_encoding != 0x03 || head.table_encoding != 0x3b)
        return 0;
    const struct table_row *rows = (const void *)((const uint8_t *)data->d_buf + sizeof(head));
    uint64_t base = segment.p_vaddr + bias;
    uint64_t begin = 0, end = MIN(head.count, (data->d_size - sizeof(head)) / sizeof(*rows));

    while (begin < end) {
        uint64_t middle = begin + (end - begin) / 2;

        if (base + (uint64_t)(int64_t)rows[middle].function <= address)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin > 0 ? base + (uint64_t)(int64_t)rows[begin - 1].function : 0;
}

/* ---- Calls ---- */

enum call {
    NO_CALL,
    CALL_OF_IT,       /* of the function that is asked for */
    CALL_OF_ANYTHING, /* through a pointer, or what links libraries */
};

/* call *..., with any operand: 2 to 7 bytes, which end where the code does. */
static gboolean is_indirect_call(const uint8_t *code)
{
    for (size_t size = 2; size <= CALL_SIZE; size++) {
        if (code[CALL_SIZE - size] == 0xff && (code[CALL_SIZE - size + 1] >> 3 & 7) == 2)
            return TRUE;
    }
    return FALSE;
}

/* What the instruction before the address calls. */
static enum call read_call(const struct ct_frame_search *search, uint64_t address, uint64_t start)
{
    Dwfl_Module *module = search->find_module(search->user, address - 1);
    const uint8_t *code = module != NULL ? read_code(module, address - CALL_SIZE, CALL_SIZE) : NULL;
    int32_t distance;

    if (code == NULL)
        return NO_CALL;
    if (code[CALL_SIZE - 5] == 0xe8) {
        memcpy(&distance, code + CALL_SIZE - sizeof(distance), sizeof(distance));
        uint64_t target = address + (uint64_t)(int64_t)distance;

        if (target == start)
            return CALL_OF_IT;
        return find_start(module, target) == target ? NO_CALL : CALL_OF_ANYTHING;
    }
    return is_indirect_call(code) ? CALL_OF_ANYTHING : NO_CALL;
}

/* ---- Frames ---- */

/*
 * TRUE if the function keeps a frame pointer, and how much it takes of the stack below that, but
 * for the registers that it saves.
 */
static gboolean read_prologue(Dwfl_Module *module, uint64_t start, uint64_t *size)
{
    static const uint8_t set_frame_pointer[] = {0x48, 0x89, 0xe5};
    static const uint8_t take_little[] = {0x48, 0x83, 0xec};
    static const uint8_t take_much[] = {0x48, 0x81, 0xec};
    const uint8_t *code = read_code(module, start, PROLOGUE_SIZE);
    const uint8_t *end = code + PROLOGUE_SIZE;
    uint32_t much;

    *size = 0;
    if (code == NULL)
        return FALSE;
    const uint8_t *at =
        memmem(code, PROLOGUE_SIZE / 2, set_frame_pointer, sizeof(set_frame_pointer));
    if (at == NULL)
        return FALSE;
    for (; at + sizeof(take_much) + sizeof(much) <= end; at++) {
        if (memcmp(at, take_little, sizeof(take_little)) == 0) {
            *size = at[sizeof(take_little)];
            break;
        }
        if (memcmp(at, take_much, sizeof(take_much)) == 0) {
            memcpy(&much, at + sizeof(take_much), sizeof(much));
            *size = much;
            break;
        }
    }
    return TRUE;
}

/* That is where its prologue put it, if nothing else was pushed. */
static gboolean is_expected(const struct ct_frame_search *search, uint64_t place, uint64_t size)
{
    uint64_t more = place - search->stack_pointer - size;

    return place >= search->stack_pointer + size && more <= SAVED_MAX * WORD && more % WORD == 0;
}

gboolean ct_frame_pointer_find(const struct ct_frame_search *search, uint64_t *frame_pointer)
{
    Dwfl_Module *module = search->find_module(search->user, search->instruction);
    uint64_t start = module != NULL ? find_start(module, search->instruction) : 0;
    uint64_t caller, size;

    if (start == 0 || !read_prologue(module, start, &size))
        return FALSE;
    /* The nearest frame whose caller calls this very function; or which is as large as it has to
     * be, and whose caller calls by a pointer, as main()'s does. */
    for (uint64_t place = search->stack_pointer;
         place < search->stack_pointer + FRAME_MAX &&
         ct_user_state_read(search->state, place + WORD, &caller);
         place += WORD) {
        enum call call = read_call(search, caller, start);

        if (call == CALL_OF_IT || (call == CALL_OF_ANYTHING && is_expected(search, place, size))) {
            *frame_pointer = place;
            return TRUE;
        }
    }
    return FALSE;
}

#else

gboolean ct_frame_pointer_find(const struct ct_frame_search *search, uint64_t *frame_pointer)
{
    (void)search;
    (void)frame_pointer;
    return FALSE;
}

#endif
