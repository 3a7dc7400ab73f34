#!/bin/sh
# Sees to it that the Debian packages of the named lists (docker/packages-NAME.txt) are installed. Does nothing when
# none is missing; else installs what is missing as root or by sudo without a password, or says what to run.
set -eu
here=$(dirname "$0")

# A node from elsewhere is as good as Debian's.
own_node() {
    command -v npm > /dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2> /dev/null
}

installed() {
    case $1 in
    nodejs | npm) own_node && return ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

wanted=
for list in "$@"; do
    wanted="$wanted $(sed 's/#.*//' "$here/packages-$list.txt")"
done

if ! command -v dpkg-query > /dev/null 2>&1; then
    echo "This is no Debian system. You need what Debian calls:" $wanted >&2
    exit 0
fi

missing=
for package in $(echo $wanted | tr ' ' '\n' | sort -u); do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends$missing"
echo "missing:$missing"
if [ "$(id -u)" -eq 0 ]; then
    run="sh -c"
elif sudo -n true 2> /dev/null; then
    run="sudo -n sh -c"
else
    # Where sudo asks for a password, root often has none that su would take.
    case " $(id -nG) " in
    *" sudo "*) ask="sudo sh -c" ;;
    *) ask="su -c" ;;
    esac
    echo "Packages are missing. Install them with this command, then try again:" >&2
    echo "    $ask '$install'" >&2
    exit 1
fi
$run "DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; $install"
