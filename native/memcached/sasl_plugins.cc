#include "memcached/sasl_plugins.h"

#include <dlfcn.h>
#include <sasl/sasl.h>

#include <string>

namespace lmc {

namespace {

// Of the library or program that `symbol` is in, without the trailing slash; empty if that is not known.
std::string folderOf(const void* symbol) {
  Dl_info info{};
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return {};
  const std::string file = info.dli_fname;
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? std::string() : file.substr(0, slash);
}

void lookBesideTheLibrary() {
  const std::string addon = folderOf(reinterpret_cast<const void*>(&useBundledSaslPlugins));
  const std::string library = folderOf(reinterpret_cast<const void*>(&sasl_client_init));
  // Bundled libraries are in a folder beside the addon. (One that was linked statically is in the addon
  // itself.)
  if (addon.empty() || library.compare(0, addon.size() + 1, addon + '/') != 0) return;
  std::string plugins = library + "/sasl2";
  sasl_set_path(SASL_PATH_TYPE_PLUGIN, plugins.data());  // it copies the path
}

}  // namespace

void useBundledSaslPlugins() {
  static const bool once = (lookBesideTheLibrary(), true);
  static_cast<void>(once);
}

}  // namespace lmc
