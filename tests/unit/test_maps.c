/* What is mapped where, by perf's records; and the records themselves, as a spool file has them. */
#include "spool/elf_file.h"
#include "spool/maps.h"
#include "spool/spool.h"
#include "spool/user_registers.h"

#include <link.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PARENT 100
#define CHILD  200
#define PAGE   0x1000

static struct ct_maps *maps;

static int set_up(void **state)
{
    (void)state;
    maps = ct_maps_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ct_maps_free(maps);
    return 0;
}

static void map(int32_t pid, uint64_t begin, uint64_t end, uint64_t file_offset, const char *path)
{
    struct ct_raw_record record = {
        .kind = CT_RAW_MAPPING,
        .as.mapping = {.pid = pid,
                       .begin = begin,
                       .size = end - begin,
                       .file_offset = file_offset,
                       .build_id = "beef",
                       .path = path},
    };

    ct_maps_add(maps, &record);
}

static void fork_process(int32_t parent, int32_t pid)
{
    struct ct_raw_record record = {.kind = CT_RAW_FORK,
                                   .as.task = {.pid = pid, .parent_pid = parent, .tid = pid}};

    ct_maps_add(maps, &record);
}

static void name(int32_t pid, gboolean is_exec)
{
    struct ct_raw_record record = {.kind = CT_RAW_NAME,
                                   .as.name = {.pid = pid, .tid = pid, .is_exec = is_exec}};

    ct_maps_add(maps, &record);
}

/* "path+offset in the file", or "" for none. */
static const char *file_at(int32_t pid, uint64_t address)
{
    static char text[256];
    struct ct_address_space space;
    const struct ct_mapping *mapping;

    if (!ct_maps_get(maps, pid, &space) ||
        (mapping = ct_address_space_find(&space, address)) == NULL)
        return "";
    g_snprintf(text, sizeof(text), "%s+%x", mapping->file->path,
               (unsigned)(mapping->file_offset + (address - mapping->begin)));
    return text;
}

static void address_is_found_in_its_file(void **state)
{
    (void)state;
    map(PARENT, 0x5000, 0x7000, 0x1000, "/b");
    map(PARENT, 0x1000, 0x3000, 0, "/a");
    assert_string_equal(file_at(PARENT, 0x0fff), "");
    assert_string_equal(file_at(PARENT, 0x1000), "/a+0");
    assert_string_equal(file_at(PARENT, 0x2fff), "/a+1fff");
    assert_string_equal(file_at(PARENT, 0x3000), "");
    assert_string_equal(file_at(PARENT, 0x5123), "/b+1123");
    assert_string_equal(file_at(CHILD, 0x5123), "");
}

static void later_mapping_replaces_what_it_covers(void **state)
{
    (void)state;
    map(PARENT, 0x1000, 0x9000, 0, "/a");
    map(PARENT, 0x3000, 0x4000, 0, "/hole");
    map(PARENT, 0x8000, 0xb000, 0, "/tail");
    assert_string_equal(file_at(PARENT, 0x2fff), "/a+1fff");
    assert_string_equal(file_at(PARENT, 0x3000), "/hole+0");
    assert_string_equal(file_at(PARENT, 0x4000), "/a+3000");
    assert_string_equal(file_at(PARENT, 0x7fff), "/a+6fff");
    assert_string_equal(file_at(PARENT, 0x8000), "/tail+0");
    map(PARENT, 0x0000, 0x9000, 0x7000, "/all");
    assert_string_equal(file_at(PARENT, 0x3000), "/all+a000");
    assert_string_equal(file_at(PARENT, 0x9000), "/tail+1000");
}

static void mapping_without_end_is_left_out(void **state)
{
    (void)state;
    map(PARENT, 0x1000, 0x1000, 0, "/empty");
    map(PARENT, UINT64_MAX - 5, 10, 0, "/wrapped");
    assert_string_equal(file_at(PARENT, 0x1000), "");
    assert_string_equal(file_at(PARENT, UINT64_MAX - 5), "");
}

