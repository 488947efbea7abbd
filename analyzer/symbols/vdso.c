#include "symbols/vdso.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

gboolean ct_is_vdso(const char *path)
{
    return strcmp(path, "[vdso]") == 0 || g_str_has_prefix(path, "linux-vdso.so");
}

int ct_vdso_open(void)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): that is how the kernel tells it */
    const ElfW(Ehdr) *image = (const ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);

    if (!image || memcmp(image->e_ident, ELFMAG, SELFMAG) != 0)
        return -1;
    /* It ends with its table of sections. */
    size_t size = image->e_shoff + (size_t)image->e_shnum * image->e_shentsize;
    int fd = memfd_create("vdso", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, image, size) != (ssize_t)size) {
        close(fd);
        return -1;
    }
    return fd;
}
