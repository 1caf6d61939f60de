#!/usr/bin/env bash
# Makes the certificates of the TLS tests anew. They are good for a hundred years, but for the one that is to be expired.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null ||
  openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }

authority() { # name
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=libmemcached test $1" -days 36500 -out "$1.pem"
}

certificate() { # name, authority, subject alternative names, start, end
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$work/$1.csr"
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nserial=%s/serial\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=%s\n' \
    "$work" "$work" "$work" "$3" >"$work/ca.cnf"
  : >"$work/index"
  openssl rand -hex 8 >"$work/serial"
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions e -cert "$2.pem" -keyfile "$2.key" \
    -startdate "$4" -enddate "$5" -in "$work/$1.csr" -out "$1.pem" 2>/dev/null
}

authority authority
authority stranger
certificate server authority 'DNS:localhost,IP:127.0.0.1,IP:::1' 20200101000000Z 21200101000000Z
certificate expired authority 'DNS:localhost,IP:127.0.0.1,IP:::1' 20200101000000Z 20210101000000Z
certificate elsewhere authority 'DNS:cache.example' 20200101000000Z 21200101000000Z
certificate client authority 'DNS:client.example' 20200101000000Z 21200101000000Z
rm -f authority.key stranger.key