static void child_has_its_parents_mappings_until_either_maps(void **state)
{
    struct ct_address_space parent, child;

    (void)state;
    map(PARENT, 0x1000, 0x2000, 0, "/a");
    fork_process(PARENT, CHILD);
    fork_process(PARENT, PARENT); /* a thread: nothing new */
    assert_true(ct_maps_get(maps, PARENT, &parent));
    assert_true(ct_maps_get(maps, CHILD, &child));
    assert_int_equal(parent.version, child.version);
    map(CHILD, 0x2000, 0x3000, 0, "/child");
    map(PARENT, 0x3000, 0x4000, 0, "/parent");
    assert_string_equal(file_at(CHILD, 0x1000), "/a+0");
    assert_string_equal(file_at(CHILD, 0x2000), "/child+0");
    assert_string_equal(file_at(CHILD, 0x3000), "");
    assert_string_equal(file_at(PARENT, 0x2000), "");
    assert_true(ct_maps_get(maps, PARENT, &parent));
    assert_true(ct_maps_get(maps, CHILD, &child));
    assert_int_not_equal(parent.version, child.version);
    assert_int_equal(parent.image, child.image);
    name(CHILD, TRUE);
    assert_true(ct_maps_get(maps, CHILD, &child));
    assert_int_not_equal(parent.image, child.image);
}

static void exec_clears_what_was_mapped(void **state)
{
    (void)state;
    map(PARENT, 0x1000, 0x2000, 0, "/a");
    name(PARENT, FALSE);
    assert_string_equal(file_at(PARENT, 0x1000), "/a+0");
    name(PARENT, TRUE);
    assert_string_equal(file_at(PARENT, 0x1000), "");
}

static gboolean is_32_bit(int32_t pid)
{
    struct ct_address_space space;

    assert_true(ct_maps_get(maps, pid, &space));
    return space.is_32_bit;
}

static void word_size_is_told_by_the_vdso_until_an_exec(void **state)
{
    (void)state;
    map(PARENT, 0x1000, 0x2000, 0, "/bin/narrow");
    assert_false(is_32_bit(PARENT));
    map(PARENT, 0xffffe000, UINT64_C(1) << 32, 0, "[vdso]");
    map(PARENT, 0x2000, 0x3000, 0, "/lib/narrow");
    fork_process(PARENT, CHILD);
    map(CHILD, 0x3000, 0x4000, 0, "/lib/another");
    assert_true(is_32_bit(PARENT));
    assert_true(is_32_bit(CHILD));
    name(CHILD, TRUE);
    map(CHILD, 0x7ffff7fc5000, 0x7ffff7fc7000, 0, "[vdso]");
    assert_true(is_32_bit(PARENT));
    assert_false(is_32_bit(CHILD));
}

static void id_used_again_is_another_process(void **state)
{
    (void)state;
    map(CHILD, 0x1000, 0x2000, 0, "/old");
    fork_process(PARENT, CHILD);
    assert_string_equal(file_at(CHILD, 0x1000), "");
}

/* This test's own program, as the loader mapped it. */
static int note_own_code(struct dl_phdr_info *info, size_t size, void *data)
{
    struct ct_mapping *mapping = data;

    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X) {
            mapping->begin = (info->dlpi_addr + segment->p_vaddr) & ~(uint64_t)(PAGE - 1);
            mapping->file_offset = segment->p_offset & ~(uint64_t)(PAGE - 1);
        }
    }
    mapping->end = info->dlpi_addr; /* its bias */
    return 1;
}

static void bias_is_what_the_loader_added(void **state)
{
    g_autofree char *path = g_file_read_link("/proc/self/exe", NULL);
    struct ct_elf_file *elf = ct_elf_file_read(path);
    struct ct_mapping own = {0};
    struct ct_address_space space;
    uint64_t bias = 1;

    (void)state;
    dl_iterate_phdr(note_own_code, &own);
    assert_non_null(elf);
    assert_true(ct_elf_file_bias(elf, own.begin, own.file_offset, &bias));
    assert_int_equal(bias, own.end);
    assert_false(ct_elf_file_bias(elf, own.begin, UINT64_C(1) << 40, &bias));
    ct_elf_file_free(elf);

    /* The kernel says another build was mapped than is there now: nothing of it can be told. */
    map(PARENT, own.begin, own.begin + PAGE, own.file_offset, path);
    assert_true(ct_maps_get(maps, PARENT, &space));
    assert_false(ct_mapping_bias(space.mappings, &bias));

    struct ct_raw_record record = {.kind = CT_RAW_MAPPING,
                                   .as.mapping = {.pid = PARENT,
                                                  .begin = own.begin,
                                                  .size = PAGE,
                                                  .file_offset = own.file_offset,
                                                  .path = path}};
    ct_maps_add(maps, &record);
    assert_true(ct_maps_get(maps, PARENT, &space));
    assert_int_equal(space.count, 1);
    assert_true(ct_mapping_bias(space.mappings, &bias));
    assert_int_equal(bias, own.end);
}

