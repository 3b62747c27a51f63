# shellcheck shell=bash disable=SC2154 # the parts share the variables that each of them documents
# The proof that the binaries at hand are sound: a fresh plane takes many writes of a custom resource
# without losing its API server, and runs a Deployment where there are hollow nodes.

readonly proof_objects=1000
readonly proof_path=/apis/proof.example.com/v1/namespaces/default/probes

# Brings up a plane of its own, proves the binaries on it, and takes it down.
prove_binaries() {
  local nodes=0 server started
  ! has_binary kubemark || ! has_binary kube-scheduler || ! has_binary kube-controller-manager || nodes=1
  select_plane build-proof
  destroy
  at_exit destroy
  up "$nodes" false >/dev/null
  server=$(server_address)
  define_probe_resource
  started=$SECONDS
  write_probes "$server" POST 201
  write_probes "$server" PATCH-status 200
  write_probes "$server" APPLY 200
  progress "$proof_objects creates, status patches and applies took $((SECONDS - started)) s"
  is_running apiserver ||
    fail "the API server has ended under writes of a custom resource" "$plane/apiserver/log"
  check_probes
  ((nodes == 0)) || run_deployment
  destroy
}

define_probe_resource() {
  plane_kubectl create -f - >/dev/null <<'END'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: probes.proof.example.com
spec:
  group: proof.example.com
  scope: Namespaced
  names: {plural: probes, singular: probe, kind: Probe, listKind: ProbeList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status: {type: object, properties: {phase: {type: string}, note: {type: string}, attempts: {type: integer}}}
END
  plane_kubectl wait --for=condition=Established --timeout=30s crd/probes.proof.example.com >/dev/null
  await 'the probe resource' 30 apiserver probe "$(server_address)$proof_path" || fail "$failure" "$plane/apiserver/log"
}

# Sends one request of the kind $2 for each probe, many at a time over kept connections, and fails unless
# all are answered with the status $3. The empty note is a trap for servers that take it for null.
write_probes() {
  local server=$1 verb=$2 status=$3 number answered
  for ((number = 1; number <= proof_objects; number++)); do
    printf 'cacert="%s"\ncert="%s"\nkey="%s"\nnoproxy="*"\noutput=/dev/null\nwrite-out="%%{http_code}\\n"\n' \
      "$plane/pki/ca.crt" "$plane/pki/admin.crt" "$plane/pki/admin.key"
    case $verb in
      POST)
        printf 'url="%s"\nrequest=POST\nheader="Content-Type: application/json"\ndata="%s"\n' "$server$proof_path" \
          "$(probe_object "$number" '\"spec\":{\"size\":1,\"words\":[\"a\",\"b\"]}')"
        ;;
      PATCH-status)
        printf 'url="%s"\nrequest=PATCH\nheader="Content-Type: application/merge-patch+json"\ndata="%s"\n' \
          "$server$proof_path/probe-$number/status" '{\"status\":{\"phase\":\"Seen\",\"note\":\"\",\"attempts\":1}}'
        ;;
      APPLY)
        printf 'url="%s"\nrequest=PATCH\nheader="Content-Type: application/apply-patch+yaml"\ndata="%s"\n' \
          "$server$proof_path/probe-$number?fieldManager=proof&force=true" \
          "$(probe_object "$number" '\"spec\":{\"applied\":true}')"
        ;;
    esac
    printf 'next\n'
  done >"$plane/requests"
  # The last `next` would be a request without an address.
  sed -i '$d' "$plane/requests"
  answered=$(curl --silent --show-error --parallel --parallel-max 20 --config "$plane/requests" 2>"$plane/answers.log" |
    grep -cx "$status" || true)
  [[ $answered == "$proof_objects" ]] ||
    fail "only $answered of $proof_objects requests of the kind $verb were answered with $status" "$plane/answers.log"
}

probe_object() {
  printf '{\\"apiVersion\\":\\"proof.example.com/v1\\",\\"kind\\":\\"Probe\\",\\"metadata\\":{\\"name\\":\\"probe-%d\\"},%s}' "$1" "$2"
}

# Every probe must hold what was created, patched and applied.
check_probes() {
  local whole
  whole=$(plane_kubectl get probes.proof.example.com \
    -o 'jsonpath={range .items[*]}{.spec.size} {.spec.applied} {.status.phase}{"\n"}{end}' | grep -cx '1 true Seen' || true)
  [[ $whole == "$proof_objects" ]] || fail "only $whole of $proof_objects objects hold what was written"
}

run_deployment() {
  plane_kubectl create deployment proof --image=proof >/dev/null
  plane_kubectl rollout status deployment/proof --timeout=60s >/dev/null ||
    fail "the pod of a Deployment did not become ready on the hollow node" "$plane/node-1/log"
  progress "a Deployment became available on a hollow node"
}
