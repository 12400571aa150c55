#!/bin/busybox sh
# The first process of the guest: it makes the machine's root the guest's own, with a layer in memory on top.
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /machine /memory /root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
mount -t virtiofs -o ro machine /machine
mount -t tmpfs -o size=75% memory /memory
mkdir /memory/changes /memory/work
mount -t overlay -o lowerdir=/machine,upperdir=/memory/changes,workdir=/memory/work overlay /root
mount -t tmpfs run /root/run
cp -r /guest /root/run/guest
read -r modules < /guest/arguments
mkdir -p /root/lib/modules
mount -o bind "/machine$modules" /root/lib/modules
for directory in proc sys dev; do mount -o move "/$directory" "/root/$directory"; done
exec switch_root /root /bin/sh /run/guest/run.sh
