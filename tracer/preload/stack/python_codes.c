#include "python_codes.h"

#include "intern.h"
#include "preload/core/memory.h"
#include "preload/core/storage.h"
#include "python_text.h"
#include "schema/board.h"

#include <string.h>

/* Of every object, and of bytes. */
#define TYPE_OFFSET  8
#define SIZE_OFFSET  16
#define BYTES_OFFSET 32

/* No table of lines is larger, but for a damaged one. */
#define LINES_MAX (UINT64_C(1) << 20)

/* What is known of a code object and an instruction of it. The object's memory may be another's
 * since: then one of these differs. */
struct identity {
    uint64_t code;
    uint64_t instruction;
    uint64_t name;
    uint64_t name_hash; /* as the interpreter keeps it with the string */
    uint64_t file;
    uint64_t file_hash;
    uint64_t lines;
    uint64_t first_line;
    uint64_t board; /* as many as there were */
};

#define IDENTITY_WORDS (sizeof(struct identity) / sizeof(uint64_t))

/* Lock-free: who finds it being written does without. */
struct known {
    _Atomic uint64_t turn; /* odd while it is written */
    _Atomic uint64_t words[IDENTITY_WORDS];
    _Atomic uint64_t address;
};

#define KNOWN_BITS 10

static CT_LARGE struct known known[1 << KNOWN_BITS];

static CT_SELDOM _Atomic uint64_t boards;

void ct_python_codes_begin(void)
{
    if (atomic_load(&boards) != 0) /* else no page is touched for it */
        atomic_fetch_add(&boards, 1);
}

static struct known *known_of(const struct identity *identity)
{
    uint64_t key = (identity->code ^ identity->instruction << 7) * UINT64_C(0x9e3779b97f4a7c15);

    return &known[key >> (64 - KNOWN_BITS)];
}

/* 0: it is not known. */
static uint64_t recall(const struct identity *identity)
{
    struct known *entry = known_of(identity);
    uint64_t turn = atomic_load_explicit(&entry->turn, memory_order_acquire);
    uint64_t words[IDENTITY_WORDS];

    if (turn & 1)
        return 0;
    for (size_t i = 0; i < IDENTITY_WORDS; i++)
        words[i] = atomic_load_explicit(&entry->words[i], memory_order_relaxed);
    uint64_t address = atomic_load_explicit(&entry->address, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&entry->turn, memory_order_relaxed) != turn ||
        memcmp(words, identity, sizeof(words)) != 0)
        return 0;
    return address;
}

static void keep(const struct identity *identity, uint64_t address)
{
    struct known *entry = known_of(identity);
    uint64_t turn = atomic_load_explicit(&entry->turn, memory_order_relaxed);
    uint64_t words[IDENTITY_WORDS];

    if ((turn & 1) || !atomic_compare_exchange_strong(&entry->turn, &turn, turn + 1))
        return;
    memcpy(words, identity, sizeof(words));
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < IDENTITY_WORDS; i++)
        atomic_store_explicit(&entry->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&entry->address, address, memory_order_relaxed);
    atomic_store_explicit(&entry->turn, turn + 2, memory_order_release);
}

/* ---- Lines. ---- */

/* The rest of a table. */
struct source {
    uint64_t address;
    uint64_t left;
    size_t at, size; /* of what was copied */
    uint8_t bytes[512];
};

static int next_byte(void *user)
{
    struct source *source = user;

    if (source->at == source->size) {
        source->size = source->left < sizeof(source->bytes) ? source->left : sizeof(source->bytes);
        source->at = 0;
        if (source->size == 0 || !ct_memory_take(source->address, source->bytes, source->size)) {
            source->size = source->left = 0;
            return -1;
        }
        source->address += source->size;
        source->left -= source->size;
    }
    return source->bytes[source->at++];
}

static int64_t instruction_offset(const struct ct_python *python, const struct identity *identity)
{
    const struct ct_python_layout *layout = &python->layout;

    if (layout->code_instructions == 0)
        return (int64_t)(int32_t)identity->instruction * layout->instruction_size;
    return (int64_t)(identity->instruction - (identity->code + layout->code_instructions));
}

/* 0: it is not known. */
static __attribute__((noinline)) uint32_t find_line(const struct ct_python *python,
                                                    const struct identity *identity)
{
    uint64_t head[BYTES_OFFSET / sizeof(uint64_t)];
    struct source source = {.address = identity->lines + BYTES_OFFSET};
    const struct ct_python_bytes table = {next_byte, &source};

    if (!ct_memory_take(identity->lines, head, sizeof(head)) ||
        head[TYPE_OFFSET / sizeof(uint64_t)] != python->bytes_type ||
        head[SIZE_OFFSET / sizeof(uint64_t)] > LINES_MAX)
        return 0;
    source.left = head[SIZE_OFFSET / sizeof(uint64_t)];
    return ct_python_line(python->layout.lines, &table, (uint32_t)identity->first_line,
                          instruction_offset(python, identity));
}

