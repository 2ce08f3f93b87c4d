#!/bin/sh
read -r id </run/id
read -r name </run/name
read -r boot </run/boot
read -r counter </run/counter
read -r address </run/address
printf 'Content-Type: application/json\r\nCache-Control: no-store\r\n\r\n'
printf '{"id":"%s","name":"%s","bootId":"%s","counter":%d,"address":"%s"}\n' "$id" "$name" "$boot" "$counter" "$address"
