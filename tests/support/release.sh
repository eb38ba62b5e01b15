# release.sh - ./dev release: the steps by which a tag becomes a release. Sourced by dev; run by .github/workflows/release.yml.
#
# Flow:  check TAG → image REPOSITORY, deb, chart REPOSITORY, each where it can be made → publish TAG, with what they left in build/release.
# Fails: at the first command that fails; nothing is tagged or published before it is signed, and each step may be run again.
# In:    logged in at the registries (docker, helm), GH_TOKEN for publish, and an identity for cosign's keyless signatures.
# shellcheck shell=bash
# shellcheck disable=SC2154 # dev sets root

release_folder=build/release
release_platforms=linux/amd64,linux/arm64
release_base=debian:trixie-slim

release() {
  local step=${1:-}
  case $step in
    check | image | deb | chart | publish)
      shift
      mkdir -p "$release_folder"
      "release_$step" "$@"
      ;;
    *)
      echo "dev: release: \"$step\": no such step; there are: check TAG, image REPOSITORY, deb, chart REPOSITORY, publish TAG" >&2
      return 2
      ;;
  esac
}

release_version() {
  sed -nE 's/^project\(passerby VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt
}

# release_check TAG: every place that names the version names this one.
release_check() {
  local version=${1#v} bad=0
  release_same "$version" "$(release_version)" CMakeLists.txt || bad=1
  release_same "$version" "$(sed -nE 's/^version: (.*)/\1/p' helm/passerby/Chart.yaml)" "helm/passerby/Chart.yaml (version)" || bad=1
  release_same "$version" "$(sed -nE 's/^appVersion: "(.*)"/\1/p' helm/passerby/Chart.yaml)" "helm/passerby/Chart.yaml (appVersion)" || bad=1
  if [[ -z $(release_notes "$version") ]]; then
    echo "CHANGELOG.md has no section \"## $version\"" >&2
    bad=1
  fi
  return "$bad"
}

release_same() {
  if [[ $1 != "$2" ]]; then
    echo "$3 says $2, the tag says $1" >&2
    return 1
  fi
}

# The section of CHANGELOG.md: "## 1.2.3" or "## [1.2.3]", with or without a date.
release_notes() {
  awk -v version="$1" '
    /^## / { inside = $2 == version || $2 == "[" version "]"; next }
    inside' CHANGELOG.md
}

# release_image REPOSITORY: all platforms, pushed by digest with SBOM and provenance, signed, and only then tagged.
release_image() {
  local repository=${1,,} version digest
  version=$(release_version)
  docker buildx create --driver docker-container --use >/dev/null
  docker buildx build --file docker/Dockerfile --platform "$release_platforms" \
    --build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD)" \
    --build-arg CREATED="$(git log -1 --format=%cI)" --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" \
    --sbom=true --provenance=mode=max --output "type=image,name=$repository,push-by-digest=true,name-canonical=true,push=true" \
    --metadata-file "$release_folder/image.json" .
  digest=$(grep -oE '"containerimage.digest": *"sha256:[0-9a-f]{64}"' "$release_folder/image.json" | grep -oE 'sha256:[0-9a-f]{64}')
  cosign sign --yes "$repository@$digest"
  docker buildx imagetools create --tag "$repository:$version" "$repository@$digest"
  rm "$release_folder/image.json"
  echo "$repository:$version@$digest" | tee "$release_folder/image.txt"
}

# release_deb: for this machine's architecture, compiled, judged by lintian and tested in the release of Debian that it is for.
release_deb() {
  docker run --rm --volume "$root:/source:ro" --volume "$root/$release_folder:/out" "$release_base" /source/tests/deploy/debian/build.sh
}

# release_chart REPOSITORY: to REPOSITORY/passerby, an OCI registry.
release_chart() {
  local repository=${1,,} output digest
  helm package helm/passerby --destination "$release_folder"
  output=$(helm push "$release_folder/passerby-$(release_version).tgz" "oci://$repository" 2>&1)
  echo "$output"
  digest=$(grep -oE 'sha256:[0-9a-f]{64}' <<<"$output")
  cosign sign --yes "$repository/passerby@$digest"
}

# release_publish TAG: GitHub's release, with the sums of its files and a signature of those.
release_publish() {
  local version=${1#v} prerelease=()
  if [[ $version == 0.* || $version == *-* ]]; then prerelease=(--prerelease); fi
  (
    cd "$release_folder" || exit
    sha256sum -- *.deb *.tgz image.txt >SHA256SUMS
    cosign sign-blob --yes --bundle SHA256SUMS.sigstore.json SHA256SUMS
  )
  release_notes "$version" >"$release_folder/notes.md"
  gh release create "$1" --verify-tag --title "Passerby $version" --notes-file "$release_folder/notes.md" "${prerelease[@]}" \
    "$release_folder"/{*.deb,*.tgz,image.txt,SHA256SUMS,SHA256SUMS.sigstore.json}
}
