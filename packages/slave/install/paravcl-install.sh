#!/bin/sh
# Puts ParaVCL on a host, and takes it away again.
#
#   paravcl-install.sh facts                         what this host is, as lines name=value; changes nothing
#   paravcl-install.sh packages                      installs what is missing of libvirt, QEMU and their tools
#   paravcl-install.sh switch RELEASE_DIRECTORY [SHA256]  checks a release, tries it, and makes it the one in use;
#                                                    with the hash of its manifest it has to be that one
#   paravcl-install.sh units                         puts the systemd units of that release where systemd reads them
#   paravcl-install.sh enrol MASTER_URL NAME [--again]   join token on standard input
#   paravcl-install.sh follow MASTER_URL [CA_FINGERPRINT]  its master has this address now: `start` starts both anew with it. The
#                                                    authority is the one of before unless named, - is a public one
#   paravcl-install.sh start systemd|unsupervised    starts mirror and agent, or anew those whose release changed
#   paravcl-install.sh status                        what is installed, running and enrolled
#   paravcl-install.sh prove NONCE                   signs it with the agent's key, so that a master knows which host this is
#   paravcl-install.sh instances                     ids of instances that are on this host; changes nothing
#   paravcl-install.sh remove [--keep-packages] [--force]
#   join.sh [--name NAME] [--again]                  all of it in order; only as a master hands it out
#
# Each verb can be repeated: after a fault, a kill or a power failure run it again, and it goes on. It says a line
# for each thing: `did:` what it changed, `kept:` what was right already, `left:` what it leaves, `note:`, and
# `fault:` on standard error, with exit status 1, for what somebody has to mend. Run as root; `facts` and `status` as anybody.
#
# On the host: /opt/paravcl/releases/ID/ are the releases, /opt/paravcl/current leads to the one in use,
# /opt/paravcl/previous to the one before. /opt/paravcl/installed lists what was put here, so that `remove` takes
# back that and nothing else.

set -eu
umask 022
export LC_ALL=C
PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

root=/opt/paravcl
state=/var/lib/paravcl-slave
config=/etc/paravcl-slave/slave.yaml
unit_directory=/etc/systemd/system
wrapper=/usr/local/bin/paravcl-slave
apparmor=/etc/apparmor.d
record=$root/installed
log=/var/log/paravcl-install.log

needed_packages='libvirt-daemon-system libvirt-clients libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils qemu-block-extra dnsmasq-base genisoimage iptables nftables'

# --- Saying ---

faulted=
did() { printf 'did: %s\n' "$*"; }
kept() { printf 'kept: %s\n' "$*"; }
left() { printf 'left: %s\n' "$*"; }
note() { printf 'note: %s\n' "$*"; }
fault() {
  faulted=yes
  printf 'fault: %s\n' "$*" >&2
  exit 1
}

at_the_end() {
  code=$?
  if [ "$code" -ne 0 ] && [ -z "$faulted" ]; then printf 'fault: The step "%s" ended before it was done. Run it again; if it ends the same way, the lines above say why.\n' "$step" >&2; fi
}

need_root() { [ "$(id -u)" -eq 0 ] || fault "This needs root. Run: sudo sh $0 $step"; }

# How long to wait for another installation: one that was given up from afar may go on for a while.
lock_seconds=${PARAVCL_LOCK_SECONDS:-300}

# One at a time on a host. The lock is the kernel's and ends with this process; what is started here does not inherit it.
lock() {
  need_root
  exec 9>/run/paravcl-install.lock
  if flock -n 9; then return; fi
  note "another installation is at work on this host: this one waits until it has ended, for at most $lock_seconds s"
  flock -w "$lock_seconds" 9 || fault "Another installation is at work on this host, and did not end within $lock_seconds s. Wait until it has ended (fuser /run/paravcl-install.lock shows it), then run this again."
}

# --- Looking ---

# A value of /etc/os-release, which is read and not run.
os_value() { sed -n "s/^$1=//p" /etc/os-release 2>/dev/null | head -n 1 | tr -d "\"'"; }

# A setting of the agent's configuration file, or what holds without it.
configured() {
  value=$(sed -n "s/^$1:[[:space:]]*//p" "$config" 2>/dev/null | sed 's/[[:space:]]*#.*//' | head -n 1 | tr -d "\"'")
  printf '%s\n' "${value:-$2}"
}
state_directory() { configured stateDir "$state"; }
pool_directory() { configured poolDir "$(state_directory)/pool"; }

systemd_runs() { [ -d /run/systemd/system ]; }
glibc_version() { getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //'; }

# MiB free where this path is, or would be.
free_mib() {
  place=$1
  until [ -d "$place" ]; do place=$(dirname "$place"); done
  df -Pk "$place" | awk 'NR == 2 { print int($4 / 1024) }'
}

# What a link like /opt/paravcl/current leads to: a release's name, or nothing.
release_of() {
  [ -L "$root/$1" ] || return 0
  basename "$(readlink "$root/$1")"
}

installed_release() {
  release=$(release_of current)
  if [ -n "$release" ]; then printf '%s\n' "$release"
  elif [ -f "$root/paravcl-slave.cjs" ]; then printf 'by-hand\n'
  fi
}

# Process ids of our agent (`run`) or mirror (`mirror`), whoever started it.
pids_of() {
  for file in $(grep -ls paravcl-slave.cjs /proc/[0-9]*/cmdline 2>/dev/null || true); do
    # `tr` ends the line with a blank, so that the verb is matched whole.
    case "$(tr '\0' ' ' 2>/dev/null <"$file" || true)" in
      # Root's alone: anybody may give a program of theirs such a name.
      "$root/"*"/paravcl-slave.cjs $1 "*) [ "$(stat -c %u "${file%/cmdline}" 2>/dev/null)" = 0 ] && alive "$(basename "${file%/cmdline}")" && basename "${file%/cmdline}" || true ;;
    esac
  done
}

# Not one that has ended and waits to be buried.
alive() { readlink "/proc/$1/exe" >/dev/null 2>&1; }

# The release that a process runs from, by its Node.
release_of_pid() {
  program=$(readlink "/proc/$1/exe" 2>/dev/null || true)
  case "$program" in
    "$root/releases/"*) program=${program#"$root/releases/"}; printf '%s\n' "${program%%/*}" ;;
    "$root/"*) printf 'by-hand\n' ;;
  esac
}

running_release() {
  for pid in $(pids_of run); do
    release_of_pid "$pid"
    return 0
  done
}

