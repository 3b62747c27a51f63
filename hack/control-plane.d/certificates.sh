# shellcheck shell=bash disable=SC2154 # the parts share the variables that each of them documents
# Certificates and kubeconfigs of one plane, under $plane/pki: one authority, elliptic-curve keys.

readonly loopback_names=DNS:localhost,IP:127.0.0.1,IP:::1

# Makes the plane's certificate authority and the key that signs service account tokens.
create_authority() {
  mkdir -p "$plane/pki"
  printf '[req]\nprompt=no\ndistinguished_name=subject\n[subject]\n' >"$plane/pki/openssl.cnf"
  certificate ca "/CN=$plane_name-ca" -addext basicConstraints=critical,CA:true \
    -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$plane/pki/service-accounts.key" 2>/dev/null
  openssl pkey -in "$plane/pki/service-accounts.key" -pubout -out "$plane/pki/service-accounts.pub"
}

# Issues $plane/pki/$1.{crt,key} for the subject $2, good for servers and clients; $3 adds names.
issue_certificate() {
  certificate "$1" "$2" -CA "$plane/pki/ca.crt" -CAkey "$plane/pki/ca.key" \
    -addext basicConstraints=critical,CA:false -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=serverAuth,clientAuth -addext "subjectAltName=$loopback_names${3:+,$3}"
}

certificate() {
  local name=$1 subject=$2
  shift 2
  openssl req -x509 -config "$plane/pki/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 3650 -subj "$subject" -keyout "$plane/pki/$name.key" -out "$plane/pki/$name.crt" "$@" \
    2>"$plane/pki/openssl.log" || fail "openssl could not make the certificate of $name" "$plane/pki/openssl.log"
}

# Writes to $2 a kubeconfig that holds everything inside, for the certificate $1. Names are quoted: a plane
# may be called `n`, `no` or `1`.
write_kubeconfig() {
  local name=$1 file=$2
  cat >"$file" <<END
apiVersion: v1
kind: Config
current-context: "$plane_name"
clusters:
- name: "$plane_name"
  cluster:
    server: $(server_address)
    certificate-authority-data: $(base64 -w 0 "$plane/pki/ca.crt")
contexts:
- name: "$plane_name"
  context:
    cluster: "$plane_name"
    user: "$plane_name-$name"
users:
- name: "$plane_name-$name"
  user:
    client-certificate-data: $(base64 -w 0 "$plane/pki/$name.crt")
    client-key-data: $(base64 -w 0 "$plane/pki/$name.key")
END
}
