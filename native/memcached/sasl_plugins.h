#pragma once

namespace lmc {

// libsasl2 finds its mechanisms as plugins, in a folder whose path was compiled in. The copy that comes with
// a prebuilt binary has its own beside it, in sasl2/, and must look there: on the user's machine the
// compiled-in folder may be missing, or hold the plugins of another version. Any other libsasl2 is left as it
// is.
//
// To be called before the first handle with credentials; only the first call of the process does something.
void useBundledSaslPlugins();

}  // namespace lmc
