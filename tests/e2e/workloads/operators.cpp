// Allocates by every form of operator new, gives half of it back by the matching delete, and says
// what each place has allocated and what of it is live, as heap.c does.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define ROUNDS   1000

struct alignas(64) Aligned {
    char bytes[192];
};

// F(place, bytes, how a block is had, how it is given back)
#define PLACES(F)                                                                               \
    F(by_new, 100, operator new(100), operator delete(block))                                   \
    F(by_new_sized, 101, operator new(101), operator delete (block, std::size_t{101}))          \
    F(by_new_array, 200, operator new[](200), operator delete[](block))                         \
    F(by_new_nothrow, 50, operator new(50, std::nothrow), operator delete(block, std::nothrow)) \
    F(by_new_array_nothrow,                                                                     \
      60, operator new[](60, std::nothrow), operator delete[](block, std::nothrow))             \
    F(by_new_aligned, 192, new Aligned, delete static_cast<Aligned *>(block))                   \
    F(by_new_array_aligned, 384, new Aligned[2], delete[] static_cast<Aligned *>(block))

#define PLACE(name, size, get, give) \
    extern "C" NOINLINE void *name() \
    {                                \
        void *volatile block = get;  \
        return block;                \
    }
PLACES(PLACE)

static bool is_refused()
{
    const std::size_t volatile much = std::size_t{1} << 62;

    try {
        operator delete(operator new(much));
    } catch (const std::bad_alloc &) {
        return operator new(much, std::nothrow) == nullptr;
    }
    return false;
}

int main(int argument_count, char **)
{
    if (argument_count > 1 && !is_refused()) // mimalloc aborts then
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
#define USE(name, size, get, give) \
    {                              \
        void *block = name();      \
        if (i % 2 != 0)            \
            give;                  \
    }
        PLACES(USE)
    }
#define PRINT(name, size, get, give)                                                \
    dprintf(1, "parent %s %d %d %d %d\n", #name, ROUNDS, (size)*ROUNDS, ROUNDS / 2, \
            (size)*ROUNDS / 2);
    PLACES(PRINT)
    _exit(0);
}