agent_state() {
  if [ -n "$(pids_of run)" ]; then echo running
  elif [ -n "$(installed_release)" ]; then echo stopped
  else echo absent
  fi
}

mirror_state() { if [ -n "$(pids_of mirror)" ]; then echo running; else echo stopped; fi; }

# A field of the agent's record of its enrolment, which is written last: with it this host is enrolled.
enrolment() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$(state_directory)/enrolment.json" 2>/dev/null | head -n 1; }

missing_packages() {
  missing=
  for package in $needed_packages; do
    is_installed "$package" || missing="$missing $package"
  done
  printf '%s\n' "${missing# }"
}

# Whether somebody has the lock of the package system, by its inode in the kernel's list of locks.
apt_state() {
  command -v apt-get >/dev/null 2>&1 || { echo absent; return; }
  for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock; do
    [ -e "$file" ] || continue
    if grep -q ":$(stat -c %i "$file") " /proc/locks 2>/dev/null; then echo locked; return; fi
  done
  echo present
}

# Where mirrors of other hosts ask: port 7443, 1D13 in the kernel's lists. The sockets that listen there, by inode.
peer_sockets() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$2 ~ /:1D13$/ && $4 == "0A" { print $10 }'; }

# Whether somebody else than our own mirror listens there.
peer_port() { if [ -z "$(pids_of mirror)" ] && [ -n "$(peer_sockets)" ]; then echo used; else echo free; fi; }

# Process id of the one who does; nothing where it is another user's and we are not root.
peer_holder() {
  [ "$(peer_port)" = used ] || return 0
  for inode in $(peer_sockets); do
    find /proc/[0-9]*/fd -maxdepth 1 -lname "socket:\\[$inode\\]" 2>/dev/null | head -n 1 | cut -d / -f 3
  done | head -n 1
}

program_of_pid() { [ -z "$1" ] || tr -cd '[:print:]' 2>/dev/null <"/proc/$1/comm" || true; }

read_only_places() {
  found=
  for place in /opt /etc /usr/local/bin /var/lib /var/log; do
    [ -d "$place" ] || continue
    # The mount that a path lies on is the last of the longest; `rw` or `ro` is the first of its options.
    options=$(awk -v path="$place" '{ at = $2; if (at == path || at == "/" || index(path, at "/") == 1) if (length(at) >= best) { best = length(at); found = $4 } } END { print found }' /proc/mounts)
    case ",$options," in *,ro,*) found="$found,$place" ;; esac
  done
  printf '%s\n' "${found#,}"
}

facts() {
  flags=$(sed -n 's/^flags[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
  virtualisation=none
  case " $flags " in *' vmx '*) virtualisation=vmx ;; *' svm '*) virtualisation=svm ;; esac
  kvm=absent; [ ! -c /dev/kvm ] || kvm=present
  systemd=absent; ! systemd_runs || systemd=running
  holder=$(peer_holder)
  cat <<FACTS
os_id=$(os_value ID)
os_version=$(os_value VERSION_ID)
os_name=$(os_value PRETTY_NAME)
arch=$(uname -m)
glibc=$(glibc_version)
systemd=$systemd
virtualisation=$virtualisation
kvm=$kvm
cpus=$(getconf _NPROCESSORS_ONLN)
ram_mib=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
opt_free_mib=$(free_mib /opt)
pool_directory=$(pool_directory)
pool_free_mib=$(free_mib "$(pool_directory)")
now=$(date +%s)
user_id=$(id -u)
port_7443=$(peer_port)
port_7443_pid=$holder
port_7443_program=$(program_of_pid "$holder")
packages_missing=$(missing_packages)
installed_release=$(installed_release)
running_release=$(running_release)
agent=$(agent_state)
enrolled_master=$(enrolment masterUrl)
enrolled_slave=$(enrolment slaveId)
read_only=$(read_only_places)
apt=$(apt_state)
FACTS
}

status() {
  cat <<STATUS
installed_release=$(installed_release)
previous_release=$(release_of previous)
running_release=$(running_release)
agent=$(agent_state)
mirror=$(mirror_state)
systemd=$(if systemd_runs; then echo running; else echo absent; fi)
enrolled_master=$(enrolment masterUrl)
enrolled_slave=$(enrolment slaveId)
enrolled_name=$(enrolment name)
STATUS
}

# Proves to a master that has logged in here which host this is. The words before the nonce keep the signature from being
# good for anything else that this key signs.
prove() {
  case "$1" in *[!A-Za-z0-9_-]*) usage ;; esac
  [ "${#1}" -eq 43 ] || usage
  key=$(state_directory)/agent-key.pem slave=$(enrolment slaveId)
  [ -n "$slave" ] || fault 'This host is enrolled nowhere.'
  [ -f "$key" ] || fault "The agent's key $key is not there."
  node=
  for program in "$root/node/bin/node" "$root/current/node/bin/node"; do
    if [ -x "$program" ]; then node=$program; fi
  done
  [ -n "$node" ] || fault "There is no Node in $root to sign with."
  if ! proof=$("$node" -e '
    const [, path, nonce, slave] = process.argv;
    const key = require("node:fs").readFileSync(path);
    console.log(require("node:crypto").sign(null, Buffer.from(`paravcl-host-proof-v1\n${nonce}\n${slave}`), key).toString("base64url"));
  ' "$key" "$1" "$slave" 2>/dev/null); then fault "The agent's key $key cannot be used: it is damaged."; fi
  printf 'proof=%s\n' "$proof"
}

# Before anything is removed: what would be lost.
instances() { printf '%s\n' $(our_domains) $(our_disks) | sort -u | sed -n 's/^\(..*\)$/instance=\1/p'; }

# --- What a host must be ---

# Whether version $1 is at least $2.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Told before anything is changed. A derivative of Debian is known by its C library: Debian 12 has 2.36.
refuse_old_system() {
  [ "$(uname -m)" = x86_64 ] || fault "This host is $(uname -m). ParaVCL runs its guests on x86_64 (amd64) only."
  id=$(os_value ID) version=$(os_value VERSION_ID) glibc=$(glibc_version)
  case "$id" in
    debian) least=12 ;;
    ubuntu) least=24.04 ;;
    *) least= ;;
  esac
  if [ -n "$least" ] && [ -n "$version" ]; then
    at_least "$version" "$least" || fault "This host has $(os_value PRETTY_NAME), which is too old: its libvirt and QEMU lack what ParaVCL asks of them. Upgrade it to Debian 12 or Ubuntu 24.04, or newer, then run this again."
  else
    at_least "${glibc:-0}" 2.36 || fault "This host has $(os_value PRETTY_NAME) with glibc ${glibc:-of no known version}, which is too old: ParaVCL needs 2.36 or newer, as Debian 12 and Ubuntu 24.04 have."
  fi
}