static void what_is_no_elf_file_has_no_bias(void **state)
{
    struct ct_address_space space;
    uint64_t bias;

    (void)state;
    assert_null(ct_elf_file_read("/dev/null"));
    assert_null(ct_elf_file_read("/proc/self/cmdline"));
    assert_null(ct_elf_file_read("/nowhere"));
    map(PARENT, 0x1000, 0x2000, 0, "//anon");
    map(PARENT, 0x2000, 0x3000, 0, "[vdso]");
    assert_true(ct_maps_get(maps, PARENT, &space));
    assert_false(ct_mapping_bias(&space.mappings[0], &bias));
    assert_true(ct_mapping_bias(&space.mappings[1], &bias));
    assert_int_equal(bias, 0x2000);
}

/* In a file of `file_size`, which may be more. */
static struct ct_elf_file *read_content(const void *content, size_t size, size_t file_size)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("ctrace-maps-XXXXXX", &path, NULL);

    assert_int_equal(write(fd, content, size), size);
    assert_int_equal(ftruncate(fd, (off_t)file_size), 0);
    close(fd);
    struct ct_elf_file *file = ct_elf_file_read(path);

    unlink(path);
    return file;
}

static void a_file_that_is_cut_off_tells_what_is_left_of_it(void **state)
{
    struct ct_elf_file *whole = ct_elf_file_read("/proc/self/exe");
    g_autofree char *content = NULL;
    gsize size, segments_end;
    ElfW(Ehdr) header;

    (void)state;
    assert_non_null(whole);
    assert_true(g_file_get_contents("/proc/self/exe", &content, &size, NULL));
    memcpy(&header, content, sizeof(header));
    segments_end = header.e_phoff + header.e_phnum * sizeof(ElfW(Phdr));
    assert_true(segments_end < PAGE && size > PAGE);
    for (size_t left = 0; left < PAGE; left += 8) {
        struct ct_elf_file *file = read_content(content, left, left);

        if (left < sizeof(header)) {
            assert_null(file);
            continue;
        }
        assert_non_null(file);
        assert_int_equal(file->segment_count, left < segments_end ? 0 : whole->segment_count);
        if (*file->build_id != '\0')
            assert_string_equal(file->build_id, whole->build_id);
        ct_elf_file_free(file);
    }
    ct_elf_file_free(whole);
}

static void a_32_bit_file_is_read_too(void **state)
{
    struct {
        Elf32_Ehdr header;
        Elf32_Phdr code;
    } content = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_386,
                   .e_version = EV_CURRENT,
                   .e_phoff = sizeof(content.header),
                   .e_ehsize = sizeof(content.header),
                   .e_phentsize = sizeof(content.code),
                   .e_phnum = 1},
        .code = {.p_type = PT_LOAD,
                 .p_flags = PF_R | PF_X,
                 .p_offset = 0x1000,
                 .p_vaddr = 0x8049000,
                 .p_filesz = 0x500},
    };
    struct ct_elf_file *file = read_content(&content, sizeof(content), sizeof(content));
    uint64_t bias = 1;

    (void)state;
    assert_non_null(file);
    assert_true(ct_elf_file_bias(file, 0x8049000, 0x1000, &bias));
    assert_int_equal(bias, 0);
    ct_elf_file_free(file);
}

