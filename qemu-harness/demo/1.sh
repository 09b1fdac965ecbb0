# shellcheck shell=bash disable=SC2016 # what is shown is expanded when it runs
say "A Debian whose /usr is a read-only image. Veneer has put an empty layer over it."
show '. /etc/os-release; echo "$PRETTY_NAME, image $IMAGE_ID version $IMAGE_VERSION, kernel $(uname -r)"'
show 'findmnt -no TARGET,FSTYPE "$BASE"; findmnt -no TARGET,FSTYPE /usr | tail -n 1'
show 'veneer status'
show 'command -v nginx || echo "there is no nginx"'
show 'apt-get update 2>&1 | tail -n 1'
show 'apt-get install -y nginx 2>&1 | grep -E "^(Unpacking|Setting up)"'
show 'systemctl is-active nginx'
show 'page | grep "<title>"'
show 'dpkg -l nginx linux-image-cloud-amd64 | grep ^ii | cut -c -70'
on_layer bound
serves
user_packages > "$STATE/user.packages"
