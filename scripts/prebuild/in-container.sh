#!/bin/sh
# Makes and tests the prebuilt binary in a fresh Debian or Alpine container that has node (as root, in the repository).
set -eu

if command -v apk >/dev/null; then
  apk add build-base python3 pkgconf libmemcached-dev cyrus-sasl-dev openssl-dev zlib-dev boost-dev boost-static \
    patchelf binutils memcached cyrus-sasl
else
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends build-essential python3 pkg-config \
    libmemcached-dev libsasl2-dev libssl-dev zlib1g-dev libboost-context-dev \
    libsasl2-modules patchelf memcached sasl2-bin
fi
npm ci --ignore-scripts
npm run prebuild
npm run packages
# The packed binary, since nothing has been built where a developer's would be.
npm install --no-save --no-audit --no-fund ./packages/libmemcached-linux-*.tgz
npx jest test/unit test/hostile test/integration/reading test/integration/writing test/integration/compression \
  test/integration/sasl
