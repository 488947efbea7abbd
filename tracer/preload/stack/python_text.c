#include "python_text.h"

#include "preload/core/memory.h"

#include <string.h>

/* Of a string: type, length, hash, state. */
struct head {
    uint64_t references;
    uint64_t type;
    uint64_t length;
    uint64_t hash;
    uint32_t state;
    uint32_t padding;
};

_Static_assert(offsetof(struct head, hash) == CT_PYTHON_HASH_OFFSET, "as it is in a string");

/* Of the state: bytes of a character, whether they lie behind the string's head, and are ASCII. */
#define STATE_KIND(state)       ((state) >> 2 & 7)
#define STATE_IS_COMPACT(state) ((state) >> 5 & 1)
#define STATE_IS_ASCII(state)   ((state) >> 6 & 1)

/* Characters copied at a time. */
#define CHARACTERS 32

static size_t encode(uint32_t character, char *text)
{
    if (character < 0x80) {
        text[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        text[0] = (char)(0xc0 | character >> 6);
        text[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        text[0] = (char)(0xe0 | character >> 12);
        text[1] = (char)(0x80 | (character >> 6 & 0x3f));
        text[2] = (char)(0x80 | (character & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | (character >> 18 & 7));
    text[1] = (char)(0x80 | (character >> 12 & 0x3f));
    text[2] = (char)(0x80 | (character >> 6 & 0x3f));
    text[3] = (char)(0x80 | (character & 0x3f));
    return 4;
}

static uint32_t character_at(const uint8_t *bytes, unsigned kind, size_t index)
{
    uint32_t character = 0;

    memcpy(&character, bytes + index * kind, kind);
    return character;
}

/* An end within would be taken for the string's; and halves of a character by themselves, such as
 * the interpreter has for bytes of file names that are no UTF-8, are none in UTF-8. */
static uint32_t presentable(uint32_t character)
{
    if (character == 0)
        return ' ';
    return (character >= 0xd800 && character < 0xe000) || character > 0x10ffff ? 0xfffd : character;
}

/* So many characters of that size at `address`. 0: they cannot be read. */
static size_t write_text(uint64_t address, unsigned kind, uint64_t count, char *text, size_t room)
{
    uint8_t bytes[CHARACTERS * 4];
    size_t size = 0;

    while (count > 0 && room - size > 4) {
        size_t some = count < CHARACTERS ? count : CHARACTERS;

        if (!ct_memory_take(address, bytes, some * kind))
            return 0;
        for (size_t i = 0; i < some && room - size > 4; i++) {
            uint32_t character = character_at(bytes, kind, i);
            size += encode(presentable(character), text + size);
        }
        address += some * kind;
        count -= some;
    }
    text[size] = '\0';
    return size + 1;
}

static size_t take_text(const struct ct_python *python, uint64_t address, char *text, size_t room,
                        bool wants_end)
{
    struct head head;

    if (!ct_memory_take(address, &head, sizeof(head)) || head.type != python->text_type ||
        !STATE_IS_COMPACT(head.state))
        return 0;
    bool is_ascii = STATE_IS_ASCII(head.state);
    unsigned kind = STATE_KIND(head.state);
    uint64_t skipped = 0;
    if (kind != 1 && kind != 2 && kind != 4)
        return 0;
    address += is_ascii ? python->layout.text_ascii : python->layout.text_wide;
    /* That many have room whatever they are. */
    uint64_t fitting = (room - 5) / (is_ascii ? 1 : 4);
    if (wants_end && head.length > fitting)
        skipped = head.length - fitting;
    return write_text(address + skipped * kind, kind, head.length - skipped, text, room);
}

size_t ct_python_text_begin(const struct ct_python *python, uint64_t address, char *text,
                            size_t room)
{
    return take_text(python, address, text, room, false);
}

size_t ct_python_text_end(const struct ct_python *python, uint64_t address, char *text, size_t room)
{
    return take_text(python, address, text, room, true);
}
