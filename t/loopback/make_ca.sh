#!/usr/bin/env bash
#
# make_ca.sh DIR: certificates for the loopback servers, fresh every time.
#
#	ca.pem				the test authority, for workflow_engine.ca_file
#	good.pem, .key		signed by it, for localhost and 127.0.0.1
#	wrong.pem, .key		signed by it, for another host
#	expired.pem, .key	signed by it, for localhost, long over
#	alien.pem, .key		for localhost, signed by nobody known

set -euo pipefail

if [ $# -ne 1 ]
then
	echo "usage: $0 DIR" >&2
	exit 1
fi
mkdir -p "$1"
cd "$1"

run()
{
	openssl "$@" 2>make_ca.log || {
		cat make_ca.log >&2
		exit 1
	}
}

key()
{
	run ecparam -name prime256v1 -genkey -noout -out "$1.key"
	chmod 600 "$1.key"
}

local_names='DNS:localhost,IP:127.0.0.1'

# sign NAME ALTNAMES START END: by the test authority.
sign()
{
	key "$1"
	run req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	printf 'basicConstraints=CA:FALSE\nsubjectAltName=%s\n' "$2" >"$1.ext"
	run ca -batch -config ca.cnf -startdate "$3" -enddate "$4" \
		-extfile "$1.ext" -in "$1.csr" -out "$1.pem" -notext
	rm -f "$1.csr" "$1.ext"
}

rm -rf issued
mkdir issued
: >index.txt
echo 1000 >serial
cat >ca.cnf <<'EOF'
[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = issued
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
EOF

yesterday=$(date -u -d yesterday +%y%m%d%H%M%SZ)
next_year=$(date -u -d 'next year' +%y%m%d%H%M%SZ)

key ca
run req -x509 -new -key ca.key -subj '/CN=workflow_engine test authority' \
	-days 365 -addext 'keyUsage=critical,keyCertSign,cRLSign' -out ca.pem
sign good "$local_names" "$yesterday" "$next_year"
sign wrong 'DNS:elsewhere.example' "$yesterday" "$next_year"
sign expired "$local_names" 200101000000Z 210101000000Z

key alien
run req -x509 -new -key alien.key -subj '/CN=alien' -days 365 \
	-addext "subjectAltName=$local_names" -out alien.pem

rm -rf issued index.txt* serial* ca.cnf make_ca.log