/* A file with a build id, in notes of a size that it claims to have. */
static char *read_build_id(uint64_t notes_size, size_t file_size)
{
    const struct {
        ElfW(Ehdr) header;
        ElfW(Phdr) notes;
        ElfW(Nhdr) note;
        char name[4];
        uint8_t id[4];
    } content = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_DYN,
                   .e_version = EV_CURRENT,
                   .e_phoff = sizeof(content.header),
                   .e_ehsize = sizeof(content.header),
                   .e_phentsize = sizeof(content.notes),
                   .e_phnum = 1},
        .notes = {.p_type = PT_NOTE,
                  .p_offset = offsetof(__typeof__(content), note),
                  .p_filesz = notes_size,
                  .p_align = 4},
        .note = {.n_namesz = 4, .n_descsz = 4, .n_type = NT_GNU_BUILD_ID},
        .name = "GNU",
        .id = {0xbe, 0xef, 0x00, 0x01},
    };
    struct ct_elf_file *file = read_content(&content, sizeof(content), file_size);

    assert_non_null(file);
    char *build_id = g_strdup(file->build_id);

    ct_elf_file_free(file);
    return build_id;
}

static void notes_are_read_if_they_are_not_too_many(void **state)
{
    const size_t large = (size_t)64 << 20;
    g_autofree char *usual = read_build_id(20, 4096);
    g_autofree char *cut_off = read_build_id(20, 130);
    g_autofree char *beyond = read_build_id(UINT64_MAX / 2, 4096);
    g_autofree char *too_many = read_build_id(large / 2, large);

    (void)state;
    assert_string_equal(usual, "beef0001");
    assert_string_equal(cut_off, "");
    assert_string_equal(beyond, "");
    assert_string_equal(too_many, "");
}

static void what_cannot_be_of_this_machine_is_no_elf_file(void **state)
{
    ElfW(Ehdr) header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2MSB, EV_CURRENT},
        .e_version = 0x01000000,
    };

    (void)state;
    assert_null(read_content(&header, sizeof(header), sizeof(header)));
    assert_null(read_content("#!/bin/sh\nexit 0\n", 17, 17));
}

/* ---- A spool file's records ---- */

struct raw_mapping {
    struct perf_event_header header;
    int32_t pid, tid;
    uint64_t begin, size, file_offset;
    uint8_t id_size, unused[3], id[20];
    uint32_t protection, flags;
    char path[8];
    int32_t last_pid, last_tid;
    uint64_t time_ns;
};

static void write_record(FILE *file, uint16_t misc, const char *path)
{
    struct raw_mapping record = {
        .header = {PERF_RECORD_MMAP2, misc, sizeof(record)},
        .pid = PARENT,
        .tid = PARENT + 1,
        .begin = 0x1000,
        .size = 0x2000,
        .file_offset = 0x3000,
        .id_size = 3,
        .id = {0xab, 0xcd, 0x0f, 0xff},
        .last_pid = PARENT,
        .last_tid = PARENT + 1,
        .time_ns = 77,
    };

    memcpy(record.path, path, sizeof(record.path));
    fwrite(&record, sizeof(record), 1, file);
}

static void mapping_is_read_from_a_spool(void **state)
{
    struct ct_spool_head head = {.magic = CT_SPOOL_MAGIC, .version = CT_SPOOL_VERSION};
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("ctrace-maps-XXXXXX", &path, NULL);
    FILE *file = fdopen(fd, "w");
    struct ct_raw_record record;

    (void)state;
    fwrite(&head, sizeof(head), 1, file);
    write_record(file, PERF_RECORD_MISC_MMAP_BUILD_ID, "/lib/a\0");
    write_record(file, 0, "/lib/b\0");
    fclose(file);
    struct ct_spool *spool = ct_spool_open(path);

    assert_non_null(spool);
    assert_true(ct_spool_read(spool, &record));
    assert_int_equal(record.kind, CT_RAW_MAPPING);
    assert_int_equal(record.time_ns, 77);
    assert_int_equal(record.as.mapping.pid, PARENT);
    assert_int_equal(record.as.mapping.begin, 0x1000);
    assert_int_equal(record.as.mapping.size, 0x2000);
    assert_int_equal(record.as.mapping.file_offset, 0x3000);
    assert_string_equal(record.as.mapping.build_id, "abcd0f");
    assert_string_equal(record.as.mapping.path, "/lib/a");
    assert_true(ct_spool_read(spool, &record)); /* a device and an inode there, no build id */
    assert_string_equal(record.as.mapping.build_id, "");
    assert_string_equal(record.as.mapping.path, "/lib/b");
    assert_false(ct_spool_read(spool, &record));
    ct_spool_free(spool);
    unlink(path);
}

