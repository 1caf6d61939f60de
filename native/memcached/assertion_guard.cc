#include "memcached/assertion_guard.h"

#include <cstdlib>

#if defined(__linux__)

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>

#endif

namespace lmc {

thread_local AssertionTrap* currentTrap = nullptr;

void leaveGuardedCall() {
  if (currentTrap == nullptr) std::abort();
  std::longjmp(currentTrap->buffer, 1);
}

#if defined(__linux__)

namespace {

void trappedAssertFail(const char* assertion, const char* file, unsigned line, const char* function) {
  if (currentTrap != nullptr) leaveGuardedCall();
  std::fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, assertion);
  std::abort();
}

// What libmemcached's own assert_msg begins with: the only thing that it ever prints.
int trappedPrint(std::FILE* stream, const char* format, ...) {
  if (currentTrap != nullptr) leaveGuardedCall();
  va_list arguments;
  va_start(arguments, format);
  const int printed = std::vfprintf(stream, format, arguments);
  va_end(arguments);
  return printed;
}

int trappedCheckedPrint(std::FILE* stream, int, const char* format, ...) {
  if (currentTrap != nullptr) leaveGuardedCall();
  va_list arguments;
  va_start(arguments, format);
  const int printed = std::vfprintf(stream, format, arguments);
  va_end(arguments);
  return printed;
}

// And what it ends in.
void trappedAbort() {
  if (currentTrap != nullptr) leaveGuardedCall();
  std::abort();
}

// A version answer without a version ("VERSION" and nothing behind it) makes libmemcached read a number at a
// null pointer. 0 is what it refuses.
long readNumber(const char* text, char** end, int base) {
  return text == nullptr ? 0 : std::strtol(text, end, base);
}

struct Tables {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const char* relocations = nullptr;
  std::size_t size = 0;
  bool hasAddends = true;
};

Tables tablesOf(const dl_phdr_info* library) {
  Tables tables;
  for (int index = 0; index < library->dlpi_phnum; ++index) {
    const ElfW(Phdr)& header = library->dlpi_phdr[index];
    if (header.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(library->dlpi_addr + header.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      // glibc has made these absolute, musl has not.
      const ElfW(Addr) pointer = entry->d_un.d_ptr;
      const ElfW(Addr) address = pointer < library->dlpi_addr ? library->dlpi_addr + pointer : pointer;
      if (entry->d_tag == DT_SYMTAB) tables.symbols = reinterpret_cast<const ElfW(Sym)*>(address);
      if (entry->d_tag == DT_STRTAB) tables.names = reinterpret_cast<const char*>(address);
      if (entry->d_tag == DT_JMPREL) tables.relocations = reinterpret_cast<const char*>(address);
      if (entry->d_tag == DT_PLTRELSZ) tables.size = entry->d_un.d_val;
      if (entry->d_tag == DT_PLTREL) tables.hasAddends = entry->d_un.d_val == DT_RELA;
    }
  }
  return tables;
}

template <typename Function>
void redirect(ElfW(Addr) slot, Function* to) {
  const auto pageSize = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  void* const page = reinterpret_cast<void*>(slot & ~(pageSize - 1));
  if (mprotect(page, pageSize, PROT_READ | PROT_WRITE) != 0) return;
  *reinterpret_cast<Function**>(slot) = to;
}

int visit(dl_phdr_info* library, std::size_t, void*) {
  if (library->dlpi_name == nullptr || std::strstr(library->dlpi_name, "libmemcached.so") == nullptr)
    return 0;
  const Tables tables = tablesOf(library);
  if (tables.symbols == nullptr || tables.names == nullptr || tables.relocations == nullptr ||
      !tables.hasAddends)
    return 0;
  const auto* relocation = reinterpret_cast<const ElfW(Rela)*>(tables.relocations);
  for (std::size_t left = tables.size / sizeof(ElfW(Rela)); left > 0; --left, ++relocation) {
    const std::size_t symbol = sizeof(void*) == 8 ? relocation->r_info >> 32 : relocation->r_info >> 8;
    const char* const name = tables.names + tables.symbols[symbol].st_name;
    const ElfW(Addr) slot = library->dlpi_addr + relocation->r_offset;
    if (std::strcmp(name, "__assert_fail") == 0) redirect(slot, trappedAssertFail);
    if (std::strcmp(name, "fprintf") == 0) redirect(slot, trappedPrint);
    if (std::strcmp(name, "__fprintf_chk") == 0) redirect(slot, trappedCheckedPrint);
    if (std::strcmp(name, "abort") == 0) redirect(slot, trappedAbort);
    if (std::strcmp(name, "strtol") == 0 || std::strcmp(name, "__isoc23_strtol") == 0)
      redirect(slot, readNumber);
  }
  return 0;
}

}  // namespace

void installAssertionGuard() {
  static std::once_flag once;
  std::call_once(once, [] { dl_iterate_phdr(visit, nullptr); });
}

#else

void installAssertionGuard() {}

#endif

}  // namespace lmc
