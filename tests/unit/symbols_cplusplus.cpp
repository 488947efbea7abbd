// C++ that test_symbols looks up.
#include <cstdint>

static volatile int calls;

extern "C" std::uint64_t call_in_anonymous_namespace();

namespace
{
struct Counter {
    template <class Work> std::uint64_t measure(Work work)
    {
        std::uint64_t address = work();
        calls = calls + 1; // so that the call before is no jump
        return address;
    }
};

__attribute__((noinline)) std::uint64_t take_return_address()
{
    calls = calls + 1;
    return reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
}

__attribute__((noinline)) std::uint64_t count()
{
    std::uint64_t address = take_return_address();
    calls = calls + 1;
    return address;
}
} // namespace

std::uint64_t call_in_anonymous_namespace()
{
    Counter counter;
    return counter.measure(count);
}
