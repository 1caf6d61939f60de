#include "memcached/linkage.h"

#if defined(__linux__)

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "memcached/system_calls.h"

#endif

namespace lmc {

namespace {

#if defined(__linux__)

struct Relocations {
  const ElfW(Rela) * first = nullptr;
  std::size_t bytes = 0;
};

struct Library {
  ElfW(Addr) base = 0;
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  Relocations jumps;  // of functions that are called
  Relocations data;   // of functions that are called without a jump slot (-fno-plt), among others
  bool hasAddends = true;
  // What the loader has made read-only after its work.
  ElfW(Addr) protectedBegin = 0;
  ElfW(Addr) protectedEnd = 0;
};

Library readLibrary(const dl_phdr_info* info) {
  Library library;
  library.base = info->dlpi_addr;
  for (const ElfW(Phdr) & header : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    if (header.p_type == PT_GNU_RELRO) {
      library.protectedBegin = info->dlpi_addr + header.p_vaddr;
      library.protectedEnd = library.protectedBegin + header.p_memsz;
    }
    if (header.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(info->dlpi_addr + header.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      // glibc has made these absolute, musl has not.
      const ElfW(Addr) pointer = entry->d_un.d_ptr;
      const ElfW(Addr) address = pointer < info->dlpi_addr ? info->dlpi_addr + pointer : pointer;
      if (entry->d_tag == DT_SYMTAB) library.symbols = reinterpret_cast<const ElfW(Sym)*>(address);
      if (entry->d_tag == DT_STRTAB) library.names = reinterpret_cast<const char*>(address);
      if (entry->d_tag == DT_JMPREL) library.jumps.first = reinterpret_cast<const ElfW(Rela)*>(address);
      if (entry->d_tag == DT_PLTRELSZ) library.jumps.bytes = entry->d_un.d_val;
      if (entry->d_tag == DT_RELA) library.data.first = reinterpret_cast<const ElfW(Rela)*>(address);
      if (entry->d_tag == DT_RELASZ) library.data.bytes = entry->d_un.d_val;
      if (entry->d_tag == DT_PLTREL) library.hasAddends = entry->d_un.d_val == DT_RELA;
    }
  }
  return library;
}

// The loader's protection is restored: a linkage table that stays writable is what attacks look for.
bool redirect(const Library& library, ElfW(Addr) slot, void* function) {
  const auto pageSize = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  void* const page = reinterpret_cast<void*>(slot & ~(pageSize - 1));
  const bool isProtected = slot >= library.protectedBegin && slot < library.protectedEnd;
  if (isProtected && mprotect(page, pageSize, PROT_READ | PROT_WRITE) != 0) return false;
  *reinterpret_cast<void**>(slot) = function;
  // The last page of the protected part may be shared with what must stay writable.
  const bool isWhole = (slot & ~(pageSize - 1)) + pageSize <= library.protectedEnd;
  if (isProtected && isWhole) mprotect(page, pageSize, PROT_READ);
  return true;
}

struct Installation {
  bool isFound = false;
  bool isReadable = false;
  std::vector<bool> done = std::vector<bool>(replacements().size(), false);
};

void redirectAll(const Library& library, const Relocations& relocations, Installation& installation) {
  for (const ElfW(Rela) & relocation : std::span(relocations.first, relocations.bytes / sizeof(ElfW(Rela)))) {
    const std::size_t symbol = sizeof(void*) == 8 ? relocation.r_info >> 32 : relocation.r_info >> 8;
    if (symbol == 0) continue;
    const char* const name = library.names + library.symbols[symbol].st_name;
    for (std::size_t index = 0; index < replacements().size(); ++index) {
      const Replacement& replacement = replacements()[index];
      if (std::strcmp(name, replacement.name) != 0) continue;
      if (redirect(library, library.base + relocation.r_offset, replacement.function)) installation.done[index] = true;
    }
  }
}

int visit(dl_phdr_info* info, std::size_t, void* data) {
  if (info->dlpi_name == nullptr || std::strstr(info->dlpi_name, "libmemcached.so") == nullptr) return 0;
  auto& installation = *static_cast<Installation*>(data);
  installation.isFound = true;
  const Library library = readLibrary(info);
  if (library.symbols == nullptr || library.names == nullptr || !library.hasAddends) return 0;
  installation.isReadable = true;
  if (library.jumps.first != nullptr) redirectAll(library, library.jumps, installation);
  if (library.data.first != nullptr) redirectAll(library, library.data, installation);
  return 0;
}

std::string install() {
  Installation installation;
  dl_iterate_phdr(visit, &installation);
  if (!installation.isFound) return "libmemcached.so is not among the loaded libraries (is it linked statically?)";
  if (!installation.isReadable) return "the linkage table of libmemcached.so cannot be read";
  std::string missing;
  bool receives = false;
  bool polls = false;
  for (std::size_t index = 0; index < replacements().size(); ++index) {
    const Replacement& replacement = replacements()[index];
    const std::string name = replacement.name;
    if (replacement.isRequired && !installation.done[index]) missing += ' ' + name;
    if (installation.done[index]) receives |= name == "recv" || name == "__recv_chk";
    if (installation.done[index]) polls |= name == "poll" || name == "__poll_chk";
  }
  if (!receives) missing += " recv";
  if (!polls) missing += " poll";
  return missing.empty() ? "" : "libmemcached.so does not import, or does not let us redirect:" + missing;
}

#else

std::string install() { return "only ELF platforms (Linux) are supported"; }

#endif

}  // namespace

const std::string& installLinkage() {
  static const std::string missing = install();
  return missing;
}

}  // namespace lmc