# --- Writing down and putting ---

write_down() {
  mkdir -p "$root"
  grep -qxF "$*" "$record" 2>/dev/null || printf '%s\n' "$*" >>"$record" || fault "$record cannot be written. Is $root full or read-only?"
}
written_down() { sed -n "s/^$1 //p" "$record" 2>/dev/null || true; }

# What was written down of one kind, and holds no more: strike KIND
strike() {
  grep -q "^$1 " "$record" 2>/dev/null || return 0
  # None is left: grep says 1.
  grep -v "^$1 " "$record" >"$record.new" || [ $? -eq 1 ] || fault "$record.new cannot be written. Is $root full?"
  mv -f "$record.new" "$record"
}

# Puts a file where it belongs, whole or not at all: place SOURCE TARGET MODE
place() {
  if cmp -s "$1" "$2"; then kept "$2"; return; fi
  mkdir -p "$(dirname "$2")"
  write_down "file $2"
  if ! { cp "$1" "$2.paravcl-new" && chmod "$3" "$2.paravcl-new" && mv -f "$2.paravcl-new" "$2"; }; then
    rm -f "$2.paravcl-new"
    fault "$2 cannot be written. Is its file system full or read-only?"
  fi
  did "put $2"
}

# Makes a name lead elsewhere in one step, so that it leads somewhere at every moment: lead NAME TARGET
lead() {
  rm -f "$root/.$1.new"
  ln -s "$2" "$root/.$1.new"
  mv -fT "$root/.$1.new" "$root/$1"
}

# --- packages ---

apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@" >>"$log" 2>&1; }
last_complaint() { sed -n 's/^E: //p' "$log" | tail -n 1; }

packages() {
  refuse_old_system
  missing=$(missing_packages)
  if [ -z "$missing" ]; then kept 'every package is there'; return; fi
  command -v apt-get >/dev/null 2>&1 || fault "This host has no apt-get. Install these by its own means, then run this again: $missing"
  settle_intentions
  installed_packages >"$root/.before"
  # What an interrupted installation left half done.
  if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
    DEBIAN_FRONTEND=noninteractive dpkg --configure -a --force-confold >>"$log" 2>&1 || fault "Packages of this host are half installed, and \"dpkg --configure -a\" does not mend it: $log says why."
    did 'finished an interrupted installation of packages'
  fi
  if ! coming=$(would_install $missing); then
    apt update || fault "The package lists cannot be fetched: $(last_complaint). Mend /etc/apt or the network, then run this again."
    did 'fetched the package lists'
    coming=$(would_install $missing) || fault "These packages cannot be installed: $missing. apt-get says: $(apt-get -s install --no-install-recommends $missing 2>&1 | sed -n 's/^E: //p' | head -n 1)"
  fi
  # An intention only: ours is what was not there before and is there afterwards, however apt-get ends.
  for package in $coming; do write_down "intended $package"; done
  installs=yes
  # Lists of long ago name files that are gone.
  apt install --no-install-recommends $missing || { apt update && apt install --no-install-recommends $missing; } || installs=
  write_down_new $coming
  rm -f "$root/.before"
  [ -n "$installs" ] || fault "These packages could not be installed: $missing. apt-get says: $(last_complaint). All it said is in $log."
  did "installed $missing"
}

installed_packages() { dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p'; }

# Of what an installation meant to bring that was killed: what is there now may have come with it or from somebody else, so it is not taken for ours.
settle_intentions() {
  mkdir -p "$root"
  for package in $(written_down intended); do
    if is_installed "$package" && ! written_down package | grep -qxF "$package"; then write_down "uncertain $package"; fi
  done
  strike intended
}

# Ours from now on: write_down_new PACKAGE…
write_down_new() {
  for package in "$@"; do
    if is_installed "$package" && ! grep -qxF "$package" "$root/.before"; then write_down "package $package"; fi
  done
  strike intended
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }

would_install() {
  simulated=$(apt-get -s install --no-install-recommends "$@" 2>/dev/null) || return 1
  printf '%s\n' "$simulated" | sed -n 's/^Inst \([^ ]*\) (.*/\1/p'
}

# --- switch ---

# Reads the manifest once: whoever can write where it lies could change it between two looks. read_manifest FILE
read_manifest() {
  [ -f "$1" ] || fault "$(dirname "$1") holds no release: its file manifest is missing."
  manifest=$(head -c 1000000 "$1")
  # Only plain names below the release: nothing absolute, nothing that climbs.
  if printf '%s\n' "$manifest" | grep -Evq '^[0-9a-f]{64}  [A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$'; then fault "The manifest of $(dirname "$1") is damaged: a line is no \"sha256  path\". Bring the release here again."; fi
  for path in paravcl-slave.cjs node/bin/node systemd/paravcl-slave.service systemd/paravcl-mirror.service; do
    printf '%s\n' "$manifest" | grep -q "  $path\$" || fault "The manifest of $(dirname "$1") does not name $path: this is no whole release."
  done
}

manifest_sha256() { printf '%s\n' "$manifest" | sha256sum | cut -d ' ' -f 1; }
manifest_paths() { printf '%s\n' "$manifest" | sed 's/^[0-9a-f]*  //'; }

# The first file that is not what the manifest says; nothing when all are.
wrong_file() { (cd "$1" && sha256sum --check --quiet manifest 2>/dev/null | sed -n 's/: FAILED.*//p' | head -n 1); }

switch() {
  from=$1 expected=$2
  [ -d "$from" ] || fault "There is no directory $from."
  refuse_old_system
  read_manifest "$from/manifest"
  sum=$(manifest_sha256)
  case "$sum" in "$expected"*) ;; *) fault "$from holds another release than was sent: its manifest has SHA-256 $sum, and $expected was named. Somebody changed it on this host; nothing was changed. See who else is that user here, and bring the release again." ;; esac
  if [ -e "$wrapper" ] && ! grep -q "$root/" "$wrapper"; then fault "$wrapper is there and is not ParaVCL's. Move it away, then run this again."; fi
  id=$(printf '%s' "$sum" | cut -c 1-16)
  release=$root/releases/$id
  if [ -d "$release" ] && [ -z "$(wrong_file "$release")" ] && [ "$(sha256sum <"$release/manifest")" = "$sum  -" ]; then
    kept "release $id"
  else
    take_release
  fi
  if [ "$(release_of current)" = "$id" ]; then
    kept "$root/current leads to release $id"
  else
    try_release "$release"
    [ -z "$(release_of current)" ] || lead previous "$(readlink "$root/current")"
    lead current "releases/$id"
    did "made $root/current lead to release $id"
  fi
  leave_old_layout
  printf '#!/bin/sh\nexec %s/current/node/bin/node %s/current/paravcl-slave.cjs "$@"\n' "$root" "$root" >"$root/.wrapper"
  place "$root/.wrapper" "$wrapper" 0755
  rm -f "$root/.wrapper"
  allow_in_apparmor
  drop_old_releases
}

