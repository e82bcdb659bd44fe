#!/usr/bin/env bash
# The Debian packages that tests use: root on Debian installs what is missing; elsewhere, and when all is there, nothing
# happens. Tests that miss a command skip (tests/support/needs.py). When an installation fails, so does CI; others are told.
#
#   debian_packages.sh         install what is missing
#   debian_packages.sh --list  print the packages that are missing, a line each
set -euo pipefail

# command=package
NEEDED=(
  amtool=prometheus-alertmanager
  chromium=chromium
  nginx=nginx-light
  prometheus=prometheus
  prometheus-node-exporter=prometheus-node-exporter
  prometheus-postgres-exporter=prometheus-postgres-exporter
  wrk=wrk
  systemd-analyze=systemd
)
ATTEMPTS=4

missing() {
  local pair
  for pair in "${NEEDED[@]}"; do
    command -v "${pair%%=*}" >/dev/null || echo "${pair#*=}"
  done
}

is_root_on_debian() {
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && grep -qs '^ID=debian$' "${OS_RELEASE:-/etc/os-release}"
}

# A mirror that is busy is asked again, a little later each time.
patiently() {
  local attempt
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    if ((attempt > 1)); then sleep $((RETRY_AFTER_S * (attempt - 1))); fi
    if "$@" </dev/null >>"$LOG" 2>&1; then return 0; fi
  done
  return 1
}

# Some packages bring services: they are not started. (A policy that is there already is the system's own, and stays.)
forbid_services() {
  POLICY=${SERVICE_POLICY:-/usr/sbin/policy-rc.d}
  if [[ -e $POLICY ]]; then return; fi
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod +x "$POLICY"
  trap 'rm -f "$LOG" "$POLICY"' EXIT
}

install_packages() {
  forbid_services
  patiently apt-get update -qq &&
    patiently env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
}

mapfile -t packages < <(missing)
if [[ ${1:-} == --list ]]; then
  ((${#packages[@]} == 0)) || printf '%s\n' "${packages[@]}"
  exit 0
fi
if ((${#packages[@]} == 0)) || ! is_root_on_debian; then exit 0; fi

RETRY_AFTER_S=${RETRY_AFTER_S:-3}
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
echo "Installing Debian packages for the tests: ${packages[*]}" >&2
if ! install_packages "${packages[@]}"; then
  tail -n 5 "$LOG" >&2
  echo "These Debian packages could not be installed: ${packages[*]}. Tests that need them cannot run." >&2
  [[ ${CI:-} != true ]]
fi