/* ---- */

struct raw_sample {
    struct perf_event_header header;
    int32_t pid, tid;
    uint64_t time_ns;
    uint64_t period_ns;
    uint64_t abi;
    uint64_t registers[CT_USER_REGISTER_COUNT];
    uint64_t stack_size;
    uint8_t stack[64];
    uint64_t stack_used;
};

static void sample_is_read_from_a_spool(void **state)
{
    struct ct_spool_head head = {
        .magic = CT_SPOOL_MAGIC, .version = CT_SPOOL_VERSION, .kind = CT_RINGS_SAMPLES};
    struct raw_sample raw = {
        .header = {PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER, sizeof(raw)},
        .pid = PARENT,
        .tid = PARENT + 1,
        .time_ns = 88,
        .period_ns = 1000,
        .abi = PERF_SAMPLE_REGS_ABI_64,
        .registers = {1, 2},
        .stack_size = sizeof(raw.stack),
        .stack = {3, 4},
        .stack_used = 16,
    };
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("ctrace-maps-XXXXXX", &path, NULL);
    FILE *file = fdopen(fd, "w");
    struct ct_raw_record record;

    (void)state;
    fwrite(&head, sizeof(head), 1, file);
    fwrite(&raw, sizeof(raw), 1, file);
    /* More is said to be used of the stack than there is of the record. */
    raw.header.misc = PERF_RECORD_MISC_KERNEL;
    raw.stack_size = raw.stack_used = 4096;
    fwrite(&raw, sizeof(raw), 1, file);
    fclose(file);
    struct ct_spool *spool = ct_spool_open(path);

    assert_non_null(spool);
    assert_true(ct_spool_read(spool, &record));
    assert_int_equal(record.kind, CT_RAW_SAMPLE);
    assert_int_equal(record.time_ns, 88);
    assert_int_equal(record.tid, PARENT + 1);
    assert_int_equal(record.as.sample.period_ns, 1000);
    assert_false(record.as.sample.in_kernel);
    assert_int_equal(record.as.sample.user.registers[1], 2);
    assert_int_equal(record.as.sample.user.stack[1], 4);
    assert_int_equal(record.as.sample.user.stack_size, 16);
    assert_true(ct_spool_read(spool, &record));
    assert_true(record.as.sample.in_kernel);
    assert_null(record.as.sample.user.stack);
    assert_int_equal(record.as.sample.user.stack_size, 0);
    assert_false(ct_spool_read(spool, &record));
    ct_spool_free(spool);
    unlink(path);
}

static void layers_have_files_of_their_own(void **state)
{
    static const char *const names[] = {[CT_RINGS_MACHINE] = "cpu5",
                                        [CT_RINGS_PROCESS] = "cpu5",
                                        [CT_RINGS_CALLS] = "calls5",
                                        [CT_RINGS_SAMPLES] = "samples5"};
    g_autofree char *folder = g_dir_make_tmp("ctrace-maps-XXXXXX", NULL);
    const struct ct_formats formats = {0};

    (void)state;
    for (size_t kind = 0; kind < G_N_ELEMENTS(names); kind++) {
        g_autofree char *path = g_build_filename(folder, names[kind], NULL);
        int fd = ct_spool_create(folder, (enum ct_rings_kind)kind, &formats, 5);

        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(address_is_found_in_its_file),
        TEST(later_mapping_replaces_what_it_covers),
        TEST(mapping_without_end_is_left_out),
        TEST(child_has_its_parents_mappings_until_either_maps),
        TEST(exec_clears_what_was_mapped),
        TEST(word_size_is_told_by_the_vdso_until_an_exec),
        TEST(id_used_again_is_another_process),
        TEST(bias_is_what_the_loader_added),
        TEST(what_is_no_elf_file_has_no_bias),
        TEST(a_file_that_is_cut_off_tells_what_is_left_of_it),
        TEST(a_32_bit_file_is_read_too),
        TEST(notes_are_read_if_they_are_not_too_many),
        TEST(what_cannot_be_of_this_machine_is_no_elf_file),
        TEST(mapping_is_read_from_a_spool),
        TEST(sample_is_read_from_a_spool),
        TEST(layers_have_files_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