# Copies a release to its place under a name that nobody uses, checks the copy, and only then gives it its name. The copy is root's
# alone until it is checked, by the manifest that was read: what is changed at its source meanwhile is refused, and is no way to read root's files.
take_release() {
  for path in $(manifest_paths); do
    if [ ! -f "$from/$path" ] || [ -L "$from/$path" ]; then fault "$from lacks $path, which its manifest names. Bring the release here again."; fi
  done
  need=$(cd "$from" && du -mc $(manifest_paths) | awk 'END { print $1 + 10 }')
  mkdir -p "$root/releases" 2>/dev/null || fault "$root cannot be made. Is /opt read-only or full?"
  new=$root/releases/.new
  rm -rf "$new"
  have=$(free_mib "$root")
  [ "$have" -ge "$need" ] || fault "$root has $have MiB free, and this release needs $need MiB. Make room on that file system, then run this again."
  if ! { mkdir -m 0700 "$new" && printf '%s\n' "$manifest" >"$new/manifest"; }; then could_not_take manifest; fi
  for path in $(manifest_paths); do
    mode=0644; [ "$path" != node/bin/node ] || mode=0755
    if ! { mkdir -p "$(dirname "$new/$path")" && cp -P "$from/$path" "$new/$path" && [ ! -L "$new/$path" ] && chmod "$mode" "$new/$path"; }; then could_not_take "$path"; fi
  done
  wrong=$(wrong_file "$new")
  if [ -n "$wrong" ]; then
    rm -rf "$new"
    fault "$wrong of $from is not what its manifest says: it was damaged or replaced on the way. Nothing was changed; bring the release here again."
  fi
  chmod 0755 "$new"
  sync -f "$new/manifest" 2>/dev/null || sync
  rm -rf "$release"
  mv -T "$new" "$release"
  did "put release $id into $release"
}

could_not_take() {
  rm -rf "$new"
  fault "$root could not take $1. Is its file system full or read-only? Nothing was changed."
}

# A release that does not run on this host must not become the one in use.
try_release() {
  if ! said=$("$1/node/bin/node" --version 2>&1); then
    why=$(printf '%s\n' "$said" | tail -n 1)
    fault "The Node of this release does not run on this host (glibc $(glibc_version)): $why. The release in use stays."
  fi
  node=$said
  if ! said=$("$1/node/bin/node" "$1/paravcl-slave.cjs" --version 2>&1); then
    fault "The agent of this release does not run on this host: $(printf '%s\n' "$said" | tail -n 1). The release in use stays."
  fi
  did "tried agent $said with Node $node"
}

# Before releases the agent lay at /opt/paravcl/paravcl-slave.cjs. Units of that time find the new one there until `units` has replaced them.
leave_old_layout() {
  if [ -f "$root/paravcl-slave.cjs" ] && [ ! -L "$root/paravcl-slave.cjs" ]; then
    lead paravcl-slave.cjs current/paravcl-slave.cjs
    did "made $root/paravcl-slave.cjs lead to the release, for units of before"
  fi
  if [ -d "$root/apparmor" ]; then
    rm -rf "$root/apparmor"
    did "removed $root/apparmor, which lies in the release now"
  fi
}

allow_in_apparmor() {
  if [ ! -d "$apparmor/abstractions" ]; then note 'this host has no AppArmor profiles: nothing to allow there'; return; fi
  pool=$(pool_directory)
  for name in paravcl-guest paravcl-virt-aa-helper; do
    sed "s#/var/lib/paravcl-slave/pool#$pool#g" "$root/current/apparmor/$name" >"$root/.rules"
    place "$root/.rules" "$apparmor/abstractions/$name" 0644
  done
  rm -f "$root/.rules"
  include "$apparmor/local/abstractions/libvirt-qemu" paravcl-guest
  include "$apparmor/local/usr.lib.libvirt.virt-aa-helper" paravcl-virt-aa-helper
  if systemd_runs && systemctl is-active --quiet apparmor; then systemctl reload apparmor || fault 'AppArmor does not take its rules: systemctl status apparmor says why.'; fi
}

# One line of ours in a file that is the site's: include FILE ABSTRACTION
include() {
  if grep -q "abstractions/$2>" "$1" 2>/dev/null; then kept "the line for $2 in $1"; return; fi
  mkdir -p "$(dirname "$1")"
  [ -e "$1" ] || write_down "made $1"
  write_down "line $1"
  # A last line without an end would swallow ours.
  if [ -s "$1" ] && [ -n "$(tail -c 1 "$1")" ]; then echo >>"$1"; fi
  printf 'include if exists <abstractions/%s>\n' "$2" >>"$1"
  did "added the line for $2 to $1"
}

