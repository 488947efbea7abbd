/*
 * An ELF file as the input has it -> what the converter and the symbolizer read of such files:
 * segments and build ids, functions by unwind tables, symbols and debug information, and stacks.
 *
 * The first 32 bytes choose addresses and the stack; the rest is the file.
 */
#include "convert/unwind.h"
#include "fuzz.h"
#include "spool/elf_file.h"
#include "spool/maps.h"
#include "symbols/function_ranges.h"
#include "symbols/symbol_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#define PID          100
#define MAPPED_AT    UINT64_C(0x10000)
#define MAPPED_BYTES UINT64_C(0x10000)
#define CHOICE_BYTES 32
#define CODE_AT      UINT64_C(0x400120) /* where the code of the committed files begins */

static void read_segments(const char *path, uint64_t offset)
{
    struct ct_elf_file *file = ct_elf_file_read(path);
    uint64_t bias;

    if (file == NULL)
        return;
    ct_elf_file_bias(file, MAPPED_AT, offset, &bias);
    FUZZ_REQUIRE(file->build_id != NULL && strlen(file->build_id) <= 128);
    ct_elf_file_free(file);
}

static void read_functions(const char *path, uint64_t address)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf *elf;
    uint64_t begin;

    elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_READ, NULL);
    if (elf != NULL && elf_kind(elf) == ELF_K_ELF) {
        struct ct_function_ranges *ranges = ct_function_ranges_new(elf);

        FUZZ_REQUIRE(!ct_function_ranges_find(ranges, address, &begin) || begin <= address);
        ct_function_ranges_free(ranges);
    }
    elf_end(elf);
    close(fd);
}

static void name_functions(const char *path, uint64_t address)
{
    GStringChunk *strings = g_string_chunk_new(1024);
    enum ct_symbol_problem problem = CT_SYMBOL_PROBLEM_NONE;
    const struct ct_symbol_file_place place = {path, "", ""};
    struct ct_symbol_file *file = ct_symbol_file_open(&place, strings, &problem);
    struct ct_code_segment segment;
    g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(struct ct_symbol_frame));

    FUZZ_REQUIRE(file != NULL || problem != CT_SYMBOL_PROBLEM_NONE);
    for (uint64_t at = address; file != NULL && at < address + 64; at += 16) {
        ct_symbol_file_add_frames(file, at, frames);
        ct_symbol_file_function_start(file, at);
        ct_symbol_file_data(file, at);
    }
    for (guint i = 0; i < frames->len; i++)
        FUZZ_REQUIRE(
            g_utf8_validate(g_array_index(frames, struct ct_symbol_frame, i).function, -1, NULL));
    if (file != NULL) {
        ct_symbol_file_is_go(file);
        ct_symbol_file_missing_split(file);
        ct_symbol_file_debug_link(file);
        ct_symbol_file_is_complete(file);
        FUZZ_REQUIRE(!ct_symbol_file_find_code(file, &segment) || segment.begin <= segment.end);
    }
    ct_symbol_file_free(file);
    g_string_chunk_free(strings);
}

static void unwind(const char *path, struct fuzz_input *choices)
{
    struct ct_maps *maps = ct_maps_new(NULL);
    struct ct_unwinder *unwinder = ct_unwinder_new(16);
    uint8_t stack[512];
    struct ct_user_state state = {.stack = stack, .stack_size = sizeof(stack)};
    struct ct_address_space space;
    struct ct_unwound unwound;
    const struct ct_raw_record record = {
        .kind = CT_RAW_MAPPING,
        .as.mapping = {.pid = PID, .begin = MAPPED_AT, .size = MAPPED_BYTES, .path = path}};

    for (size_t i = 0; i < sizeof(stack); i += 8) {
        uint64_t word = MAPPED_AT + choices->at[(i / 8) % choices->left] * UINT64_C(16) + i;

        memcpy(stack + i, &word, sizeof(word));
    }
    for (size_t i = 0; i < CT_DWARF_REGISTERS; i++)
        state.registers[i] = MAPPED_AT + fuzz_take_u8(choices);
    state.registers[CT_DWARF_REGISTER_PC] = MAPPED_AT + (fuzz_take_u16(choices) & 0xffff);
    state.stack_begin = state.registers[CT_DWARF_REGISTER_SP] = 0x700000;
    ct_maps_add(maps, &record);
    FUZZ_REQUIRE(ct_maps_get(maps, PID, &space));
    ct_unwinder_run(unwinder, &space, &state, &unwound);
    FUZZ_REQUIRE(unwound.count <= 16);
    ct_unwinder_free(unwinder);
    ct_maps_free(maps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *path = g_build_filename(fuzz_folder(), "file", NULL);
    struct fuzz_input input = {data, size};
    struct fuzz_input choices = fuzz_take_part(&input, CHOICE_BYTES);

    if (input.left == 0)
        return 0;
    fuzz_write_file(path, input.at, input.left);
    read_segments(path, data[0] * UINT64_C(64));
    read_functions(path, CODE_AT + data[1]);
    name_functions(path, CODE_AT + data[1]);
    unwind(path, &choices);
    return 0;
}
