# Builds the addon: npx node-gyp rebuild. Not in the root of the published package: npm, pnpm and yarn take it there for an
# install script, which they run, or warn about, although a prebuilt binary is at hand.
{
  "targets": [
    {
      # Not "libmemcached": gyp would take the "lib" off.
      "target_name": "memcached_binding",
      "sources": [
        "<!@(node -p \"require('fs').readdirSync('native', { recursive: true }).filter((name) => name.endsWith('.cc')).map((name) => 'native/' + name).join(' ')\")"
      ],
      "include_dirs": [
        "native",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": [
        # The oldest Node-API that Node 20 has in full; an addon built for a newer one crashes there without a word.
        "NAPI_VERSION=8",
        # Node-API's errors are return values here. C++ exceptions stay on, for std::bad_alloc and std::system_error.
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        # worker.terminate() with completions in flight must not abort the process.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags": ["-Wall", "-Wextra", "-O3", "-fvisibility=hidden", "-flto=auto", "<!@(node deps/locate.js cflags)"],
      "cflags_cc": ["-std=c++20", "-fvisibility-inlines-hidden"],
      # Node's own defaults.
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"],
      "ldflags": [
        "-flto=auto",
        "-O3",
        "-Wl,--as-needed",
        # What it has itself, it takes from nobody else, and gives to nobody: Boost.Context, of which others may have another
        # version, and templates of the standard library, which Node was compiled with in another way.
        "-Wl,-Bsymbolic",
        "-Wl,--exclude-libs,ALL",
        # libmemcached's linkage table points into the addon: it must stay when a worker that loaded it ends.
        "-Wl,-z,nodelete"
      ],
      # Boost.Context, which switches the stacks of fibers, is part of the addon: nothing is needed when it runs.
      "libraries": ["<!@(node deps/locate.js libs)", "-lz", "-l:libboost_context.a"]
    }
  ]
}