# The one in use, the one before, and what something still runs from stay.
drop_old_releases() {
  stays=" $(release_of current) $(release_of previous) "
  for pid in $(pids_of run) $(pids_of mirror); do stays="$stays$(release_of_pid "$pid") "; done
  for directory in "$root/releases"/*; do
    [ -d "$directory" ] || continue
    case "$stays" in *" $(basename "$directory") "*) continue ;; esac
    rm -rf "$directory"
    did "removed the old release $(basename "$directory")"
  done
}

# --- units ---

units() {
  [ -d "$root/current/systemd" ] || fault 'No release is in use yet. Run "switch RELEASE_DIRECTORY" first.'
  if command -v systemd-analyze >/dev/null 2>&1; then
    for unit in paravcl-mirror paravcl-slave; do
      # What it says of other units is nothing of ours.
      said=$(systemd-analyze verify --man=no --recursive-errors=no "$root/current/systemd/$unit.service" 2>&1 | grep "$unit.service" || true)
      [ -z "$said" ] || fault "systemd does not take $unit.service: $(printf '%s\n' "$said" | head -n 1)"
    done
    kept 'systemd understands both units'
  else
    note 'systemd-analyze is not on this host: the units were not checked'
  fi
  for unit in paravcl-mirror paravcl-slave; do place "$root/current/systemd/$unit.service" "$unit_directory/$unit.service" 0644; done
  if systemd_runs; then systemctl daemon-reload || fault 'systemd does not read its units again: "systemctl daemon-reload" says why.'; fi

  # Nothing needs what lay here before releases any more.
  if [ -L "$root/paravcl-slave.cjs" ]; then
    rm -f "$root/paravcl-slave.cjs"
    did "removed $root/paravcl-slave.cjs"
  fi
  if [ -d "$root/node" ] && [ ! -d "$root/packages" ]; then
    rm -rf "$root/node"
    did "removed $root/node, which lies in the release now"
  fi
  for directory in "$(state_directory)" "$(pool_directory)"; do
    [ -d "$directory" ] || { mkdir -p "$directory"; chmod 0711 "$directory"; did "made $directory"; }
  done
  [ -d "$(dirname "$config")" ] || mkdir -p "$(dirname "$config")"
}

# --- enrol ---

# As the agent writes it down: scheme, host and port.
origin_of() { printf '%s\n' "$1" | sed -E 's#^([a-zA-Z]+://[^/]+).*#\1#; s#:443$##' | tr '[:upper:]' '[:lower:]'; }

# Whether this host is enrolled at that master; a fault when it is at another, unless that is given up.
is_enrolled_at() {
  here=$(enrolment masterUrl)
  [ -n "$here" ] && [ -z "$again" ] || return 1
  [ "$here" = "$(origin_of "$1")" ] || fault "This host is enrolled at $here as \"$(enrolment name)\", not at $(origin_of "$1"). If that is the same master with another address: $(how_to_follow "$(origin_of "$1")"). Otherwise $giving_up."
}

# This script, as it stays on the host: one that a master hands out is gone by the time that somebody reads what it said.
kept_script=$root/current/paravcl-install.sh
giving_up="retire it there first and take ParaVCL off this host (sh $kept_script remove), or give that enrolment up with --again"

how_to_follow() {
  kind=unsupervised; ! systemd_runs || kind=systemd
  grep -qs '^follow()' "$kept_script" || printf 'bring its release up to date first (switch RELEASE_DIRECTORY), then '
  printf 'sh %s follow %s && sh %s start %s' "$kept_script" "$1" "$kept_script" "$kind"
}

# Whether this host is enrolled at the master that hands this script out: by its site, whatever address or authority it has. A fault when it is
# at another, unless that is given up.
is_enrolled_here() {
  here=$(enrolment masterUrl)
  [ -n "$here" ] && [ -z "$again" ] || return 1
  [ "$(enrolment siteId)" != "$join_site" ] || return 0
  there="at another master, $here,"
  [ "$here" != "$(origin_of "$join_master")" ] || there="at the master that was at $here before the one of now,"
  fault "This host is enrolled $there as \"$(enrolment name)\". To have it here, $giving_up."
}

enrol() {
  if is_enrolled_at "$1"; then
    kept "enrolled at $here as \"$(enrolment name)\" ($(enrolment slaveId))"
    return
  fi
  [ -e "$root/current/paravcl-slave.cjs" ] || fault 'No release is in use yet. Run "switch RELEASE_DIRECTORY" first.'
  # Its key and its journal are what changes.
  ran=
  if [ -n "$again" ]; then ran=$(pids_of run); stop_one paravcl-slave run; fi
  if ! said=$("$root/current/node/bin/node" "$root/current/paravcl-slave.cjs" enrol --master "$1" --name "$2" --token-file - $again 2>&1); then
    # Nothing of the earlier enrolment is touched until the new one stands: the agent goes on with it.
    if [ -n "$ran" ] && (run_agent_again); then left "the enrolment at $(enrolment masterUrl) as \"$(enrolment name)\", with which the agent runs on"; fi
    fault "$(printf '%s\n' "$said" | tail -n 1)"
  fi
  # As the agent says it.
  case "$said" in *'It is approved.'*) admission=approved ;; *'has to approve it'*) admission=pending ;; esac
  did "enrolled at $(enrolment masterUrl) as \"$(enrolment name)\" ($(enrolment slaveId))"
}

# --- follow ---

follow() {
  url=$(origin_of "$1") here=$(enrolment masterUrl)
  [ -n "$here" ] || fault 'This host is enrolled nowhere: there is no master to follow. Run "enrol MASTER_URL NAME".'
  [ -e "$root/current/paravcl-slave.cjs" ] || fault 'No release is in use yet. Run "switch RELEASE_DIRECTORY" first.'
  if ! said=$("$root/current/node/bin/node" "$root/current/paravcl-slave.cjs" follow --master "$url" ${2:+"--ca-fingerprint=$2"} 2>&1); then
    case "$said" in *"unknown command 'follow'"*) fault "The agent in use ($("$root/current/node/bin/node" "$root/current/paravcl-slave.cjs" --version)) cannot go on by another address of its master. Bring it up to date first (switch RELEASE_DIRECTORY), then run this again. This host goes on by $here." ;; esac
    fault "$(printf '%s\n' "$said" | tail -n 1) This host goes on by $here."
  fi
  # As the agent says it.
  case "$said" in
    *'Nothing was changed.') kept "the master is at $url" ;;
    *) if [ "$url" = "$here" ]; then did "wrote down who vouches for the master at $url now"; else did "wrote down that the master is at $url, and no longer at $here"; fi ;;
  esac
}

run_agent_again() { if systemd_runs; then systemctl start paravcl-slave; else start_unsupervised paravcl-slave run; fi; }

# --- start and stop ---

verb_of() { case "$1" in paravcl-mirror) echo mirror ;; *) echo run ;; esac; }

# Whether a process was started before what this host has of its enrolment was written, by whomever: it goes on by a master, an address or an
# authority of before. In hundredths of a second since 1970; what is lost in between makes the process younger, never older.
is_older_than_enrolment() {
  # The twenty-second field of proc(5), behind a name in which anything may be.
  ticks=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)
  [ -n "$ticks" ] || return 1
  read -r uptime _ </proc/uptime
  booted=$(($(date +%s%2N) - ${uptime%.*}${uptime#*.}))
  started=$((booted + ticks * 100 / $(getconf CLK_TCK) + 5))
  for file in enrolment.json ca.pem; do
    written=$(stat -c %.2Y "$(state_directory)/$file" 2>/dev/null || echo 0.00)
    [ "${written%.*}${written#*.}" -lt "$started" ] || return 0
  done
  return 1
}

# Whether a process runs what is in use, with the enrolment of now. Guests read through the mirror, so it is asked for its own files only.
runs_current() {
  if is_older_than_enrolment "$2"; then return 1; fi
  release=$(release_of_pid "$2")
  [ "$release" != "$(release_of current)" ] || return 0
  [ "$1" = paravcl-mirror ] || return 1
  for path in paravcl-slave.cjs node/bin/node systemd/paravcl-mirror.service; do
    cmp -s "$root/releases/$release/$path" "$root/current/$path" || return 1
  done
}

end_process() {
  kill -TERM "$1" 2>/dev/null || return 0
  tries=0
  while alive "$1"; do
    tries=$((tries + 1))
    [ "$tries" -ne 100 ] || kill -KILL "$1" 2>/dev/null || true
    [ "$tries" -lt 150 ] || fault "Process $1 does not end. Look at it with: ps -fp $1"
    sleep 0.2
  done
}

# Ends a unit, and what of it was started without systemd: stop_one UNIT VERB
stop_one() {
  # Also one that fails and is tried again and again.
  if systemd_runs && ! systemctl is-active "$1" | grep -Eqx 'inactive|failed|unknown'; then
    systemctl stop "$1" || fault "$1 does not stop: systemctl status $1 says why."
    did "stopped $1"
  fi
  for pid in $(pids_of "$2"); do
    end_process "$pid"
    did "ended $1, process $pid"
  done
  rm -f "/run/$1.pid"
}

start() {
  for unit in paravcl-mirror paravcl-slave; do [ -f "$unit_directory/$unit.service" ] || fault "$unit_directory/$unit.service is not there. Run \"units\" first."; done
  [ -n "$(enrolment slaveId)" ] || fault 'This host is not enrolled yet. Run "enrol MASTER_URL NAME" first.'
  case "$1" in
    systemd) for unit in paravcl-mirror paravcl-slave; do start_with_systemd "$unit" "$(verb_of "$unit")"; done ;;
    unsupervised)
      for unit in paravcl-mirror paravcl-slave; do start_unsupervised "$unit" "$(verb_of "$unit")"; done
      note 'nothing starts them again when they end or this host does: that is what systemd is for'
      ;;
    *) usage ;;
  esac
}

start_with_systemd() {
  systemd_runs || fault 'systemd does not run on this host, so nothing would keep the agent running. To start it all the same: start unsupervised'
  systemctl enable --quiet "$1" || fault "$1 cannot be enabled: systemctl status $1 says why."
  if systemctl is-active --quiet "$1"; then
    pid=$(systemctl show --property MainPID --value "$1")
    if runs_current "$1" "$pid"; then kept "$1 runs"; return; fi
    systemctl restart "$1" || complain_of_unit "$1"
    did "restarted $1"
    return
  fi
  # One that was started by hand holds the lock.
  stop_one "$1" "$2"
  systemctl start "$1" || complain_of_unit "$1"
  did "started $1, now and at every boot"
}

complain_of_unit() { fault "$1 does not start. Its last words: $(journalctl -u "$1" -n 1 -o cat --no-pager 2>/dev/null). All of them: journalctl -u $1"; }

# Exactly what the unit starts, in its environment, but without what systemd adds: no sandbox, and nobody to start it again.
start_unsupervised() {
  for pid in $(pids_of "$2"); do
    if runs_current "$1" "$pid"; then kept "$1 runs as process $pid"; return; fi
  done
  stop_one "$1" "$2"
  command=$(sed -n 's/^ExecStart=//p' "$unit_directory/$1.service")
  environment=$(sed -n 's/^Environment=//p' "$unit_directory/$1.service")
  output=/var/log/$1.log
  set -f
  # Both are lists of words, as in the unit: none of them has a blank in it.
  (
    umask 077
    exec setsid env $environment $command </dev/null >>"$output" 2>&1 9>&-
  ) &
  pid=$!
  set +f
  printf '%s\n' "$pid" >"/run/$1.pid"
  # What cannot run ends at once: faulty configuration, a lock that another one holds.
  tries=0
  while [ "$tries" -lt 15 ]; do
    kill -0 "$pid" 2>/dev/null && alive "$pid" || fault "$1 ended at once. Its last words: $(tail -n 1 "$output"). All of them: $output"
    tries=$((tries + 1))
    sleep 0.2
  done
  did "started $1 as process $pid; it writes to $output"
}

# --- remove ---

# Instances of ParaVCL on this host, by libvirt's list, or by their directories where libvirt does not answer.
our_domains() {
  for domain in $(virsh -c qemu:///system list --all --uuid 2>/dev/null); do
    if virsh -c qemu:///system dumpxml "$domain" 2>/dev/null | grep -q 'https://paravcl.org/xmlns/instance/'; then printf '%s\n' "$domain"; fi
  done
}
our_disks() { ls "$(pool_directory)/instances" 2>/dev/null || true; }

remove() {
  pool=$(pool_directory) own=$(state_directory)
  guests=$(our_domains) disks=$(our_disks)
  if [ -n "$guests$disks" ] && [ -z "$force" ]; then
    fault "Instances are still on this host: $(printf '%s\n' $guests $disks | sort -u | tr '\n' ' ')- empty the host first (evacuate it in the portal), or lose them with --force. Nothing was changed."
  fi
  for unit in paravcl-slave paravcl-mirror; do
    if systemd_runs && [ -e "$unit_directory/$unit.service" ]; then systemctl disable --quiet "$unit" 2>/dev/null || true; fi
    stop_one "$unit" "$(verb_of "$unit")"
  done
  for domain in $guests; do
    virsh -c qemu:///system destroy "$domain" >/dev/null 2>&1 || true
    virsh -c qemu:///system undefine --managed-save --nvram --snapshots-metadata --checkpoints-metadata "$domain" >/dev/null 2>&1 || fault "libvirt does not give up the instance $domain. See: virsh undefine $domain"
    did "deleted the instance $domain"
  done
  remove_network
  for unit in paravcl-slave paravcl-mirror; do take_back "$unit_directory/$unit.service"; done
  if systemd_runs; then systemctl daemon-reload || true; fi
  if grep -qs "$root/" "$wrapper"; then take_back "$wrapper"; fi
  forget_in_apparmor
  remove_state
  [ -n "$keep_packages" ] || remove_packages
  remove_program
}

take_back() {
  rm -f "$1.paravcl-new"
  [ -e "$1" ] || [ -L "$1" ] || return 0
  rm -f "$1"
  did "removed $1"
}

# The guests' network and what leads public addresses to them; what others use stays.
remove_network() {
  if nft list table ip paravcl_public >/dev/null 2>&1; then
    nft delete table ip paravcl_public && did 'removed the table paravcl_public of nftables'
  fi
  name=$(sed -n 's/.*"network":{"name":"\([^"]*\)".*/\1/p' "$own"/journal/* 2>/dev/null | tail -n 1)
  name=${name:-paravcl}
  virsh -c qemu:///system net-info "$name" >/dev/null 2>&1 || return 0
  for domain in $(virsh -c qemu:///system list --all --uuid 2>/dev/null); do
    if virsh -c qemu:///system domiflist "$domain" 2>/dev/null | awk '{ print $3 }' | grep -qx "$name"; then left "the network $name of libvirt, which $domain uses"; return 0; fi
  done
  virsh -c qemu:///system net-destroy "$name" >/dev/null 2>&1 || true
  virsh -c qemu:///system net-undefine "$name" >/dev/null 2>&1 && did "removed the network $name of libvirt"
}

forget_in_apparmor() {
  for file in "$apparmor/local/abstractions/libvirt-qemu" "$apparmor/local/usr.lib.libvirt.virt-aa-helper"; do
    grep -qs 'abstractions/paravcl-' "$file" || continue
    sed -i '/abstractions\/paravcl-/d' "$file"
    did "removed our line from $file"
    if [ ! -s "$file" ] && written_down made | grep -qxF "$file"; then rm -f "$file"; fi
  done
  for name in paravcl-guest paravcl-virt-aa-helper; do take_back "$apparmor/abstractions/$name"; done
  if systemd_runs && systemctl is-active --quiet apparmor; then systemctl reload apparmor || true; fi
}

# All of it but what is mounted below it. The pool and the state themselves are told of by the one who asks.
empty_out() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  find "$1" -xdev -depth ! -type d -delete 2>/dev/null || true
  find "$1" -xdev -depth -mindepth 1 -type d -exec rmdir {} + 2>/dev/null || true
  [ "$1" = "$pool" ] || [ "$1" = "$own" ] || rmdir "$1" 2>/dev/null || true
}

