/*
 * Stacks through code whose unwind tables are damaged, or made to do harm, as are the notes: in
 * copies of a library that are written over at random, mostly with what is at the ends of ranges.
 * Whatever they say, the program goes on, and soon.
 */
#include "preload/stack/kept_rows.h"
#include "preload/stack/modules.h"
#include "stacks_alone.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { COPIES = 6000, FRAMES_MAX = 64, FILE_MAX = 1 << 20, SECONDS_MAX = 100 };

/* The library's file, and where in it the tables are. */
static struct {
    char bytes[FILE_MAX];
    size_t size;
    Elf64_Phdr *header; /* of the search table */
    size_t end;         /* of the segment that it is in */
    Elf64_Phdr *notes;
} library;

static unsigned walks;

static unsigned take_stack(void)
{
    void *addresses[FRAMES_MAX];

    bool is_live;

    walks++;
    return (unsigned)ct_unwind(addresses, FRAMES_MAX, &is_live);
}

static bool visit(void *user, const struct ct_frame *frame)
{
    unsigned *count = user;

    return frame->address != 0 && ++*count < FRAMES_MAX;
}

static unsigned visit_stack(void)
{
    unsigned count = 0;

    ct_unwind_visit(visit, &count);
    return count;
}

static bool read_library(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return false;
    library.size = fread(library.bytes, 1, FILE_MAX, file);
    fclose(file);
    const Elf64_Ehdr *head = (const void *)library.bytes;
    Elf64_Phdr *headers = (void *)(library.bytes + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        if (headers[i].p_type == PT_GNU_EH_FRAME)
            library.header = &headers[i];
        else if (headers[i].p_type == PT_NOTE)
            library.notes = &headers[i];
    }
    for (unsigned i = 0; library.header != NULL && i < head->e_phnum; i++)
        if (headers[i].p_type == PT_LOAD &&
            library.header->p_offset - headers[i].p_offset < headers[i].p_filesz)
            library.end = headers[i].p_offset + headers[i].p_filesz;
    return library.end != 0 && library.end <= library.size && library.notes != NULL;
}

static uint32_t next_random(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

/* One that is likely to be wrong. */
static uint32_t odd_number(void)
{
    static const uint32_t odd[] = {0, 1, 0x7f, 0x80, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};

    return next_random() % 2 != 0 ? odd[next_random() % (sizeof(odd) / sizeof(*odd))]
                                  : next_random();
}

/* A few places of the tables; now and then where they are said to be. */
static void write_over(void)
{
    size_t begin = library.header->p_offset;

    for (uint32_t i = next_random() % 4; i < 4; i++) {
        uint32_t number = odd_number();
        size_t width = next_random() % 2 != 0 ? 1 : sizeof(number);
        size_t at = begin + next_random() % (library.end - begin - width);
        memcpy(library.bytes + at, &number, width);
    }
    if (next_random() % 8 == 0)
        library.header->p_memsz = (uint64_t)odd_number() << next_random() % 32;
    if (next_random() % 16 == 0)
        library.header->p_vaddr += next_random() % 64;
}

static void write_over_notes(void)
{
    uint32_t number = odd_number();

    memcpy(library.bytes + library.notes->p_offset + next_random() % 3 * sizeof(number), &number,
           sizeof(number));
    if (next_random() % 8 == 0)
        library.notes->p_memsz = odd_number();
}

/* Stacks through a copy of the library as it is now. */
static bool go_through(void)
{
    char path[64];
    int fd = memfd_create("library", MFD_CLOEXEC);

    if (fd < 0 || write(fd, library.bytes, library.size) != (ssize_t)library.size)
        return false;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        unsigned (*through)(unsigned (*)(void)) =
            (unsigned (*)(unsigned (*)(void)))dlsym(object, "through_frames");
        const uint64_t address = (uint64_t)through + 1;
        ct_modules_note(&address, 1, true);
        ct_kept_rows_forget();
        through(take_stack);
        through(visit_stack);
        dlclose(object);
    }
    close(fd);
    return true;
}

int main(int argc, char **argv)
{
    static char saved[FILE_MAX];

    if (argc != 2 || !read_library(argv[1]))
        return 1;
    alarm(SECONDS_MAX);
    begin_stacks();
    memcpy(saved, library.bytes, library.size);
    for (unsigned i = 0; i < COPIES; i++) {
        memcpy(library.bytes, saved, library.size);
        write_over();
        write_over_notes();
        if (!go_through())
            return 1;
    }
    printf("%u walks\n", walks);
    return walks < COPIES / 2;
}
