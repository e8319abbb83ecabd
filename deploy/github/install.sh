#!/usr/bin/env bash
# Installs the release VERSION for this machine, and puts it on the PATH of the
# steps behind. What does not match the release's list of sums is not run.
set -euo pipefail

: "${VERSION:?the release}" "${RUNNER_TEMP:?}" "${GITHUB_PATH:?}"
VERSION=${VERSION#v}
if [[ ! $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?$ ]]; then
	echo '::error::version: want a release, like 1.0.0'
	exit 1
fi
from=${DBWARDEN_RELEASES:-https://github.com/dbwarden-go/dbwarden/releases/download}/v$VERSION

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) echo "::error::this action runs on Linux and macOS, not on $(uname -s)" && exit 1 ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) echo "::error::there is no release of dbwarden for $(uname -m)" && exit 1 ;;
esac

dir=$RUNNER_TEMP/dbwarden-$VERSION
name=dbwarden_${VERSION}_${os}_${arch}.tar.gz
mkdir -p "$dir"
cd "$dir"
curl --fail --silent --show-error --location --proto-redir =https --retry 3 --remote-name "$from/$name" --remote-name "$from/checksums.txt"
if command -v sha256sum >/dev/null; then check=(sha256sum --check -); else check=(shasum -a 256 --check -); fi
if ! sum=$(grep -E "^[0-9a-f]{64} [ *]$name\$" checksums.txt); then
	echo "::error::checksums.txt of dbwarden $VERSION does not list $name"
	exit 1
fi
"${check[@]}" <<<"$sum"
tar -xzf "$name" dbwarden
echo "$dir" >>"$GITHUB_PATH"
