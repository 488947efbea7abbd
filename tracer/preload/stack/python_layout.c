#include "python_layout.h"

#include <string.h>

/* clang-format off */
static const struct ct_python_layout known[] = {
    [8] = {
        .kind = CT_PYTHON_OBJECTS, .lines = CT_PYTHON_LNOTAB, .thread_id = 176, .thread_frame = 24,
        .frame_size = 112, .frame_previous = 24, .frame_code = 32, .frame_instruction = 104,
        .code_size = 128, .code_file = 104, .code_name = 112, .code_first_line = 40, .code_lines = 120,
        .instruction_size = 1, .text_ascii = 48, .text_wide = 72,
    },
    [9] = {
        .kind = CT_PYTHON_OBJECTS, .lines = CT_PYTHON_LNOTAB, .thread_id = 176, .thread_frame = 24,
        .frame_size = 112, .frame_previous = 24, .frame_code = 32, .frame_instruction = 104,
        .code_size = 128, .code_file = 104, .code_name = 112, .code_first_line = 40, .code_lines = 120,
        .instruction_size = 1, .text_ascii = 48, .text_wide = 72,
    },
    [10] = {
        .kind = CT_PYTHON_MARKED_OBJECTS, .lines = CT_PYTHON_LINETABLE, .thread_id = 176, .thread_frame = 24,
        .thread_mark = 48, .mark_previous = 8,
        .frame_size = 104, .frame_previous = 24, .frame_code = 32, .frame_instruction = 96,
        .code_size = 128, .code_file = 104, .code_name = 112, .code_first_line = 40, .code_lines = 120,
        .instruction_size = 2, .text_ascii = 48, .text_wide = 72,
    },
    [11] = {
        .kind = CT_PYTHON_ENTRY_FRAMES, .lines = CT_PYTHON_LOCATIONS, .thread_id = 152,
        .thread_mark = 56, .mark_frame = 8, .mark_previous = 16,
        .frame_size = 72, .frame_previous = 48, .frame_code = 32, .frame_instruction = 56, .frame_owner = 68,
        .code_size = 144, .code_file = 112, .code_name = 128, .code_first_line = 72, .code_lines = 136,
        .code_instructions = 184, .text_ascii = 48, .text_wide = 72,
    },
    [12] = {
        .kind = CT_PYTHON_SHIMS, .lines = CT_PYTHON_LOCATIONS, .thread_id = 136,
        .thread_mark = 56, .mark_frame = 0,
        .frame_size = 72, .frame_previous = 8, .frame_code = 0, .frame_instruction = 56, .frame_owner = 70,
        .code_size = 144, .code_file = 112, .code_name = 128, .code_first_line = 68, .code_lines = 136,
        .code_instructions = 192, .text_ascii = 40, .text_wide = 56,
    },
};
/* clang-format on */

/* ---- 3.13: _Py_DebugOffsets, at the beginning of _PyRuntime, in words. ---- */

/* So much is read of a frame. */
#define FRAME_SIZE 72

#define COOKIE UINT64_C(0x7970677562656478) /* "xdebugpy" */

enum {
    OFFSETS_COOKIE = 0,
    OFFSETS_VERSION = 1, /* as Py_Version */
    OFFSETS_FREE_THREADED = 2,
    OFFSETS_THREAD_FRAME = 184 / 8,
    OFFSETS_THREAD_ID = 192 / 8,
    OFFSETS_FRAME_PREVIOUS = 232 / 8,
    OFFSETS_FRAME_CODE = 240 / 8,
    OFFSETS_FRAME_INSTRUCTION = 248 / 8,
    OFFSETS_FRAME_OWNER = 264 / 8,
    OFFSETS_CODE_FILE = 280 / 8,
    OFFSETS_CODE_NAME = 296 / 8, /* the qualified one */
    OFFSETS_CODE_LINES = 304 / 8,
    OFFSETS_CODE_FIRST_LINE = 312 / 8,
    OFFSETS_CODE_INSTRUCTIONS = 344 / 8,
    OFFSETS_TEXT_ASCII = 560 / 8, /* the size of PyASCIIObject */
    OFFSETS_END = 584 / 8,
};

