# kind.sh - ./dev kind-test: the chart on a Kubernetes of its own, in containers (https://kind.sigs.k8s.io). Sourced by dev.
#
# Flow:  an image of this tree → a cluster → helm install under restricted Pod Security → helm test → upgrade → 5 pods → 2 pods →
#        uninstall → what the API server says of each overlay of k8s/.
# Fails: where Docker, kind, helm or kubectl is missing, in a sentence. The cluster is taken down whatever happened.
# shellcheck shell=bash

kind_cluster=passerby-test-$$
kind_image=passerby:kind

kind_test() {
  local program
  for program in docker kind helm kubectl; do
    if ! command -v "$program" >/dev/null; then
      echo "dev: kind-test needs docker, kind, helm and kubectl in the path; there is no $program" >&2
      return 1
    fi
  done
  # Its own file: whoever runs this has clusters of theirs.
  kind_home=$(mktemp --directory)
  export KUBECONFIG=$kind_home/config
  trap kind_down EXIT
  run_part kind part_kind
  sum_up
}

kind_down() {
  kind delete cluster --name "$kind_cluster" >/dev/null 2>&1 || true
  rm -rf "$kind_home"
}

part_kind() {
  docker buildx build --load --file docker/Dockerfile --tag "$kind_image" --build-arg REVISION="$(git describe --always --dirty)" .
  kind create cluster --name "$kind_cluster" --image kindest/node:v1.34.0 --wait 3m
  kind load docker-image "$kind_image" --name "$kind_cluster"
  kubectl create namespace talk
  kubectl label namespace talk pod-security.kubernetes.io/enforce=restricted

  check "helm install" kind_helm install
  check "two strangers meet" helm test chat --namespace talk --logs
  check "helm upgrade, with other settings" kind_helm upgrade --set config.grace=2m
  check "two strangers meet after the upgrade" helm test chat --namespace talk --logs
  check "5 pods" kind_helm upgrade --set replicaCount=5
  check "2 pods" kind_helm upgrade --set replicaCount=2
  check "two strangers meet after the scaling" helm test chat --namespace talk --logs
  check "helm uninstall" helm uninstall chat --namespace talk --wait --timeout 3m

  # All but gke, which has a kind that only GKE knows.
  local overlay
  kubectl create namespace passerby
  kubectl create namespace passerby-dev
  for overlay in base overlays/{dev,production,external-redis,eks,aks}; do
    check "the API server takes k8s/$overlay" kubectl apply --dry-run=server --kustomize "k8s/$overlay"
  done
}

# kind_helm COMMAND [OPTION]...: with the image of this tree; what it leaves behind when it fails is shown.
kind_helm() {
  local command=$1
  shift
  if helm "$command" chat helm/passerby --namespace talk --wait --timeout 5m \
    --set image.repository="${kind_image%:*}" --set image.tag="${kind_image#*:}" --set image.pullPolicy=Never "$@"; then
    return 0
  fi
  kubectl --namespace talk get all,events
  kubectl --namespace talk logs --selector app.kubernetes.io/instance=chat --tail 50 --prefix
  return 1
}
