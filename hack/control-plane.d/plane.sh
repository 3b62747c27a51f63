# shellcheck shell=bash disable=SC2154 # the parts share the variables that each of them documents
# One plane as a whole: created, brought up, described and destroyed under $planes_root/NAME.

planes_root=${CONTROL_PLANE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/tmc-recovery/control-plane}
readonly first_port=20000 last_port=31999

# Sets the plane that all other functions work on.
select_plane() {
  [[ $1 =~ ^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$ ]] ||
    fail_usage "bad plane name: $1 (lower-case letters, digits and dashes, at most 40)"
  mkdir -p "$planes_root"
  planes_root=$(cd "$planes_root" && pwd -P)
  plane_name=$1
  plane=$planes_root/$plane_name
}

require_plane() {
  [[ -f $plane/complete ]] || fail "there is no plane $plane_name; hack/control-plane up $plane_name starts it"
}

print_environment() {
  printf 'export KUBECONFIG=%q\n' "$plane/kubeconfig"
  printf 'export CONTROL_PLANE_SERVER=%q\n' "$(server_address)"
  printf 'export CONTROL_PLANE_STATE=%q\n' "$plane"
  [[ $(<"$plane/audit") != true ]] || printf 'export CONTROL_PLANE_AUDIT_LOG=%q\n' "$plane/audit.log"
}

# up NODES AUDIT [COMPONENT=FLAG...]
up() {
  local attempt
  hold_lock "$planes_root/.$plane_name.lock"
  if [[ -f $plane/complete ]]; then
    # The processes are the plane's own; the arguments of the first `up` stand.
    use_binaries
    [[ $1 == "$(<"$plane/nodes")" ]] || progress "plane $plane_name exists with $(<"$plane/nodes") nodes and keeps them"
    bring_up || fail "plane $plane_name did not come up: $failure" "$plane/$failed_component/log"
    print_environment
    return
  fi
  require_binaries
  at_exit abandon
  for attempt in 1 2 3 4 5; do
    destroy
    create "$@"
    progress "starting plane $plane_name at $(server_address)"
    if bring_up; then
      touch "$plane/complete"
      progress "plane $plane_name is up"
      print_environment
      return
    fi
    # Another process took one of our ports between the choice and the start.
    grep -qs 'address already in use' "$plane"/*/log || break
    progress "a port was taken by another process; trying others ($attempt)"
  done
  fail "plane $plane_name did not come up: $failure" "$plane/$failed_component/log"
}

# Undoes an `up` that did not get to its end.
abandon() { [[ -f $plane/complete ]] || destroy; }

down() {
  hold_lock "$planes_root/.$plane_name.lock"
  destroy
  progress "plane $plane_name is down"
}

# Writes everything the components of a new plane need.
create() {
  local nodes=$1 audit=$2 node
  shift 2
  mkdir -m 700 "$plane"
  printf '%s\n' "$nodes" >"$plane/nodes"
  printf '%s\n' "$audit" >"$plane/audit"
  printf '%s\n' "$@" >"$plane/extra-flags"
  choose_ports "$((first_node_port + nodes))"
  create_authority
  issue_certificate admin /O=system:masters/CN=admin
  issue_certificate prober /O=system:masters/CN=control-plane-prober
  issue_certificate etcd /CN=etcd
  issue_certificate apiserver /CN=kube-apiserver \
    DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.0.0.1
  issue_certificate controller-manager /CN=system:kube-controller-manager
  issue_certificate scheduler /CN=system:kube-scheduler
  write_kubeconfig admin "$plane/kubeconfig"
  write_audit_policy
  define_etcd
  define_apiserver
  define_controller_manager
  define_scheduler
  for node in $(node_names); do
    issue_certificate "$node" "/O=system:nodes/CN=system:node:$node"
    define_node "$node"
  done
}

# Everything that the plane's users write, once per request, and nothing that its own components do.
write_audit_policy() {
  cat >"$plane/audit-policy.yaml" <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  userGroups: [system:nodes, system:serviceaccounts:kube-system]
- level: None
  users: [system:apiserver, system:kube-controller-manager, system:kube-scheduler, control-plane-prober]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
END
}

# Picks a block of $1 free ports, below those the system gives to outgoing connections, so that a stopped
# component finds its port free when it starts again. Blocks of other planes are theirs, running or not.
choose_ports() {
  local size=$1 descriptor attempt first port file taken=()
  exec {descriptor}>>"$planes_root/.ports.lock"
  flock "$descriptor"
  while read -r port; do taken[16#$port]=1; done < <(
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | sed -En 's/^ *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) .*/\1/p' | sort -u
  )
  for file in "$planes_root"/*/first-port; do
    [[ -s $file ]] || continue
    first=$(<"$file")
    for ((port = first; port < first + first_node_port + $(<"${file%/*}/nodes"); port++)); do taken[port]=1; done
  done
  for ((attempt = 0; attempt < 1000; attempt++)); do
    first=$((first_port + (RANDOM * 32768 + RANDOM) % (last_port - first_port - size)))
    for ((port = first; port < first + size; port++)); do
      [[ -z ${taken[port]:-} ]] || continue 2
    done
    printf '%s\n' "$first" >"$plane/first-port"
    exec {descriptor}>&-
    return
  done
  fail "there are no $size free ports in a row between $first_port and $last_port"
}

# Starts the components that do not run and waits until the plane can be used. On failure it returns 1 and
# leaves what happened in `failure` and `failed_component`.
bring_up() {
  local component
  for component in $(components); do is_running "$component" || rm -f "$plane/$component/pid"; done
  for component in etcd apiserver; do spawn "$component"; done
  await 'the API server' 60 apiserver is_serving apiserver || return 1
  for component in $(components); do spawn "$component"; done
  if [[ -f $plane/controller-manager/command ]]; then
    await 'the default service account' 60 controller-manager takes_pods || return 1
    await 'the controller manager' 30 controller-manager is_serving controller-manager || return 1
  fi
  [[ ! -f $plane/scheduler/command ]] || await 'the scheduler' 30 scheduler is_serving scheduler || return 1
  for component in $(node_names); do
    [[ ! -f $plane/$component/command ]] || await "$component" 60 "$component" is_node_ready "$component" || return 1
  done
}

failure='' failed_component=''

# await WHAT SECONDS COMPONENT COMMAND...: waits until the command succeeds, but no longer than any
# component of the plane that was started stays alive.
await() {
  local what=$1 deadline=$((SECONDS + $2)) component
  failed_component=$3
  shift 3
  until "$@"; do
    for component in $(components); do
      [[ -s $plane/$component/pid ]] || continue
      ! is_running "$component" || continue
      failed_component=$component failure="$component has ended while waiting for $what"
      return 1
    done
    if ((SECONDS >= deadline)); then
      failure="timed out waiting for $what"
      return 1
    fi
    sleep 0.1
  done
}

# Whether a pod could be created in the default namespace: it takes the service account and its token.
takes_pods() {
  request --header 'Content-Type: application/json' --data-binary \
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"probe"},"spec":{"containers":[{"name":"c","image":"c"}]}}' \
    "$(server_address)/api/v1/namespaces/default/pods?dryRun=All"
}

# Whether the node is Ready and, where there is a controller manager to do that, freed of its first taints.
is_node_ready() {
  local state
  state=$(plane_kubectl get node "$1" -o \
    'jsonpath={.status.conditions[?(@.type=="Ready")].status} {.spec.taints}' 2>/dev/null) || return 1
  [[ $state == 'True ' || $state == 'True'* && ! -f $plane/controller-manager/command ]]
}

plane_kubectl() { "$kubectl" --kubeconfig "$plane/kubeconfig" --cache-dir "$plane/kubectl-cache" "$@"; }

# Kills the plane's processes, known by their process ids or by what they were started with, and deletes
# its data.
destroy() {
  local component pid pids=() deadline
  [[ -d $plane ]] || return 0
  for component in $(components | tac); do
    send_signal "$component" KILL
    [[ -z $pid ]] || pids+=("$pid")
  done
  for pid in $(plane_processes); do
    kill -KILL "$pid" 2>/dev/null || true
    pids+=("$pid")
  done
  for pid in "${pids[@]}"; do
    await_end "$pid" 10 || fail "process $pid of plane $plane_name does not end"
  done
  rm -rf "$plane"
  # Init takes its time to forget ended processes; give it some, so that lists of processes are clean.
  deadline=$((SECONDS + 2))
  for pid in "${pids[@]}"; do
    while [[ -d /proc/$pid ]] && ((SECONDS < deadline)); do sleep 0.02; done
  done
}

# Prints the ids of processes that run one of the binaries with a file or folder of this plane.
plane_processes() {
  local file arguments
  for file in /proc/[0-9]*/cmdline; do
    mapfile -d '' -t arguments 2>/dev/null <"$file" || continue
    case ${arguments[0]-} in
      */etcd | */kube-apiserver | */kube-controller-manager | */kube-scheduler | */kubemark) ;;
      *) continue ;;
    esac
    [[ "${arguments[*]}" != *"=$plane/"* ]] || printf '%s\n' "$(basename "${file%/cmdline}")"
  done 2>/dev/null
}

