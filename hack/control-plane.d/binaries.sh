# shellcheck shell=bash disable=SC2154 # the parts share the variables that each of them documents
# The binaries a plane runs: found through KUBEBUILDER_ASSETS, or built once per machine from the
# distribution's own source package and kept in a cache outside the checkout.

readonly kubernetes_version=v1.20.2
readonly kubernetes_source=kubernetes
readonly kubernetes_commands=(kube-apiserver kube-controller-manager kube-scheduler kubemark)
readonly reflect2=github.com/modern-go/reflect2
# Raised whenever the same version is built differently, so that no machine keeps binaries of an older recipe.
readonly recipe=2

cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/tmc-recovery/control-plane
cached_binaries=$cache_root/$kubernetes_version-$recipe

# Installs what is missing of the packages named, and touches nothing when all are there.
install_packages() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  progress "installing ${missing[*]}"
  ((EUID == 0)) || fail "these packages are missing and only root can install them: ${missing[*]}"
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=900)
  "${apt[@]}" update >&2 || progress "apt-get update had errors; going on with the lists at hand"
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}"
}

# Writes under $1 an apt configuration of its own, whose sources are those of this machine turned into
# source-package ones: the machine's own configuration stays as it is.
private_apt_sources() {
  local root=$1 file
  mkdir -p "$root/parts" "$root/lists/partial"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -f $file ]] || continue
    sed -En 's/^[[:space:]]*deb(-src)?[[:space:]]/deb-src /p' "$file" | sort -u >>"$root/parts/$(basename "$file" .list).list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -f $file ]] || continue
    sed -E 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$root/parts/$(basename "$file")"
  done
}

# Unpacks the newest $kubernetes_source package that apt offers as $1/source.
fetch_kubernetes_source() {
  local work=$1
  private_apt_sources "$work/apt"
  local apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/apt/parts"
    -o "Dir::State::lists=$work/apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2 || progress "apt-get update had errors; going on with the source lists at hand"
  mkdir "$work/download"
  (cd "$work/download" && "${apt[@]}" source "$kubernetes_source" >&2) ||
    fail "apt-get source $kubernetes_source failed: are the distribution's sources configured on this machine?"
  local unpacked=("$work/download/$kubernetes_source"-*/)
  [[ -d ${unpacked[0]} ]] || fail "apt-get source $kubernetes_source unpacked nothing"
  [[ ${unpacked[0]} == *"${kubernetes_version#v}"* ]] ||
    fail "this machine's distribution has $(basename "${unpacked[0]}"), not $kubernetes_version; the recipe is for Debian 12"
  mv "${unpacked[0]}" "$work/source"
}

# The vendored reflect2 1.0.1 reads runtime internals that moved in Go 1.18: it kills the API server on
# writes of custom resources. The distribution's 1.0.2 does not.
replace_reflect2() {
  local vendored=$1/vendor/$reflect2 packaged=/usr/share/gocode/src/$reflect2
  [[ -d $vendored && -d $packaged ]] || fail "cannot replace $reflect2: $vendored or $packaged is missing"
  rm -rf "$vendored"
  cp -RL "$packaged" "$vendored"
}

# Built with Go 1.16 or later, the vendored schema validation takes empty strings for null and refuses custom
# resources that hold one (kubernetes/kubernetes#99804): the check that upstream removed goes here, too.
accept_empty_strings() {
  substitute "$1/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go" \
    'if data == nil || reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data)) {' \
    'if data == nil {'
}

# Hollow nodes share one socket path and listen on every address. Each gets the socket in its working
# folder instead, so that several live on one machine, and listens on loopback only.
isolate_hollow_nodes() {
  substitute "$1/pkg/kubelet/cri/remote/fake/endpoint.go" unix:///tmp/ unix:///proc/self/cwd/
  substitute "$1/pkg/kubemark/hollow_kubelet.go" 'c.Address = "0.0.0.0"' 'c.Address = "127.0.0.1"'
}

# Replaces the text $2 in the file $1 by $3, and fails when it is not there.
substitute() {
  local text
  text=$(<"$1")
  [[ $text == *"$2"* ]] || fail "$(basename "$1") is not the file this recipe was written for"
  printf '%s\n' "${text//"$2"/"$3"}" >"$1"
}