# By its names: a directory that a site chose may have files of others beside it.
remove_state() {
  pool=$(readlink -f "$pool" || printf '%s' "$pool")
  for name in images instances homes mirror verified; do empty_out "$pool/$name"; done
  for name in agent-key.pem ca.pem enrolment.json journal kvm.json last-contact last-report.json relative-speed.json agent.lock mirror.lock simulated-homes simulated-host.json simulated-pool.json simulated-snapshots; do empty_out "$own/$name"; done
  # Ours by its name, whatever a release of other days left in it.
  for directory in "$state/pool" "$state"; do [ "$directory" != "$pool" ] && [ "$directory" != "$own" ] || empty_out "$directory"; done
  for directory in "$pool" "$own"; do
    [ -d "$directory" ] || continue
    if rmdir "$directory" 2>/dev/null; then did "removed $directory"
    elif [ -n "$(ls -A "$directory" 2>/dev/null)" ]; then left "$directory: what is in it is not of ParaVCL"
    else left "$directory: something is mounted there"; fi
  done
  if [ -e "$config" ]; then left "$config, which somebody wrote here"; elif [ -d "$(dirname "$config")" ]; then rmdir "$(dirname "$config")" 2>/dev/null || true; fi
  rm -f /var/log/paravcl-slave.log /var/log/paravcl-mirror.log /run/paravcl-slave.pid /run/paravcl-mirror.pid
}

