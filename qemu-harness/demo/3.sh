# shellcheck shell=bash disable=SC2016 # what is shown is expanded when it runs
say "Another image is in the /usr partition now. The layer was rebased onto it in the initramfs."
show '. /etc/os-release; echo "$PRETTY_NAME, image $IMAGE_ID version $IMAGE_VERSION, kernel $(uname -r)"'
show 'veneer status'
show 'systemctl is-active nginx'
show 'page | grep "<title>"'
say "The package database tells what is there: the base's packages at the new versions, nginx once."
show 'dpkg -l nginx linux-image-cloud-amd64 | grep ^ii | cut -c -70'
show 'dpkg --audit && apt-get check && echo "dpkg and apt have no complaint"'
on_layer rebased
serves
same "dpkg lists the new base and nginx" <(packages) <(LC_ALL=C sort "$HERE/base.packages" "$STATE/user.packages")