list_planes() {
  local file state component ended
  for file in "$planes_root"/*/complete; do
    [[ -f $file ]] || continue
    select_plane "$(basename "${file%/complete}")"
    ended=()
    for component in $(components); do is_running "$component" || ended+=("$component"); done
    state=running
    ((${#ended[@]} == 0)) || state="without:$(IFS=, && printf '%s' "${ended[*]}")"
    printf '%s\t%s\t%s\t%s nodes\n' "$plane_name" "$state" "$(server_address)" "$(<"$plane/nodes")"
  done
}

stop_component() {
  local pid
  send_signal "$1" "$2"
  [[ -n $pid && ($2 == KILL || $2 == TERM) ]] || return 0
  if [[ $2 == TERM ]] && ! await_end "$pid" 30; then
    progress "$1 of plane $plane_name has not ended 30 s after SIGTERM; killing it"
    send_signal "$1" KILL
  fi
  await_end "$pid" 10 || fail "$1 of plane $plane_name does not end"
  rm -f "$plane/$1/pid"
}

start_component() {
  spawn "$1" || fail "$1 of plane $plane_name did not start" "$plane/$1/log"
  local deadline=$((SECONDS + 60))
  until is_serving "$1"; do
    is_running "$1" || fail "$1 of plane $plane_name has ended" "$plane/$1/log"
    ((SECONDS < deadline)) || fail "$1 of plane $plane_name does not serve after 60 s" "$plane/$1/log"
    sleep 0.05
  done
}

restart_component() {
  stop_component "$1" "$2"
  start_component "$1"
}