# Only those that came with ParaVCL, and only while nothing else needs them.
remove_packages() {
  ours='' unsure=''
  for package in $(written_down package); do
    if is_installed "$package"; then ours="$ours $package"; fi
  done
  for package in $(written_down intended) $(written_down uncertain); do
    if is_installed "$package"; then unsure="$unsure $package"; fi
  done
  [ -z "$unsure" ] || left "the packages$unsure: an installation was interrupted while they came, and whose they are nobody knows"
  [ -n "$ours" ] || { kept 'no package came with ParaVCL'; return 0; }
  if [ -n "$(virsh -c qemu:///system list --all --name 2>/dev/null | tr -d ' \n')" ]; then
    left "the packages$ours: libvirt has machines of somebody else"
    return 0
  fi
  gone=$(apt-get -s remove $ours 2>/dev/null | sed -n 's/^Remv \([^ ]*\) .*/\1/p')
  for package in $gone; do
    case "$ours " in *" $package "*) ;; *) left "the packages$ours: $package needs them"; return 0 ;; esac
  done
  apt remove $ours || fault "The packages$ours could not be removed. apt-get says: $(last_complaint)"
  did "removed the packages$ours"
  left 'what these packages keep of their configuration; dpkg --purge removes that'
}

remove_program() {
  rm -f "$log"
  [ -d "$root" ] || return 0
  master=; [ ! -d "$root/packages" ] || master=yes
  rm -rf "$root/releases" "$root/incoming" "$root/current" "$root/previous" "$root/apparmor" "$root/paravcl-slave.cjs" "$root/.current.new" "$root/.previous.new" "$root/.paravcl-slave.cjs.new" "$root/.wrapper" "$root/.rules"
  [ -n "$master" ] || rm -rf "$root/node"
  # Last: until here a repeated removal knows what was put here.
  rm -f "$record" "$record.new" "$root/.before"
  if rmdir "$root" 2>/dev/null; then did "removed $root"
  elif [ -n "$master" ]; then left "$root, where a master is installed"
  else left "$root: $(ls -A "$root" | tr '\n' ' ')is not ParaVCL's"
  fi
}

# --- join: what a master hands out ---
# A master puts these before the script: join_master (its address), join_site (which master it is), join_ca_fingerprint and join_ca (its
# authority; - and empty where its certificate is publicly trusted), join_manifest, join_release and join_mib (what is fetched from it).

ask_token() {
  if [ -t 0 ]; then
    # A signal ends some shells without what is kept for the end.
    trap 'stty echo; at_the_end' EXIT
    trap 'faulted=yes; printf "\n" >&2; exit 130' INT TERM HUP
    stty -echo
    printf 'Join token (it is not shown): ' >&2
    # An empty line is told below.
    IFS= read -r token || true
    stty echo
    trap at_the_end EXIT
    trap - INT TERM HUP
    printf '\n' >&2
  else
    IFS= read -r token || true
  fi
  token=$(printf '%s' "$token" | tr -d '[:space:]')
  case "$token" in
    pvj1.*."$join_ca_fingerprint") ;;
    pvj1.*.*) fault "This join token is of another master than $join_master. Take the token and the command from the same page." ;;
    *) fault 'This is no join token: it looks like pvj1.….…, in one piece. Take it from the page that shows the command.' ;;
  esac
}

