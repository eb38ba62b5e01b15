#!/bin/bash
# packages.sh - installs, in the image's build stage, what it takes to compile for an architecture of Debian's: packages.sh ARCH
set -euo pipefail
# shellcheck source=tests/support/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tests/support/packages.sh"

arch=$1
here=$(dpkg --print-architecture)
if [[ $arch != "$here" ]]; then dpkg --add-architecture "$arch"; fi

# Libraries are for the target, and the compiler is one that makes code for it; other tools run here. No tests: no cmocka.
wanted=(binutils ca-certificates)
for package in $(packages_of build); do
  case $package in
    libcmocka-dev | git) ;;
    gcc)
      case $arch in
        amd64) wanted+=(gcc-x86-64-linux-gnu) ;;
        arm64) wanted+=(gcc-aarch64-linux-gnu) ;;
        *)
          echo "packages.sh: \"$arch\": there is an image for amd64 and arm64 only" >&2
          exit 2
          ;;
      esac
      ;;
    lib*) wanted+=("$package:$arch") ;;
    *) wanted+=("$package") ;;
  esac
done

apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"
