# shellcheck shell=bash disable=SC2016 # what is shown is expanded when it runs
say "What was installed is still there, and its service started by itself."
show 'veneer status'
show 'systemctl is-active nginx'
show 'page | grep "<title>"'
on_layer used
serves
