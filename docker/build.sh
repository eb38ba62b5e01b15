#!/bin/bash
# build.sh - compiles for an architecture of Debian's and lays out the image's root: build.sh ARCH BUILD_DIRECTORY ROOT
#
# In the root: the binary, the libraries that it needs and those that they need (looked up by readelf: ldd can't run another
# architecture's), libwebsockets' plug-in for libuv, which is loaded by name at run time, the certificates that TLS to Redis
# is checked by, and the names of two users. All in the places where Debian has them, so that nothing has to be configured.
set -euo pipefail

arch=$1
build=$2
root=$3
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case $arch in
  amd64) triplet=x86_64-linux-gnu loader=lib64/ld-linux-x86-64.so.2 ;;
  arm64) triplet=aarch64-linux-gnu loader=lib/ld-linux-aarch64.so.1 ;;
esac
libraries=/usr/lib/$triplet

compile() {
  local cross=()
  if [[ $arch != "$(dpkg --print-architecture)" ]]; then
    cross=(-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="${triplet%%-*}")
  fi
  export PKG_CONFIG_LIBDIR=$libraries/pkgconfig:/usr/share/pkgconfig
  cmake -S "$source" --preset release -B "$build" -DCMAKE_C_COMPILER="$triplet-gcc" "${cross[@]}" \
    -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_TESTING=OFF -DPASSERBY_WERROR=OFF -DPASSERBY_COMMIT="${REVISION:-unknown}"
  cmake --build "$build" --target passerby
}

# copy_needed FILE: the libraries that a program or library names, and so on.
copy_needed() {
  local name
  readelf --dynamic "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | while read -r name; do
    if [[ -e $root$libraries/$name ]]; then continue; fi
    if [[ ! -e $libraries/$name ]]; then
      echo "build.sh: $1 needs $name, which is not in $libraries" >&2
      exit 1
    fi
    install -D --mode=755 "$libraries/$name" "$root$libraries/$name"
    copy_needed "$libraries/$name"
  done
}

lay_out() {
  local plugin=$libraries/libwebsockets-evlib_uv.so
  install -D --mode=755 --strip --strip-program="$triplet-strip" "$build/passerby" "$root/usr/bin/passerby"
  install -D --mode=755 "$plugin" "$root$plugin"
  copy_needed "$build/passerby"
  copy_needed "$plugin"
  ln -s usr/lib "$root/lib"
  if [[ $loader == lib64/* ]]; then
    mkdir "$root/usr/lib64"
    ln -s usr/lib64 "$root/lib64"
  fi
  ln -s --relative "$root$libraries/$(basename "$loader")" "$root/$loader"
  install -D --mode=644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'passerby:x:65532:65532:passerby:/:/sbin/nologin' >"$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'passerby:x:65532:' >"$root/etc/group"
}

compile
lay_out
