#!/bin/sh
# With a word of a-f, 0-9 and - as its query: writes it on the home volume, in the place of what is there. Says what was there.
[ -b /dev/vdc ] || { printf 'Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno home\n'; exit 0; }
# From the disk, not from what this guest remembers of it.
sync
echo 1 >/proc/sys/vm/drop_caches
held=$(dd if=/dev/vdc bs=64 count=1 2>/dev/null | tr -cd 'a-f0-9-')
if [ -n "$QUERY_STRING" ]; then
  printf '%-64s' "$QUERY_STRING" | dd of=/dev/vdc conv=notrunc 2>/dev/null
  sync
fi
printf 'Content-Type: application/json\r\nCache-Control: no-store\r\n\r\n'
printf '{"held":"%s"}\n' "$held"
