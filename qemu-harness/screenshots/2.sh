# shellcheck shell=bash
on_layer rebased
shot status 'veneer status'
shot why 'veneer why /usr/bin/linux-version'
