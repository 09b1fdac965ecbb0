# shellcheck shell=bash disable=SC2016 # what is shown is expanded when it runs
say "One word on the kernel's command line, rd.veneer=0, and the machine is the image and nothing else."
show 'findmnt -no TARGET,FSTYPE /usr | tail -n 1'
show 'command -v nginx || echo "there is no nginx"'
show 'touch /usr/test'
show 'dpkg -l nginx 2>&1 | tail -n 1'
bare
