#!/bin/bash
# build.sh - run in a container of another release of Debian, with the sources at /source and a folder for the .deb at /out: compiles,
# packs, and runs the test programs.
set -euo pipefail

mkdir /tmp/source
tar --create --directory /source --exclude=./build --exclude='./build-*' --exclude=./.git --exclude=node_modules . |
  tar --extract --directory /tmp/source
cd /tmp/source
# shellcheck source=tests/support/packages.sh
source tests/support/packages.sh
need_packages build
apt-get install -q -y --no-install-recommends dpkg-dev file lintian openssl redis-server valkey-server

# The package as it is shipped; the tests without link-time optimisation, which would take most of the time.
# As README.md says it.
cmake --preset release -B build-package -DBUILD_TESTING=OFF && cmake --build build-package
(cd build-package && cpack)
lintian --fail-on error,warning --allow-root build-package/*.deb
cp build-package/*.deb /out

cmake --preset release -B /tmp/build -DPASSERBY_LTO=OFF -DCMAKE_C_FLAGS_RELEASE=-O1
cmake --build /tmp/build
ctest --test-dir /tmp/build --parallel "$(nproc)" --output-on-failure --no-tests=error
# Beside Debian's Redis, its Valkey.
REDIS_SERVER=valkey-server ctest --test-dir /tmp/build --tests-regex '^contract_' --parallel "$(nproc)" --output-on-failure --no-tests=error