/* ---- Codes. ---- */

/* The code's id on the board; 0: it cannot be told, or there is no room. */
static __attribute__((noinline)) uint32_t intern_code(const struct ct_python *python,
                                                      const struct identity *identity)
{
    uint64_t words[CT_CODE_WORDS];
    char *text = (char *)&words[1];

    memset(words, 0, sizeof(words));
    words[0] = identity->first_line;
    size_t size = ct_python_text_begin(python, identity->name, text, CT_CODE_FUNCTION_SIZE);
    if (size == 0)
        return 0;
    size_t more = ct_python_text_end(python, identity->file, text + size, CT_CODE_FILE_SIZE);
    if (more == 0)
        return 0;
    uint32_t id = ct_stack_intern_code(words, (uint32_t)(1 + (size + more + 7) / 8));
    return id != CT_STACK_LOST ? id : 0;
}

static uint64_t word_at(const uint8_t *bytes, size_t offset)
{
    uint64_t word;

    memcpy(&word, bytes + offset, sizeof(word));
    return word;
}

/* What one can tell a code from another by without looking at its strings; they come next. */
static bool begin_identity(const struct ct_python *python, const struct ct_python_place *place,
                           const uint8_t *code, struct identity *identity)
{
    const struct ct_python_layout *layout = &python->layout;
    uint32_t first_line;

    if (word_at(code, TYPE_OFFSET) != python->code_type)
        return false;
    memcpy(&first_line, code + layout->code_first_line, sizeof(first_line));
    *identity = (struct identity){
        .code = place->code,
        .instruction =
            layout->code_instructions != 0 ? place->instruction : (uint32_t)place->instruction,
        .name = word_at(code, layout->code_name),
        .file = word_at(code, layout->code_file),
        .lines = word_at(code, layout->code_lines),
        .first_line = first_line,
    };
    return true;
}

static uint64_t find_address(const struct ct_python *python, const struct identity *identity)
{
    uint64_t address = recall(identity);

    if (address != 0)
        return address;
    uint32_t id = intern_code(python, identity);
    if (id == 0)
        return ct_code_return_address(0, 0);
    address = ct_code_return_address(id, find_line(python, identity));
    keep(identity, address);
    return address;
}

/* Adds what the interpreter keeps with their names. FALSE: one of them is no string. */
static bool complete(struct identity *identities, size_t count)
{
    uint64_t hashes[2 * CT_PYTHON_PLACES];
    struct ct_memory_piece pieces[2 * CT_PYTHON_PLACES];

    for (size_t i = 0; i < count; i++) {
        const uint64_t from[2] = {identities[i].name, identities[i].file};
        for (size_t k = 0; k < 2; k++)
            pieces[2 * i + k] = (struct ct_memory_piece){from[k] + CT_PYTHON_HASH_OFFSET,
                                                         &hashes[2 * i + k], sizeof(hashes[0])};
    }
    if (!ct_memory_gather(pieces, 2 * count))
        return false;
    for (size_t i = 0; i < count; i++) {
        identities[i].name_hash = hashes[2 * i];
        identities[i].file_hash = hashes[2 * i + 1];
        identities[i].board = atomic_load_explicit(&boards, memory_order_relaxed);
    }
    return true;
}

_Static_assert(2 * CT_PYTHON_PLACES <= CT_MEMORY_PIECES, "two for each place");

void ct_python_describe(const struct ct_python *python, const struct ct_python_place *places,
                        size_t count)
{
    uint8_t codes[CT_PYTHON_PLACES][CT_PYTHON_CODE_SIZE];
    struct ct_memory_piece pieces[CT_PYTHON_PLACES];
    struct identity identities[CT_PYTHON_PLACES];

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        *places[i].address = ct_code_return_address(0, 0);
        pieces[i] = (struct ct_memory_piece){places[i].code, codes[i], python->layout.code_size};
    }
    if (atomic_load_explicit(&boards, memory_order_relaxed) == 0)
        atomic_store(&boards, 1);
    bool is_good = ct_memory_gather(pieces, count);
    for (size_t i = 0; is_good && i < count; i++)
        is_good = begin_identity(python, &places[i], codes[i], &identities[i]);
    if (!is_good || !complete(identities, count))
        return;
    for (size_t i = 0; i < count; i++)
        *places[i].address = find_address(python, &identities[i]);
}
