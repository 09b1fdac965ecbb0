# shellcheck shell=bash disable=SC2016 # what is shown is expanded when it runs
say "Without the word everything is back."
show 'veneer status'
show 'systemctl is-active nginx'
show 'page | grep "<title>"'
on_layer used
serves
