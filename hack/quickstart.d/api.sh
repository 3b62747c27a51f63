# Sourced by hack/quickstart: the sandbox's API by curl, so that no kubectl is needed.

# request METHOD PATH [curl's arguments]: sends it to the sandbox and prints the answer's body.
request() {
    local method=$1 path=$2
    shift 2
    curl --silent --show-error --fail-with-body --max-time 20 --request "$method" "$server$path" "$@"
}

# documents FILE: the YAML documents of a file, each ended by a NUL.
documents() {
    awk '/^---/ { printf "%c", 0; next } { print } END { printf "%c", 0 }' "$1"
}

# path_of DOCUMENT: where the API has the object that a YAML document describes.
path_of() {
    local kind name namespace
    kind=$(awk '/^kind:/ { print $2; exit }' <<<"$1")
    name=$(awk '/^[^ ]/ { inside = /^metadata:/ } inside && $1 == "name:" { print $2; exit }' <<<"$1")
    namespace=$(awk '/^[^ ]/ { inside = /^metadata:/ } inside && $1 == "namespace:" { print $2; exit }' <<<"$1")
    local group=/apis/recovery.tmc.io/v1alpha1
    case $kind in
    CustomResourceDefinition) echo "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/$name" ;;
    Namespace) echo "/api/v1/namespaces/$name" ;;
    ConfigMap) echo "/api/v1/namespaces/$namespace/configmaps/$name" ;;
    Secret) echo "/api/v1/namespaces/$namespace/secrets/$name" ;;
    Deployment) echo "/apis/apps/v1/namespaces/$namespace/deployments/$name" ;;
    Recovery) echo "$group/namespaces/$namespace/recoveries/$name" ;;
    RecoveryPolicy) echo "$group/namespaces/$namespace/recoverypolicies/$name" ;;
    MemberCluster) echo "$group/memberclusters/$name" ;;
    *) echo "hack/quickstart: no path for kind '$kind'" >&2; return 1 ;;
    esac
}

# apply FILE...: what `kubectl apply --server-side` does.
apply() {
    local file document path
    for file in "$@"; do
        while IFS= read -r -d '' document; do
            grep -q '^kind:' <<<"$document" || continue
            path=$(path_of "$document")
            request PATCH "$path?fieldManager=quickstart&force=true" \
                --header 'Content-Type: application/apply-patch+yaml' --data-binary "$document" >>"$work/apply.log" || {
                # The server's own words are in the log.
                tail -n 1 "$work/apply.log" >&2
                return 1
            }
            echo >>"$work/apply.log"
        done < <(documents "$file")
    done
}

# rows PATH: the cells of a Table, one row to a line, tabs between them.
rows() {
    request GET "$1" --header 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' | awk '
        # Reads the JSON from position i on that a row of cells begins with; strings lose their quotes.
        {
            text = $0
            while ((start = index(text, "\"cells\":[")) > 0) {
                text = substr(text, start + 9)
                line = ""; cell = ""; quoted = 0
                for (i = 1; i <= length(text); i++) {
                    c = substr(text, i, 1)
                    if (quoted) {
                        if (c == "\\") { i++; c = substr(text, i, 1); cell = cell (c == "n" || c == "t" ? " " : c) }
                        else if (c == "\"") quoted = 0
                        else cell = cell c
                    }
                    else if (c == "\"") quoted = 1
                    else if (c == "," || c == "]") {
                        line = line (line == "" ? "" : "\t") (cell == "" || cell == "null" ? "-" : cell)
                        cell = ""
                        if (c == "]") break
                    }
                    else cell = cell c
                }
                text = substr(text, i + 1)
                print line
            }
        }'
}
