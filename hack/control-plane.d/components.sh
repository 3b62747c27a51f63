# shellcheck shell=bash disable=SC2154 # the parts share the variables that each of them documents
# The processes of one plane. Each component has a folder $plane/COMPONENT with its `command` (arguments
# ended by NUL, as in /proc/PID/cmdline), `pid` and `log`; the folder is its working directory.

# Offsets of the ports a plane uses from the first port of its block.
readonly etcd_port=0 etcd_peer_port=1 apiserver_port=2 controller_manager_port=3 scheduler_port=4 first_node_port=5

port() { printf '%d' $(($(<"$plane/first-port") + $1)); }
server_address() { printf 'https://127.0.0.1:%d' "$(port $apiserver_port)"; }
node_names() { local nodes; nodes=$(<"$plane/nodes"); ((nodes == 0)) || seq -f 'node-%g' "$nodes"; }

# Prints the components of the plane in the order in which they start.
components() {
  local component
  for component in etcd apiserver controller-manager scheduler $(node_names); do
    [[ ! -f $plane/$component/command ]] || printf '%s\n' "$component"
  done
}

# Records the command line of component $1; the plane's extra flags for it come last and so win.
define_component() {
  local component=$1 flag extra=()
  shift
  mkdir -p "$plane/$component"
  while IFS= read -r flag; do
    [[ ${component/#node-*/node} != "${flag%%=*}" ]] || extra+=("${flag#*=}")
  done <"$plane/extra-flags"
  printf '%s\0' "$@" "${extra[@]}" >"$plane/$component/command"
}

define_etcd() {
  local pki=$plane/pki client peer flags=()
  client=https://127.0.0.1:$(port $etcd_port)
  peer=https://127.0.0.1:$(port $etcd_peer_port)
  # Data need not survive a crash of the machine, only of the process.
  ! "$binaries/etcd" --unsafe-no-fsync --version >/dev/null 2>&1 || flags+=(--unsafe-no-fsync)
  define_component etcd "$binaries/etcd" --name="$plane_name" --data-dir="$plane/etcd/data" \
    --listen-client-urls="$client" --advertise-client-urls="$client" \
    --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="$plane_name=$peer" \
    --cert-file="$pki/etcd.crt" --key-file="$pki/etcd.key" --trusted-ca-file="$pki/ca.crt" --client-cert-auth \
    --peer-cert-file="$pki/etcd.crt" --peer-key-file="$pki/etcd.key" --peer-trusted-ca-file="$pki/ca.crt" \
    --peer-client-cert-auth --logger=zap --log-level=warn --quota-backend-bytes=4294967296 "${flags[@]}"
}

define_apiserver() {
  local pki=$plane/pki flags=()
  ((kubernetes_minor >= 24)) || flags+=(--insecure-port=0)
  # Without the controller manager nobody makes the service accounts that this plug-in asks for.
  has_binary kube-controller-manager || flags+=(--disable-admission-plugins=ServiceAccount)
  [[ $(<"$plane/audit") != true ]] ||
    flags+=(--audit-policy-file="$plane/audit-policy.yaml" --audit-log-path="$plane/audit.log" --audit-log-maxsize=10000)
  define_component apiserver "$binaries/kube-apiserver" --secure-port="$(port $apiserver_port)" \
    --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --etcd-servers="https://127.0.0.1:$(port $etcd_port)" --etcd-cafile="$pki/ca.crt" \
    --etcd-certfile="$pki/etcd.crt" --etcd-keyfile="$pki/etcd.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --service-cluster-ip-range=10.0.0.0/24 --enable-aggregator-routing=false \
    --service-account-issuer=https://kubernetes.default.svc --api-audiences=https://kubernetes.default.svc \
    --service-account-key-file="$pki/service-accounts.pub" \
    --service-account-signing-key-file="$pki/service-accounts.key" \
    --max-requests-inflight=2000 --max-mutating-requests-inflight=1000 "${flags[@]}"
}

define_controller_manager() {
  local pki=$plane/pki kubeconfig=$plane/controller-manager/kubeconfig flags=()
  has_binary kube-controller-manager || return 0
  ((kubernetes_minor >= 24)) || flags+=(--port=0)
  mkdir -p "$plane/controller-manager"
  write_kubeconfig controller-manager "$kubeconfig"
  define_component controller-manager "$binaries/kube-controller-manager" \
    --secure-port="$(port $controller_manager_port)" --bind-address=127.0.0.1 \
    --tls-cert-file="$pki/controller-manager.crt" --tls-private-key-file="$pki/controller-manager.key" \
    --kubeconfig="$kubeconfig" --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig" \
    --leader-elect=false --use-service-account-credentials=true --root-ca-file="$pki/ca.crt" \
    --service-account-private-key-file="$pki/service-accounts.key" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
    --kube-api-qps=200 --kube-api-burst=400 "${flags[@]}"
}

define_scheduler() {
  local pki=$plane/pki kubeconfig=$plane/scheduler/kubeconfig flags=()
  has_binary kube-scheduler || return 0
  ((kubernetes_minor >= 24)) || flags+=(--port=0)
  mkdir -p "$plane/scheduler"
  write_kubeconfig scheduler "$kubeconfig"
  define_component scheduler "$binaries/kube-scheduler" \
    --secure-port="$(port $scheduler_port)" --bind-address=127.0.0.1 \
    --tls-cert-file="$pki/scheduler.crt" --tls-private-key-file="$pki/scheduler.key" \
    --kubeconfig="$kubeconfig" --authentication-kubeconfig="$kubeconfig" --authorization-kubeconfig="$kubeconfig" \
    --leader-elect=false --kube-api-qps=200 --kube-api-burst=400 "${flags[@]}"
}

define_node() {
  local node=$1
  has_binary kubemark || return 0
  mkdir -p "$plane/$node"
  write_kubeconfig "$node" "$plane/$node/kubeconfig"
  define_component "$node" "$binaries/kubemark" --morph=kubelet --name="$node" \
    --kubeconfig="$plane/$node/kubeconfig" --kubelet-port="$(node_port "$node")" --kubelet-read-only-port=0
}

node_port() { port $((first_node_port + ${1#node-} - 1)); }

# Runs in the place of the component: gives up everything inherited but its own log, so that whoever waits
# for the end of our output never waits for a component, and leaves its process id.
# shellcheck disable=SC2016
readonly launcher='
for descriptor in /proc/$$/fd/*; do
  descriptor=${descriptor##*/}
  ((descriptor <= 2)) || eval "exec $descriptor>&-"
done
echo $$ >pid
exec "$@"'

# Starts component $1, unless it runs or another command is starting it.
spawn() {
  local descriptor status=0
  exec {descriptor}>>"$plane/$1/lock"
  flock "$descriptor"
  is_running "$1" || launch "$1" || status=1
  exec {descriptor}>&-
  return "$status"
}

# Starts component $1 in a session of its own; succeeds as soon as the program has been entered or ended.
launch() {
  local directory=$plane/$1 command attempt pid=''
  mapfile -d '' -t command <"$directory/command"
  rm -f "$directory/pid"
  (
    cd "$directory" || exit
    exec env -i PATH="$PATH" HOME="$directory" TMPDIR="$directory" \
      setsid bash -c "$launcher" launcher "${command[@]}" </dev/null >>log 2>&1
  ) &
  disown
  for ((attempt = 0; attempt < 500; attempt++)); do
    ! is_running "$1" || return 0
    [[ ! -s $directory/pid || -d /proc/$pid ]] || return 0
    sleep 0.01
  done
  return 1
}

# Whether component $1 runs, as process `pid`. A process id that went to another program does not count.
is_running() {
  local expected actual
  [[ -s $plane/$1/pid ]] || return 1
  read -r pid <"$plane/$1/pid" || return 1
  mapfile -d '' -t expected <"$plane/$1/command"
  { mapfile -d '' -t actual <"/proc/$pid/cmdline"; } 2>/dev/null || return 1
  [[ "${actual[*]@Q}" == "${expected[*]@Q}" ]]
}

# Sends signal $2 to component $1 if it runs; `pid` is then its process.
send_signal() {
  pid=''
  ! is_running "$1" || kill "-$2" "$pid" 2>/dev/null || true
}

# Whether process $1 holds nothing any more, ports above all: it is gone, or waits for its parent to
# notice and its last thread has ended.
has_ended() {
  local line tasks
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
  [[ ${line##*) } == Z* ]] || return 1
  tasks=("/proc/$1/task/"*)
  ((${#tasks[@]} <= 1))
}

# Waits up to $2 seconds until process $1 has ended.
await_end() {
  local deadline=$((SECONDS + $2))
  until has_ended "$1"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.02
  done
}

# Asks component $1 over its own port whether it serves.
is_serving() {
  case $1 in
    etcd) probe "https://127.0.0.1:$(port $etcd_port)/health" ;;
    apiserver) probe "$(server_address)/readyz" ;;
    controller-manager) probe "https://127.0.0.1:$(port $controller_manager_port)/healthz" ;;
    scheduler) probe "https://127.0.0.1:$(port $scheduler_port)/healthz" ;;
    node-*) probe "http://127.0.0.1:$(node_port "$1")/healthz" ;;
  esac
}

# A request to a component of the plane, as an administrator whose writes the audit log leaves out: curl's
# arguments.
request() {
  curl --silent --fail --output /dev/null --noproxy '*' --max-time 5 --cacert "$plane/pki/ca.crt" \
    --cert "$plane/pki/prober.crt" --key "$plane/pki/prober.key" "$@"
}

probe() { request "$1"; }
