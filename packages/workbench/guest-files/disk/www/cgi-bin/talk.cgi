#!/bin/sh
# With an address as its query: begins a conversation with the guest there, unless there is one already. Says how it goes.
if [ -n "$QUERY_STRING" ] && mkdir /run/talk 2>/dev/null; then
  echo '0 none false' >/run/talk/state
  /disk/guest/talk "$QUERY_STRING" </dev/null >/dev/null 2>&1 &
fi
answered=0
nonce=none
broke=false
# It may be written at this moment.
[ -f /run/talk/state ] && until read -r answered nonce broke </run/talk/state; do :; done
printf 'Content-Type: application/json\r\nCache-Control: no-store\r\n\r\n'
printf '{"answered":%d,"nonce":"%s","broke":%s}\n' "$answered" "$nonce" "$broke"