# The token goes by standard input: in the arguments every user of this host could read it.
ask_master() {
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -q --config - --silent --show-error --retry 3 --connect-timeout 20 --speed-limit 1000 --speed-time 60 $trusting --write-out '%{http_code}' --output "$2" "$join_master/agent/v1/package/$1" 2>"$incoming/.said") ||
    fault "$join_master does not hand out $1: $(tail -n 1 "$incoming/.said"). Is the master reachable from here? Run this again to go on."
  [ "$answer" != 200 ] || return 0
  why=$(sed -n 's/.*"detail":"\([^"]*\)".*/\1/p' "$2" | head -n 1)
  case "$answer" in 401 | 403) ;; *) fault "$join_master does not hand out $1 now: $why (status $answer) What was fetched stays. Run this again to go on." ;; esac
  # Nothing more comes with this token: leave nothing of the try.
  rm -rf "$incoming"
  rmdir "$root" 2>/dev/null || true
  fault "$join_master does not hand out $1: $why (status $answer)"
}

has_content() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$2" ]; }

download() {
  incoming=$root/incoming
  have=$(free_mib "$root")
  # Once as it comes, once in its place.
  [ "$have" -ge $((2 * join_mib + 10)) ] || fault "$root has $have MiB free, and this needs $((2 * join_mib + 10)) MiB. Make room on that file system, then run this again."
  mkdir -p "$incoming"
  chmod 0700 "$incoming"
  trusting=
  if [ -n "$join_ca" ]; then
    printf '%s\n' "$join_ca" >"$incoming/.ca.pem"
    trusting="--cacert $incoming/.ca.pem"
  fi
  printf '%s\n' "$join_manifest" >"$incoming/manifest"
  read_manifest "$incoming/manifest"
  while read -r sum path; do
    mkdir -p "$(dirname "$incoming/$path")"
    if has_content "$incoming/$path" "$sum"; then kept "$path, fetched before"; continue; fi
    if has_content "$root/current/$path" "$sum"; then
      cp "$root/current/$path" "$incoming/$path"
      kept "$path, as in the release in use"
      continue
    fi
    ask_master "$path" "$incoming/.part"
    has_content "$incoming/.part" "$sum" || fault "$path came from $join_master with another content than this script names: the master was upgraded meanwhile, or somebody changes it on the way. Take the command from the page anew."
    mv -f "$incoming/.part" "$incoming/$path"
    did "fetched $path"
  done <"$incoming/manifest"
}

join() {
  [ -n "${join_master:-}" ] || usage
  command -v curl >/dev/null 2>&1 || fault 'This needs curl. Run: apt-get install curl'
  refuse_old_system
  enrolled=
  if is_enrolled_here; then enrolled=yes; fi
  from=$root/releases/$join_release whole=
  if [ -f "$from/manifest" ] && [ "$(sha256sum <"$from/manifest" | cut -c 1-16)" = "$join_release" ] && [ -z "$(wrong_file "$from")" ]; then whole=yes; fi
  # A token is asked for only where something needs it: to fetch files, or to enrol.
  token=
  if [ -z "$enrolled" ] || [ -z "$whole" ]; then ask_token; fi
  # First what tries the token: nothing is installed for one that is refused.
  if [ -n "$whole" ]; then kept "release $join_release"; else download; from=$root/incoming; fi
  packages
  # Also a release that is in use already: what broke off after it was made so is done now.
  switch "$from" "$join_release"
  rm -rf "$root/incoming"
  units
  if [ -n "$enrolled" ]; then follow "$join_master" "$join_ca_fingerprint"; fi
  enrol "$join_master" "$host_name" <<TOKEN
$token
TOKEN
  if systemd_runs; then start systemd; else start unsupervised; fi
  case "$admission" in
    approved) said="This host is part of $join_master now and takes instances." ;;
    pending) said="This host is enrolled at $join_master. It takes instances as soon as an operator approves it there." ;;
    *) said="This host is enrolled at $join_master. Whether it is approved and takes instances, the portal shows." ;;
  esac
  printf '\n%s "paravcl-slave doctor" looks whether all is well; the portal shows it in a few seconds.\n' "$said"
}

# --- Which verb ---

usage() {
  faulted=yes
  echo 'usage: paravcl-install.sh facts | packages | switch RELEASE_DIRECTORY [SHA256] | units | enrol MASTER_URL NAME [--again] | follow MASTER_URL [CA_FINGERPRINT] | start systemd|unsupervised | status | prove NONCE | instances | remove [--keep-packages] [--force]' >&2
  [ -z "${join_master:-}" ] || echo '   or: join.sh [--name NAME] [--again]' >&2
  exit 2
}

main() {
  case "${1:-}" in '' | --*) step=join ;; *) step=$1; shift ;; esac
  again='' admission='' keep_packages='' force='' host_name=$(uname -n) first='' second=''
  while [ $# -gt 0 ]; do
    case "$step $1" in
      'join --again' | 'enrol --again') again=--again ;;
      'join --name') [ $# -gt 1 ] || usage; host_name=$2; shift ;;
      'remove --keep-packages') keep_packages=yes ;;
      'remove --force') force=yes ;;
      # Its nonce, and what a host is called, may begin so.
      'prove -'*) [ -z "$first" ] || usage; first=$1 ;;
      'enrol -'* | 'follow -'*) [ -n "$first" ] && [ -z "$second" ] || usage; second=$1 ;;
      "$step -"*) usage ;;
      *) if [ -z "$first" ]; then first=$1; elif [ -z "$second" ]; then second=$1; else usage; fi ;;
    esac
    shift
  done
  trap at_the_end EXIT
  case "$step:${first:+1}${second:+2}" in
    facts: | status:) "$step" ;;
    prove:1) need_root; prove "$first" ;;
    instances:) need_root; instances ;;
    packages: | units: | remove: | join:) lock; "$step" ;;
    switch:1 | switch:12) lock; switch "$first" "$second" ;;
    start:1) lock; start "$first" ;;
    follow:1 | follow:12) lock; follow "$first" "$second" ;;
    enrol:12) lock; enrol "$first" "$second" ;;
    *) usage ;;
  esac
}

# At the end, so that a script that came only in part does nothing.
main "$@"