static bool has_room(uint64_t offset, uint64_t field_size, uint64_t size)
{
    return offset <= size - field_size;
}

/* Those of a build without a global lock are others. */
static bool read_offsets(const uint64_t *at, unsigned minor, struct ct_python_layout *layout)
{
    if (at[OFFSETS_COOKIE] != COOKIE || at[OFFSETS_VERSION] >> 16 != (3 << 8 | minor) ||
        at[OFFSETS_FREE_THREADED] != 0 || at[OFFSETS_TEXT_ASCII] > 64 ||
        at[OFFSETS_CODE_INSTRUCTIONS] > 1024 ||
        !has_room(at[OFFSETS_THREAD_FRAME], 8, CT_PYTHON_THREAD_SIZE) ||
        !has_room(at[OFFSETS_THREAD_ID], 8, CT_PYTHON_THREAD_SIZE) ||
        !has_room(at[OFFSETS_FRAME_PREVIOUS], 8, FRAME_SIZE) ||
        !has_room(at[OFFSETS_FRAME_CODE], 8, FRAME_SIZE) ||
        !has_room(at[OFFSETS_FRAME_INSTRUCTION], 8, FRAME_SIZE) ||
        !has_room(at[OFFSETS_FRAME_OWNER], 1, FRAME_SIZE) ||
        !has_room(at[OFFSETS_CODE_FILE], 8, CT_PYTHON_CODE_SIZE) ||
        !has_room(at[OFFSETS_CODE_NAME], 8, CT_PYTHON_CODE_SIZE) ||
        !has_room(at[OFFSETS_CODE_LINES], 8, CT_PYTHON_CODE_SIZE) ||
        !has_room(at[OFFSETS_CODE_FIRST_LINE], 4, CT_PYTHON_CODE_SIZE))
        return false;
    *layout = (struct ct_python_layout){
        .kind = CT_PYTHON_SHIMS,
        .lines = CT_PYTHON_LOCATIONS,
        .thread_id = (uint16_t)at[OFFSETS_THREAD_ID],
        .thread_frame = (uint16_t)at[OFFSETS_THREAD_FRAME],
        .frame_size = FRAME_SIZE,
        .frame_previous = (uint16_t)at[OFFSETS_FRAME_PREVIOUS],
        .frame_code = (uint16_t)at[OFFSETS_FRAME_CODE],
        .frame_instruction = (uint16_t)at[OFFSETS_FRAME_INSTRUCTION],
        .frame_owner = (uint16_t)at[OFFSETS_FRAME_OWNER],
        .code_size = CT_PYTHON_CODE_SIZE,
        .code_file = (uint16_t)at[OFFSETS_CODE_FILE],
        .code_name = (uint16_t)at[OFFSETS_CODE_NAME],
        .code_first_line = (uint16_t)at[OFFSETS_CODE_FIRST_LINE],
        .code_lines = (uint16_t)at[OFFSETS_CODE_LINES],
        .code_instructions = (uint16_t)at[OFFSETS_CODE_INSTRUCTIONS],
        .text_ascii = (uint16_t)at[OFFSETS_TEXT_ASCII],
        .text_wide = (uint16_t)at[OFFSETS_TEXT_ASCII] + 16, /* two words more */
    };
    return true;
}

bool ct_python_layout_find(unsigned minor, const void *runtime, uint64_t runtime_size,
                           struct ct_python_layout *layout)
{
    uint64_t offsets[OFFSETS_END];

    if (minor < sizeof(known) / sizeof(known[0])) {
        *layout = known[minor];
        return layout->code_size != 0;
    }
    if (minor != 13 || runtime_size < sizeof(offsets))
        return false;
    memcpy(offsets, runtime, sizeof(offsets));
    return read_offsets(offsets, minor, layout);
}