# Compiles the Kubernetes commands from $1/source into $1/binaries.
compile_kubernetes() {
  local work=$1 go targets
  go=$(dirname "$(readlink -f /usr/bin/go)")
  targets=$(printf 'cmd/%s ' "${kubernetes_commands[@]}")
  env -i PATH="$go:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$work" TMPDIR="$work" LC_ALL=C \
    GOLDFLAGS='-s -w' \
    KUBE_GIT_VERSION="$kubernetes_version" KUBE_GIT_COMMIT="$kubernetes_source-$kubernetes_version" \
    KUBE_GIT_TREE_STATE=archive SOURCE_DATE_EPOCH=0 \
    make -C "$work/source" WHAT="${targets% }" >"$cache_root/make.log" 2>&1 </dev/null ||
    fail "make failed; its log is $cache_root/make.log" "$cache_root/make.log"
  mkdir "$work/binaries"
  local command
  for command in "${kubernetes_commands[@]}"; do
    install -m 755 "$work/source/_output/bin/$command" "$work/binaries/$command"
  done
}

# Takes etcd out of its package without installing it: the package would start a service of its own.
unpack_etcd() {
  local work=$1
  mkdir "$work/etcd"
  (cd "$work/etcd" && apt-get -qq -o APT::Sandbox::User=root download etcd-server >&2 && dpkg -x etcd-server_*.deb .) ||
    fail "apt-get could not download etcd-server"
  install -m 755 "$work/etcd/usr/bin/etcd" "$work/binaries/etcd"
}

# Builds the binaries and moves them into the cache in one step.
build_binaries() {
  local work started=$SECONDS
  install_packages ca-certificates dpkg-dev gcc golang-go golang-github-modern-go-reflect2-dev libc6-dev make rsync
  rm -rf "$cache_root"/build.*
  work=$(mktemp -d "$cache_root/build.XXXXXX")
  at_exit "rm -rf '$work'"
  progress "fetching the source of $kubernetes_source"
  fetch_kubernetes_source "$work"
  replace_reflect2 "$work/source"
  accept_empty_strings "$work/source"
  isolate_hollow_nodes "$work/source"
  progress "compiling ${kubernetes_commands[*]}: 8 to 15 minutes on 2 cores, log in $cache_root/make.log"
  compile_kubernetes "$work"
  unpack_etcd "$work"
  mv -T "$work/binaries" "$cached_binaries"
  rm -rf "$work"
  progress "built $kubernetes_version in $((SECONDS - started)) s"
}

# The `build` command: binaries, the tools that planes need, and the proof, each done once.
build() {
  mkdir -p "$cache_root"
  hold_lock "$cache_root/build.lock"
  install_packages curl openssl util-linux
  [[ -n ${KUBEBUILDER_ASSETS:-} || -d $cached_binaries ]] || build_binaries
  use_binaries
  [[ -n $kubectl ]] || { install_packages kubernetes-client; use_binaries; }
  report_missing_binaries
  if [[ -e $(proof_stamp) ]]; then
    progress "the binaries in $binaries are built and proved"
    return
  fi
  progress "proving the binaries in $binaries on a fresh plane"
  prove_binaries
  touch "$(proof_stamp)"
  progress "the binaries in $binaries are built and proved"
}

# Finds the binaries and sets `binaries`, `kubectl` and `kubernetes_minor`.
use_binaries() {
  binaries=${KUBEBUILDER_ASSETS:-$cached_binaries}
  [[ -x $binaries/etcd && -x $binaries/kube-apiserver ]] ||
    fail "$binaries has no etcd and kube-apiserver; ${KUBEBUILDER_ASSETS:+correct KUBEBUILDER_ASSETS or }run hack/control-plane build"
  binaries=$(cd "$binaries" && pwd -P)
  kubectl=$binaries/kubectl
  [[ -x $kubectl ]] || kubectl=$(command -v kubectl || true)
  kubernetes_minor=$("$binaries/kube-apiserver" --version | sed -En 's/^Kubernetes v1\.([0-9]+).*/\1/p')
  [[ -n $kubernetes_minor ]] || fail "$binaries/kube-apiserver does not tell its version"
}

# Like use_binaries, for planes that are about to start: everything needed must be there.
require_binaries() {
  local tool
  use_binaries
  for tool in curl flock openssl setsid "${kubectl:-kubectl}"; do
    command -v "$tool" >/dev/null || fail "$tool is missing; hack/control-plane build installs it"
  done
  report_missing_binaries
}

has_binary() { [[ -x $binaries/$1 ]]; }

report_missing_binaries() {
  local command
  for command in "${kubernetes_commands[@]}"; do
    has_binary "$command" || progress "$binaries has no $command: planes run without it"
  done
}

# Names the file that records that exactly these binaries were proved.
proof_stamp() {
  local digest
  digest=$(stat -L -c '%n %s %Y' "$binaries"/{etcd,kube-apiserver} | sha256sum)
  printf '%s/proved-%s' "$cache_root" "${digest:0:16}"
}
